"""Doubts about a parameter's scale: what it will draw is probably not what its user had in mind."""

from __future__ import annotations

import math

from tunewell.space.params import Choice, Float, Int, Param

_DECADES = 2  # a range that spans as many is rarely meant to be even in the value itself
_NEAR_ONE = 0.99
_ROUNDING = 1e-9
_TUNED_BY_FACTORS = frozenset({"learning_rate", "lr", "eta", "eta0", "weight_decay", "l1", "l2"})


def doubts(name: str, param: Param) -> list[str]:
    """What looks like a mistake, a line each: figures and the mend."""
    if isinstance(param, Choice):
        return []
    if param.scale == "linear" and param.low > 0 and math.log10(param.high / param.low) >= _DECADES - _ROUNDING:
        return [_spans_decades(param)]
    if isinstance(param, Float) and param.scale != "log1m" and _nears_one(param):
        return [_crowds_one(param)]
    if isinstance(param, Float) and param.scale == "linear" and param.low == 0 and name in _TUNED_BY_FACTORS:
        return [_starts_at_zero(param)]
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


def _starts_at_zero(param: Float) -> str:
    top = param.high / 10
    return (
        f"on a linear scale from 0, {_share_above(param, top):.0%} of the draws lie above {top:.4g}; to try smaller "
        f"ones as often use Float({param.high / 1e4:.4g}, {param.high:.4g}, scale='log')"
    )


def _share_above(param: Float | Int, value: float) -> float:
    return 1 - float(param.to_unit(value))
