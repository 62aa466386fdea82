"""The bounds of what one author may have a study do by commands, so that an agent that errs errs cheaply.

They hold for whoever asks for them: an author that is trusted with less than the whole budget.
"""

from __future__ import annotations

import math

from tunewell.commands import Action, Branch, Resume, Rewind
from tunewell.errors import SettingError, TrialNotFound
from tunewell.study.reader import StudyReader
from tunewell.trial import OPEN_END, Trial

MOST_COMMANDS_WAITING = 10
"""Commands of one author that may wait at a time."""


def check_within(reader: StudyReader, trial: int, action: Action, *, by: str, share: float) -> int:
    """Check that a command would leave its author within a share of the study's budget; return the epochs it may train.

    What the author's earlier commands may train counts too.

    Raises:
        SettingError: it would not; or too many of the author's commands wait.
        TrialNotFound: there is no such trial.
    """
    trials = reader.trials
    if not 0 <= trial < len(trials):
        raise TrialNotFound(trial, len(trials))
    mine = [one for one in reader.commands() if one.by == by and one.refused is None]
    waiting = sum(one.taken_at is None for one in mine)
    if waiting >= MOST_COMMANDS_WAITING:
        raise SettingError(f"{waiting} commands by {by} wait already; wait until the study has taken them up")
    requested = epochs_of(action, trials[trial], reader)
    before = sum(epochs_of(one.action, trials[one.trial], reader) for one in mine if 0 <= one.trial < len(trials))
    most = math.floor(share * epochs_in_all(reader))
    if requested and before + requested > most:
        already = f" and {before} were requested before" if before else ""
        raise SettingError(
            f"this may train {requested} epochs{already}, but {by} may have {most} at most, {share:.0%} of the budget; "
            "branch from a later epoch, propose a setting instead, or ask the user to do it (tunewell steer)"
        )
    return requested


def epochs_of(action: Action, trial: Trial, reader: StudyReader) -> int:
    """Return how many epochs more a command may have trained, as far as is known."""
    longest = reader.max_epochs or max(trial.until if trial.until < OPEN_END else 0, trial.epochs, 1)
    match action:
        case Branch(epoch):
            return max(0, longest - (trial.epochs if epoch is None else epoch))
        case Rewind(epoch):
            return max(0, longest - epoch)
        case Resume():
            return max(0, min(trial.until, longest) - trial.epochs)
    return 0


def epochs_in_all(reader: StudyReader) -> int:
    """Return the epochs of the budget; of one that is no number of epochs, what it comes to, or what was trained."""
    budget, longest = reader.budget, reader.max_epochs
    if longest is None:
        return reader.spent.trained
    if budget.unit == "trials":
        return math.ceil(budget.amount) * longest
    known = budget.epochs(longest)
    return reader.spent.trained if known is None else known
