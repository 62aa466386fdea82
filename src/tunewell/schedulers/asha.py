"""Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", 2020).

Whoever is free asks: is there a trial in the best 1/eta of its rung that has not gone on? It goes on, from the
highest rung that has one. If not, a new trial starts. Nobody waits for a rung to fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tunewell.history import History
from tunewell.samplers import Sampler
from tunewell.schedulers.rungs import arrived, check_rung_settings, cut_short, rungs, standings
from tunewell.space.space import Space
from tunewell.trial import Allowance, Resume, Start


@dataclass(frozen=True, slots=True)
class AshaScheduler:
    """Starts many trials and trains on, at each rung, the best 1/eta so far; no worker waits for another.

    When no trial is left to start, each rung is settled from the highest down as soon as nobody is on the way to it.
    Is the number of trials used up, then the best 1/eta go on as before, but at least one, so that
    one trial is trained to its end. Is the sampler exhausted (a grid), then all go on, the best first, while the
    budget lasts.
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
        resume = cut_short(history, ladder) or self._promotion(history, ladder)
        if resume is not None:
            return resume
        if allowance.trials > 0:
            params = self.sampler.suggest(space, history, rng)
            if params is not None:
                return Start(params, until=ladder[0])
        return self._settlement(history, ladder, all_go_on=allowance.trials > 0)

    def _promotion(self, history: History, ladder: tuple[int, ...]) -> Resume | None:
        for rung, until in reversed([*pairwise(ladder)]):
            ranked = _ranked(history, rung)
            trial = _first_waiting(history, rung, ranked[: len(ranked) // self.eta])
            if trial is not None:
                return Resume(trial, until)
        return None

    def _settlement(self, history: History, ladder: tuple[int, ...], *, all_go_on: bool) -> Resume | None:
        for rung, until in reversed([*pairwise(ladder)]):
            if (history.running & (history.until <= rung)).any():
                continue  # a better one may be on the way
            ranked = _ranked(history, rung)
            places = len(ranked) if all_go_on else max(1, len(ranked) // self.eta)
            trial = _first_waiting(history, rung, ranked[:places])
            if trial is not None:
                return Resume(trial, until)
        return None


def _ranked(history: History, rung: int) -> NDArray[np.int64]:
    """The numbers of the trials that arrived at the rung, the best first; of equals, the older."""
    numbers = np.flatnonzero(arrived(history, rung))
    return numbers[standings(history, rung)[numbers].argsort(kind="stable")]


def _first_waiting(history: History, rung: int, ranked: NDArray[np.int64]) -> int | None:
    """The first of these trials that is paused at the rung."""
    waiting = ranked[(history.paused & (history.epochs == rung))[ranked]]
    return int(waiting[0]) if waiting.size else None
