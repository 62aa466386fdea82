"""The bounds of what one author may have a study do by commands, so that an agent that errs errs cheaply.

They hold for whoever asks for them: an author that is trusted with less than the whole budget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tunewell.commands import Action, Branch, Command, Resume, Rewind
from tunewell.errors import SettingError
from tunewell.study.reader import StudyReader
from tunewell.trial import OPEN_END, Trial

MOST_COMMANDS_WAITING = 10
"""Commands of one author that may wait at a time."""


def check_within(reader: StudyReader, trial: Trial, action: Action, *, by: str, share: float) -> int:
    """Check that a command would leave its author within a share of the study's budget; return the epochs it may train.

    What the author's earlier commands may train counts too, each as it was when it was sent.

    Raises:
        SettingError: it would not; or too many of the author's commands wait.
    """
    trials = reader.trials
    mine = [one for one in reader.commands() if one.by == by and one.refused is None and one.trial < len(trials)]
    waiting = sum(one.taken_at is None for one in mine)
    if waiting >= MOST_COMMANDS_WAITING:
        raise SettingError(f"{waiting} commands by {by} wait already; wait until the study has taken them up")
    requested = _epochs(action, trial, int(reader.history.epochs[trial.number]), trial.until, reader)
    if not requested:
        return 0
    before = _requested_before(mine, trials, reader)
    in_all = reader.budget_in_epochs
    most = math.floor(share * (reader.spent.trained if in_all is None else in_all))
    if before + requested > most:
        already = f" and {before} were requested before" if before else ""
        raise SettingError(
            f"this may train {requested} epochs{already}, but {by} may have {most} at most, {share:.0%} of the budget; "
            "branch from a later epoch, propose a setting instead, or ask the user to do it (tunewell steer)"
        )
    return requested


def _requested_before(mine: Sequence[Command], trials: Sequence[Trial], reader: StudyReader) -> int:
    """Return how many epochs an author's commands might have trained when they were sent."""
    costly = [one for one in mine if isinstance(one.action, Branch | Rewind | Resume)]
    steps = reader.store.contents(reader.record.id).steps if costly else ()
    found = 0
    for one in costly:
        trial = trials[one.trial]
        then = max((r.epoch for r in reader.reports(one.trial) if r.at <= one.at), default=trial.inherited)
        until = [step.until for step in steps if step.trial == one.trial and step.at <= one.at]
        epochs = then if one.epoch is None else one.epoch  # where it was taken up, if it was
        found += _epochs(one.action, trial, epochs, until[-1] if until else trial.until, reader)
    return found


def _epochs(action: Action, trial: Trial, epochs: int, until: int, reader: StudyReader) -> int:
    """Return how many epochs more a command may have trained, as far as is known.

    epochs, until: how far its trial is, and to which epoch it may train.
    """
    longest = reader.max_epochs or max(trial.until if trial.until < OPEN_END else 0, epochs, 1)
    match action:
        case Branch(epoch):
            return max(0, longest - (epochs if epoch is None else epoch))
        case Rewind(epoch):
            return max(0, longest - epoch)
        case Resume():
            return max(0, min(until, longest) - epochs)
    return 0
