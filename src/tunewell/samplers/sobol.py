"""Points that fill the unit cube more evenly than random ones: a scrambled Sobol sequence (Sobol, 1967; Owen, 1998).

Trial n is given point n of the sequence, so trials that are still running are taken into account, and nothing
is drawn twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tunewell.history import History
from tunewell.samplers.construction import check_whole
from tunewell.samplers.sampler import Sampler
from tunewell.space.space import Space
from tunewell.space.values import Params

_FIRST_BLOCK = 64
_MOST = 256
"""So many points of the sequence are looked at, a trial, for one that meets the constraints; then one is moved."""


@dataclass(frozen=True, slots=True)
class SobolSampler(Sampler):
    """Spreads settings evenly over the space, each far from the ones before; does not learn from results.

    Example:
        >>> space = {"width": tw.Int(16, 128, scale="log"), "rate": tw.Float(1e-3, 0.1, scale="log")}
        >>> sampler = tw.SobolSampler()
        >>> study = tw.Study(space, metric="loss", max_epochs=1, sampler=sampler, scheduler="full", store="memory")
        >>> study.ask().params.width in range(16, 129)
        True
    """

    name: ClassVar[str] = "sobol"
    seed: int = 0
    """The seed of the scrambling; the sequence is the same for the same seed."""

    def __post_init__(self) -> None:
        check_whole("seed", self.seed, at_least=0)

    def suggest(self, space: Space, history: History, rng: np.random.Generator) -> Params:  # noqa: ARG002  is not random
        """Return the point whose place in the sequence is the number of trials so far, of those that may be tried."""
        n = len(history)
        # blocks of a power of two keep the sequence balanced, and doubling makes few of them
        size = max(_FIRST_BLOCK, 1 << n.bit_length())
        points = _points(len(space.params), self.seed, size)
        if not space.constraints:
            return space.decode(points[n])
        while size <= _MOST * (n + 1):
            met = np.flatnonzero(space.feasible(points))
            if len(met) > n:
                return space.decode(points[met[n]])
            size *= 2
            points = _points(len(space.params), self.seed, size)
        return space.decode(points[n])


@lru_cache(maxsize=16)
def _points(d: int, seed: int, size: int) -> NDArray[np.float64]:
    """Return the first points of the sequence, (size, d), which are the same whatever the size."""
    # imported here, since it takes half a second, which only this sampler's users should pay; it has no types
    from scipy.stats import qmc  # type: ignore[import-untyped]  # noqa: PLC0415

    points: NDArray[np.float64] = qmc.Sobol(d, scramble=True, rng=seed).random(size)
    points.flags.writeable = False
    return points
