"""A program as somebody would bring it: what it printed, what its author would say of it, and what is true of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Trained:
    """A finished training."""

    log: str
    """As it was printed."""
    reached: float
    """The best of `Brought.metric`."""


@dataclass(frozen=True)
class Brought:
    """A program that is healthy, or stuck by one cause."""

    name: str
    names: tuple[str, ...]
    """`healthy` alone, or the causes that it can fairly be given, the cause itself first."""
    settings: str
    """What its author would say, as `--set` takes it."""
    train: Callable[..., Trained]
    """Of a healthy program `train(rate=1.0, longer=1)`: the learning rate and the epochs as they are, or so many
    times; of a stuck one `train(is_cured=False)`."""
    metric: str
    """What `reached` is of, as tunewell calls it."""
    possible: float
    """What is known to be possible of it, by how the data were made, or by what a cure reached."""
    slack: float = 0.02
    """What a change may gain on a healthy program, and what a cure must gain on a stuck one: points of a share, or the
    part of a loss."""

    @property
    def is_healthy(self) -> bool:
        return self.names == ("healthy",)

    def gain(self, before: float, after: float) -> float:
        """Return what is gained, in the unit of `slack`; a loss that is no number has lost all."""
        if not math.isfinite(before) or not math.isfinite(after):
            return float(math.isfinite(after)) - float(math.isfinite(before))
        kind = self.metric.partition("_")[2]
        if kind in ("loss", "mse", "mae", "rmse", "perplexity"):
            return (before - after) / max(abs(before), 1e-12)
        return after - before
