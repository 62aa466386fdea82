"""The interface of samplers."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tunewell.history import History
from tunewell.space.space import Space
from tunewell.space.values import Params


class Sampler(Protocol):
    """Proposes parameters from what is known so far.

    A sampler is a pure function of its arguments: it keeps nothing between calls, so a study may be resumed,
    or served by many workers, with no state to save. It is a frozen dataclass of plain settings, which is
    how a study records it. One that inherits from this class has what it does not declare itself.
    """

    @property
    def n_given(self) -> int:
        """The number of settings that it was given, which it suggests before any of its own."""
        return 0

    def given_left(self, space: Space, history: History) -> int:  # noqa: ARG002  one that knows better looks
        """Return how many of the settings that it was given are still to be tried."""
        return max(0, self.n_given - len(history))

    def suggest(self, space: Space, history: History, rng: np.random.Generator) -> Params | None:
        """Return the next setting, running trials taken into account; None if there is none left to try.

        rng: the only source of randomness; a fresh one for each step of the study.
        """
        ...


def n_given(sampler: Sampler) -> int:
    """Return how many settings a sampler was given; one that does not inherit from `Sampler` may not declare any."""
    return int(getattr(sampler, "n_given", 0))


def given_left(sampler: Sampler, space: Space, history: History) -> int:
    """Return how many settings that a sampler was given are still to be tried."""
    looks = getattr(sampler, "given_left", None)
    return max(0, n_given(sampler) - len(history)) if looks is None else int(looks(space, history))
