"""Losses of logits z and targets y, both (m, k), each returned with its gradient by z.

Rows are samples. `weights` (m,) are what each row counts; the loss is their weighted mean, plain if None.
"""

from __future__ import annotations

import numpy as np

from tunewell.nn.arrays import Array
from tunewell.nn.ops.activations import sigmoid


def softmax(z: Array, axis: int = -1) -> Array:
    """Return e^z over its sum along `axis`; the largest is taken off first, so that nothing overflows."""
    raised = np.exp(z - z.max(axis=axis, keepdims=True))
    a: Array = raised / raised.sum(axis=axis, keepdims=True)
    return a


def softmax_cross_entropy(z: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """Return - sum of y log(softmax(z)), and its gradient (a - y) / m with a = softmax(z).

    Rows of targets usually sum to one; where one sums to s, its gradient is (s a - y) / m.
    """
    share = _shares(z, weights)
    shifted = z - z.max(axis=1, keepdims=True)
    log_a = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(share * targets * log_a).sum()
    return float(loss), share * (targets.sum(axis=1, keepdims=True) * np.exp(log_a) - targets)


def sigmoid_cross_entropy(z: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """Return - sum of y log(a) + (1 - y) log(1 - a) with a = sigmoid(z), and its gradient (a - y) / m.

    Each output is yes or no.
    """
    share = _shares(z, weights)
    terms = np.maximum(z, 0) - z * targets + np.log1p(np.exp(-np.abs(z)))
    return float((share * terms).sum()), share * (sigmoid(z) - targets)


def squared_error(z: Array, targets: Array, weights: Array | None = None) -> tuple[float, Array]:
    """Return half the sum of (z - y)^2 over the outputs, and its gradient (z - y) / m."""
    share = _shares(z, weights)
    difference = z - targets
    return float((share * difference * difference).sum() / 2), share * difference


def smooth(targets: Array, smoothing: float) -> Array:
    """Return targets (m, k) of which a share is spread evenly over the k classes (Szegedy et al., 2016)."""
    return targets * targets.dtype.type(1.0 - smoothing) + targets.dtype.type(smoothing / targets.shape[1])


def _shares(z: Array, weights: Array | None) -> Array:
    """Return each row's share of the loss, (m, 1), summing to one."""
    weights = np.ones(len(z), z.dtype) if weights is None else weights.astype(z.dtype, copy=False)
    shares: Array = (weights / weights.sum())[:, np.newaxis]
    return shares
