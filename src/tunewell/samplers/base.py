"""What a sampler promises: the next setting to try."""

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
    how a study records it.
    """

    def suggest(self, space: Space, history: History, rng: np.random.Generator) -> Params | None:
        """The next setting, running trials taken into account; None if there is none left to try.

        rng: the only source of randomness; a fresh one for each step of the study.
        """
        ...
