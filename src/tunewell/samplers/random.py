"""Random search (Bergstra and Bengio, "Random search for hyper-parameter optimization", 2012)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewell.history import History
from tunewell.samplers.sampler import Sampler
from tunewell.space.space import Space
from tunewell.space.values import Params


@dataclass(frozen=True, slots=True)
class RandomSampler(Sampler):
    """Draws every parameter independently and evenly on its scale; ignores the history.

    Example:
        >>> space = {"width": tw.Int(16, 128, scale="log"), "rate": tw.Float(1e-3, 0.1, scale="log")}
        >>> sampler = tw.RandomSampler()
        >>> study = tw.Study(space, metric="loss", max_epochs=1, sampler=sampler, scheduler="full", store="memory")
        >>> study.ask().params.width in range(16, 129)
        True
    """

    name: ClassVar[str] = "random"

    def suggest(self, space: Space, history: History, rng: np.random.Generator) -> Params:  # noqa: ARG002  ignores it
        """Return a point drawn evenly from the unit cube."""
        return space.decode(rng.random(len(space.params)))
