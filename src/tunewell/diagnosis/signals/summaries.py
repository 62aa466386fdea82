"""Summaries of curves that have gaps, and numbers of mappings that may lack them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewell.arrays import Floats

_MOST = 1e30
TINY = 1e-12


def finite(values: Floats) -> Floats:
    """Return the values that are known."""
    known: Floats = values[np.isfinite(values)]
    return known


def mean(values: Floats) -> float:
    """Return the mean of the values that are known; NaN if none is."""
    known = finite(values)
    return float(known.mean()) if known.size else math.nan


def lowest(values: Floats) -> float:
    """Return the least value that is known."""
    return float(np.min(finite(values), initial=math.inf)) if finite(values).size else math.nan


def highest(values: Floats) -> float:
    """Return the greatest value that is known."""
    return float(np.max(finite(values), initial=-math.inf)) if finite(values).size else math.nan


def median(values: Floats) -> float:
    """Return the median of the values that are known."""
    known = finite(values)
    return float(np.median(known)) if known.size else math.nan


def start(values: Floats) -> float:
    """Return the first value that is known."""
    known = finite(values)
    return float(known[0]) if known.size else math.nan


def end(values: Floats) -> float:
    """Return the mean of the last tenth of what is known."""
    known = finite(values)
    return float(known[-max(1, round(len(known) / 10)) :].mean()) if known.size else math.nan


def at_share(values: Floats, share: float) -> float:
    """Return the value when this share of the epochs had passed."""
    known = finite(values)
    return float(known[min(len(known) - 1, int(share * len(known)))]) if known.size else math.nan


def place(values: Floats, *, of_lowest: bool) -> float:
    """Return when the best was: 0 at the first epoch, 1 at the last."""
    known = finite(values)
    if len(known) < 2:
        return math.nan
    best = known.argmin() if of_lowest else known.argmax()
    return float(best) / (len(known) - 1)


def log_ratio(above: float, below: float) -> float:
    """Return log10(above / below), within 12 decades; NaN where either is negative or not known."""
    if not (above >= 0 and below >= 0) or (above == 0 and below == 0):
        return math.nan
    return math.log10(max(above, TINY) / max(below, TINY))


def ratio(above: float, below: float) -> float:
    """Return above / below; NaN where that says nothing."""
    return above / below if below and math.isfinite(below) else math.nan


def ratios(above: Floats, below: Floats) -> Floats:
    """Return the ratios element by element; NaN where that says nothing."""
    result: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=np.isfinite(below) & (below != 0))
    return result


def gap_halfway(fit: Floats, accuracy: Floats) -> float:
    """Return training minus validation accuracy at the epoch when training had half of the best it ever had."""
    known = np.isfinite(fit) & np.isfinite(accuracy)
    if not known.any():
        return math.nan
    fit, accuracy = fit[known], accuracy[known]
    here = int(np.argmax(fit >= fit.max() / 2))
    return float(fit[here] - accuracy[here])


def number(config: Mapping[str, Any], name: str) -> float:
    """Return a number of a mapping; a boolean counts as 0 or 1; NaN if it is absent or something else."""
    value = config.get(name)
    if isinstance(value, int | float) and math.isfinite(value):
        return max(-_MOST, min(_MOST, float(value)))
    return math.nan
