"""Random search (Bergstra and Bengio, "Random search for hyper-parameter optimization", 2012)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewell.history import History
from tunewell.samplers.sampler import Sampler
from tunewell.space.space import Space
from tunewell.space.values import Params

_TRIES = 256
"""Points of which the first that meets the constraints is taken; where none does, one is moved to where they hold."""


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
        """Return a point drawn evenly from the part of the unit cube in which the constraints hold."""
        if not space.constraints:
            return space.decode(rng.random(len(space.params)))
        points = rng.random((_TRIES, len(space.params)))
        return space.decode(points[int(space.feasible(points).argmax())])
