"""Doubts about a parameter's scale: what it will draw is probably not what its user had in mind."""

from __future__ import annotations

from tunewell.space.params import Choice, Param, span
from tunewell.space.scales import SCALES


def doubts(name: str, param: Param) -> list[str]:
    """Return what looks like a mistake, a line each: figures and the mend."""
    if isinstance(param, Choice):
        return []
    doubt = SCALES[param.scale].doubt(span(param, name))
    return [] if doubt is None else [doubt]
