"""The elementwise steps of the training loop, as loops for the compiler.

Each has a twin of the same name in `kernels_plain`, which does the same in whole arrays and is the one to read. They
are apart because neither serves both: as array expressions Numba compiles batch normalization to something 5 times
slower, and Adam 10 times, while plain Python would take milliseconds for these loops. A test holds them equal.

Numba's cache of `loop` does not see when this file changes: `make clean-cache` then, or the old code is measured.

Shapes: m rows of a batch, n units. Constants are made in the arrays' own precision: one double among floats would
turn the whole loop into doubles.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Integers
from tunewell.nn.arrays import Array, Scalar
from tunewell.nn.compiler import compiled


@compiled
def gather(rows: Integers, source: Array, out: Array) -> None:
    """Write these rows of `source` into `out`."""
    for i in range(out.shape[0]):
        row = rows[i]  # read before the loop, or it might have changed for all that the compiler knows
        for j in range(out.shape[1]):
            out[i, j] = source[row, j]


@compiled
def add_bias(z: Array, bias: Array) -> None:
    """Add the bias to each row, in place."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] += bias[j]


@compiled
def column_sums(d: Array, out: Array) -> None:
    """Write the sum of each column into `out`."""
    out[:] = 0
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            out[j] += d[i, j]


@compiled
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
    """Normalize the batch; keep `normal`, `spread` (1 / deviation), `mean` and `variance` (biased)."""
    m, n = z.shape
    one = z.dtype.type(1)
    share = one / z.dtype.type(m)
    mean[:] = 0
    variance[:] = 0
    for i in range(m):
        for j in range(n):
            mean[j] += z[i, j]
    for j in range(n):
        mean[j] *= share
    for i in range(m):
        for j in range(n):
            difference = z[i, j] - mean[j]
            normal[i, j] = difference
            variance[j] += difference * difference
    for j in range(n):
        variance[j] *= share
        spread[j] = one / np.sqrt(variance[j] + epsilon)
    for i in range(m):
        for j in range(n):
            x = normal[i, j] * spread[j]
            normal[i, j] = x
            out[i, j] = x * gamma[j] + beta[j]


@compiled
def normalize_backward(d: Array, gamma: Array, normal: Array, spread: Array, dgamma: Array, dbeta: Array) -> None:
    """Turn `d`, the gradient by the output, into that by the input, in place; write `dgamma` and `dbeta`."""
    m, n = d.shape
    share = d.dtype.type(1) / d.dtype.type(m)
    dgamma[:] = 0
    dbeta[:] = 0
    for i in range(m):
        for j in range(n):
            dbeta[j] += d[i, j]
            dgamma[j] += d[i, j] * normal[i, j]
    for i in range(m):
        for j in range(n):
            d[i, j] = gamma[j] * spread[j] * (d[i, j] - share * (dbeta[j] + normal[i, j] * dgamma[j]))


@compiled
def normalize_with(
    z: Array, gamma: Array, beta: Array, epsilon: Scalar, mean: Array, variance: Array, out: Array
) -> None:
    """Normalize the batch by running statistics, for evaluation."""
    one = z.dtype.type(1)
    for j in range(z.shape[1]):
        factor = gamma[j] * (one / np.sqrt(variance[j] + epsilon))
        for i in range(z.shape[0]):
            out[i, j] = (z[i, j] - mean[j]) * factor + beta[j]


@compiled
def follow(running: Array, average: Array, momentum: Scalar, factor: Scalar) -> None:
    """Move `running` towards factor * average, by a share of `momentum`."""
    for j in range(running.size):
        running[j] += momentum * (factor * average[j] - running[j])


@compiled
def activate(code: int, z: Array, out: Array) -> None:
    """Write g(z) into `out`; `code` is that of `ops.ACTIVATIONS`."""
    m, n = z.shape
    zero = z.dtype.type(0)
    one = z.dtype.type(1)
    half = z.dtype.type(0.5)
    slope = z.dtype.type(0.01)
    root_half = z.dtype.type(math.sqrt(0.5))
    if code == 1:
        for i in range(m):
            for j in range(n):
                out[i, j] = max(z[i, j], zero)
    elif code == 2:
        for i in range(m):
            for j in range(n):
                out[i, j] = max(z[i, j], zero) + slope * min(z[i, j], zero)
    elif code == 3:
        for i in range(m):
            for j in range(n):
                out[i, j] = np.tanh(z[i, j])
    elif code == 4:
        for i in range(m):
            for j in range(n):
                small = np.exp(-abs(z[i, j]))
                share = one / (one + small)
                out[i, j] = share if z[i, j] >= zero else small * share
    elif code == 5:
        for i in range(m):
            for j in range(n):
                out[i, j] = half * z[i, j] * (one + z.dtype.type(math.erf(z[i, j] * root_half)))
    else:
        for i in range(m):
            for j in range(n):
                out[i, j] = z[i, j]


