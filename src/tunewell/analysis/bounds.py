"""Does the best setting lie at the end of a range? Then what is better may lie beyond it.

A bound is named when the best trial lies within 2 % of the scale from it and so does another of the five best: a single
trial may be there by luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunewell.history import History
from tunewell.space.params import Choice, Float, Int

_NEAR = 0.02
_BEST = 5
_MIN_TRIALS = 10
_BEYOND = 1 / 3  # of the range as it is, on its scale
_DIGITS = 2


@dataclass(frozen=True, slots=True)
class AtBound:
    """A parameter whose best values lie at a bound."""

    name: str
    side: Literal["low", "high"]
    bound: float
    suggested: float
    """A third of the range further, on its scale; or as far as the parameter's nature lets it."""


def at_bounds(history: History) -> list[AtBound]:
    """Parameters of which the best trials lie at a bound; none while fewer than ten trials have reported."""
    curves = history.curves
    lowest = np.where(np.isfinite(curves), curves, np.inf).min(axis=1, initial=np.inf)
    order = np.argsort(lowest, kind="stable")[: int(np.isfinite(lowest).sum())]
    if len(order) < _MIN_TRIALS:
        return []
    found = []
    for column, (name, param) in enumerate(history.space.params.items()):
        if isinstance(param, Choice):
            continue
        best = history.points[order[:_BEST], column]
        for side, bound, near in (("low", param.low, best <= _NEAR), ("high", param.high, best >= 1 - _NEAR)):
            if near[0] and near[1:].any():
                suggested = _further(param, side)
                if suggested != bound:
                    found.append(AtBound(name, "low" if side == "low" else "high", bound, suggested))
    return found


def _further(param: Float | Int, side: str) -> float:
    """The bound, moved outward."""
    if (side == "low" and param.low == 0) or (side == "high" and _is_whole(param)):
        return param.low if side == "low" else param.high  # a share, or a count, has its natural end there
    low, high = float(param.low), float(param.high)
    if param.scale == "log":
        ratio = (high / low) ** _BEYOND
        value = low / ratio if side == "low" else high * ratio
    elif param.scale == "log1m":
        ratio = ((1 - low) / (1 - high)) ** _BEYOND
        value = 1 - (1 - low) * ratio if side == "low" else 1 - (1 - high) / ratio
        return float(f"{value:.6g}") if side == "high" else max(0.0, float(f"{value:.{_DIGITS}g}"))
    else:
        value = low - (high - low) * _BEYOND if side == "low" else high + (high - low) * _BEYOND
        value = max(value, 0.0) if low >= 0 else value  # what was no negative number stays one
    value = float(f"{value:.{_DIGITS}g}")
    if isinstance(param, Int):
        return max(round(value), 1) if param.low >= 1 else round(value)
    return value


def _is_whole(param: Float | Int) -> bool:
    """Whether the high end is 1, as of a share."""
    return isinstance(param, Float) and param.scale == "linear" and param.high == 1 and param.low >= 0
