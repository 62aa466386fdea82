"""Pairs of hyperparameters that must be chosen together: a functional ANOVA of the trials' ranks.

How good a setting is, f, is written as a sum of functions of one parameter each and of two each, all with mean 0 and
orthogonal to each other where settings are drawn evenly (Sobol 1993; for hyperparameters Hutter, Hoos & Leyton-Brown,
"An efficient approach for assessing hyperparameter importance", 2014). The functions are polynomials that are
orthogonal there, Legendre's, so that the variance of a pair's part is the sum of its squared coefficients (Sudret,
"Global sensitivity analysis using polynomial chaos expansions", 2008): one least-squares fit in place of a forest.
A pair counts if its coefficients are larger than noise makes them, by an F-test, at 5 % for all pairs together (Holm).

f is the trial's rank, on the scale on which parameters add up best: normal scores, bent by more or less to either side
(Tukey's g), or the ranks themselves. So no scale of the metric is chosen, a trial that diverged is no outlier, and an
interaction is one that no other scale of the metric would take away: of a product, there is none.

Shapes: n trials, k columns of the fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import fdtrc, ndtri  # type: ignore[import-untyped]

from tunewell.analysis.importance import importance, points_inside, tuned_of, win_rates
from tunewell.arrays import Floats, one_blas_thread, own_numerics
from tunewell.history import History
from tunewell.space.params import Choice, Param

MIN_TRIALS = 20
"""With fewer comparable trials there is no result."""
_MOST_PARAMETERS = 8  # those that matter most: of more, the pairs are too many to be told from chance
_MOST_VALUES = 6  # of a choice that has no order
_PER_COLUMN = 3  # trials for each column of the fit
_MOST_FITTED = 4000  # trials, evenly among all: more change nothing but the time
_LEVEL = 0.05
_LEAST = 0.03  # of the variance: less is of no use, and may be what ranks bend
_BENDS = (-1.0, -0.5, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Interaction:
    """Two parameters, and how much of what makes trials differ is due to their combination alone."""

    names: tuple[str, str]
    share: float
    """0 to 1: the part of the variance of the trials' scores that neither explains by itself; rather too little, since
    only plain functions are fitted."""
    chance: float
    """The probability of at least as much for any pair, if none of them interacted."""

    @property
    def is_sure(self) -> bool:
        """True if it is not put down to chance, and large enough to matter."""
        return self.chance < _LEVEL and self.share >= _LEAST


@dataclass(frozen=True, slots=True)
class Interactions:
    """The pairs of parameters, those that interact most first; or why that cannot be known yet."""

    pairs: tuple[Interaction, ...]
    trials: int
    """How many trials were compared."""
    parameters: tuple[str, ...] = ()
    """Those of which pairs were tried."""
    left_out: tuple[str, ...] = ()
    """Those that matter least, that too few trials have, or that have too many values without an order."""

    @property
    def too_few(self) -> str | None:
        """The reason why there is no result; None if there is one."""
        if self.trials < MIN_TRIALS:
            return f"{self.trials} trials can be compared with others, and it takes {MIN_TRIALS}"
        if len(self.parameters) < 2:
            return "there are no two parameters that enough trials have"
        return None

    @property
    def sure(self) -> tuple[Interaction, ...]:
        """Those that are not put down to chance, and large enough to matter."""
        return tuple(pair for pair in self.pairs if pair.is_sure)


@own_numerics
def interactions(history: History) -> Interactions:
    """Return how much each pair of the parameters that matter most does together."""
    rates, points = win_rates(history), points_inside(history)
    known = np.flatnonzero(~np.isnan(rates))
    tuned = tuned_of(history.space)
    names = tuple(name for _, name, _ in tuned)
    if len(known) < MIN_TRIALS:
        return Interactions((), len(known), (), names)
    by_weight = [one.name for one in importance(history, rng=np.random.default_rng(0), n_bootstrap=0) if one.is_known]
    kinds = {name: (column, param) for column, name, param in tuned}
    usable = [name for name in by_weight if _is_usable(kinds[name][1])]
    fitted = known[:: math.ceil(len(known) / _MOST_FITTED)]
    ranks = _midranks(rates[fitted])
    for n in range(min(len(usable), _MOST_PARAMETERS), 1, -1):
        chosen = usable[:n]
        parts = [_basis(kinds[name][1], points[fitted, kinds[name][0]]) for name in chosen]
        score = _score(ranks, parts)
        for degree in (2, 1):
            with one_blas_thread():
                found = _fit(chosen, parts, degree, score)
            if found is not None:
                rest = tuple(name for name in names if name not in chosen)
                return Interactions(tuple(sorted(found, key=lambda one: -one.share)), len(known), tuple(chosen), rest)
    return Interactions((), len(known), (), names)


def _score(ranks: Floats, parts: Sequence[_Part]) -> Floats:
    """Return the ranks on the scale, with mean 0 and variance 1, on which the parameters add up best."""
    design = np.column_stack([np.ones(len(ranks)), *(part.columns for part in parts)])
    normal = ndtri(ranks)
    scales = np.column_stack([normal, ranks, *((np.exp(g * normal) - 1) / g for g in _BENDS)])
    scales = scales - scales.mean(axis=0)
    spreads = scales.std(axis=0)
    scales /= np.where(spreads > 0, spreads, 1.0)
    gram = design.T @ design + 1e-6 * len(ranks) * np.eye(design.shape[1])
    explained = (scales * (design @ np.linalg.solve(gram, design.T @ scales))).sum(axis=0)
    best: Floats = scales[:, int(explained.argmax())]
    return best


def _is_usable(param: Param) -> bool:
    return not isinstance(param, Choice) or param.ordered or len(param.values) <= _MOST_VALUES


def _midranks(values: Floats) -> Floats:
    """Return the rank of each value as a share, equal values having their middle one."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    ranks: Floats = below / (2 * len(values))
    return ranks


