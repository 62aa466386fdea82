"""Does the best setting lie at the end of a range? Then what is better may lie beyond it.

A bound is named when the best trial lies at it, or within 2 % of the scale, and so does another of the five best: a
single trial may be there by luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunewell.history import History
from tunewell.space.params import Choice, Float, Int
from tunewell.space.scales import SCALES

_NEAR = 0.02
_BEST = 5
_MIN_TRIALS = 10
_BEYOND = 1 / 3  # of the range as it is, on its scale
_DIGITS = 2
_ROUNDING = 1e-9
_SHARES = ("dropout", "momentum", "beta", "smoothing", "decay", "rho", "fraction", "prob", "ratio")
"""Parameters with such a word in their name stay below 1, if they are: it would be no average, or nothing left."""


@dataclass(frozen=True, slots=True)
class AtBound:
    """A number whose best values lie at a bound."""

    name: str
    side: Literal["low", "high"]
    bound: float
    suggested: float
    """A third of the range further, on its scale; or as far as the parameter's nature lets it."""


def at_bounds(history: History) -> list[AtBound]:
    """Parameters of which the best trials lie at a bound; none while fewer than ten trials have reported."""
    lowest = history.lowest
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
        if _there(best <= max(low, _NEAR) + _ROUNDING) and (value := _lower(param)) < param.low:
            found.append(AtBound(name, "low", param.low, value))
        if _there(best >= min(high, 1 - _NEAR) - _ROUNDING) and (value := _higher(name, param)) > param.high:
            found.append(AtBound(name, "high", param.high, value))
    return found


def _there(near: np.ndarray) -> bool:
    return bool(near[0] and near[1:].any())


def _lower(param: Float | Int) -> float:
    """The lower bound moved outward; what was positive or 0 does not become negative."""
    value = _on_scale(param, -_BEYOND)
    if isinstance(param, Int):
        return max(min(round(value), param.low - 1), min(param.low, 1 if param.low >= 1 else 0))
    return max(value, 0.0) if param.low >= 0 else value


def _higher(name: str, param: Float | Int) -> float:
    """The upper bound moved outward; what is a share of something stays below 1."""
    if isinstance(param, Int):
        return max(round(_on_scale(param, 1 + _BEYOND)), param.high + 1)
    if param.scale == "linear" and param.low >= 0:
        if param.high == 1:
            return 1.0
        if param.high < 1 and any(word in name for word in _SHARES):
            return min(_on_scale(param, 1 + _BEYOND), _rounded((1 + param.high) / 2, "log1m"))
    return _on_scale(param, 1 + _BEYOND)


def _on_scale(param: Float | Int, unit: float) -> float:
    """The value there, 0 to 1 being the range as it is, to two digits."""
    scale = SCALES[param.scale]
    start, end = float(scale.place(float(param.low))), float(scale.place(float(param.high)))
    return _rounded(float(scale.value(start + unit * (end - start))), param.scale)


def _rounded(value: float, scale: str) -> float:
    """To two digits, of the distance to 1 where that is what counts."""
    if scale == "log1m" and value > 0.5:
        return float(f"{1 - float(f'{1 - value:.{_DIGITS}g}'):.12g}")
    return float(f"{value:.{_DIGITS}g}")
