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
    """Trains every trial to its end, one after another; a trial that was interrupted is finished first.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> scheduler = tw.FullScheduler(tw.SobolSampler())
        >>> space = {"rate": tw.Float(0.0, 1.0)}
        >>> study = tw.tune(train, space, metric="val_loss", budget=4, scheduler=scheduler, store="memory")
        >>> study.spent.epochs
        12
    """

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
