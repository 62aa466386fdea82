"""The protocol between a driver, which holds the study, and a worker, which trains.

A driver hands an `Assignment` to a worker; the worker trains, sends each report to its `Coordinator` and gets a
`Directive` back; in the end it returns a `StepResult`. All of these are plain values, so the worker may be a thread or
a machine away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tunewell.errors import TunewellError
from tunewell.space.values import Value
from tunewell.study import Study, StudyReader
from tunewell.study.directive import Directive
from tunewell.trial import Step

LOOK_AGAIN_S = 0.1
"""How soon a slot that found nothing to train asks again: what others report may give it something."""


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
    metric: str = ""
    """The study's: what a number is that the training returns."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of an assignment."""

    trial: int
    epoch: int
    """The last epoch trained."""
    paused: bool
    """The training waits to be resumed; otherwise it is over."""
    interrupted: bool = False
    """It paused before its step's end, because of the directive."""
    directive: Directive = field(default_factory=Directive)
    """The last one that the training had."""
    error: str | None = None
    """The traceback, if the training function raised."""
    kinds: Sequence[str] = ()
    """The error's class and those that it inherits from, by name."""
    killed_externally: bool = False
    """What ended it came from outside: it is no fault of this setting."""
    refusal: TunewellError | None = None
    """The error with which the coordinator refused a report: no fault of this setting, so the study stops."""
    saved: SavedState | None = None
    computes_on: bool = False
    """Its code has caught its end and goes on, so that its worker is not fit for another trial."""


class Coordinator(Protocol):
    """The side of the study to which a worker's trainings report. Methods are called from the trainings' threads."""

    def learn_max_epochs(self, trial: int, n: int) -> int:
        """Record that a full training has n epochs, as the training function says; return where its step ends."""
        ...

    def report(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> Directive:
        """Record what an epoch measured; return when it is safe."""
        ...

    def saved(self, trial: int, saved: SavedState | None) -> None:
        """Record a checkpoint of a trial that trains; None if one was requested and there is nothing to write."""
        ...

    def retrained(self, trial: int, epochs: int, unreadable: str | None) -> None:
        """Record that so many epochs have to be trained a second time.

        unreadable: what is wrong with the trial's checkpoint, if it has one.
        """
        ...

    def poll_commands(self, trial: int, epoch: int) -> Directive:
        """Return what a training does after an epoch of which it has nothing to report."""
        ...


class Observer(Protocol):
    """A part that watches a study as it runs: a live display, say. Its methods are called in the driver's process."""

    def on_step(self, study: StudyReader, step: Step) -> None:
        """Take note that a step was given out."""
        ...

    def on_report(self, study: StudyReader, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take note that a report is on record."""
        ...

    def on_step_end(self, study: StudyReader, trial: int) -> None:
        """Take note that a step is done."""
        ...


class Controller(Protocol):
    """A part that acts on a study while it runs: it sends commands, say. Its methods are called after the observer's.

    A command that it sends from `on_report` is taken up at the end of that very epoch.
    """

    def on_step(self, study: Study, step: Step) -> None:
        """Handle a step that was given out, before its training hears of it."""
        ...

    def on_report(self, study: Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Handle a report that is on record, before its training goes on."""
        ...

    def on_step_end(self, study: Study, trial: int) -> None:
        """Handle the end of a step."""
        ...


class NullObserver:
    """An observer that does nothing."""

    def on_step(self, study: StudyReader, step: Step) -> None:
        """Do nothing."""

    def on_report(self, study: StudyReader, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Do nothing."""

    def on_step_end(self, study: StudyReader, trial: int) -> None:
        """Do nothing."""
