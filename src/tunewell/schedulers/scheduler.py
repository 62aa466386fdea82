"""The interface of schedulers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self

import numpy as np

from tunewell.history import History
from tunewell.space.space import Space
from tunewell.trial import Allowance, Report, Resume, Start, Trial


class Scheduler(Protocol):
    """Decides which run of a study gets the next epochs.

    A scheduler is a pure function of its arguments: what it must remember it writes on the trial
    (`Start.note`), where the history has it again. It is a frozen dataclass of plain settings, which is how a
    study records it. Built on a sampler where it needs new settings. One that inherits from this class declares what
    it can do by the class attributes that differ.
    """

    predicts: ClassVar[bool] = False
    """Its notes say what it expects to gain, so that a study may end when that is too little (`min_delta`)."""
    reads_reports: ClassVar[bool] = False
    """It decides by all that trials have reported, not by the metric alone: a study hands it over by `given`."""

    def given(self, trials: Sequence[Trial], reports: Sequence[Report]) -> Self:  # noqa: ARG002  one that reads overrides
        """Return a copy that knows the trials and all their reports; the same scheduler if it does not read them."""
        return self

    @property
    def recorded(self) -> Scheduler:
        """The scheduler that a study has on record, which decides for whoever goes on with it."""
        return self

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Return a start, a resumption, or None: nothing to do until a running step ends (or ever, if none runs).

        allowance: what may still be given out, both numbers; the study cuts a step that would exceed
        `allowance.epochs`, and does not call this when that is 0. With `allowance.trials` at 0 no trial may start.
        rng: the only source of randomness; a fresh one for each step of the study.
        """
        ...


def declares(scheduler: Scheduler, capability: str) -> bool:
    """Return True if a scheduler declares a capability; one that does not inherit from `Scheduler` may declare none."""
    return bool(getattr(scheduler, capability, False))


def on_record(scheduler: Scheduler) -> Scheduler:
    """Return the scheduler that a study has on record; one that does not inherit from `Scheduler` is so itself."""
    found: Scheduler = getattr(scheduler, "recorded", scheduler)
    return found
