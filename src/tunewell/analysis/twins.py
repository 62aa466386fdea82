"""The effect of a change on a run, against its twin: the same run, which went on without the change.

Both began as the same checkpoint, so the difference of their curves is that of the change and of the noise of two runs.
Neighbouring epochs are not independent, so the mean's margin counts them for as many as their correlation leaves (the
effective sample size of a series whose neighbours are correlated: n (1 - r) / (1 + r)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tunewell.arrays import Floats


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between a run with a change and one without, from the same epoch on."""

    epochs: int
    """The epochs that both have reported."""
    mean: float
    """By how much the metric is better with the change, on average over these epochs; below 0: worse."""
    margin: float
    """Half the width of its 95 % interval; infinite for fewer than three epochs."""
    last: float
    """At the last of them."""
    is_none: bool = False
    """The two are equal at each of these epochs."""


def difference(changed: Floats, unchanged: Floats, since: int) -> Difference | None:
    """Return the difference of two curves, (E,), lower is better, after epoch `since`; None if they share no epoch."""
    n = min(len(changed), len(unchanged))
    gains = (unchanged[:n] - changed[:n])[since:]
    gains = gains[np.isfinite(gains)]
    if not gains.size:
        return None
    return Difference(len(gains), float(gains.mean()), _margin(gains), float(gains[-1]), not gains.any())


def _margin(values: Floats) -> float:
    n = len(values)
    if n < 3:
        return math.inf
    centered = values - values.mean()
    spread = float(np.sum(centered**2))
    if spread == 0.0:
        return 0.0
    correlation = min(0.9, max(0.0, float(np.sum(centered[1:] * centered[:-1])) / spread))
    effective = max(2.0, n * (1 - correlation) / (1 + correlation))
    from scipy.stats import t  # type: ignore[import-untyped]  # noqa: PLC0415  slow to import

    return float(t.ppf(0.975, effective - 1) * math.sqrt(spread / (n - 1) / effective))
