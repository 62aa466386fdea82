"""Which of two runs is the better one: one that breaks is not, then the metric decides, and if that is equal the loss.

A metric such as an accuracy can stand still for epochs while the loss beside it shows already which way leads out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.possible import has_exploded
from tunewell.diagnosis.signals import Signals
from tunewell.history import History

_LOSSES = ("val_loss", "train_loss")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run beside another, up to the last epoch of both."""

    is_better: bool
    why: str = ""
    """What decided, in words, where it was not the metric."""


def compared(history: History, one: int, other: int, signals: tuple[Signals | None, Signals | None]) -> Comparison:
    """Compare a run with the one that it changes: of two that ended early it is the better one, as the newer.

    signals: of both; None of a run that has reported nothing.
    """
    epoch = int(min(history.epochs[one], history.epochs[other]))
    broken = [bool(history.failed[run] or history.stopped[run]) for run in (one, other)]
    if any(broken):
        return Comparison(broken[1], "this way it breaks as well" if all(broken) else "")
    explodes = [s is not None and has_exploded(s) for s in signals]
    if explodes[0] != explodes[1]:
        return Comparison(explodes[1], "its loss explodes" if explodes[0] else "its loss no longer explodes")
    now, before = (best_of_curve(history.curves[run, :epoch]) for run in (one, other))
    if now != before:
        return Comparison(now < before)
    for name in _LOSSES:
        now, before = (_lowest(s, name, epoch) for s in signals)
        if now != before and math.isfinite(now) and math.isfinite(before):
            return Comparison(now < before, f"{name} {now:.4g} in place of {before:.4g}")
    return Comparison(is_better=False)


def best_of_curve(curve: Floats) -> float:
    """Return the lowest finite value; infinite if there is none."""
    finite = curve[np.isfinite(curve)]
    return float(finite.min()) if finite.size else math.inf


def _lowest(s: Signals | None, name: str, epoch: int) -> float:
    return math.inf if s is None or name in s.run.estimated else best_of_curve(s.run[name][:epoch])
