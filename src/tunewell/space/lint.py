"""Doubts about a parameter's scale: what it will draw is probably not what its user had in mind."""

from __future__ import annotations

import math

from tunewell.space.params import Choice, Float, Int, Param

_DECADES = 2  # a range that spans as many is rarely meant to be even in the value itself
_NEAR_ONE = 0.99
_ROUNDING = 1e-9


def doubts(param: Param) -> list[str]:
    """What looks like a mistake, a line each: figures and the mend."""
    if isinstance(param, Choice):
        return []
    if param.scale == "linear" and param.low > 0 and math.log10(param.high / param.low) >= _DECADES - _ROUNDING:
        return [_spans_decades(param)]
    if isinstance(param, Float) and param.scale != "log1m" and _nears_one(param):
        return [_crowds_one(param)]
    return []


def _spans_decades(param: Float | Int) -> str:
    top = param.high / 10
    share = _share_above(param, top)
    return (
        f"on a linear scale {share:.0%} of the draws fall in the top decade, {top:.4g} to {param.high:.4g}; "
        f"scale='log' gives each decade its share"
    )


def _nears_one(param: Float) -> bool:
    return _NEAR_ONE <= param.high < 1 and 1 - param.low >= (10 - _ROUNDING) * (1 - param.high)


def _crowds_one(param: Float) -> str:
    # in log(1 - value) half of the range lies above its middle
    middle = 1 - math.sqrt((1 - param.low) * (1 - param.high))
    return (
        f"on a {param.scale} scale {_share_above(param, middle):.1%} of the draws lie above {middle:.4g}, "
        f"where values differ most; scale='log1m' puts half of them there"
    )


def _share_above(param: Float | Int, value: float) -> float:
    return 1 - float(param.to_unit(value))
