"""Training and evaluation over flat arrays: the same source compiled by Numba or run as plain Python.

A network's weights are one vector, layer after layer: the weights W, row by row, then the bias, or gamma and beta
where the layer is normalized. So an optimizer's step is one pass over a vector, and a trial costs a few vectors
beside the shared data.

Shapes: N rows, m rows of a batch, layers 0 to L-1, layer l from `sizes[layer]` to `sizes[layer + 1]` units, P weights.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Integers
from tunewell.nn.arrays import Array, Scalar
from tunewell.nn.compiler import COMPILES, compiled

if COMPILES:
    from tunewell.nn import kernels_compiled as kernels
else:
    from tunewell.nn import kernels_plain as kernels  # type: ignore[no-redef]

# the compiler sees functions only as names of this module
activate, activate_backward, add_bias = kernels.activate, kernels.activate_backward, kernels.add_bias
column_sums, drop, follow, gather, lose = (
    kernels.column_sums,
    kernels.drop,
    kernels.follow,
    kernels.gather,
    kernels.lose,
)
move, multiply, normalize, normalize_with = kernels.move, kernels.multiply, kernels.normalize, kernels.normalize_with
normalize_backward, squared_norm, stretch = kernels.normalize_backward, kernels.squared_norm, kernels.stretch

NO_NORM, NORM_BEFORE, NORM_AFTER = 0, 1, 2
_ROWS = 256  # that are evaluated at a time


class Plan(NamedTuple):
    """The layers of a network, and where their weights lie."""

    sizes: NDArray[np.int64]
    """(L + 1,): units of the input and of each layer."""
    activations: NDArray[np.int64]
    """(L,): codes of `ops.ACTIVATIONS`."""
    norms: NDArray[np.int64]
    """(L,): no normalization, one before the activation, or one after."""
    keep: NDArray[np.float64]
    """(L,): the share of a layer's outputs that dropout keeps."""
    weights: NDArray[np.int64]
    """(L,): where in theta a layer's W begins."""
    vectors: NDArray[np.int64]
    """(L,): where in theta its bias, or gamma and beta, begin."""
    columns: NDArray[np.int64]
    """(L,): how many units the layers before it have; running statistics lie at twice that."""
    loss: int
    """0: softmax cross-entropy, 1: sigmoid cross-entropy, 2: squared error."""
    norm_epsilon: float
    norm_momentum: float


class Rules(NamedTuple):
    """The settings by which a network is trained."""

    optimizer: int
    """Code of the optimizer."""
    numbers: NDArray[np.float64]
    """(6,): its settings."""
    clip: float
    """The largest norm that the gradient may have; infinity for any."""
    batch_size: int
    seed: int
    """Of dropout."""


class State(NamedTuple):
    """The arrays that training changes; all flat."""

    theta: Array
    """(P,): weights."""
    gradient: Array
    first: Array
    """(P,): the optimizer's first moments."""
    second: Array
    """(P,): and second."""
    running: Array
    """Layer after layer, running means and then running variances, of all layers whether they are normalized or not."""


class Work(NamedTuple):
    """The workspace of a batch, layer after layer; as wide as the widest batch."""

    inputs: Array
    before: Array
    """The inputs of the activation."""
    normal: Array
    outputs: Array
    dropped: Array
    """The factors of dropout."""
    gradient: Array
    spread: Array
    mean: Array
    variance: Array


@compiled
def block(flat: Array, start: int, rows: int, columns: int) -> Array:
    """Return a matrix that lies within a vector, as a view."""
    return flat[start : start + rows * columns].reshape((rows, columns))


