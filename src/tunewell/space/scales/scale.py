"""A scale is a pair of increasing functions, with all that is to be known of the ranges that lie on it.

Parameters, warnings, previews and the advice on bounds use what a scale has here, and none by its name. So a new one is
a class in a file of its own: `name`, `example`, `place` and `value`, and whatever else is not as it stands here.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from tunewell.arrays import Floats

_BEYOND = 1 / 3  # of the range as it is, on its scale
BOUND_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Span:
    """The range of a parameter, as its scale sees it."""

    low: float
    high: float
    whole: bool = False
    """It has whole numbers only, each of which stands for the half step to both sides of it."""
    name: str = ""
    """The parameter's, which may tell what it is."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """The reason why a scale has no place for a range, as parts of a message."""

    needs: str
    """What it needs, such as `low > 0`."""
    mend: str
    """What to do."""


class Scale(ABC):
    """A pair of increasing functions between a value v and its place t: equal steps of t count the same."""

    name: ClassVar[str]
    example: ClassVar[tuple[float, float]]
    """A range that it is made for."""
    whole: ClassVar[bool] = False
    """An `Int` may lie on it."""

    @abstractmethod
    def place(self, values: Any) -> Any:
        """Return the places of values, a number or an array of them."""

    @abstractmethod
    def value(self, places: Any) -> Any:
        """Return the values at places: the inverse of `place`."""

    def misfit(self, span: Span) -> Misfit | None:  # noqa: ARG002  every range has a place, unless a scale says otherwise
        """Return what is wrong if some of the range has no place on the scale."""
        return None

    def decades(self, span: Span) -> float | None:  # noqa: ARG002  depends on the scale
        """Return how many decades the range has of what the scale spreads; None if no range alone calls for it.

        A preview is on the scale of which the range has most, whatever is declared, or as declared if that has None.
        """
        return None

    def doubt(self, span: Span) -> str | None:  # noqa: ARG002  depends on the scale
        """Return why this scale is probably a mistake, with figures and a better one; None if it is not."""
        return None

    def rounded(self, value: float, digits: int) -> float:
        """Return the value to so many significant digits of what the scale spreads."""
        return significant(value, digits)

    def rounded_bound(self, value: float) -> float:
        """Return the value with the few digits that a bound should have."""
        return self.rounded(value, BOUND_DIGITS)

    def widened(self, span: Span) -> tuple[float, float]:
        """Return low and high, each a third of the range further out, for a best value that lies at one of them."""
        start, end = float(self.place(float(span.low))), float(self.place(float(span.high)))
        units = (-_BEYOND, 1 + _BEYOND)
        with np.errstate(over="ignore"):
            low, high = (self.rounded_bound(float(self.value(start + unit * (end - start)))) for unit in units)
        # rounded, a bound may be an end of the scale, which is no place on it
        return (
            low if self._has_place(replace(span, low=low)) else span.low,
            high if self._has_place(replace(span, high=high)) else span.high,
        )

    def marks(self, span: Span) -> list[float]:
        """Return values to mark on a ruler, the most important first; those outside the range are not drawn."""
        return [(span.low + span.high) / 2]

    def axis(self, span: Span) -> Axis:
        """Return the stretch of the scale that a range takes, with the half steps around its whole numbers."""
        margin = 0.5 if span.whole else 0.0
        return Axis.between(self, span.low - margin, span.high + margin)

    def _has_place(self, span: Span) -> bool:
        return math.isfinite(span.high - span.low) and self.misfit(span) is None


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of a scale laid on [0, 1]."""

    scale: Scale
    start: float
    """The place on the scale that is 0."""
    length: float
    """From there to the place that is 1."""

    @classmethod
    def between(cls, scale: Scale, low: float, high: float) -> Axis:
        """Return the stretch from value `low` to value `high`."""
        # not warned of but looked at by the caller: the bounds may be too far apart for a float
        with np.errstate(over="ignore"):
            start, stop = np.float64(scale.place(low)), np.float64(scale.place(high))
            return cls(scale, float(start), float(stop - start))

    def to_unit(self, values: ArrayLike) -> Floats:
        """Return where values lie, 0 to 1."""
        units: Floats = (self.scale.place(values) - self.start) / self.length
        return units

    def from_unit(self, units: ArrayLike) -> Floats:
        """Return the values there; units outside [0, 1] count as the nearer end."""
        inside = np.minimum(np.maximum(units, 0.0), 1.0)
        values: Floats = self.scale.value(self.start + self.length * inside)
        return values


def significant(value: float, digits: int) -> float:
    """Return the value to so many significant digits."""
    return float(f"{value:.{digits}g}")


def significant_to_one(value: float, digits: int) -> float:
    """Return the value to so many significant digits of its distance to 1."""
    return float(f"{1 - significant(1 - value, digits):.12g}")
