"""Curves drawn with characters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from tunewell.arrays import Floats
from tunewell.display.formatting import measured

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 32) -> str:
    """Return the values as bars of eight heights, each bar the mean of its share where there are more than `width`."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return ""
    means = np.array([part.mean() for part in np.array_split(finite, min(width, finite.size))])
    span = float(np.ptp(means))
    heights = (
        np.rint((means - means.min()) / span * (len(_BARS) - 1)).astype(int) if span else np.zeros(len(means), int)
    )
    return "".join(_BARS[height] for height in heights)


def curve(values: Sequence[float], *, width: int = 60, height: int = 10) -> Iterator[str]:
    """Yield the lines of a plot of the values by epoch, from 1; epochs without a finite value are left blank."""
    points = np.asarray(values, dtype=float)
    columns = [_finite_mean(part) for part in np.array_split(points, max(1, min(width, len(points))))]
    known = [value for value in columns if not math.isnan(value)]
    if not known:
        return
    low, high = min(known), max(known)
    step = (high - low) / (height - 1) or 1.0
    rows = [None if math.isnan(value) else round((value - low) / step) for value in columns]
    labels = {height - 1: measured(high), 0: measured(low)} if high > low else {0: measured(low)}
    margin = max(map(len, labels.values()))
    for row in reversed(range(height if high > low else 1)):
        marks = "".join("•" if at == row else " " for at in rows)
        yield f"{labels.get(row, '').rjust(margin)} ┤{marks}".rstrip()
    yield f"{'':{margin}} └{'─' * len(columns)}"
    yield f"{'':{margin}}  1{str(len(points)).rjust(len(columns) - 1)}" if len(columns) > 1 else f"{'':{margin}}  1"


def _finite_mean(part: Floats) -> float:
    finite = part[np.isfinite(part)]
    return float(finite.mean()) if finite.size else math.nan
