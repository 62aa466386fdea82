"""The observations that a model is fitted to: values at the rungs, on a scale that separates the good ones.

Shapes: n observations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats, Integers
from tunewell.history import History

_FLOOR = 1e-3
"""The least of an error rate, so that the last per mille does not count more than all the rest; of a loss, relative."""
_SAME = 1e-9  # a deviation that is rounding
_DIVERGED = 1e3
"""A loss that is so many times the usual one counts as one that is not finite."""
_FAR = 3.0
"""Values further above the median, in distances from it to the best tenth, count as that far."""


@dataclass(frozen=True, slots=True)
class Warp:
    """A metric's scale for a model: mean 0, deviation 1, and no outlier that does harm; lower is better.

    An accuracy, of 1 or of 100, becomes the logarithm of its error, a loss its logarithm; others stay.
    """

    kind: str
    """`error`, `log` or `plain`."""
    unit: float
    """What is added to a loss, or what an accuracy is a part of."""
    worst: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Floats) -> Warp:
        """Return the warp that fits these values; those that are not finite do not count."""
        finite = values[np.isfinite(values)]
        if not len(finite):
            return cls("plain", 0.0, 0.0, 0.0, 1.0)
        low, high = float(finite.min()), float(finite.max())
        if high <= 0 and low >= -100:  # an accuracy, whose sign is turned
            kind, unit = "error", 1.0 if low >= -1 else 100.0
        elif low >= 0:
            # a quarter from below: half of them may have diverged
            usual = float(np.quantile(finite, 0.25, method="lower"))
            kind, unit = "log", _FLOOR * usual + np.finfo(float).tiny
            finite = finite[finite <= (_DIVERGED * usual or np.inf)]
        else:
            kind, unit = "plain", 0.0
        warped = cls(kind, unit, np.inf, 0.0, 1.0)(finite)
        worst = _worst(warped)
        if len(finite) < len(values):
            worst += float(np.minimum(warped, worst).std()) or 1.0
        bounded = cls(kind, unit, worst, 0.0, 1.0)(values)
        deviation = float(bounded.std())
        return cls(kind, unit, worst, float(bounded.mean()), deviation if deviation > _SAME else 1.0)

    def __call__(self, values: Floats) -> Floats:
        """Return the values on the scale.

        What is far worse than the middle counts as the worst that is not, what diverged as a deviation worse.
        """
        known = np.where(np.isfinite(values), values, 0.0)
        if self.kind == "error":
            known = np.log(np.maximum(1 + known / self.unit, 0.0) + _FLOOR)
        elif self.kind == "log":
            known = np.log(np.maximum(known, 0.0) + self.unit)
        bounded = np.where(np.isfinite(values), np.minimum(known, self.worst), self.worst)
        warped: Floats = (bounded - self.mean) / self.deviation
        return warped

    def back(self, warped: Floats) -> Floats:
        """Return the values of a scale's, none worse than the worst."""
        known = np.minimum(self.mean + self.deviation * warped, self.worst)
        if self.kind == "error":
            accuracy: Floats = np.clip(self.unit * (np.exp(known) - 1 - _FLOOR), -self.unit, 0.0)
            return accuracy
        loss: Floats = np.maximum(np.exp(known) - self.unit, 0.0) if self.kind == "log" else known
        return loss


def _worst(values: Floats) -> float:
    """Return the largest value that counts as it is: where most are alike, the next one above them."""
    middle, highest = float(np.median(values)), float(values.max())
    spread = middle - float(np.quantile(values, 0.1)) or middle - float(values.min())
    if not spread and highest > middle:
        return float(values[values > middle].min())
    return min(highest, middle + _FAR * spread)


@dataclass(frozen=True, slots=True)
class Observations:
    """The values that trials had reached at the rungs."""

    owner: Integers
    """(n,): the number of the trial."""
    rung: Integers
    """(n,): the place among the rungs."""
    y: Floats
    """(n,): warped."""
    warp: Warp
    n_known: int
    """The number of observations with those of the trials that were left out."""

    @property
    def best(self) -> int:
        """The row of the lowest value."""
        return int(self.y.argmin())


def observed(history: History, rungs: Sequence[int], most: int) -> Observations:
    """Return every trial at each rung that it reached; of more than `most`, the best half and the newest half."""
    at = np.column_stack([history.at(rung) for rung in rungs])
    at[history.broken[:, np.newaxis] & ~np.isnan(at)] = np.inf  # good first epochs of what diverged promise nothing
    owner, rung = np.nonzero(~np.isnan(at))
    warp = Warp.of(at[owner, rung])
    y = warp(at[owner, rung])
    n_known = len(y)
    if len(history) > most:
        best = np.full(len(history), np.inf)
        np.minimum.at(best, owner, y)
        newest = np.arange(len(history) - most // 2, len(history))
        kept = np.isin(owner, np.r_[np.argsort(best, kind="stable")[: most // 2], newest])
        owner, rung, y = owner[kept], rung[kept], y[kept]
    return Observations(owner, rung, y, warp, n_known)


def times(rungs: Sequence[int]) -> Floats:
    """Return log(epoch) / log(last epoch) of each; the last one is at 1, also where it is the only one."""
    if rungs[-1] == 1:
        return np.ones(len(rungs))
    logs: Floats = np.log(np.asarray(rungs, dtype=np.float64)) / np.log(rungs[-1])
    return logs
