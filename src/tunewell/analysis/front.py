"""The front of several metrics: what nothing else betters in all of them; its hypervolume, and the knee.

Shapes: n points, k metrics. Lower is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats

_MANY_TIMES = 100.0
"""Positive values that span so many times their least are compared by factors."""


def nondominated(values: Floats) -> NDArray[np.bool_]:
    """Return which points, (n, k), no other betters, (n,): of equal ones the first. One with a NaN is none."""
    found = np.zeros(len(values), dtype=bool)
    known = np.flatnonzero(~np.isnan(values).any(axis=1))
    # by their sums: nothing that comes later can better what came before
    with np.errstate(over="ignore", invalid="ignore"):
        order = known[np.lexsort((known, *values[known].T[::-1]))]
    kept: list[int] = []
    for row in order.tolist():
        if not kept or not (values[kept] <= values[row]).all(axis=1).any():
            kept.append(row)
    found[kept] = True
    return found


def hypervolume(values: Floats, reference: Floats) -> float:
    """Return how much of the space below the reference point, (k,), some point, (n, k), is at least as good as.

    Zitzler and Thiele, "Multiobjective optimization using evolutionary algorithms", 1998; by slices of the last.
    """
    inside = values[(values < reference).all(axis=1)] if len(values) else values
    if not len(inside):
        return 0.0
    if inside.shape[1] == 1:
        return float(reference[0] - inside.min())
    front = inside[nondominated(inside)]
    front = front[front[:, -1].argsort(kind="stable")]
    ends = np.append(front[1:, -1], reference[-1])
    total = 0.0
    for place, end in enumerate(ends):
        depth = end - front[place, -1]
        if depth > 0:
            total += float(depth) * hypervolume(front[: place + 1, :-1], reference[:-1])
    return total


def scaled(values: Floats, low: Floats, high: Floats) -> Floats:
    """Return values, (..., k), with 0 at `low` and 1 at `high`, (k,), by factors where the two are far apart."""
    by_factors = (low > 0) & (high > _MANY_TIMES * low)
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = np.where(by_factors, np.log(np.maximum(values, np.finfo(float).tiny)), values)
        ends = [np.where(by_factors, np.log(np.where(by_factors, end, 1.0)), end) for end in (low, high)]
    span = ends[1] - ends[0]
    found: Floats = (shown - ends[0]) / np.where(span > 0, span, 1.0)
    return found


def knee(front: Floats) -> int:
    """Return the point of a front, (n, k), that is nearest to the best of each metric: what most would choose.

    Each metric counts from the best to the worst on the front. Of equals, the first.
    """
    if len(front) == 1:
        return 0
    places = scaled(front, front.min(axis=0), front.max(axis=0))
    return int(np.round((places**2).sum(axis=1), 12).argmin())
