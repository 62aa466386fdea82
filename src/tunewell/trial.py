"""The records that everything above passes around: a trial, a report, an event, a step.

A *trial* is one training run of one setting of the parameters. It trains until the epoch that its *step*
names and then pauses; it goes on only if a later step says so. Records are values: they hold no
connections, no live exceptions (error text instead) and no behaviour beyond reading themselves.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tunewell.errors import ReportError, SettingError, StoreError, last_line
from tunewell.markup import facts_table
from tunewell.space.values import Params, Value

OPEN_END = 2**31 - 1
"""The `until` of a step that goes on to the trial's own end, while the number of its epochs is not known."""


def whole(value: Any) -> int | None:
    """Return a whole number of any kind, NumPy's too, as Python's own; None if the value is none, or a truth value."""
    if type(value) is int:  # nearly always, and a report must cost little
        return value
    if isinstance(value, bool) or type(value).__name__.startswith("bool"):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def trial_number(value: Any) -> int:
    """Return a trial's number as Python's own, since stores know no other.

    Raises:
        SettingError: it is no whole number.
    """
    number = whole(value)
    if number is None:
        raise SettingError(f"a trial is named by its number, a whole number, got {value!r}")
    return number


def is_file_name(text: str) -> bool:
    """Return True if the text names a file on any system, and leads to no other folder."""
    return text not in ("", ".", "..") and not any(mark in text for mark in "/\\:\0")


class TrialState(StrEnum):
    """The state of a trial; with the last three it has ended, and its record is frozen.

    Example:
        >>> tw.TrialState("paused")
        <TrialState.PAUSED: 'paused'>
        >>> [state.value for state in tw.TrialState]
        ['running', 'paused', 'held', 'complete', 'stopped', 'failed']
    """

    RUNNING = "running"  # a step is in progress
    PAUSED = "paused"  # its step is done; it goes on if a later step says so
    HELD = "held"  # paused by hand: no scheduler lets it go on, only `resume` does
    COMPLETE = "complete"  # trained to its last epoch
    STOPPED = "stopped"  # ended before that: its metric is no longer finite, or somebody stopped it
    FAILED = "failed"  # the user's code raised an error

    @property
    def ended(self) -> bool:
        """True if no step can follow."""
        return self in (TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED)


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial as it is on record; times are seconds since 1970 (UTC).

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> study = tw.tune(train, {"rate": tw.Float(0.0, 1.0)}, metric="val_loss", budget=4, store="memory")
        >>> trial = study.trials[study.best.trial]
        >>> trial.state is tw.TrialState.COMPLETE, trial.epochs, sorted(trial.params)
        (True, 3, ['rate'])
    """

    number: int
    """Its place in the study, from 0."""
    params: Params
    state: TrialState
    epochs: int
    """The last epoch of its last finished step; 0 before that. (Its newest report may be later.)"""
    until: int
    """The epoch at which its last step ends, or ended."""
    seed: int
    """The seed of its training; derived from the study's seed and the number."""
    started_at: float
    ended_at: float | None = None
    reason: str | None = None
    """Why it ended, where that needs saying: a line for STOPPED, the traceback as text for FAILED."""
    retrained: int = 0
    """Epochs trained a second time because the trial's state was no longer in memory nor in a checkpoint: they cost
    time, and nothing of the budget."""
    parent: int | None = None
    """The trial that it branched from, at `parent_epoch`."""
    parent_epoch: int | None = None
    note: Mapping[str, object] = field(default_factory=dict)
    """The scheduler's own record of it (plain JSON), so that no scheduler needs a memory of its own."""
    session: int = 0
    """The session (one process running the study) that began its last step."""

    @property
    def inherited(self) -> int:
        """Epochs that it did not train itself: those of the trial that it branched from."""
        return self.parent_epoch or 0

    def _repr_html_(self) -> str:
        """Return it as a notebook shows it."""
        facts = {
            "trial": self.number,
            "state": self.state,
            "epochs": self.epochs,
            "branch of": None if self.parent is None else f"trial {self.parent} at epoch {self.parent_epoch}",
            "why it ended": None if self.reason is None else last_line(self.reason),
        }
        return facts_table({**facts, **self.params})


