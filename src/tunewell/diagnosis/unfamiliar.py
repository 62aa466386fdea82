"""Curves that no training of a network by its own loss has, so that nothing that is known speaks of them.

The forests name a cause for any run. These are the few things that can be seen in the curves alone: a loss and
an accuracy that contradict each other, numbers without a memory, a random walk, a loss that swings about zero, as
those of a policy or of two networks against each other do. A run is held to be one of these only where it is plain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.rules.rule import both, ramp
from tunewell.diagnosis.rules.wording import IN_WORDS
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.noise import roughness
from tunewell.diagnosis.signals.summaries import finite

_LEFT = 0.3
"""What stays of the confidence in a cause where the run is plainly like none that is known."""
_FEWEST = 12
_FEWEST_OF_WALK = 25
_LAG = 5
_CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True, slots=True)
class Unfamiliar:
    """A sign that a run is unlike all known ones."""

    strength: float
    """From 0 to 1."""
    words: str

    @property
    def left(self) -> float:
        """The share of its confidence that a finding keeps."""
        return 1 - (1 - _LEFT) * self.strength

    @property
    def in_words(self) -> str:
        """`no run like this is known (training loss and accuracy rise and fall together)`."""
        return f"no run like this is known ({self.words})"


def unfamiliar(s: Signals) -> Unfamiliar | None:
    """Return in what a run is like none that is known; None if it is not plainly so."""
    curves = {
        name: values
        for name in _CURVES
        if name not in s.run.estimated and not s.run.broken[name].any() and (values := finite(s.run[name])).size
    }
    if max((values.size for values in curves.values()), default=0) < _FEWEST:
        return None
    found = (_about_zero(curves), _together(s), _without_memory(curves), _walk(curves))
    plainest = max(found, key=lambda one: one.strength)
    return plainest if plainest.strength > 0 else None


def _about_zero(curves: dict[str, Floats]) -> Unfamiliar:
    """Detect a loss that keeps changing its sign."""
    losses = curves.get("train_loss", curves.get("val_loss", np.empty(0)))
    changes = int(np.sum(np.diff(np.sign(losses[losses != 0])) != 0))
    below = float(np.mean(losses < 0)) if losses.size else 0.0
    strength = both(ramp(changes, 2, 5), ramp(min(below, 1 - below), 0.05, 0.2))
    return Unfamiliar(
        strength, f"the loss changes its sign {changes} times, as that of a policy may, and no error does"
    )


def _together(s: Signals) -> Unfamiliar:
    """Detect training loss and accuracy that rise and fall together."""
    loss, accuracy = s.run["train_loss"], s.run["train_accuracy"]
    known = np.isfinite(loss) & np.isfinite(accuracy)
    if s.run.estimated & {"train_loss", "train_accuracy"} or known.sum() < _FEWEST:
        return Unfamiliar(0.0, "")
    loss, accuracy = loss[known], accuracy[known]
    ranks = [np.argsort(np.argsort(values)) for values in (loss, accuracy)]
    agreement = float(np.corrcoef(ranks[0], ranks[1])[0, 1])
    strength = both(
        ramp(agreement, 0.5, 0.85),
        ramp(float(np.ptp(accuracy)), 0.1, 0.25),
        ramp(float(np.ptp(loss)) / max(float(np.abs(loss).max()), 1e-12), 0.15, 0.4),
    )
    return Unfamiliar(strength, "training loss and accuracy rise and fall together")


def _without_memory(curves: dict[str, Floats]) -> Unfamiliar:
    """Detect curves of which each value is as far from the next as from any other: no network changes like that."""
    long = {name: values for name, values in curves.items() if values.size >= _FEWEST}
    wide = []
    memory = 0.0
    for name, values in long.items():
        shown = values if name.endswith("accuracy") or values.min() <= 0 else np.log(values)
        spread = float(shown.std())
        memory = max(memory, 1 - roughness(shown) / spread) if spread > 0 else 1.0
        limits = (0.12, 0.22) if name.endswith("accuracy") else (0.5, 0.8)
        wide.append(ramp(spread, *limits) if values.min() > 0 or name.endswith("accuracy") else 1.0)
    strength = both(ramp(memory, 0.35, 0.2), max(wide, default=0.0), ramp(len(long), 0, 1))
    return Unfamiliar(strength, "each value is as far from the next as from any other, as in numbers drawn at random")


def _walk(curves: dict[str, Floats]) -> Unfamiliar:
    """Detect losses that wander: steps up and down alike, whose sum grows as that of a random walk does."""
    strengths = []
    for name in ("train_loss", "val_loss"):
        values = curves.get(name, np.empty(0))
        if values.size < _FEWEST_OF_WALK:
            continue
        steps = np.diff(values)
        spread = float(steps.std())
        if not spread > 0:
            return Unfamiliar(0.0, "")
        over_lag = values[_LAG:] - values[:-_LAG]
        grows = math.log2(max(float(over_lag.var()) / (_LAG * spread**2), 1e-6))
        strengths.append(
            both(
                ramp(abs(grows), 1.6, 0.8),
                ramp(abs(float(np.mean(steps > 0)) - 0.5), 0.18, 0.1),
                ramp(float(np.ptp(values)) / spread, 2.5, 4.0),
                ramp(float(values[0] - values.min()) / spread, 6.0, 3.0),  # it never learned
            )
        )
    has_accuracy = any(name.endswith("accuracy") for name in curves)
    strength = 0.0 if has_accuracy or not strengths else min(strengths)
    names = " and ".join(IN_WORDS[name] for name in ("train_loss", "val_loss") if name in curves)
    return Unfamiliar(strength, f"{names} wander as random numbers do that are added up")
