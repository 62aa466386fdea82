"""What a rule is, and the arithmetic that rules share: soft thresholds, and "and" and "or" over what may be unknown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.record import RunRecord
from tunewell.diagnosis.signals import Signals

IN_WORDS = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
}


@dataclass(frozen=True, slots=True)
class Sign:
    """What one rule sees in a run."""

    strength: float
    """0, nothing, to 1, as plain as the rule's source describes it; NaN if the record does not tell."""
    evidence: str
    """A sentence with the numbers; of no meaning while the strength is 0 or NaN."""
    curve: str = ""
    """The curve on which the evidence can be seen, if it is one."""
    epoch: float = math.nan
    """The epoch at which it can be seen."""


RuleFunction: TypeAlias = Callable[[Signals], Sign]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule and the cause that it speaks for."""

    label: str
    see: RuleFunction
    settles: bool = False
    """True if nothing but the cause can show the sign in full."""

    @property
    def name(self) -> str:
        """Unique among the rules: the function's own."""
        return self.see.__name__


def ramp(value: float, none: float, full: float) -> float:
    """0 up to `none`, 1 from `full` on, a straight line between; `full` may be the lower of the two."""
    if math.isnan(value):
        return math.nan
    return min(1.0, max(0.0, (value - none) / (full - none)))


def both(*strengths: float) -> float:
    """As strong as the weakest; 0 if one is, whatever the unknown ones may be."""
    known = [strength for strength in strengths if not math.isnan(strength)]
    if known and min(known) == 0:
        return 0.0
    return math.nan if len(known) < len(strengths) else min(known)


def either(*strengths: float) -> float:
    """As strong as the strongest that is known."""
    return max((strength for strength in strengths if not math.isnan(strength)), default=math.nan)


def known_or(strength: float, otherwise: float) -> float:
    """What to take for a strength that the record does not tell."""
    return otherwise if math.isnan(strength) else strength


def figure(value: float) -> str:
    """Three digits."""
    return "an unknown number" if math.isnan(value) else f"{value:.3g}"


def percent(share: float) -> str:
    """A share, in words."""
    return "an unknown share" if math.isnan(share) else f"{100 * share:.3g} %"


def of_curve(run: RunRecord, name: str, *, highest: bool = False) -> tuple[float, float]:
    """The epoch and the value of a curve's best; NaN if it has none."""
    values: Floats = run[name]
    if not np.isfinite(values).any():
        return math.nan, math.nan
    here = int(np.nanargmax(values) if highest else np.nanargmin(values))
    return float(run.epoch[here]), float(values[here])


def last(run: RunRecord, name: str) -> tuple[float, float]:
    """The epoch and the value of the last that is known of a curve."""
    known = np.flatnonzero(np.isfinite(run[name]))
    return (float(run.epoch[known[-1]]), float(run[name][known[-1]])) if known.size else (math.nan, math.nan)


def first(run: RunRecord, name: str) -> tuple[float, float]:
    """The epoch and the value of the first that is known of a curve."""
    known = np.flatnonzero(np.isfinite(run[name]))
    return (float(run.epoch[known[0]]), float(run[name][known[0]])) if known.size else (math.nan, math.nan)


def named(run: RunRecord, name: str) -> str:
    """A curve in words, with where it comes from if it was not measured."""
    if name not in run.estimated:
        return IN_WORDS[name]
    return f"{IN_WORDS[name]} (as the {'loss' if name.endswith('accuracy') else 'accuracy'} has it)"


def course(run: RunRecord, name: str) -> str:
    """`training loss went from 2.3 at epoch 1 to 0.31 at epoch 12`."""
    (begin, before), (end, after) = first(run, name), last(run, name)
    if math.isnan(before):
        return f"{named(run, name)} was never finite"
    if begin == end:
        return f"{named(run, name)} was {before:.3g} at epoch {begin:g}"
    return f"{named(run, name)} went from {before:.3g} at epoch {begin:g} to {after:.3g} at epoch {end:g}"


def counted(number: float, what: str) -> str:
    """`1 epoch`, `20 epochs`."""
    return f"{number:.0f} {what if number == 1 else f'{what}s'}"


def classes(s: Signals) -> str:
    """`10 classes`."""
    return f"{s.units.n_classes:.0f} classes{'' if s.units.told else ' (by the first loss)'}"


def chance(s: Signals) -> str:
    """`10 %`, the accuracy of naming a class at random."""
    return f"{percent(s.units.chance)}{'' if s.units.told else ' (by the first loss)'}"


def reached(s: Signals, name: str) -> str:
    """`92.5 %`, the last that is known of an accuracy."""
    told = percent(last(s.run, name)[1])
    return f"about {told} (as the loss has it)" if name in s.run.estimated else told


def training_error(s: Signals) -> str:
    """`7.5 %`, at the end."""
    told = percent(s["error_last"])
    return f"about {told} (as the loss has it)" if "train_accuracy" in s.run.estimated else told


def rate_in_words(run: RunRecord) -> str:
    """` with learning rate 0.8`, or nothing if it is not known."""
    rate = run.config.get("lr")
    if not isinstance(rate, int | float):
        known = run["lr"][np.isfinite(run["lr"])]
        rate = float(known.max()) if known.size else None
    return "" if rate is None else f" with learning rate {rate:.3g}"
