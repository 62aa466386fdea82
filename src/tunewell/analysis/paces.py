"""The seconds that an epoch takes, from those so far: the setting of its trial, times the load, times chance.

The logarithm of the seconds of an epoch is a mean, a term of its trial, a term that changes as the study goes on (an
Ornstein-Uhlenbeck process: what else the machine does, where the search has moved) and noise. How large each is, and
how quickly the load changes, is not estimated but weighed: each split on a grid counts as much as it explains the
epochs (its marginal likelihood; the scale of all is integrated out with Jeffreys' prior). So few epochs give wide
intervals, and epochs that all take the same give one of no width.

Shapes: n observations, m trials, d draws, k parts of the future.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats, Integers

_OF_TRIAL = (0.0, 0.3, 3.0, 30.0, 300.0, 3000.0)
_OF_LOAD = (0.0, 0.3, 3.0, 30.0, 300.0)
"""The variance of trials, and that of the load, as multiples of the noise's."""
_LASTING = (0.03, 0.2, 1.2)
"""After how much of what was trained so far the load has mostly become another."""
_PARTS, _EARLIER = 6, 1.5
"""The future has so many parts with a load each, the earlier ones shorter."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Epochs of one trial that were trained one after the other."""

    trial: int
    epochs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Paces:
    """Draws of what epochs took and will take; logarithms of seconds."""

    middle: Floats
    """(d,) the mean over trials,"""
    fitted: Floats
    """(d,) and what it is most likely, given how the variance is split."""
    trials: dict[int, int]
    """The column of each trial in"""
    of_trial: Floats
    """(d, m) the term of each trial."""
    spread: Floats
    """(d,) the standard deviation of that of a new trial."""
    noise: Floats
    """(d,) the standard deviation of one epoch's."""
    until: Floats
    """(k,) the shares of the future at which its parts end, and"""
    ahead: Floats
    """(d, k) the load in each."""
    observed: float
    """How many epochs were observed in all."""
    places: Floats
    """(n,) the epochs that were trained until the middle of each observation, and"""
    before: Floats
    """(d, n) the load then."""

    def load_at(self, share: Floats) -> Floats:
        """Return (d,) the load after a share of the future, one for each draw."""
        part = np.minimum(np.searchsorted(self.until, share), len(self.until) - 1)
        found: Floats = self.ahead[np.arange(len(part)), part]
        return found

    def load_before(self, epochs: Floats) -> Floats:
        """Return (d, ...) the load when so many epochs had been trained."""
        return np.stack([np.interp(epochs, self.places, row) for row in self.before])


@dataclass(frozen=True, slots=True)
class _Fit:
    """One way to split the variance, in which that of the noise is 1."""

    of_trial: float
    of_load: float
    lower: Floats
    """The Cholesky factor of the covariance of the observations."""
    kernel: Floats
    """(n + k, n + k) the correlation of the load, now and ahead."""
    middle: float
    precision: float
    rest: Floats
    """What the middle leaves, with the covariance taken out; and"""
    ones: Floats
    evidence: float


