"""Training without early stopping: every trial to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewell.history import History
from tunewell.samplers import Sampler
from tunewell.schedulers.scheduler import Scheduler
from tunewell.space.space import Space
from tunewell.trial import Allowance, Resume, Start


@dataclass(frozen=True, slots=True)
class FullScheduler(Scheduler):
    """Trains every trial to its end, one after another; a trial that was interrupted is finished first."""

    name: ClassVar[str] = "full"
    sampler: Sampler

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Resume the oldest paused trial, else start one."""
        paused = np.flatnonzero(history.paused)
        if paused.size:
            return Resume(int(paused[0]), until=history.max_epochs)
        params = self.sampler.suggest(space, history, rng) if allowance.trials > 0 else None
        return None if params is None else Start(params, until=history.max_epochs)
