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
    refutes: float | None = None
    """How plainly it speaks against health, from 0 to 1; None for the strength of the sign, doubled."""

    @property
    def against_health(self) -> float:
        """The plainness with which it speaks against health, from 0 to 1."""
        return min(1.0, 2 * self.sign.strength) if self.refutes is None else self.refutes


NO_FACT = Fact(Sign(0.0, ""), {})
