"""Ranges at whose end the best trials lie: what is better may lie beyond it.

A bound is named when the best trial lies at it, or within 2 % of the scale, and so does another of the five best: a
single trial may be there by luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunewell.history import History
from tunewell.space.params import Choice, Float, Int, span
from tunewell.space.scales import SCALES

_NEAR = 0.02
_BEST = 5
_MIN_TRIALS = 10
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class AtBound:
    """A number whose best values lie at a bound."""

    name: str
    side: Literal["low", "high"]
    bound: float
    suggested: float
    """A third of the range further, on its scale; or as far as the parameter's nature lets it."""


def at_bounds(history: History) -> list[AtBound]:
    """Return the parameters of which the best trials lie at a bound; none while fewer than ten trials have reported."""
    lowest = np.where(history.broken, np.inf, history.lowest)  # nobody is sent further to where training fails
    order = np.argsort(lowest, kind="stable")[: int(np.isfinite(lowest).sum())]
    if len(order) < _MIN_TRIALS:
        return []
    found = []
    for column, (name, param) in enumerate(history.space.params.items()):
        if isinstance(param, Choice):
            continue
        best = history.points[order[:_BEST], column]
        # a whole number stands for the half step to both sides of it, so the last one lies further inside
        low, high = param.to_unit([param.low, param.high]).tolist()
        lower, higher = _widened(name, param)
        if _there(best <= max(low, _NEAR) + _ROUNDING) and lower < param.low:
            found.append(AtBound(name, "low", param.low, lower))
        if _there(best >= min(high, 1 - _NEAR) - _ROUNDING) and higher > param.high:
            found.append(AtBound(name, "high", param.high, higher))
    return found


def _there(near: np.ndarray) -> bool:
    return bool(near[0] and near[1:].any())


def _widened(name: str, param: Float | Int) -> tuple[float, float]:
    """Return the bounds moved outward; what was positive or 0 does not become negative."""
    low, high = SCALES[param.scale].widened(span(param, name))
    if isinstance(param, Int):
        lowest = min(param.low, 1 if param.low >= 1 else 0)
        return max(min(round(low), param.low - 1), lowest), max(round(high), param.high + 1)
    return max(low, 0.0) if param.low >= 0 else low, high