@compiled
def activate_backward(code: int, z: Array, d: Array) -> None:
    """Multiply by g'(z), in place."""
    m, n = z.shape
    zero = z.dtype.type(0)
    one = z.dtype.type(1)
    half = z.dtype.type(0.5)
    slope = z.dtype.type(0.01)
    root_half = z.dtype.type(math.sqrt(0.5))
    density = z.dtype.type(1 / math.sqrt(2 * math.pi))
    if code == 1:
        for i in range(m):
            for j in range(n):
                d[i, j] = d[i, j] if z[i, j] > zero else zero
    elif code == 2:
        for i in range(m):
            for j in range(n):
                d[i, j] = d[i, j] if z[i, j] > zero else slope * d[i, j]
    elif code == 3:
        for i in range(m):
            for j in range(n):
                a = np.tanh(z[i, j])
                d[i, j] *= one - a * a
    elif code == 4:
        for i in range(m):
            for j in range(n):
                small = np.exp(-abs(z[i, j]))
                d[i, j] *= small / ((one + small) * (one + small))
    elif code == 5:
        for i in range(m):
            for j in range(n):
                x = z[i, j]
                below = half * (one + z.dtype.type(math.erf(x * root_half)))
                d[i, j] *= below + x * density * np.exp(-half * x * x)


@compiled
def mix(x: np.uint32) -> np.uint32:
    """Return 32 bits, well shuffled (lowbias32 of Chris Wellons' hash prospector)."""
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@compiled
def drop(a: Array, seed: int, step: int, layer: int, keep: Scalar, factor: Array) -> None:
    """Drop elements in place and scale the others up; `factor` is what each element was multiplied by."""
    m, n = a.shape
    key = mix(np.uint32(mix(np.uint32(mix(np.uint32(seed)) ^ np.uint32(step))) ^ np.uint32(layer)))
    limit = np.uint32(keep * 4294967296.0)
    zero = a.dtype.type(0)
    more = a.dtype.type(1.0 / keep)
    for i in range(m):
        row = np.uint32(key + np.uint32(i * n))
        for j in range(n):
            factor[i, j] = more if mix(np.uint32(row + np.uint32(j))) < limit else zero
            a[i, j] *= factor[i, j]


@compiled
def multiply(d: Array, factor: Array) -> None:
    """Multiply each element by its own factor, in place."""
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            d[i, j] *= factor[i, j]


@compiled
def lose(code: int, z: Array, y: Array, weights: Array, d: Array) -> Scalar:
    """Return the weighted mean loss of a batch, and write its gradient by z into `d`; `code` is that of `Plan.loss`."""
    m, n = z.shape
    zero = z.dtype.type(0)
    one = z.dtype.type(1)
    half = z.dtype.type(0.5)
    total = zero
    for i in range(m):
        total += weights[i]
    loss = zero
    for i in range(m):
        share = weights[i] / total
        if code == 0:
            top = z[i, 0]
            for j in range(1, n):
                top = max(top, z[i, j])
            whole = zero
            mass = zero
            for j in range(n):
                d[i, j] = np.exp(z[i, j] - top)
                whole += d[i, j]
                mass += y[i, j]
            log_whole = np.log(whole)
            for j in range(n):
                loss -= share * y[i, j] * (z[i, j] - top - log_whole)
                d[i, j] = share * (mass * d[i, j] / whole - y[i, j])
        elif code == 1:
            for j in range(n):
                small = np.exp(-abs(z[i, j]))
                part = one / (one + small)
                a = part if z[i, j] >= zero else small * part
                loss += share * (max(z[i, j], zero) - z[i, j] * y[i, j] + np.log1p(small))
                d[i, j] = share * (a - y[i, j])
        else:
            for j in range(n):
                difference = z[i, j] - y[i, j]
                loss += half * share * difference * difference
                d[i, j] = share * difference
    return loss


@compiled
def squared_norm(g: Array) -> Scalar:
    """Return the sum of squares."""
    total = g.dtype.type(0)
    for i in range(g.size):
        total += g[i] * g[i]
    return total


@compiled
def stretch(g: Array, factor: Scalar) -> None:
    """Multiply all by one factor, in place."""
    for i in range(g.size):
        g[i] *= factor


@compiled
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
    """Take one step of an optimizer in place; `code` and `numbers` are the optimizer's, `decay` of these weights."""
    f = theta.dtype.type
    one = f(1)
    a = f(numbers[0])
    b = f(numbers[1])
    epsilon = f(numbers[2])
    nesterov = numbers[4] > 0
    lr = f(rate)
    l2 = f(decay)
    if code == 0:
        for i in range(theta.size):
            gradient = g[i] + l2 * theta[i]
            first[i] = a * first[i] + gradient
            theta[i] -= lr * (gradient + a * first[i] if nesterov else first[i])
    elif code == 1:
        for i in range(theta.size):
            gradient = g[i] + l2 * theta[i]
            second[i] = a * second[i] + (one - a) * gradient * gradient
            theta[i] -= lr * gradient / (np.sqrt(second[i]) + epsilon)
    else:
        pull = l2 if code == 2 else f(0)  # Adam's decay goes through the gradient, AdamW's does not
        shrink = one - lr * l2 if code == 3 else one
        first_share = f(rate / (1.0 - numbers[0] ** step))
        second_share = f(1.0 / (1.0 - numbers[1] ** step))
        for i in range(theta.size):
            gradient = g[i] + pull * theta[i]
            first[i] = a * first[i] + (one - a) * gradient
            second[i] = b * second[i] + (one - b) * gradient * gradient
            theta[i] = shrink * theta[i] - first_share * first[i] / (np.sqrt(second[i] * second_share) + epsilon)
