"""Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", 2020).

For a free worker: is there a trial in the best 1/eta of its rung that has not gone on? It goes on, from the highest
rung that has one. If not, a new trial starts. No worker waits for a rung to fill.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from tunewell.history import History
from tunewell.samplers import Sampler
from tunewell.schedulers.rungs import arrived, check_rung_settings, cut_short, rungs, values_at_rung
from tunewell.schedulers.scheduler import Scheduler
from tunewell.space.space import Space
from tunewell.trial import Allowance, Resume, Start


@dataclass(frozen=True, slots=True)
class AshaScheduler(Scheduler):
    """Starts many trials and trains on, at each rung, the best 1/eta so far; no worker waits for another.

    When no trial can start any more, a rung is settled once no trial is on the way to it, the highest first:

    * If the number of trials is used up, the best 1/eta go on as before, but at least one, so that one trial is
      trained to its end.
    * If the sampler has no setting left (a grid), all go on, the best first, while the budget lasts.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> scheduler = tw.AshaScheduler(tw.SobolSampler(), eta=3, min_epochs=1)
        >>> space = {"rate": tw.Float(0.0, 1.0)}
        >>> study = tw.tune(train, space, metric="val_loss", budget=4, scheduler=scheduler, store="memory")
        >>> study.spent.epochs
        12
    """

    name: ClassVar[str] = "asha"
    sampler: Sampler
    eta: int = 3
    """One trial in so many goes on at each rung; rungs are this factor apart."""
    min_epochs: int | None = None
    """The first rung; None leaves room for two halvings (see `rungs`)."""

    def __post_init__(self) -> None:
        check_rung_settings(self.eta, self.min_epochs)

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Finish what was interrupted, else promote, else start, else settle the rungs."""
        ladder = rungs(self.min_epochs, history.max_epochs, self.eta)
        resume = cut_short(history, ladder) or _promotion(history, ladder, lambda n: n // self.eta)
        if resume is not None:
            return resume
        if allowance.trials == 0:
            return _promotion(history, ladder, lambda n: max(1, n // self.eta), settled=True)
        params = self.sampler.suggest(space, history, rng)
        if params is not None:
            return Start(params, until=ladder[0])
        return _promotion(history, ladder, lambda n: n, settled=True)


def _promotion(
    history: History, ladder: tuple[int, ...], places: Callable[[int], int], *, settled: bool = False
) -> Resume | None:
    """Return the best trial of the highest rung that has one to go on.

    places: how many of the n that have arrived at a rung may go on.
    settled: look only at rungs that no trial is on the way to, where a better one could arrive.
    """
    for rung, until in reversed([*pairwise(ladder)]):
        if settled and (history.running & (history.until <= rung)).any():
            continue
        numbers = np.flatnonzero(arrived(history, rung))
        # stable: of equals, the older goes on
        best = numbers[values_at_rung(history, rung)[numbers].argsort(kind="stable")][: places(len(numbers))]
        waiting = best[history.paused[best] & (history.epochs[best] == rung)]
        if waiting.size:
            return Resume(int(waiting[0]), until)
    return None
