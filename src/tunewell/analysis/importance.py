"""The importance of each hyperparameter: PED-ANOVA (Watanabe, Bansal & Hutter, 2023).

A parameter mattered if the best trials have other values of it than all trials have. With p the density of the
parameter's values among the best quarter of the trials and q that among all, it is their Pearson divergence,

    D = integral of q (p / q - 1)^2,

and a parameter's share is its part of the sum over the parameters. Two things are added, because the paper looks at
tables of thousands of trials and a study has dozens. Even a parameter that does nothing gets some D from drawing
few trials out of many, so what chance alone would give is taken off. And resampled trials give each share
an interval.

Shapes: n trials, ordered from best to worst; B samples of them; G places at which densities are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats, own_numerics
from tunewell.history import History
from tunewell.space.params import Choice, Param

MIN_TRIALS = 10
"""With fewer comparable trials there is no result; a parameter that was active in fewer gets no share."""
_BEST, _BEST_AT_LEAST = 0.25, 5  # the share of trials that counts as the best, and their least number
_GRID = (np.arange(64) + 0.5) / 64  # the places in [0, 1] at which densities are compared
_INTERVAL = (0.05, 0.95)
_ROUNDING = 1e-9  # what is left of a divergence of 0 after subtractions


@dataclass(frozen=True, slots=True)
class Importance:
    """One parameter's share of what the best trials have in common."""

    name: str
    share: float
    """0 to 1; together 1, or all 0 if no parameter did more than chance would."""
    low: float
    """The share is below this in 5 % of the resampled studies,"""
    high: float
    """and above this in 5 %."""


@own_numerics
def importance(history: History, *, rng: np.random.Generator, n_bootstrap: int = 200) -> list[Importance]:
    """Return the tuned parameters, most important first; empty if fewer than `MIN_TRIALS` trials can be compared.

    rng: draws the resampled studies, and nothing else: the shares do not depend on it.
    """
    scores = win_rates(history)
    # where a trial of an earlier version of the space lies outside of today's, it does not count
    points = np.where((history.points < 0) | (history.points > 1), np.nan, history.points)
    usable = np.flatnonzero(~np.isnan(scores))
    if len(usable) < MIN_TRIALS:
        return []
    # of equals, the smaller point first: so the order in which trials came makes no difference
    keys = [*np.nan_to_num(points[usable], nan=-1.0).T[::-1], -scores[usable]]
    points = points[usable[np.lexsort(keys)]]
    tuned = [
        (name, param, points[:, column])
        for column, (name, param) in enumerate(history.space.params.items())
        if not (isinstance(param, Choice) and len(param.values) == 1)
    ]
    if not tuned:
        return []
    counts = np.vstack(
        [np.ones(len(points)), rng.multinomial(len(points), [1 / len(points)] * len(points), n_bootstrap)]
    )
    divergences = np.column_stack([_divergence(param, units, counts) for _, param, units in tuned])  # (1 + B, d)
    totals = divergences.sum(axis=1, keepdims=True)
    shares = np.divide(divergences, totals, out=np.zeros_like(divergences), where=totals > 0)
    low, high = np.quantile(shares, _INTERVAL, axis=0)
    found = [
        Importance(name, float(share), float(min(share, least)), float(max(share, most)))
        for (name, _, _), share, least, most in zip(tuned, shares[0], low, high, strict=True)
    ]
    return sorted(found, key=lambda item: -item.share)


def win_rates(history: History) -> Floats:
    """Return the share of the other trials that each is better than, (n,); NaN for one that has no value yet.

    Most trials stop early, so that their last values cannot be compared: two trials are compared at the last epoch
    that both have trained, and equal values are half a win. One that ended by itself keeps its last value.
    """
    reach = np.where(history.ended, history.max_epochs, history.epochs)
    wins, opponents = np.zeros(len(history)), np.zeros(len(history))
    for epoch in np.unique(reach[reach > 0]):
        values = history.at(int(epoch))
        known = ~np.isnan(values)
        here, beyond = known & (reach == epoch), known & (reach > epoch)
        for some, others in ((here, here), (here, beyond), (beyond, here)):
            wins[some] += _n_above(values[some], values[others])
            opponents[some] += np.count_nonzero(others)
    wins, opponents = wins - 0.5, opponents - 1.0  # nobody competes with itself
    won: Floats = np.divide(wins, opponents, out=np.full(len(history), np.nan), where=opponents > 0)
    return won


def _n_above(values: Floats, others: Floats) -> Floats:
    """Return how many of the others are above each value, those that are equal counting half."""
    others = np.sort(others)
    above: Floats = (
        len(others) - (np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")) / 2
    )
    return above


def _divergence(param: Param, units: Floats, counts: Floats) -> Floats:
    """Return D less what chance alone would give, times the share of trials where the parameter is active: (B,).

    units: (n,), of the trials from best to worst, NaN where inactive.
    counts: (B, n), how often each trial is in each sample.
    """
    active = ~np.isnan(units)
    if np.count_nonzero(active) < MIN_TRIALS:
        return np.zeros(len(counts))
    drawn = counts[:, active]
    n = np.maximum(drawn.sum(axis=1, keepdims=True), 2)
    k = np.minimum(np.maximum(np.ceil(_BEST * n), _BEST_AT_LEAST), n)
    best = np.clip(k - (np.cumsum(drawn, axis=1) - drawn), 0, drawn)  # the first k of each sample

    kernels = _kernels(param, units[active])
    q = drawn @ kernels / n
    p = best @ kernels / k
    # if the k were drawn from the n without a look at their values, (p - q)^2 would be this on average;
    # squares of the counts, because a trial that a sample has twice is drawn as one
    twice = drawn**2
    spread = twice @ kernels**2 - 2 * q * (twice @ kernels) + q**2 * twice.sum(axis=1, keepdims=True)
    chance = spread / (n * k) * (n - k) / (n - 1)
    excess = np.divide((p - q) ** 2 - chance, q, out=np.zeros_like(q), where=q > 0).sum(axis=1)
    excess[excess < _ROUNDING] = 0
    weighted: Floats = excess * n[:, 0] / counts.sum(axis=1)
    return weighted


def _kernels(param: Param, units: Floats) -> Floats:
    """Return each trial's contribution to a density, (n, G), in rows that sum to 1.

    One kernel for the best and for all, so that where both are alike, they are alike at every place.
    """
    if isinstance(param, Choice):
        places = np.floor(units * len(param.values)).astype(np.intp)
        return np.eye(len(param.values))[places]
    # Scott's rule, for as many trials as are among the best
    width = max(float(units.std()), 0.01) * max(_BEST * len(units), _BEST_AT_LEAST) ** -0.2
    kernels: Floats = np.exp(-0.5 * ((units[:, np.newaxis] - _GRID) / width) ** 2)
    kernels /= kernels.sum(axis=1, keepdims=True)
    return kernels
