"""`log`: t = log(v)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tunewell.space.scales.log1m import crowds_one
from tunewell.space.scales.scale import Misfit, Scale, Span


class Log(Scale):
    """Equal factors count the same: a learning rate from 0.001 to 0.01 and from 0.01 to 0.1."""

    name = "log"
    example = (1e-4, 1.0)
    whole = True

    def place(self, values: Any) -> Any:
        """Implement `Scale.place`."""
        return np.log(values)

    def value(self, places: Any) -> Any:
        """Implement `Scale.value`."""
        return np.exp(places)

    def misfit(self, span: Span) -> Misfit | None:
        """Return what is wrong with a range that reaches 0."""
        if span.low > 0:
            return None
        least = "low=1" if span.whole else f"{smallest(span.high)},"
        return Misfit("low > 0", f"use {least} or scale='linear'")

    def decades(self, span: Span) -> float:
        """Return how many decades of the value the range has."""
        return decades(span)

    def doubt(self, span: Span) -> str | None:
        """Return why the range should rather lie on `log1m`."""
        return crowds_one(self, span)

    def marks(self, span: Span) -> list[float]:
        """Return the powers of ten."""
        return powers(span)


def decades(span: Span) -> float:
    """Return how many decades of the value the range has, 0 if it reaches 0."""
    return math.log10(span.high / span.low) if span.low > 0 else 0.0


def powers(span: Span) -> list[float]:
    """Return the powers of ten in the range, and one below it."""
    first, end = math.floor(math.log10(span.low)), math.ceil(math.log10(span.high))
    return [float(f"1e{power}") for power in range(first, end)]


def smallest(high: float) -> str:
    """Return advice on the lower bound, for a range that reaches 0."""
    low = float(f"{high / 1e4:.1g}") if high > 0 else 1e-4
    return f"the smallest value worth trying, such as low={low!r}"
