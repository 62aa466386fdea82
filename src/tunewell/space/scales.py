"""Scales: how a range is spread evenly over [0, 1].

A scale is a pair of increasing functions between a value v and its place t on the scale:

* `linear`: t = v. Equal steps count the same: dropout from 0.1 to 0.2 and from 0.4 to 0.5.
* `log`: t = log(v). Equal factors count the same: a learning rate from 0.001 to 0.01 and from 0.01 to 0.1.
* `log1m`: t = -log(1 - v). Equal factors of the distance to 1 count the same: a momentum from 0.9 to 0.99
  and from 0.99 to 0.999, each of which averages over ten times as many steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Map = Callable[[Any], Any]  # of a number or an array of them to the same


@dataclass(frozen=True, slots=True)
class Scale:
    """A pair of increasing functions, each other's inverse; both take a number or an array."""

    place: _Map
    """From the value to its place on the scale."""
    value: _Map
    """Back again."""


def _same(x: Any) -> Any:
    return x


def _log1m(v: Any) -> Any:
    return -np.log1p(-v)


def _log1m_inverse(t: Any) -> Any:
    return -np.expm1(-t)


SCALES = {
    "linear": Scale(_same, _same),
    "log": Scale(np.log, np.exp),
    "log1m": Scale(_log1m, _log1m_inverse),
}


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of a scale laid on [0, 1]."""

    scale: Scale
    start: float
    """The place on the scale that is 0."""
    length: float
    """From there to the place that is 1."""

    @classmethod
    def between(cls, scale: str, low: float, high: float) -> Axis:
        """The stretch from value `low` to value `high`."""
        place = SCALES[scale].place
        # not warned of but looked at by the caller: the bounds may be too far apart for a float
        with np.errstate(over="ignore"):
            start, stop = np.float64(place(low)), np.float64(place(high))
            return cls(SCALES[scale], float(start), float(stop - start))

    def to_unit(self, values: ArrayLike) -> NDArray[np.float64]:
        """Where values lie, 0 to 1."""
        units: NDArray[np.float64] = (self.scale.place(values) - self.start) / self.length
        return units

    def from_unit(self, units: ArrayLike) -> NDArray[np.float64]:
        """The values there; units outside [0, 1] count as the nearer end."""
        inside = np.minimum(np.maximum(units, 0.0), 1.0)
        values: NDArray[np.float64] = self.scale.value(self.start + self.length * inside)
        return values
