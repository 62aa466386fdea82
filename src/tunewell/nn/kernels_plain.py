"""The elementwise steps of the training loop, in whole arrays: what runs where Numba is not installed.

Each has a twin of the same name in `kernels_compiled`, where it is documented; both write into the arrays given.
"""

# ruff: noqa: D103  each is documented at its twin

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Integers
from tunewell.nn import ops
from tunewell.nn.arrays import Array, Scalar
from tunewell.nn.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

_G = {activation.code: activation for activation in ops.ACTIVATIONS.values()}
_LOSSES = (ops.softmax_cross_entropy, ops.sigmoid_cross_entropy, ops.squared_error)


def gather(rows: Integers, source: Array, out: Array) -> None:
    np.take(source, rows, axis=0, out=out, mode="clip")  # with "raise" NumPy would make a copy


def add_bias(z: Array, bias: Array) -> None:
    z += bias


def column_sums(d: Array, out: Array) -> None:
    np.sum(d, axis=0, out=out)


def normalize(
    z: Array,
    gamma: Array,
    beta: Array,
    epsilon: Scalar,
    normal: Array,
    spread: Array,
    mean: Array,
    variance: Array,
    out: Array,
) -> None:
    np.mean(z, axis=0, out=mean)
    np.subtract(z, mean, out=normal)
    np.mean(normal * normal, axis=0, out=variance)
    np.divide(1, np.sqrt(variance + epsilon), out=spread)
    normal *= spread
    np.multiply(normal, gamma, out=out)
    out += beta


def normalize_backward(d: Array, gamma: Array, normal: Array, spread: Array, dgamma: Array, dbeta: Array) -> None:
    np.sum(d, axis=0, out=dbeta)
    np.sum(d * normal, axis=0, out=dgamma)
    d -= (dbeta + normal * dgamma) / len(d)
    d *= gamma * spread


def normalize_with(
    z: Array, gamma: Array, beta: Array, epsilon: Scalar, mean: Array, variance: Array, out: Array
) -> None:
    np.multiply(z - mean, gamma / np.sqrt(variance + epsilon), out=out)
    out += beta


def follow(running: Array, average: Array, momentum: Scalar, factor: Scalar) -> None:
    running += momentum * (factor * average - running)


def activate(code: int, z: Array, out: Array) -> None:
    out[...] = _G[code].forward(z)


def activate_backward(code: int, z: Array, d: Array) -> None:
    d[...] = _G[code].backward(d, z, _G[code].forward(z))


def drop(a: Array, seed: int, step: int, layer: int, keep: Scalar, factor: Array) -> None:
    np.multiply(ops.mask(seed, step, layer, a.shape, float(1.0 - keep)), a.dtype.type(1.0 / keep), out=factor)
    a *= factor


def multiply(d: Array, factor: Array) -> None:
    d *= factor


def lose(code: int, z: Array, y: Array, weights: Array, d: Array) -> Scalar:
    loss, d[...] = _LOSSES[code](z, y, weights)
    return loss


def squared_norm(g: Array) -> Scalar:
    return float(g @ g)


def stretch(g: Array, factor: Scalar) -> None:
    g *= factor


def move(
    code: int,
    theta: Array,
    g: Array,
    first: Array,
    second: Array,
    step: int,
    rate: Scalar,
    numbers: NDArray[np.float64],
    decay: Scalar,
) -> None:
    optimizer = _optimizer(code, *numbers.tolist())
    optimizer.update(theta, g, first, second, step=step, learning_rate=float(rate), decays=bool(decay))


@cache
def _optimizer(code: int, a: float, b: float, epsilon: float, decay: float, nesterov: float, _: float) -> Optimizer:
    match code:
        case SGD.code:
            return SGD(momentum=a, nesterov=bool(nesterov), weight_decay=decay)
        case RMSprop.code:
            return RMSprop(alpha=a, epsilon=epsilon, weight_decay=decay)
    return (Adam if code == Adam.code else AdamW)(beta1=a, beta2=b, epsilon=epsilon, weight_decay=decay)
