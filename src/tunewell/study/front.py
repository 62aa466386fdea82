"""The front of a study with several metrics: the reports that no other betters in all of them.

One that belongs to a trial that failed, or that broke a limit, is not on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunewell.analysis.front import hypervolume, knee, nondominated
from tunewell.arrays import Floats
from tunewell.space.values import Params
from tunewell.study.aims import Aims
from tunewell.study.outcomes import Outcomes
from tunewell.trial import TrialState


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A report on the front."""

    trial: int
    epoch: int
    values: Mapping[str, float]
    """Each metric, as reported."""
    params: Params
    state: TrialState
    is_knee: bool
    """It is nearest to the best of every metric: what is proposed where nobody says which metric counts more."""
    checkpoint: Path | None = None
    """The file that holds what the trial tracked, as it was at that epoch; None if there is none."""


@dataclass(frozen=True, slots=True)
class Front:
    """The front as arrays, by the first metric, the best first."""

    trials: NDArray[np.int64]
    """(n,)."""
    epochs: NDArray[np.int64]
    """(n,)."""
    values: Floats
    """(n, k): lower is better."""

    @property
    def knee(self) -> int | None:
        """The place of the point that is proposed; None if there is none."""
        return knee(self.values) if len(self.values) else None


def front(outcomes: Outcomes, sound: NDArray[np.bool_]) -> Front:
    """Return the front of what trials have reported; sound: (n,), which of them count."""
    values = outcomes.lower_is_better()
    counts = outcomes.reports() & outcomes.meets_limits() & np.isfinite(values).all(axis=2) & sound[:, np.newaxis]
    trials, columns = np.nonzero(counts)
    points = values[trials, columns]
    kept = np.flatnonzero(nondominated(points))
    kept = kept[np.lexsort(points[kept].T[::-1])]
    return Front(trials[kept], columns[kept] + 1, points[kept])


def volume(found: Front, outcomes: Outcomes, reference: Floats | None) -> float:
    """Return the hypervolume of a front; reference: (k,), lower is better; None for the worst that was reported."""
    if reference is None:
        values = outcomes.lower_is_better().reshape(-1, found.values.shape[1])
        values = values[np.isfinite(values).all(axis=1)]
        if not len(values):
            return 0.0
        reference = values.max(axis=0)
    return hypervolume(found.values, reference)


class Frontier:
    """The front as it grows, report by report: nothing has to be read to know whether each is on it."""

    def __init__(self, aims: Aims) -> None:
        """Begin with nothing."""
        self._aims = aims
        self._newest: dict[int, dict[str, float]] = {}
        self._front: list[tuple[int, tuple[float, ...]]] = []

    def add(self, trial: int, metrics: Mapping[str, float]) -> bool:
        """Take a report in; return True if nothing so far betters it, and no limit is broken."""
        newest = self._newest.setdefault(trial, {})
        newest |= metrics
        point = tuple(sign * newest.get(name, math.nan) for name, sign in self._aims.signs.items())
        if not all(map(math.isfinite, point)):
            return False
        if any(limit.metric in newest and not limit.holds(newest[limit.metric]) for limit in self._aims.limits):
            return False
        if any(_is_as_good(other, point) for _, other in self._front):
            return False
        self._front = [(one, other) for one, other in self._front if not _is_as_good(point, other)] + [(trial, point)]
        return True

    def drop(self, trial: int) -> None:
        """Leave a trial out that failed."""
        self._front = [(one, point) for one, point in self._front if one != trial]

    def __len__(self) -> int:
        return len(self._front)


def _is_as_good(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
