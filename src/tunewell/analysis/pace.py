"""The time at which a study will have spent its budget, from what its steps have taken so far.

The rest of the study is played through many times. Each time an epoch takes what it may, by those so far (`paces`);
steps that are under way go on; each worker that is free takes up a step like one of the past, newer ones more often,
until the budget is given out; the study is over when the last of them ends. The past is weighed by chance (the Bayesian
bootstrap: Rubin, 1981), since the steps to come may be others.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.analysis.paces import Observed, Paces, paces
from tunewell.arrays import Floats, Integers, own_numerics

COVERAGE = 0.8
"""The chance with which an interval holds."""
_LEAST = 4
"""With fewer steps there is no estimate."""
_REMEMBERED = 400
"""Steps that are drawn from: the newest."""
_PIECES, _MOST_PIECES = 60, 120
"""All epochs are observed in about so many pieces, the newest of at most so many."""
_UNSEEN = 1.0
"""Trials unlike all so far count as so many steps: a normal distribution has them (a Dirichlet process)."""
_WIDER = 1.15
"""The interval is so much wider, in logarithms, than the draws are: the epochs of real studies are never quite so."""
_DRAWS = 300
_MOST = 2000
"""Steps that are drawn one by one; beyond, each stands for several."""


@dataclass(frozen=True, slots=True)
class Done:
    """Epochs that a trial trained in one go."""

    epochs: int
    seconds: float
    """From when its worker was free for it, so with what it took to decide on it, to its end."""
    trial: int | None = None
    """Which; None if that is not known, and so another than all others."""
    ends: Sequence[float] = ()
    """When each epoch ended, on one clock for all steps; nothing if that is not known."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A step that is being trained."""

    epochs: int
    """That it has in all,"""
    trained: int
    """and that are trained."""
    seconds_per_epoch: float
    """Of its trial so far; NaN if it has trained none yet."""
    trial: int | None = None
    ends: Sequence[float] = ()
    """As of `Done`, of the epochs that are trained."""


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
    each: list[Done | UnderWay] = [*done, *under_way]
    trials = [-1 - place if one.trial is None else one.trial for place, one in enumerate(each)]
    steps = [
        _Step(one.epochs, one.epochs, one.seconds, trial, one.ends)
        for one, trial in zip(done, trials[: len(done)], strict=True)
    ]
    running = list(zip(under_way, trials[len(done) :], strict=True))
    steps += [
        _Step(one.epochs, one.trained, one.seconds_per_epoch * one.trained, trial, one.ends)
        for one, trial in running
        if one.trained and np.isfinite(one.seconds_per_epoch)
    ]
    steps = steps[-_REMEMBERED:]
    if len(steps) < _LEAST:
        return None
    rng = np.random.default_rng(0)
    ahead = max(0.0, epochs) + sum(one.epochs - one.trained for one in under_way)
    found = paces(_observed(steps), ahead, _DRAWS, rng)
    ends = _ends(steps, running, found, epochs, workers, rng)
    low, middle, high = np.quantile(ends, [(1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2]).tolist()
    if middle > 0:
        low, high = (middle * (one / middle) ** _WIDER for one in (low, high))
    return TimeLeft(middle, low, high)


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of the past, or one under way."""

    epochs: int
    """That it has in all,"""
    trained: int
    """those that were trained,"""
    seconds: float
    """and what these took."""
    trial: int
    ends: Sequence[float]


def _observed(steps: Sequence[_Step]) -> list[Observed]:
    """Return the epochs of the steps in pieces, in the order in which they ended, the newest of them."""
    if not all(len(one.ends) == one.trained for one in steps):  # when their epochs ended is not known
        return [Observed(one.trial, one.trained, one.seconds) for one in steps][-_MOST_PIECES:]
    size = max(1.0, sum(one.trained for one in steps) / _PIECES)
    found: list[tuple[float, Observed]] = []
    for one in steps:
        n = max(1, round(one.trained / size))
        cuts = sorted({round(one.trained * part / n) for part in range(n + 1)})
        since = one.ends[-1] - one.seconds
        for first, last in itertools.pairwise(cuts):
            until = one.ends[last - 1]
            found.append((until, Observed(one.trial, last - first, max(until - since, 1e-9))))
            since = until
    found.sort(key=lambda one: one[0])
    return [one for _, one in found[-_MOST_PIECES:]]


def _ends(
    steps: Sequence[_Step],
    running: Sequence[tuple[UnderWay, int]],
    found: Paces,
    epochs: float,
    workers: int,
    rng: np.random.Generator,
) -> Floats:
    """Return (d,) when the last step ends, in each of the draws."""
    n = len(steps)
    each = np.array([one.epochs for one in steps], dtype=np.float64)
    recent = 0.5 ** (np.arange(n)[::-1] / (0.5 * n))
    weights = np.cumsum(rng.standard_gamma(np.broadcast_to(recent, (_DRAWS, n))), axis=1)
    other = rng.standard_gamma(np.full(_DRAWS, _UNSEEN))
    unseen = other / (other + weights[:, -1])
    weights /= weights[:, -1:]
    # what a step took, without the load that there was then
    logs = np.log([one.seconds / one.trained for one in steps])
    trained = np.array([one.trained for one in steps], dtype=np.float64)
    places = found.observed - (trained.sum() - np.cumsum(trained)) - trained / 2
    own = logs - found.load_before(places) - found.fitted[:, None]  # (d, n)
    # how long the steps to come are, and whose, is uncertain; what an epoch takes on average is in the draws already
    share, plain = np.diff(weights, axis=1, prepend=0.0), recent / recent.sum()
    own = own - (share * own).sum(axis=1, keepdims=True) + (plain * own).sum(axis=1, keepdims=True)
    in_all = max(1e-9, max(0.0, epochs) + sum(one.epochs - one.trained for one, _ in running))

    def drawn() -> Integers:
        """Return a step of the past for each draw."""
        picked: Integers = np.minimum((weights < rng.random((_DRAWS, 1))).sum(axis=1), n - 1)
        return picked

    ends, rows = np.zeros((_DRAWS, max(workers, len(running), 1))), np.arange(_DRAWS)
    given = np.zeros(_DRAWS)
    for i, (one, trial) in enumerate(running):
        rest, column = one.epochs - one.trained, found.trials.get(trial)
        term = found.spread * rng.standard_normal(_DRAWS) if column is None else found.of_trial[:, column]
        chance = found.noise * rng.standard_normal(_DRAWS) / np.sqrt(max(1, rest))
        ends[:, i] = rest * np.exp(found.middle + term + found.ahead[:, 0] + chance)
        given += rest
    left = np.full(_DRAWS, float(epochs))
    bundle = max(1.0, epochs / float(np.average(each, weights=recent)) / _MOST)
    while (left > 0).any():
        picked = drawn()
        size = np.maximum(0.0, np.minimum(each[picked] * bundle, left))
        unlike = found.spread * rng.standard_normal(_DRAWS)
        term = np.where(rng.random(_DRAWS) < unseen, unlike, own[rows, picked])
        pace = np.exp(found.middle + term + found.load_at(given / in_all))
        ends[rows, ends.argmin(axis=1)] += size * pace
        left -= size
        given += size
    last: Floats = ends.max(axis=1)
    return last
