"""The chance that a setting can be trained, learned from the trials that failed or diverged and those that did not.

A failure says nothing of how good a setting is, only that nobody gets there: memory that is not enough, a rate that
diverges. So it has a model of its own, and what is expected of a setting counts in proportion to its chance. After
Gelbart, Snoek and Adams ("Bayesian optimization with unknown constraints", 2014), with a process that is fitted to
labels in place of a classifier: it is one that is here already, and learns which parameters matter.

Shapes: n trials, d coordinates, q settings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr  # type: ignore[import-untyped]

from tunewell.arrays import Floats, Integers
from tunewell.history import History
from tunewell.surrogate.coordinates import Coordinates
from tunewell.surrogate.curves import CurveModel

_MOST = 48
"""The newest of each outcome that the model knows, so that its fit, which is made at each decision, stays quick."""
_ITERATIONS = 12


class FailureModel:
    """A model of which settings can be trained."""

    def __init__(self, history: History, coordinates: Coordinates) -> None:
        """Fit the model to a history with at least one trial that failed or diverged."""
        self._coordinates = coordinates
        rows, failed = _outcomes(history)
        points = coordinates.of(history.points[rows])
        self._model = CurveModel(
            points,
            coordinates.unordered,
            np.arange(len(rows)),
            np.ones(len(rows)),
            np.where(failed, 1.0, -1.0),
            iterations=_ITERATIONS,
        )

    def log_chance(self, points: Floats) -> Floats:
        """Return the logarithm of the chance that each setting, (q, d), trains to its end."""
        if not len(points):
            return np.empty(0)
        mean, deviation = self._model.predict(self._coordinates.of(points), np.full(len(points), -1))
        chance: Floats = log_ndtr(-mean / deviation)
        return chance


class LimitModel:
    """A model of which settings meet a limit on what trainings report."""

    def __init__(self, points: Floats, excess: Floats, coordinates: Coordinates) -> None:
        """Fit the model to how far trials, (n, d), are beyond the limit, (n,): above 0 if they broke it."""
        self._coordinates = coordinates
        rows = np.flatnonzero(~np.isnan(excess))[-2 * _MOST :]
        known = coordinates.of(points[rows])
        self._model = CurveModel(known, coordinates.unordered, np.arange(len(rows)), np.ones(len(rows)), excess[rows])

    def log_chance(self, points: Floats) -> Floats:
        """Return the logarithm of the chance that each setting, (q, d), meets it."""
        if not len(points):
            return np.empty(0)
        mean, deviation = self._model.predict(self._coordinates.of(points), np.full(len(points), -1))
        chance: Floats = log_ndtr(-mean / deviation)
        return chance


class SoundModel:
    """The chance that a setting trains to its end and meets every limit, learned from those that did not."""

    def __init__(self, history: History, coordinates: Coordinates) -> None:
        """Fit what there is to be learned: nothing as long as all went well."""
        self._models: list[FailureModel | LimitModel] = []
        if history.broken.any():
            self._models.append(FailureModel(history, coordinates))
        for excess in history.excess.T:
            if (excess > 0).any():
                self._models.append(LimitModel(history.points, excess, coordinates))

    @property
    def knows(self) -> bool:
        """True if a trial failed or broke a limit."""
        return bool(self._models)

    def log_chance(self, points: Floats) -> Floats:
        """Return the logarithm of the chance, (q,); 0 while nothing went wrong."""
        return sum((model.log_chance(points) for model in self._models), np.zeros(len(points)))


def _outcomes(history: History) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the trials of which it is known, and whether each failed."""
    broken = history.broken
    rows = np.sort(np.r_[np.flatnonzero(history.proven)[-_MOST:], np.flatnonzero(broken)[-_MOST:]])
    return rows, broken[rows]
