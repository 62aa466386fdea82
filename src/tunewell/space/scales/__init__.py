"""Scales spread a range evenly over [0, 1]. To add one: a file of its own, its import and its line in `_ALL` here."""

from __future__ import annotations

from collections.abc import Mapping

from tunewell.space.scales.linear import Linear
from tunewell.space.scales.log import Log
from tunewell.space.scales.log1m import Log1m
from tunewell.space.scales.logit import Logit
from tunewell.space.scales.scale import Axis, Misfit, Scale, Span

__all__ = ["DEFAULT", "SCALES", "Axis", "Misfit", "Scale", "Span"]

_ALL: tuple[Scale, ...] = (
    Linear(),
    Log(),
    Log1m(),
    Logit(),
)

SCALES: Mapping[str, Scale] = {scale.name: scale for scale in _ALL}
"""The scales by name, in the order in which messages list them."""

DEFAULT = "linear"
"""The scale of a parameter that names none, and of a histogram whose range calls for no other."""
