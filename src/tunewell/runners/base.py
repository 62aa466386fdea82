"""The protocol between a driver, which holds the study, and a worker, which trains.

A driver hands an `Assignment` to a worker; the worker trains, sends each report to its `Coordinator` and gets a reply
with a `Verdict` back; in the end it answers with a `StepResult`. All of these are plain values, so the worker may be a
thread away or a machine away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from tunewell.errors import TunewellError
from tunewell.space.values import Value
from tunewell.study import Study
from tunewell.trial import Step

LOOK_AGAIN_S = 0.1
"""How soon a slot that found nothing to train asks again: what others report may give it something."""


class Verdict(Enum):
    """What a training does after a report."""

    GO = "go"
    """Go on with the step."""
    PARK = "park"
    """Pause now, at the epoch's end, though the step asks for more: the study is being interrupted."""
    END = "end"
    """No further epoch is wanted; let the training function finish."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a coordinator answers to a training at the end of an epoch."""

    verdict: Verdict = Verdict.GO
    live: Mapping[str, Value] = field(default_factory=dict)
    """Parameters that have these values from now on."""
    save: bool = False
    """Write a checkpoint first, and tell of it."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """A checkpoint that a worker wrote."""

    epoch: int
    path: str
    """Relative to the study's checkpoint folder."""
    size: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """A step for a worker, with all it needs to know."""

    step: Step
    max_epochs: int | None
    folder: str | None
    """Where checkpoints go; None if there is no place for them."""
    checkpoint: str | None = None
    """The trial's newest one, relative to `folder`, in case the worker does not host the trial."""
    live: tuple[tuple[int, str, Value], ...] = ()
    """Epoch, parameter, value: after the epoch, the parameter has it."""
    save_every: int = 0
    """Epochs between checkpoints; 0: only where the training pauses or ends."""
    is_branch: bool = False
    """It begins as another trial's checkpoint, and cannot be trained from its seed."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of an assignment."""

    trial: int
    epoch: int
    """The last epoch trained."""
    parked: bool
    """The training waits to be resumed; otherwise it is over."""
    interrupted: bool = False
    """It parked before its step's end, because the verdict said so."""
    error: str | None = None
    """The traceback, if the training function raised."""
    kinds: Sequence[str] = ()
    """The error's class and those that it inherits from, by name."""
    killed_externally: bool = False
    """What ended it came from outside: it is no fault of this setting."""
    refusal: TunewellError | None = None
    """What the coordinator said to a report that it could not take: no fault of this setting, so the study stops."""
    saved: SavedState | None = None


class Coordinator(Protocol):
    """Where a worker's trainings report to. Methods are called from the trainings' threads."""

    def learn_max_epochs(self, trial: int, n: int) -> int:
        """The training function says that a full training has n epochs; answers where its step ends."""
        ...

    def report(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> Reply:
        """Record it; returns when it is safe."""
        ...

    def saved(self, trial: int, saved: SavedState | None) -> None:
        """A checkpoint was written while the trial trains; None if one was asked for and there is nothing to write."""
        ...

    def retrained(self, trial: int, epochs: int) -> None:
        """So many epochs have to be trained a second time."""
        ...

    def verdict(self, trial: int, epoch: int) -> Reply:
        """What a training does at an epoch that it has nothing to report of."""
        ...


class Observer(Protocol):
    """Is told what happens while a study runs: a live display, say. Called in the driver's process."""

    def on_step(self, study: Study, step: Step) -> None:
        """A step was given out."""
        ...

    def on_report(self, study: Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """A report is on record."""
        ...

    def on_told(self, study: Study, trial: int) -> None:
        """A step is done."""
        ...


class NullObserver:
    """The observer that does nothing."""

    def on_step(self, study: Study, step: Step) -> None:
        """Nothing."""

    def on_report(self, study: Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Nothing."""

    def on_told(self, study: Study, trial: int) -> None:
        """Nothing."""