def paces(observed: Sequence[Observed], ahead: float, n_draws: int, rng: np.random.Generator) -> Paces:
    """Return what epochs take.

    Args:
        observed: at least two, in the order in which they ended.
        ahead: how many epochs are still to be trained.
        n_draws: d.
        rng: what is drawn from.
    """
    epochs = np.array([one.epochs for one in observed], dtype=np.float64)
    values = np.log(np.array([one.seconds for one in observed]) / epochs)
    names, own = np.unique([one.trial for one in observed], return_inverse=True)
    n, m = len(observed), len(names)
    edges = ahead * np.linspace(0, 1, _PARTS + 1) ** _EARLIER
    places = np.cumsum(epochs) - epochs / 2
    fits = list(_fits(values, epochs, own, places, epochs.sum() + (edges[1:] + edges[:-1]) / 2))
    evidence = np.array([one.evidence for one in fits])
    weights = np.exp(evidence - evidence.max())
    picked = rng.choice(len(fits), size=n_draws, p=weights / weights.sum())
    middle, fitted, spread, noise = (np.zeros(n_draws) for _ in range(4))
    of_trial, load, before = (np.zeros((n_draws, width)) for width in (m, _PARTS, n))
    members = (np.arange(m)[:, None] == own).astype(np.float64)  # (m, n)
    for which in np.unique(picked):
        rows, fit = np.flatnonzero(picked == which), fits[which]
        mean, root = _posterior(fit, members)
        scale = np.sqrt(fit.rest @ fit.rest / rng.chisquare(n - 1, size=len(rows)))
        drawn = mean + scale[:, None] * (rng.standard_normal((len(rows), len(mean))) @ root.T)
        of_trial[rows], load[rows], middle[rows] = drawn[:, :m], drawn[:, m:-1], drawn[:, -1]
        fitted[rows] = fit.middle
        before[rows] = fit.of_load * fit.kernel[:n, :n] @ np.linalg.solve(fit.lower.T, fit.rest)
        spread[rows] = math.sqrt(fit.of_trial) * scale
        noise[rows] = math.sqrt(epochs.mean()) * scale
    until = edges[1:] / ahead if ahead > 0 else np.ones(_PARTS)
    columns = {int(name): column for column, name in enumerate(names)}
    return Paces(middle, fitted, columns, of_trial, spread, noise, until, load, float(epochs.sum()), places, before)


def _fits(values: Floats, epochs: Floats, own: Integers, places: Floats, ahead: Floats) -> Iterator[_Fit]:
    """Yield the ways to split the variance, with what each explains."""
    n, ones = len(values), np.ones(len(values))
    at = np.concatenate([places, ahead])
    apart = np.abs(at[:, None] - at[None, :]) / epochs.sum()
    same = (own[:, None] == own[None, :]).astype(np.float64)
    for lasting in _LASTING:
        kernel = np.exp(-apart / lasting)
        for of_trial in _OF_TRIAL:
            for of_load in _OF_LOAD:
                if of_load == 0 and lasting != _LASTING[0]:
                    continue
                covariance = of_trial * same + of_load * kernel[:n, :n] + np.diag(epochs.mean() / epochs)
                lower = np.linalg.cholesky(covariance)
                one, value = np.linalg.solve(lower, np.stack([ones, values], axis=1)).T
                precision = float(one @ one)
                middle = float(one @ value) / precision
                rest = value - middle * one
                evidence = -np.log(np.diag(lower)).sum() - math.log(precision) / 2
                evidence -= (n - 1) / 2 * math.log(max(float(rest @ rest), 1e-300))
                evidence -= math.log(len(_LASTING)) if of_load else 0.0
                yield _Fit(of_trial, of_load, lower, kernel, middle, precision, rest, one, float(evidence))


def _posterior(fit: _Fit, members: Floats) -> tuple[Floats, Floats]:
    """Return the mean of the trials' terms, the load ahead and the middle, and a root of their covariance."""
    m, n = members.shape
    size = m + len(fit.kernel) - n
    shared = np.vstack([fit.of_trial * members, fit.of_load * fit.kernel[n:, :n]])  # with the observations
    prior = np.zeros((size, size))
    prior[:m, :m] = fit.of_trial * np.eye(m)
    prior[m:, m:] = fit.of_load * fit.kernel[n:, n:]
    explained = np.linalg.solve(fit.lower, shared.T).T
    by_middle = explained @ fit.ones
    covariance = np.empty((size + 1, size + 1))
    covariance[:-1, :-1] = prior - explained @ explained.T + np.outer(by_middle, by_middle) / fit.precision
    covariance[:-1, -1] = covariance[-1, :-1] = -by_middle / fit.precision
    covariance[-1, -1] = 1 / fit.precision
    sizes, axes = np.linalg.eigh(covariance)
    return np.append(explained @ fit.rest, fit.middle), axes * np.sqrt(np.maximum(sizes, 0.0))
