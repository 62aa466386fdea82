"""The importance of each hyperparameter: PED-ANOVA (Watanabe, Bansal & Hutter, 2023).

A parameter mattered if the best trials have other values of it than all trials have. With p the density of the
parameter's values among the best quarter of the trials and q that among all, it is their Pearson divergence,

    D = integral of q (p / q - 1)^2,

and a parameter's share is its part of the sum over the parameters. Two things are added, because the paper looks at
tables of thousands of trials and a study has dozens. Even a parameter that does nothing gets some D from drawing
few trials out of many, so what chance alone would give is taken off. And resampled trials give each share
an interval. Of thousands, some hundred are resampled, and what they vary by is scaled to all (m out of n bootstrap).

Shapes: n trials, ordered from best to worst; B samples of them; G places at which densities are compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats, one_blas_thread, own_numerics
from tunewell.history import History
from tunewell.space.params import Choice, Param
from tunewell.space.space import Space

MIN_TRIALS = 10
"""With fewer comparable trials there is no result; a parameter that was active in fewer gets no share."""
_BEST, _BEST_AT_LEAST = 0.25, 5  # the share of trials that counts as the best, and their least number
_GRID = (np.arange(64) + 0.5) / 64  # the places in [0, 1] at which densities are compared
_INTERVAL = (0.05, 0.95)
_ROUNDING = 1e-9  # what is left of a divergence of 0 after subtractions
_RESAMPLED = 500  # trials, at most
_PLACES = 1000  # that are told apart where trials are as many


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
    trials: int = 0
    """How many of the trials that were compared have it; with fewer than ten nothing is known, and its share is 0."""

    @property
    def is_known(self) -> bool:
        """True if enough trials have it."""
        return self.trials >= MIN_TRIALS


@dataclass(frozen=True, slots=True)
class Importances:
    """The importance of each tuned parameter, most important first; or why that cannot be known yet."""

    parameters: tuple[Importance, ...]
    trials: int
    """How many trials were compared; those that failed or diverged count among them, as the worst."""
    failed: int = 0
    """How many of these failed or diverged."""
    left_out: int = 0
    """How many more there are that no other can be compared with yet."""

    @property
    def too_few(self) -> str | None:
        """The reason why there is no result; None if there is one."""
        if self.trials >= MIN_TRIALS:
            return None
        return f"{self.trials} trials can be compared with others, and it takes {MIN_TRIALS}"

    def __iter__(self) -> Iterator[Importance]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, name: str) -> Importance:
        return next(one for one in self.parameters if one.name == name)


def importances(history: History, seed: int = 0) -> Importances:
    """Return the importance of each tuned parameter of a study, with how many trials that was learned from.

    seed: of the resampling.
    """
    known = ~np.isnan(win_rates(history))
    found = importance(history, rng=np.random.default_rng(seed))
    return Importances(
        tuple(found), int(known.sum()), int((known & history.broken).sum()), len(history) - int(known.sum())
    )


@own_numerics
def importance(history: History, *, rng: np.random.Generator, n_bootstrap: int = 200) -> list[Importance]:
    """Return the tuned parameters, most important first; empty if fewer than `MIN_TRIALS` trials can be compared.

    rng: draws the resampled studies, and nothing else: the shares do not depend on it.
    """
    scores = win_rates(history)
    points = points_inside(history)
    usable = np.flatnonzero(~np.isnan(scores))
    if len(usable) < MIN_TRIALS:
        return []
    # of equals, the smaller point first: so the order in which trials came makes no difference
    keys = [*np.nan_to_num(points[usable], nan=-1.0).T[::-1], -scores[usable]]
    points = points[usable[np.lexsort(keys)]]
    tuned = [(name, param, points[:, column]) for column, name, param in tuned_of(history.space)]
    if not tuned:
        return []
    everyone = np.ones((1, len(points)))
    some = np.arange(0, len(points), math.ceil(len(points) / _RESAMPLED))  # as many of each rank
    resampled = rng.multinomial(len(some), [1 / len(some)] * len(some), n_bootstrap)
    counts = np.vstack([everyone[:, some], resampled])
    with one_blas_thread():
        shares = _shares([_divergence(param, units[some], counts) for _, param, units in tuned])  # (1 + B, d)
        whole = shares[0]
        if len(some) < len(points):
            whole = _shares([_divergence(param, units, everyone) for _, param, units in tuned])[0]
    if len(some) < len(points):
        shares = np.clip(whole + math.sqrt(len(some) / len(points)) * (shares - shares[0]), 0.0, 1.0)
    low, high = np.quantile(shares, _INTERVAL, axis=0)
    found = [
        Importance(
            name,
            float(share),
            float(min(share, least)),
            float(max(share, most)),
            int(np.count_nonzero(~np.isnan(units))),
        )
        for (name, _, units), share, least, most in zip(tuned, whole, low, high, strict=True)
    ]
    return sorted(found, key=lambda item: -item.share)


def _shares(divergences: list[Floats]) -> Floats:
    """Return each divergence, (B,), as a share of their sum, (B, d); 0 where that is 0."""
    each = np.column_stack(divergences)
    totals = each.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(each, totals, out=np.zeros_like(each), where=totals > 0)
    return shares


def points_inside(history: History) -> Floats:
    """Return each trial in the unit cube, (n, d); NaN also where one of an earlier space lies outside of today's."""
    points: Floats = np.where((history.points < 0) | (history.points > 1), np.nan, history.points)
    return points