@compiled
def forward(plan: Plan, rules: Rules, state: State, work: Work, m: int, step: int) -> None:
    """Pass a batch, `work.inputs`, through all layers in training; leave the logits in `before` of the last layer."""
    f = state.theta.dtype.type
    n_layers = plan.activations.size
    batch = rules.batch_size
    x = block(work.inputs, 0, m, plan.sizes[0])
    for layer in range(n_layers):
        n_in, n, c = plan.sizes[layer], plan.sizes[layer + 1], plan.columns[layer]
        v = plan.vectors[layer]
        z = block(work.before, batch * c, m, n)
        np.dot(x, block(state.theta, plan.weights[layer], n_in, n), z)
        gamma, beta = state.theta[v : v + n], state.theta[v + n : v + 2 * n]
        normal, spread = block(work.normal, batch * c, m, n), work.spread[c : c + n]
        mean, variance = work.mean[c : c + n], work.variance[c : c + n]
        if plan.norms[layer] == NO_NORM:
            add_bias(z, gamma)
        elif plan.norms[layer] == NORM_BEFORE:
            normalize(z, gamma, beta, f(plan.norm_epsilon), normal, spread, mean, variance, z)
        if layer == n_layers - 1:
            return
        x = block(work.outputs, batch * c, m, n)
        activate(plan.activations[layer], z, x)
        if plan.norms[layer] == NORM_AFTER:
            normalize(x, gamma, beta, f(plan.norm_epsilon), normal, spread, mean, variance, x)
        if plan.norms[layer] != NO_NORM:
            follow(state.running[2 * c : 2 * c + n], mean, f(plan.norm_momentum), f(1))
            unbiased = f(m / (m - 1.0))
            follow(state.running[2 * c + n : 2 * c + 2 * n], variance, f(plan.norm_momentum), unbiased)
        if plan.keep[layer] < 1.0:
            drop(x, rules.seed, step, layer + 1, plan.keep[layer], block(work.dropped, batch * c, m, n))


@compiled
def backward(plan: Plan, rules: Rules, state: State, work: Work, m: int) -> None:
    """Propagate the gradient of the logits, `work.gradient` of the last layer, back to that of every weight."""
    n_layers = plan.activations.size
    batch = rules.batch_size
    for layer in range(n_layers - 1, -1, -1):
        n_in, n, c = plan.sizes[layer], plan.sizes[layer + 1], plan.columns[layer]
        w, v = plan.weights[layer], plan.vectors[layer]
        d = block(work.gradient, batch * c, m, n)
        gamma, normal, spread = state.theta[v : v + n], block(work.normal, batch * c, m, n), work.spread[c : c + n]
        dgamma, dbeta = state.gradient[v : v + n], state.gradient[v + n : v + 2 * n]
        if layer < n_layers - 1:
            if plan.keep[layer] < 1.0:
                multiply(d, block(work.dropped, batch * c, m, n))
            if plan.norms[layer] == NORM_AFTER:
                normalize_backward(d, gamma, normal, spread, dgamma, dbeta)
            activate_backward(plan.activations[layer], block(work.before, batch * c, m, n), d)
        if plan.norms[layer] == NORM_BEFORE:
            normalize_backward(d, gamma, normal, spread, dgamma, dbeta)
        elif plan.norms[layer] == NO_NORM:
            column_sums(d, dgamma)
        if layer == 0:
            np.dot(block(work.inputs, 0, m, n_in).T, d, block(state.gradient, w, n_in, n))
        else:
            before = batch * plan.columns[layer - 1]
            np.dot(block(work.outputs, before, m, n_in).T, d, block(state.gradient, w, n_in, n))
            np.dot(d, block(state.theta, w, n_in, n).T, block(work.gradient, before, m, n_in))


@compiled
def update(plan: Plan, rules: Rules, state: State, step: int, rate: Scalar) -> None:
    """Take the optimizer's step number `step`, from 1."""
    f = state.theta.dtype.type
    if rules.clip < np.inf:
        norm = np.sqrt(squared_norm(state.gradient))
        if norm > rules.clip:
            stretch(state.gradient, f(rules.clip / (norm + 1e-6)))
    for layer in range(plan.activations.size):
        w, v = plan.weights[layer], plan.vectors[layer]
        end = plan.weights[layer + 1] if layer + 1 < plan.activations.size else state.theta.size
        decay = rules.numbers[3]
        for start, stop, share in ((w, v, decay), (v, end, 0.0)):  # biases, gamma and beta do not decay
            move(
                rules.optimizer,
                state.theta[start:stop],
                state.gradient[start:stop],
                state.first[start:stop],
                state.second[start:stop],
                step,
                rate,
                rules.numbers,
                share,
            )