DAMAGED = "what is on record of this trial is damaged; restore the record from a copy"
"""Why a trial has failed of which nothing can be read: it is there, so that the others keep their numbers."""


def damaged_trial(number: int, params: Mapping[str, Value] = MappingProxyType({})) -> Trial:
    """Return what stands in the place of a trial that cannot be read; params: if these can."""
    return Trial(number, Params(params), TrialState.FAILED, 0, 0, 0, 0.0, ended_at=0.0, reason=DAMAGED)


@dataclass(frozen=True, slots=True)
class Report:
    """The metrics of one epoch of a trial."""

    trial: int
    epoch: int
    """From 1."""
    metrics: Mapping[str, float]
    at: float
    """Seconds since 1970 (UTC)."""


def as_numbers(metrics: Mapping[str, object]) -> dict[str, float]:
    """Return the metrics of a report, each as a float.

    Raises:
        ReportError: there is none, or one is no number.
    """
    if not metrics:
        raise ReportError("the report has no metric; name at least one: report(val_loss=...)")
    return {name: _number(name, value) for name, value in metrics.items()}


def _number(name: str, value: Any) -> float:
    if name == "epoch":
        raise ReportError("a report needs no epoch, they are counted; leave epoch= out")
    try:
        if not isinstance(value, str | bytes):  # NumPy's scalars, 0-d arrays and tensors convert; so would "0.1"
            return float(value)
    except OverflowError:  # it may have more digits than Python writes
        got = "a whole number that no float can hold"
    except (TypeError, ValueError):
        got = repr(value)
    else:
        got = repr(value)
    raise ReportError(f"metric {name!r} must be a number, got {got}; reduce it first (mean, item)")


RETRIED = "retried"
STEERED = "steered"
QUEUED = "queued"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a study or a trial: what, when, and by whom."""

    kind: str
    """`interrupted`: its session ended in the middle of a step; `retrained`: epochs had to be trained a second time;
    `retried`: what went wrong may be mended by another try, which begins; `decided`: what a model expected of a step
    that was given out; `extended`: the space has changed; `trains`: what is trained from here on; `steered`: a command
    was taken up or refused."""
    at: float
    trial: int | None = None
    epoch: int | None = None
    by: str = "tunewell"
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file that holds the state of a trial after an epoch."""

    trial: int
    epoch: int
    path: str
    """The file's name in the study's checkpoint folder."""
    size: int
    """Bytes."""
    at: float

    def __post_init__(self) -> None:
        """Raise StoreError for a path that leads out of the folder: a record may be a stranger's."""
        if not is_file_name(self.path):
            raise StoreError(
                f"a checkpoint must be named by a file in its study's folder, got {self.path!r}; the record was"
                " tampered with: read it, but do not go on with it"
            )


@dataclass(frozen=True, slots=True)
class Start:
    """A scheduler's decision to start a new trial and train it through epoch `until`."""

    params: Params
    until: int
    note: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resume:
    """A scheduler's decision to let paused trial number `trial` go on through epoch `until`."""

    trial: int
    until: int
    note: Mapping[str, object] = field(default_factory=dict)
    """`why`, if the scheduler says so."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The epochs and trials that a scheduler may still give out, less those promised to running steps."""

    epochs: int
    trials: int


@dataclass(frozen=True, slots=True)
class Step:
    """The result of `ask`: train this trial through these epochs, or wait (`wait` is True) and ask again.

    Example:
        >>> study = tw.Study({"rate": tw.Float(0.0, 1.0)}, metric="val_loss", max_epochs=3, budget=2, store="memory")
        >>> step = study.ask()
        >>> step.trial, step.epochs, step.wait
        (0, range(1, 2), False)
    """

    trial: int
    params: Params
    epochs: range
    seed: int = 0
    wait: bool = False


WAIT = Step(trial=-1, params=Params({}), epochs=range(0), wait=True)
"""There is nothing to train now, but there may be when a running step ends."""
