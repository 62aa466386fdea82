"""The bounds of what one author may have a study do, so that an agent that errs errs cheaply.

An author that is trusted with less than the whole budget is bounded on the study's record. Whatever is done by that
name, through whichever process and way, is held to it from then on; only who is not bounded changes the study itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from tunewell.commands import Action, Branch, Command, Resume, Rewind
from tunewell.errors import SettingError
from tunewell.study.reader import StudyReader
from tunewell.trial import OPEN_END, QUEUED, Event, Trial

BOUNDED = "bounded"
"""The kind of the event by which a bound is recorded: of whom, and to which share of the budget."""

MOST_COMMANDS_WAITING = 10
"""Commands of one author that may wait at a time."""


def share_of(reader: StudyReader, author: str) -> float | None:
    """Return the share of the budget that an author may have trained; None for one that is not bounded."""
    found = None
    for event in reader.store.study_events(reader.record.id, BOUNDED):
        share = event.data.get("share")
        if event.data.get("author") == author and isinstance(share, int | float):  # a record may be a stranger's
            found = float(share)
    return found


def bound(reader: StudyReader, author: str, share: float, *, by: str, why: str = "") -> None:
    """Put on record to which share of the budget an author is bounded, in place of what was.

    Raises:
        SettingError: it is no share; or who would do it is bounded.
    """
    if not 0 <= share <= 1:
        raise SettingError(f"share must be from 0 to 1, of the study's budget, got {share!r}")
    check_unbounded(reader, by, "bounds may not be changed")
    if share_of(reader, author) != share:
        event = Event(BOUNDED, time.time(), by=by, data={"author": author, "share": share, "why": why})
        reader.store.add_event(reader.record.id, event)


def check_unbounded(reader: StudyReader, by: str, refusal: str) -> None:
    """Check that an author is not bounded.

    refusal: what may not be done, for the error.

    Raises:
        SettingError: it is.
    """
    share = share_of(reader, by)
    if share is not None:
        raise SettingError(f"{refusal} by {by}, who is bounded to {share:.0%} of the budget; ask the user to do it")


def check_within(reader: StudyReader, trial: Trial, action: Action, *, by: str, share: float) -> int:
    """Check that a command would leave its author within a share of the study's budget; return the epochs it may train.

    What the author's earlier commands may train counts too, each as it was when it was sent.

    Raises:
        SettingError: it would not; or too many of the author's commands wait.
    """
    mine = _commands_of(reader, by)
    waiting = sum(one.taken_at is None for one in mine)
    if waiting >= MOST_COMMANDS_WAITING:
        raise SettingError(f"{waiting} commands by {by} wait already; wait until the study has taken them up")
    requested = _epochs(action, trial, int(reader.history.epochs[trial.number]), trial.until, reader)
    _check_share(reader, requested, mine, by=by, share=share)
    return requested


def check_queued(reader: StudyReader, until: int, *, by: str) -> None:
    """Check that a trial which an author orders, of so many epochs, would leave that author within the bound, if any.

    Raises:
        SettingError: it would not.
    """
    share = share_of(reader, by)
    if share is not None:
        _check_share(reader, _finite(until, reader), _commands_of(reader, by), by=by, share=share)


def _commands_of(reader: StudyReader, by: str) -> list[Command]:
    n = len(reader.trials)
    return [one for one in reader.commands() if one.by == by and one.refused is None and one.trial < n]


def _check_share(reader: StudyReader, requested: int, mine: Sequence[Command], *, by: str, share: float) -> None:
    if not requested:
        return
    before = _requested_before(mine, reader.trials, reader) + _queued_before(reader, by)
    in_all = reader.budget_in_epochs
    most = math.floor(share * (reader.spent.trained if in_all is None else in_all))
    if before + requested > most:
        already = f" and {before} were requested before" if before else ""
        raise SettingError(
            f"this may train {requested} epochs{already}, but {by} may have {most} at most, {share:.0%} of the budget; "
            "branch from a later epoch, propose a setting instead, or ask the user to do it (tunewell steer)"
        )


def _queued_before(reader: StudyReader, by: str) -> int:
    """Return how many epochs the trials that an author has ordered train at first."""
    mine = [event.trial for event in reader.events() if event.kind == QUEUED and event.by == by]
    if not mine:
        return 0
    first: dict[int, int] = {}
    for step in reader.store.contents(reader.record.id).steps:
        first.setdefault(step.trial, step.until)
    trials = reader.trials
    return sum(
        _finite(first.get(one, trials[one].until), reader) for one in mine if one is not None and one < len(trials)
    )


def _finite(until: int, reader: StudyReader) -> int:
    return min(until, reader.max_epochs or OPEN_END)


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
            rest = max(0, longest - (epochs if epoch is None else epoch))
            return rest if action.epochs is None else min(rest, action.epochs)  # a twin trains no longer
        case Rewind(epoch):
            return max(0, longest - epoch)
        case Resume():
            return max(0, min(until, longest) - epochs)
    return 0