@compiled
def workspace(plan: Plan, batch: int, theta: Array) -> Work:
    """Make the workspace of a batch."""
    width = plan.sizes[1:].sum()
    kind = theta.dtype
    return Work(
        np.empty(batch * plan.sizes[0], kind),
        np.empty(batch * width, kind),
        np.empty(batch * width, kind),
        np.empty(batch * width, kind),
        np.empty(batch * width, kind),
        np.empty(batch * width, kind),
        np.empty(width, kind),
        np.empty(width, kind),
        np.empty(width, kind),
    )


@compiled
def train_epoch(
    plan: Plan,
    rules: Rules,
    state: State,
    x: Array,
    y: Array,
    weights: Array,
    order: Integers,
    rates: NDArray[np.float64],
    first_step: int,
) -> float:
    """Train on the rows in `order`, a batch at a time; return the mean loss, and stop where it is not finite.

    x: (N, sizes[0]); y: (N, sizes[L]); weights: (N,), of the rows in the loss; rates: the learning rate of each step,
    of which there are as many as batches are to be trained; first_step: how many steps were trained before.
    """
    n_layers = plan.activations.size
    batch = rules.batch_size
    n = plan.sizes[n_layers]
    work = workspace(plan, batch, state.theta)
    targets = np.empty(batch * n, state.theta.dtype)
    share = np.empty((batch, 1), state.theta.dtype)
    last = batch * plan.columns[n_layers - 1]
    loss, seen = 0.0, 0
    for i in range(rates.size):
        rows = order[i * batch : (i + 1) * batch]
        m = rows.size
        gather(rows, x, block(work.inputs, 0, m, plan.sizes[0]))
        gather(rows, y, block(targets, 0, m, n))
        gather(rows, weights, share[:m])
        forward(plan, rules, state, work, m, first_step + i)
        logits, d = block(work.before, last, m, n), block(work.gradient, last, m, n)
        loss += m * float(lose(plan.loss, logits, block(targets, 0, m, n), share[:m, 0], d))
        seen += m
        if not np.isfinite(loss):
            break
        backward(plan, rules, state, work, m)
        update(plan, rules, state, first_step + i + 1, rates[i])
    return loss / max(seen, 1)


@compiled
def logits(plan: Plan, theta: Array, running: Array, x: Array, out: Array) -> None:
    """Write the logits of rows, (N, sizes[0]) -> (N, sizes[L]), into `out`, by running statistics, without dropout."""
    f = theta.dtype.type
    n_layers = plan.activations.size
    widest = plan.sizes[1:].max()
    one, other = np.empty(_ROWS * widest, theta.dtype), np.empty(_ROWS * widest, theta.dtype)
    for start in range(0, x.shape[0], _ROWS):
        a = x[start : start + _ROWS]
        m = a.shape[0]
        for layer in range(n_layers):
            n_in, n, c, v = plan.sizes[layer], plan.sizes[layer + 1], plan.columns[layer], plan.vectors[layer]
            z = block(one, 0, m, n)
            np.dot(a, block(theta, plan.weights[layer], n_in, n), z)
            gamma, beta = theta[v : v + n], theta[v + n : v + 2 * n]
            mean, variance = running[2 * c : 2 * c + n], running[2 * c + n : 2 * c + 2 * n]
            if plan.norms[layer] == NO_NORM:
                add_bias(z, gamma)
            elif plan.norms[layer] == NORM_BEFORE:
                normalize_with(z, gamma, beta, f(plan.norm_epsilon), mean, variance, z)
            if layer == n_layers - 1:
                out[start : start + m] = z
            else:
                a = block(other, 0, m, n)
                activate(plan.activations[layer], z, a)
                if plan.norms[layer] == NORM_AFTER:
                    normalize_with(a, gamma, beta, f(plan.norm_epsilon), mean, variance, a)
