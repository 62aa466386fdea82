"""The noise of a batch's gradient: the simple noise scale (McCandlish et al., 2018, arXiv:1812.06162).

It is tr(Sigma) / |G|^2 in rows, where G is the mean gradient and Sigma the covariance of a single row's: a batch of
so many rows has as much noise as signal. Here it comes from n of the N batches g of B rows that an epoch takes, with m
their mean. E|g|^2 = |G|^2 + tr(Sigma)/B; and since an epoch takes every row once, the mean of all N is G itself, so
that E|m|^2 = |G|^2 + c tr(Sigma)/B with c = (N - n) / (n (N - 1)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean


def noise_scale(norms: Sequence[float], squared_sum: float, rows: Sequence[int], n_batches: int) -> float:
    """Return the scale in rows; NaN where the estimate of |G|^2 is not above zero, being lost in the noise.

    norms: (n,), of each gradient; squared_sum: the squared norm of their sum; rows: (n,), of each batch; n_batches: N.
    """
    n = len(norms)
    if n < 2 or not min(rows):
        return math.nan
    mean_square = fmean(norm * norm for norm in norms)
    share = (n_batches - n) / (n * (n_batches - 1))
    signal = (squared_sum / n**2 - share * mean_square) / (1 - share)
    if not (signal > 0.0 and math.isfinite(mean_square)):
        return math.nan
    return max(mean_square - signal, 0.0) * fmean(rows) / signal
