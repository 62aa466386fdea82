"""`log1m`: t = -log(1 - v)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tunewell.space.scales.scale import BOUND_DIGITS, Misfit, Scale, Span, significant, significant_to_one

_NEAR_ONE = 0.99
_ROUNDING = 1e-9


class Log1m(Scale):
    """Equal factors of the distance to 1 count the same.

    A momentum from 0.9 to 0.99 and from 0.99 to 0.999, each of which averages over ten times as many steps.
    """

    name = "log1m"
    example = (0.9, 0.999)

    def place(self, values: Any) -> Any:
        """Implement `Scale.place`."""
        return -np.log1p(-values)

    def value(self, places: Any) -> Any:
        """Implement `Scale.value`."""
        return -np.expm1(-places)

    def misfit(self, span: Span) -> Misfit | None:
        """Return what is wrong with a range that reaches 1."""
        if span.high < 1:
            return None
        return Misfit("high < 1", "use a high such as 0.999, or scale='linear'")

    def decades(self, span: Span) -> float:
        """Return how many decades of the distance to 1 the range has; 0 if it goes below 0, where that says little."""
        return math.log10((1 - span.low) / (1 - span.high)) if span.low >= 0 and span.high < 1 else 0.0

    def rounded(self, value: float, digits: int) -> float:
        """Return the value to so many significant digits of its distance to 1."""
        return significant_to_one(value, digits)

    def rounded_bound(self, value: float) -> float:
        """Return the value with the few digits that a bound should have, its own where it is far from 1."""
        return super().rounded_bound(value) if value > 0.5 else significant(value, BOUND_DIGITS)

    def marks(self, span: Span) -> list[float]:
        """Return 0.9, 0.99 and so on."""
        return nines(span)


def nines(span: Span) -> list[float]:
    """Return 0.9, 0.99 and so on, as far as the range goes."""
    return [float(f"0.{'9' * n}") for n in range(1, math.ceil(-math.log10(1 - span.high)) + 1)]


def crowds_one(scale: Scale, span: Span) -> str | None:
    """Return why a range that nears 1 should lie on `log1m` and not on this scale; None if it does not near 1."""
    if not (_NEAR_ONE <= span.high < 1 and 1 - span.low >= (10 - _ROUNDING) * (1 - span.high)):
        return None
    # in log(1 - value) half of the range lies above its middle
    middle = 1 - math.sqrt((1 - span.low) * (1 - span.high))
    share = 1 - float(scale.axis(span).to_unit(middle))
    return (
        f"on a {scale.name} scale {share:.1%} of the draws lie above {middle:.4g}, "
        f"where values differ most; scale='log1m' puts half of them there"
    )
