"""Batch normalization (Ioffe & Szegedy, 2015): in training by the batch's statistics, in use by running ones.

`axis` is the one along which samples run: 0 where rows are samples, as everywhere in tunewell; 1 where columns are, as
courses write it. gamma, beta and the statistics have shape (n,), one entry a unit, in both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tunewell.errors import SettingError
from tunewell.nn.arrays import Array


class BatchNormCache(NamedTuple):
    """The values of the forward pass that the backward pass needs."""

    normal: Array
    """(z - mean) / deviation."""
    deviation: Array
    gamma: Array
    mean: Array
    """(n,): of the batch."""
    variance: Array
    """(n,): of the batch, biased: divided by m."""
    axis: int


def batch_norm_forward(
    z: Array, gamma: Array, beta: Array, *, epsilon: float = 1e-5, axis: int = 0
) -> tuple[Array, BatchNormCache]:
    """Return y = gamma (z - mean) / sqrt(variance + epsilon) + beta, by the mean and biased variance of the batch.

    Raises:
        SettingError: the batch is a single sample, which has no variance.
    """
    if z.shape[axis] < 2:
        raise SettingError("batch normalization cannot learn from a batch of one; use batches of 2 or more")
    mean, variance = z.mean(axis=axis), z.var(axis=axis)
    deviation = _along(np.sqrt(variance + z.dtype.type(epsilon)), axis)
    normal = (z - _along(mean, axis)) / deviation
    y = _along(gamma, axis) * normal + _along(beta, axis)
    return y, BatchNormCache(normal, deviation, gamma, mean, variance, axis)


def batch_norm_backward(dy: Array, cache: BatchNormCache) -> tuple[Array, Array, Array]:
    """Return dz, dgamma and dbeta.

    dbeta = sum of dy, dgamma = sum of dy normal, and with m samples
    dz = gamma / deviation (dy - dbeta / m - normal dgamma / m): the last two terms are there because each sample
    moves the mean and the variance of its batch.
    """
    axis, m = cache.axis, dy.shape[cache.axis]
    dbeta, dgamma = dy.sum(axis=axis), (dy * cache.normal).sum(axis=axis)
    share = (_along(dbeta, axis) + cache.normal * _along(dgamma, axis)) / m
    return _along(cache.gamma, axis) / cache.deviation * (dy - share), dgamma, dbeta


def batch_norm_evaluate(
    z: Array, gamma: Array, beta: Array, mean: Array, variance: Array, *, epsilon: float = 1e-5, axis: int = 0
) -> Array:
    """Return the same by running statistics, for any number of samples."""
    factor = gamma / np.sqrt(variance + z.dtype.type(epsilon))
    return (z - _along(mean, axis)) * _along(factor, axis) + _along(beta, axis)


def update_running(
    mean: Array, variance: Array, batch_mean: Array, batch_variance: Array, m: int, *, momentum: float = 0.1
) -> tuple[Array, Array]:
    """Return the running statistics after a batch of m samples: exponential averages.

    As in PyTorch, momentum is the weight of the new batch, and the running variance is one of unbiased variances, so
    `batch_variance`, which is biased, counts m / (m - 1) times.
    """
    unbiased = batch_variance * (m / (m - 1))
    return mean + momentum * (batch_mean - mean), variance + momentum * (unbiased - variance)


def _along(values: Array, axis: int) -> Array:
    """Reshape (n,) so that it meets the units of a matrix whose samples run along `axis`."""
    return np.expand_dims(values, axis)
