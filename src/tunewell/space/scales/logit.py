"""`logit`: t = log(v / (1 - v))."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewell.space.scales.log import powers, smallest
from tunewell.space.scales.log1m import nines
from tunewell.space.scales.scale import Misfit, Scale, Span, significant, significant_to_one


class Logit(Scale):
    """Equal factors of the odds count the same: a probability from 0.01 to 0.1, 0.23 to 0.77 and 0.9 to 0.99.

    No range alone calls for it: that values are probabilities is known to whoever declares them.
    """

    name = "logit"
    example = (0.01, 0.99)

    def place(self, values: Any) -> Any:
        """Implement `Scale.place`."""
        return np.log(values) - np.log1p(-values)

    def value(self, places: Any) -> Any:
        """Implement `Scale.value`."""
        # below the smallest normal float exp overflows, and 1 / inf is the 0 that is meant
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-places))

    def misfit(self, span: Span) -> Misfit | None:
        """Return what is wrong with a range that reaches 0 or 1."""
        mends = [smallest(span.high)] if span.low <= 0 else []
        mends += ["a high such as 0.999"] if span.high >= 1 else []
        return Misfit("0 < low and high < 1", f"use {' and '.join(mends)}, or scale='linear'") if mends else None

    def rounded(self, value: float, digits: int) -> float:
        """Return the value to so many significant digits of its distance to 0 or 1, whichever is nearer."""
        return significant_to_one(value, digits) if value > 0.5 else significant(value, digits)

    def marks(self, span: Span) -> list[float]:
        """Return the middle, the powers of ten, and 0.9, 0.99 and so on."""
        return [0.5, *powers(span), *nines(span)]