def tuned_of(space: Space) -> list[tuple[int, str, Param]]:
    """Return column, name and kind of the parameters that have more than one value."""
    named = enumerate(space.params.items())
    return [(i, name, p) for i, (name, p) in named if not (isinstance(p, Choice) and len(p.values) == 1)]


def n_best(trials: int) -> int:
    """Return how many of so many trials count as the best."""
    return min(trials, max(math.ceil(_BEST * trials), _BEST_AT_LEAST))


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

    # squares of the counts, because a trial that a sample has twice is drawn as one
    twice = drawn**2
    known = units[active]
    if len(known) > _PLACES:  # those that are hardly apart are taken together
        near = known if isinstance(param, Choice) else np.rint(known * _PLACES) / _PLACES
        places, at = np.unique(near, return_inverse=True)
        kernels = _kernels(param, known, places)
        order = np.argsort(at, kind="stable")
        starts = np.searchsorted(at[order], np.arange(len(places)))
        drawn, best, twice = (np.add.reduceat(one[:, order], starts, axis=1) for one in (drawn, best, twice))
    else:
        kernels = _kernels(param, known, known)
    q = drawn @ kernels / n
    p = best @ kernels / k
    # if the k were drawn from the n without a look at their values, (p - q)^2 would be this on average
    spread = twice @ kernels**2 - 2 * q * (twice @ kernels) + q**2 * twice.sum(axis=1, keepdims=True)
    chance = spread / (n * k) * (n - k) / (n - 1)
    excess = np.divide((p - q) ** 2 - chance, q, out=np.zeros_like(q), where=q > 0).sum(axis=1)
    excess[excess < _ROUNDING] = 0
    weighted: Floats = excess * n[:, 0] / counts.sum(axis=1)
    return weighted


def _kernels(param: Param, units: Floats, places: Floats) -> Floats:
    """Return the contribution to a density of a trial at each of these places, (n, G), in rows that sum to 1.

    One kernel for the best and for all, so that where both are alike, they are alike at every place.

    units: those of all trials, by which its width goes.
    """
    if isinstance(param, Choice):
        values = np.minimum(places * len(param.values), len(param.values) - 1).astype(np.intp)
        return np.eye(len(param.values))[values]
    # Scott's rule, for as many trials as are among the best
    width = max(float(units.std()), 0.01) * max(_BEST * len(units), _BEST_AT_LEAST) ** -0.2
    kernels: Floats = np.exp(-0.5 * ((places[:, np.newaxis] - _GRID) / width) ** 2)
    kernels /= kernels.sum(axis=1, keepdims=True)
    return kernels
