"""The time at which a study will have spent its budget, from what its steps have taken so far.

The rest of the study is played through many times. Steps that are under way go on at their own trial's pace; each
worker that is free takes up a step like one of the past, newer ones more often, until the budget is given out; the
study is over when the last of them ends. The past is weighed by chance (the Bayesian bootstrap: Rubin, 1981), so that
few steps give a wide interval, and a pace that has changed so far may change again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats, Integers, own_numerics

COVERAGE = 0.8
"""The chance with which an interval holds."""
_LEAST = 4
"""With fewer steps there is no estimate."""
_REMEMBERED = 400
"""Steps that are drawn from: the newest."""
_DRAWS = 300
_MOST = 2000
"""Steps that are drawn one by one; beyond, each stands for several."""


@dataclass(frozen=True, slots=True)
class Done:
    """Epochs that a trial trained in one go."""

    epochs: int
    seconds: float
    """From when its worker was free for it, so with what it took to decide on it, to its end."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A step that is being trained."""

    epochs: int
    """That it has in all,"""
    trained: int
    """and that are trained."""
    seconds_per_epoch: float
    """Of its trial so far; NaN if it has trained none yet."""


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The seconds until a budget is spent, if things go on as they did."""

    middle: float
    low: float
    """In one case of ten it takes less,"""
    high: float
    """and in one of ten more."""


@own_numerics
def time_left(done: Sequence[Done], under_way: Sequence[UnderWay], *, epochs: float, workers: int) -> TimeLeft | None:
    """Return how long the rest of a study takes; None while too little of it is done to tell.

    Args:
        done: what was trained in one go, oldest first.
        under_way: what is trained now.
        epochs: that are still to be given out, besides those.
        workers: how many steps are trained at a time.
    """
    # the slow ones are still under way: without them, what is done would make the rest look quick
    known = [one for one in under_way if np.isfinite(one.seconds_per_epoch)]
    done = done[-_REMEMBERED:]
    each = np.array([*(one.epochs for one in done), *(one.epochs for one in known)], dtype=np.float64)
    pace = np.array([*(one.seconds / one.epochs for one in done), *(one.seconds_per_epoch for one in known)])
    n = len(each)
    if n < _LEAST:
        return None
    rng = np.random.default_rng(0)
    recent = 0.5 ** (np.arange(n)[::-1] / (0.5 * n))
    weights = np.cumsum(rng.standard_gamma(np.broadcast_to(recent, (_DRAWS, n))), axis=1)
    weights /= weights[:, -1:]

    def drawn() -> Integers:
        """Return a step of the past for each draw."""
        found: Integers = np.minimum((weights < rng.random((_DRAWS, 1))).sum(axis=1), n - 1)
        return found

    factor = np.exp(_drift(pace, each) * rng.standard_normal(_DRAWS))
    ends = np.zeros((_DRAWS, max(workers, len(under_way), 1)))
    for i, one in enumerate(under_way):
        own = one.seconds_per_epoch if np.isfinite(one.seconds_per_epoch) else pace[drawn()]
        ends[:, i] = (one.epochs - one.trained) * own * factor
    left, rows = np.full(_DRAWS, float(epochs)), np.arange(_DRAWS)
    bundle = max(1.0, epochs / float(np.average(each, weights=recent)) / _MOST)
    while (left > 0).any():
        picked = drawn()
        size = np.minimum(each[picked] * bundle, left)
        ends[rows, ends.argmin(axis=1)] += size * pace[picked] * factor
        left -= size
    low, middle, high = np.quantile(ends.max(axis=1), [(1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2]).tolist()
    return TimeLeft(middle, low, high)


def _drift(pace: Floats, each: Floats) -> float:
    """Return by how much the pace has drifted from the older half to the newer one, as a difference of logarithms."""
    n = len(pace) // 2
    old, new = (np.average(pace[part], weights=each[part]) for part in (slice(0, n), slice(n, None)))
    return float(abs(np.log(new / old)))
