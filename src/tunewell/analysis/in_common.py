"""The values that the best trials have in common: of each parameter, its range among the best quarter and among all.

How sure it is that the best differ comes from a test of the best against the others: Kolmogorov and Smirnov's for
numbers, which sees a range that is narrower as well as one that is moved; Pearson's for choices. The chance is for all
parameters together (Holm). A sampler that looks where the best are makes the best alike by itself, so this is about the
trials of the study and no promise about others.

Shapes: n trials.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import chdtrc, kolmogorov  # type: ignore[import-untyped]

from tunewell.analysis.importance import MIN_TRIALS, n_best, points_inside, tuned_of, win_rates
from tunewell.analysis.interactions import holm
from tunewell.arrays import Floats, own_numerics
from tunewell.history import History
from tunewell.space.params import Choice, Param
from tunewell.space.values import Value

_MIDDLE = (0.1, 0.9)
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class InCommon:
    """One parameter among the best trials and among all, in its own units."""

    name: str
    best: int
    """How many of the best have it,"""
    trials: int
    """and how many of all."""
    chance: float
    """The probability that the best would differ as much in any parameter, if none of them mattered."""
    low: Value | None = None
    """Eight of ten of the best lie from here"""
    high: Value | None = None
    """to here; None for choices, and where too few have it."""
    low_of_all: Value | None = None
    high_of_all: Value | None = None
    shares: Mapping[Value, float] = field(default_factory=dict)
    """Of a choice, the share of each value among the best,"""
    shares_of_all: Mapping[Value, float] = field(default_factory=dict)
    """and among all."""

    @property
    def is_sure(self) -> bool:
        """True if it is not put down to chance."""
        return self.chance < _LEVEL


@dataclass(frozen=True, slots=True)
class AllInCommon:
    """The parameters, those first that surely differ among the best; or why that cannot be known yet."""

    parameters: tuple[InCommon, ...]
    best: int
    """How many trials count as the best,"""
    trials: int
    """of how many that were compared."""

    @property
    def too_few(self) -> str | None:
        """The reason why there is no result; None if there is one."""
        if self.trials >= MIN_TRIALS:
            return None
        return f"{self.trials} trials can be compared with others, and it takes {MIN_TRIALS}"

    @property
    def sure(self) -> tuple[InCommon, ...]:
        """Those that are not put down to chance."""
        return tuple(one for one in self.parameters if one.is_sure)


@own_numerics
def in_common(history: History) -> AllInCommon:
    """Return the values that the best quarter of the trials have, parameter by parameter."""
    rates, points = win_rates(history), points_inside(history)
    known = np.flatnonzero(~np.isnan(rates))
    if len(known) < MIN_TRIALS:
        return AllInCommon((), 0, len(known))
    order = known[np.argsort(-rates[known], kind="stable")]
    n = n_best(len(order))
    found = [_of(name, param, points[order, column], n) for column, name, param in tuned_of(history.space)]
    adjusted = holm([chance for chance, _ in found])
    parameters = [make(chance) for chance, (_, make) in zip(adjusted, found, strict=True)]
    return AllInCommon(tuple(sorted(parameters, key=lambda one: one.chance)), n, len(order))


def _of(name: str, param: Param, units: Floats, n: int) -> tuple[float, _Maker]:
    active = ~np.isnan(units)
    best, rest = units[:n][active[:n]], units[n:][active[n:]]
    known = units[active]
    counts = (len(best), len(known))
    if isinstance(param, Choice):
        k = len(param.values)
        of_best, of_all = (np.bincount(np.minimum(u * k, k - 1).astype(np.intp), minlength=k) for u in (best, known))
        chance = _pearson(of_best, of_all - of_best)
        shares, all_shares = (
            dict(zip(param.values, (c / max(1, c.sum())).tolist(), strict=True)) for c in (of_best, of_all)
        )
        return chance, _Maker(name, counts, shares=shares, shares_of_all=all_shares)
    if not len(best):
        return 1.0, _Maker(name, counts)
    bounds = param.decode(np.quantile(best, _MIDDLE)), param.decode(np.quantile(known, _MIDDLE))
    return _smirnov(best, rest), _Maker(name, counts, bounds)


@dataclass(frozen=True, slots=True)
class _Maker:
    """All of an `InCommon` but its chance, which takes the other parameters."""

    name: str
    counts: tuple[int, int]
    bounds: tuple[list[float] | list[int], list[float] | list[int]] | None = None
    shares: Mapping[Value, float] = field(default_factory=dict)
    shares_of_all: Mapping[Value, float] = field(default_factory=dict)

    def __call__(self, chance: float) -> InCommon:
        low, high, low_of_all, high_of_all = (None,) * 4 if self.bounds is None else (*self.bounds[0], *self.bounds[1])
        return InCommon(
            self.name, *self.counts, chance, low, high, low_of_all, high_of_all, self.shares, self.shares_of_all
        )


def _smirnov(one: Floats, other: Floats) -> float:
    """Return the probability of two samples that differ as much, if they are drawn alike (Kolmogorov, Smirnov)."""
    if len(one) < 2 or len(other) < 2:
        return 1.0
    places = np.concatenate([one, other])
    shares = [np.searchsorted(np.sort(sample), places, "right") / len(sample) for sample in (one, other)]
    n = np.sqrt(len(one) * len(other) / (len(one) + len(other)))
    return float(kolmogorov((n + 0.12 + 0.11 / n) * np.abs(shares[0] - shares[1]).max()))  # Stephens (1970)


def _pearson(one: np.ndarray, other: np.ndarray) -> float:
    """Return the probability of counts that differ as much, if both are drawn alike; rare values count as one."""
    counts = np.vstack([one, other])[:, (one + other) > 0].astype(float)
    n = counts.sum()
    if not counts.size or not counts.sum(axis=1).all():
        return 1.0
    seldom = np.outer(counts.sum(axis=1), counts.sum(axis=0)).min(axis=0) / n < 2
    if seldom.sum() > 1:
        counts = np.column_stack([counts[:, ~seldom], counts[:, seldom].sum(axis=1)])
    if counts.shape[1] < 2:
        return 1.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    return float(chdtrc(counts.shape[1] - 1, float(((counts - expected) ** 2 / expected).sum())))
