"""A program that somebody asked about: its truth, and how it is trained with the fault and without."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Rows = list[dict[str, float]]
"""What a training printed: a mapping an epoch, under the names that its author gave."""


@dataclass(frozen=True)
class Asked:
    """A program, written after a question."""

    name: str
    source: str
    """Where it was asked."""
    names: tuple[str, ...]
    """The causes that it can fairly be given, that of the accepted answer first; empty if no label says it."""
    settings: str
    """What the script says, as `--set` takes it."""
    train: Callable[..., Rows]
    """Trains it with `is_cured` False as it was asked about, with True as it was answered."""
    metric: str = "val_accuracy"
    """A column of what it prints, by which the fault and the cure are checked."""
    least_gain: float = 0.1
    """What the cure gains at least: points of an accuracy, or the share of a loss."""

    columns: Mapping[str, str] | None = None
    """What is to be said of columns whose names are not understood, as with `--columns`."""

    @property
    def is_faulty(self) -> bool:
        return self.names != ("healthy",)

    def reached(self, rows: Rows) -> float:
        """The metric at the end."""
        return rows[-1][self.metric]

    def is_mended(self, reached: float, healed: float) -> bool:
        """True if the run was held back and its cure mended it; a loss that is no number is held back."""
        if not math.isfinite(reached):
            return math.isfinite(healed)
        if any(word in self.metric.lower() for word in ("loss", "mae", "left")):
            return reached - healed > self.least_gain * abs(reached)
        return healed - reached >= self.least_gain
