"""A sign that speaks for several causes at once, whatever the trees' vote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunewell.diagnosis.rules.rule import Sign


@dataclass(frozen=True, slots=True)
class Fact:
    """A sign, and the causes that can show it."""

    sign: Sign
    causes: Mapping[str, float]
    """Their odds where nothing else is known."""
    refutes: float = 1.0
    """How plainly it speaks against health, from 0 to 1; of the rest its causes get the strength of the sign."""


NO_FACT = Fact(Sign(0.0, ""), {})