@dataclass(frozen=True, slots=True)
class _Part:
    """Functions of one parameter with mean 0 and variance 1 where it is drawn evenly, (n, p), the plainest first."""

    columns: Floats
    belong_together: bool
    """They tell the values of a choice apart, so that none is plainer than another."""

    def plainest(self, degree: int) -> Floats:
        """Return those of a degree at most."""
        return self.columns if self.belong_together else self.columns[:, :degree]


def _basis(param: Param, units: Floats) -> _Part:
    """Return the functions of a parameter; 0 for a trial that does not have it."""
    active = ~np.isnan(units)
    at = np.where(active, units, 0.5)
    if isinstance(param, Choice) and not param.ordered:
        n = len(param.values)
        contrasts = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0][:, 1:] * math.sqrt(n)
        columns = contrasts[np.minimum((at * n).astype(np.intp), n - 1)]
    else:
        t = 2 * at - 1
        legendre = (t, (3 * t**2 - 1) / 2, (5 * t**3 - 3 * t) / 2)
        columns = np.column_stack([math.sqrt(2 * k + 1) * p for k, p in enumerate(legendre, 1)])
        distinct = len(np.unique(units[active]))
        columns = columns[:, : max(1, distinct - 1)]  # of two values, one difference can be known
    unordered = isinstance(param, Choice) and not param.ordered
    return _Part(np.where(active[:, np.newaxis], columns, 0.0), unordered)


def _fit(names: Sequence[str], parts: Sequence[_Part], degree: int, score: Floats) -> list[Interaction] | None:
    """Return the pairs; None if the trials are too few for so many columns."""
    pairs = list(combinations(range(len(names)), 2))
    products = [_products(parts[i], parts[j], degree) for i, j in pairs]
    design = np.column_stack([np.ones(len(score)), *(part.columns for part in parts), *products])
    n, k = design.shape
    if n < _PER_COLUMN * k:
        return None
    # a ridge too small to matter, but for columns that say the same: of those, the parts share what they explain
    gram = design.T @ design
    inverse = np.linalg.inv(gram + 1e-6 * n * np.eye(k))
    weights = inverse @ (design.T @ score)
    left = score - design @ weights
    noise = float(left @ left) / (n - k)
    total = float(score.var())
    if total <= 0:
        return [Interaction((names[i], names[j]), 0.0, 1.0) for i, j in pairs]
    found, at = [], 1 + sum(part.columns.shape[1] for part in parts)
    for (i, j), product in zip(pairs, products, strict=True):
        block = slice(at, at + product.shape[1])
        at += product.shape[1]
        size, spread = weights[block], inverse[block, block]
        test = float(size @ np.linalg.solve(spread, size)) / max(noise, 1e-12 * total) / len(size)
        explained = max(0.0, float(size @ size - noise * np.trace(spread)))
        chance = float(fdtrc(len(size), n - k, max(test, 0.0))) if math.isfinite(test) else 1.0
        found.append((explained / max(total, explained), chance, (names[i], names[j])))
    adjusted = holm([chance for _, chance, _ in found])
    return [Interaction(pair, share, chance) for (share, _, pair), chance in zip(found, adjusted, strict=True)]


def _products(one: _Part, other: _Part, degree: int) -> Floats:
    """Return the products of the plainest functions of two parameters, (n, p q)."""
    left, right = one.plainest(degree), other.plainest(degree)
    return np.column_stack([a * b for a in left.T for b in right.T])


def holm(chances: Sequence[float]) -> list[float]:
    """Return the chances as they are for any of so many tests, by Holm's method."""
    adjusted, least = [0.0] * len(chances), 0.0
    for done, i in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        least = adjusted[i] = min(1.0, max(least, (len(chances) - done) * chances[i]))
    return adjusted
