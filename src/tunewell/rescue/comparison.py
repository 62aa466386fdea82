"""The better of two runs: one that breaks is not, then the metric decides, and where that is equal the loss.

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


def compared(
    history: History, one: int, other: int, signals: tuple[Signals | None, Signals | None], *, longer: bool = False
) -> Comparison:
    """Compare a run with the one that it changes: of two that ended early it is the better one, as the newer.

    signals: of both; None of a run that has reported nothing.
    longer: its length is what was changed, so that each is judged by all of its epochs.
    """
    last = [int(history.epochs[run]) for run in (one, other)]
    last = last if longer else [min(last)] * 2
    broken = [bool(history.failed[run] or history.stopped[run]) for run in (one, other)]
    if any(broken):
        return Comparison(broken[1], "this way it breaks as well" if all(broken) else "")
    exploded = [1.0 if s is None or not has_exploded(s) else _peak(s) for s in signals]
    if exploded[0] != exploded[1]:
        how = "its loss explodes" if exploded[1] == 1 else "its loss explodes no longer" if exploded[0] == 1 else ""
        return Comparison(exploded[0] < exploded[1], how or "both explode, and by how much decides")
    now, before = (best_of_curve(history.curves[run, :epoch]) for run, epoch in zip((one, other), last, strict=True))
    if now != before:
        return Comparison(now < before)
    for name in _LOSSES:
        now, before = (_lowest(s, name, epoch) for s, epoch in zip(signals, last, strict=True))
        if now != before and math.isfinite(now) and math.isfinite(before):
            return Comparison(now < before, f"{name} {now:.4g} in place of {before:.4g}")
    return Comparison(is_better=False)


def best_of_curve(curve: Floats) -> float:
    """Return the lowest finite value; infinite if there is none."""
    finite = curve[np.isfinite(curve)]
    return float(finite.min()) if finite.size else math.inf


def _peak(s: Signals) -> float:
    """Return how many times its first value the loss rose to, at its highest."""
    name = next(name for name in reversed(_LOSSES) if name not in s.run.estimated)
    losses = s.run[name][np.isfinite(s.run[name])]
    return math.inf if s.run.broken[name].any() or losses.size < 2 else float(losses.max() / losses[0])


def _lowest(s: Signals | None, name: str, epoch: int) -> float:
    return math.inf if s is None or name in s.run.estimated else best_of_curve(s.run[name][:epoch])
