"""`linear`: t = v."""

from __future__ import annotations

from typing import Any

from tunewell.space.scales.log import decades
from tunewell.space.scales.log1m import crowds_one
from tunewell.space.scales.scale import BOUND_DIGITS, Scale, Span, significant_to_one
from tunewell.space.usual_names import FACTORS, SHARES

_DECADES = 2  # a range that spans as many is rarely meant to be even in the value itself
_ROUNDING = 1e-9


class Linear(Scale):
    """Equal steps count the same: dropout from 0.1 to 0.2 and from 0.4 to 0.5."""

    name = "linear"
    example = (0.0, 0.6)
    whole = True

    def place(self, values: Any) -> Any:
        """Implement `Scale.place`."""
        return values

    def value(self, places: Any) -> Any:
        """Implement `Scale.value`."""
        return places

    def decades(self, span: Span) -> float:  # noqa: ARG002  of whatever range
        """Return 0: it is what remains where a range has few decades of anything."""
        return 0.0

    def doubt(self, span: Span) -> str | None:
        """Return why the range should rather lie on `log` or `log1m`."""
        if decades(span) >= _DECADES - _ROUNDING:
            top = span.high / 10
            return (
                f"on a linear scale {self._share_above(top, span):.0%} of the draws fall in the top decade, "
                f"{top:.4g} to {span.high:.4g}; scale='log' gives each decade its share"
            )
        if (crowded := crowds_one(self, span)) is not None:
            return crowded
        if span.low == 0 and span.name in FACTORS and not span.whole:
            top = span.high / 10
            return (
                f"on a linear scale from 0, {self._share_above(top, span):.0%} of the draws lie above {top:.4g}; "
                f"to try smaller ones as often use Float({span.high / 1e4:.4g}, {span.high:.4g}, scale='log')"
            )
        return None

    def widened(self, span: Span) -> tuple[float, float]:
        """Return low and high further out, but what is a share of something stays one."""
        low, high = super().widened(span)
        if span.low < 0 or span.high > 1:
            return low, high
        if span.high == 1:
            return low, 1.0
        if any(word in span.name for word in SHARES):
            return low, min(high, significant_to_one((1 + span.high) / 2, BOUND_DIGITS))
        return low, high

    def _share_above(self, value: float, span: Span) -> float:
        return 1 - float(self.axis(span).to_unit(value))
