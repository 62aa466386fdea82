"""A rule of diagnosis and the sign that it sees, and soft "and" and "or" over strengths that may be unknown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tunewell.diagnosis.signals import Signals


@dataclass(frozen=True, slots=True)
class Sign:
    """The sign of a cause, as one rule sees it in a run."""

    strength: float
    """0, nothing, to 1, as plain as the rule's source describes it; NaN if the record does not say."""
    evidence: str
    """A sentence with the numbers; of no meaning while the strength is 0 or NaN."""
    curve: str = ""
    """The curve on which the evidence can be seen, if it is one."""
    epoch: float = math.nan
    """The epoch at which it can be seen."""


RuleFunction: TypeAlias = Callable[[Signals], Sign]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule and the cause whose sign it looks for."""

    label: str
    see: RuleFunction
    settles: bool = False
    """True if nothing but the cause can show the sign in full."""

    @property
    def name(self) -> str:
        """Unique among the rules: the function's own."""
        return self.see.__name__


def ramp(value: float, none: float, full: float) -> float:
    """Return 0 up to `none`, 1 from `full` on, a straight line between; `full` may be the lower of the two."""
    if math.isnan(value):
        return math.nan
    return min(1.0, max(0.0, (value - none) / (full - none)))


def both(*strengths: float) -> float:
    """Return the weakest strength; 0 if one is, whatever the unknown ones may be."""
    known = [strength for strength in strengths if not math.isnan(strength)]
    if known and min(known) == 0:
        return 0.0
    return math.nan if len(known) < len(strengths) else min(known)


def either(*strengths: float) -> float:
    """Return the strongest strength that is known."""
    return max((strength for strength in strengths if not math.isnan(strength)), default=math.nan)


def lasting_error(s: Signals, none: float, full: float) -> float:
    """Return how plainly training error is above none; of a run without an accuracy, loss above what it may keep."""
    return ramp(s["loss_last"], 0.1, 0.5) if s.run.by_loss else ramp(s["error_last"], none, full)


def known_or(strength: float, otherwise: float) -> float:
    """Return the strength, or what to take for one that the record does not have."""
    return otherwise if math.isnan(strength) else strength
