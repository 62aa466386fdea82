"""The cost of an epoch by the setting: which parameters make a training slow, and by how much.

The logarithm of the seconds that an epoch takes is a sum of one term a parameter, linear in its unit coordinate (a
choice has a term for each value): so a parameter multiplies the time, whatever the others are. Resampled trials
(bootstrap) give each factor an interval.

Shapes: n trials, k terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunewell.analysis.importance import points_inside, tuned_of
from tunewell.arrays import Floats, own_numerics
from tunewell.history import History
from tunewell.space.params import Choice
from tunewell.space.values import Value

MIN_TRIALS = 10
"""With fewer trials whose pace is known there is no result."""
_BOOTSTRAP, _INTERVAL = 200, (0.05, 0.95)
_RIDGE = 1e-3
_WORTH = 1.1
"""A factor that is not surely above this is not worth a word."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The effect of one parameter on the time that an epoch takes."""

    name: str
    cheap: Value
    """The value of an end of its range, or of a choice, with which an epoch is quickest,"""
    dear: Value
    """and with which it is slowest: so many times as long."""
    factor: float
    low: float
    """The factor is below this in 5 % of the resampled studies,"""
    high: float
    """and above this in 5 %."""


@dataclass(frozen=True, slots=True)
class Costs:
    """The parameters that surely change what an epoch takes, the dearest first."""

    parameters: tuple[Cost, ...]
    trials: int
    """How many trials' pace is known."""

    @property
    def too_few(self) -> str | None:
        """The reason why there is no result; None if there is one."""
        if self.trials >= MIN_TRIALS:
            return None
        return f"the pace of {self.trials} trials is known, and it takes {MIN_TRIALS}"


@own_numerics
def costs(history: History, pace: Floats) -> Costs:
    """Return what the parameters do to the time that an epoch takes.

    pace: (n,) seconds an epoch of each trial; NaN where that is not known.
    """
    known = np.flatnonzero(np.isfinite(pace) & (pace > 0))
    if len(known) < max(MIN_TRIALS, len(history.space.params) + 2):
        return Costs((), len(known) if len(known) < MIN_TRIALS else MIN_TRIALS - 1)
    points, log_pace = points_inside(history)[known], np.log(pace[known])
    tuned = tuned_of(history.space)
    columns = [_terms(points[:, column], param) for column, _, param in tuned]
    design = np.hstack([np.ones((len(known), 1)), *columns])
    places = np.cumsum([1, *(one.shape[1] for one in columns)])
    rng = np.random.default_rng(0)
    weights = np.vstack([np.ones(len(known)), rng.multinomial(len(known), [1 / len(known)] * len(known), _BOOTSTRAP)])
    fitted = np.stack([_fit(design, log_pace, one) for one in weights])  # (1 + B, k)
    found = []
    ends: tuple[Value, Value]
    for (_, name, param), start, end in zip(tuned, places[:-1], places[1:], strict=True):
        terms = fitted[:, start:end]
        if isinstance(param, Choice):
            dear, cheap = int(terms[0].argmax()), int(terms[0].argmin())
            ends = param.values[cheap], param.values[dear]
            differences = terms[:, dear] - terms[:, cheap]
        else:
            sign = 1.0 if terms[0, 0] >= 0 else -1.0
            low, high = param.from_unit(np.array([0.0, 1.0])).tolist()
            ends = (low, high) if sign > 0 else (high, low)
            differences = sign * terms[:, 0]
        factor = float(np.exp(differences[0]))
        least, most = np.exp(np.quantile(differences[1:], _INTERVAL)).tolist()
        if least > _WORTH:
            found.append(Cost(name, *ends, factor, min(least, factor), max(most, factor)))
    return Costs(tuple(sorted(found, key=lambda one: -one.factor)), len(known))


def _terms(units: Floats, param: object) -> Floats:
    """Return the columns of a parameter, 0 where a trial has none of it."""
    if isinstance(param, Choice):
        n = len(param.values)
        at = np.minimum(np.floor(np.nan_to_num(units, nan=-1.0) * n), n - 1)
        terms: Floats = (at[:, None] == np.arange(n)).astype(np.float64)
        return terms
    column: Floats = np.nan_to_num(units, nan=0.0)[:, None]
    return column


def _fit(design: Floats, values: Floats, weights: Floats) -> Floats:
    weighted = design * weights[:, None]
    ridge = _RIDGE * len(values) * np.eye(design.shape[1])
    ridge[0, 0] = 0.0  # the mean is free
    return np.asarray(np.linalg.solve(weighted.T @ design + ridge, weighted.T @ values), dtype=np.float64)
