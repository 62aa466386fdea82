"""Several metrics as one number, drawn anew for each step: so every scheduler searches for their front.

The number is the augmented Chebyshev distance to the best of each metric (Knowles, "ParEGO", 2006), with weights that
are drawn evenly from those that add up to 1. What is best by some weights lies on the front, and every point of the
front is best by some, so a search that decides each step by other weights covers it; and early stopping and a model of
learning curves work as for one metric, on curves of that number.

Shapes: n trials, c epochs, k metrics. Lower is better.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tunewell.analysis.front import nondominated, scaled
from tunewell.arrays import Floats
from tunewell.history import History
from tunewell.study.aims import Aims
from tunewell.study.outcomes import Outcomes

_AUGMENTED = 0.05
_BEYOND = 0.05
"""The point that distances are from lies so much beyond the best of each metric: nothing has the distance 0."""


def weights(k: int, rng: np.random.Generator) -> Floats:
    """Return k weights that add up to 1, drawn evenly."""
    found: Floats = rng.dirichlet(np.ones(k))
    return found


def as_decided(history: History, outcomes: Outcomes, weight: Floats) -> History:
    """Return the history as a scheduler sees it at a step: curves of one number, and what is known of limits."""
    aims, curves = outcomes.aims, history.curves
    if aims.are_several and curves.size:
        values = outcomes.lower_is_better()
        width = min(values.shape[1], curves.shape[1])
        curves = scalarised(values[:, :width], curves[:, :width], weight)
    return history.seen_as(curves, outcomes.excess() if aims.limits else None)


def weighed_note(note: Mapping[str, object], aims: Aims, weight: Floats) -> dict[str, object]:
    """Return a scheduler's note with the weights of its step, in place of what it expects of a number nobody sees."""
    kept = {name: value for name, value in note.items() if name != "why"}
    return {**kept, "weights": {name: round(float(one), 3) for name, one in zip(aims.metrics, weight, strict=True)}}


def scalarised(values: Floats, primary: Floats, weight: Floats) -> Floats:
    """Return the curves of one number, (n, c).

    Args:
        values: (n, c, k), the metrics; NaN where one was not reported yet.
        primary: (n, c), the study's metric: inf where a trial diverged, NaN where nothing was reported.
        weight: (k,).
    """
    known = _filled(values)
    finite = np.isfinite(known).all(axis=2) & np.isfinite(primary)
    if not finite.any():
        return primary
    points = known[finite]
    front = points[nondominated(points)]
    low, high = front.min(axis=0), front.max(axis=0)
    # a front of one says nothing of how much matters: then all that was seen does
    narrow = high <= low
    high = np.where(narrow, np.quantile(points, 0.75, axis=0), high)
    distance = scaled(known, low, high) + _BEYOND
    weighed = weight * distance
    with np.errstate(invalid="ignore"):
        found = weighed.max(axis=2) + _AUGMENTED * weighed.sum(axis=2)
    found = np.where(np.isfinite(primary) & np.isnan(found), np.nan, found)
    result: Floats = np.where(np.isfinite(primary), found, primary)
    return result


def _filled(values: Floats) -> Floats:
    """Return the metrics with what is not known yet: what the trial reported later, else what is usual at the end."""
    found = np.array(values)
    for metric in range(values.shape[2]):
        one = found[:, :, metric]
        first = np.where(np.isnan(one), values.shape[1], np.arange(values.shape[1])).min(
            axis=1, initial=values.shape[1]
        )
        rows = np.flatnonzero(first < values.shape[1])
        later = np.full(len(one), np.nan)
        later[rows] = one[rows, first[rows]]
        last = one[:, -1][np.isfinite(one[:, -1])] if one.shape[1] else np.empty(0)
        usual = float(np.median(last)) if len(last) else 0.0
        later[np.isnan(later)] = usual
        found[:, :, metric] = np.where(np.isnan(one), later[:, np.newaxis], one)
    return found
