"""Measurements of a network in training at the end of an epoch, under the names that `tunewell.watch` uses.

The compiled loop runs whole epochs and keeps nothing of its steps, so some steps are sampled: each from the same
weights, on a batch of its own, in a copy of all that a step changes. At most 1,000 rows are looked at, 256 of them for
what the activations put out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from tunewell.nn import loop, ops
from tunewell.nn.arrays import Array
from tunewell.nn.network import Network
from tunewell.nn.noise_scale import noise_scale

ROWS = 1000
_PROBED_ROWS = 256
_STEPS = 8
_EDGE = 0.05  # from either end of its range a sigmoid or tanh counts as saturated
_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}

Measured = dict[str, float]


@dataclass(frozen=True, slots=True)
class TrainingState:
    """A network in training, and all that its next steps depend on."""

    network: Network
    rules: loop.Rules
    first: Array
    second: Array
    x: Array
    y: Array
    weights: Array
    rate: float
    steps: int
    """Taken so far."""
    n_batches: int
    """Steps in an epoch."""


def inside(training: TrainingState, rows: NDArray[np.int64]) -> Measured:
    """Return gradients, updates, weights and activations, those of layer l as `layers.l.NAME`; NaN where unknown.

    rows: those that are looked at, in random order.
    """
    whole, layers = _steps(training, rows)
    layers = [layer | more for layer, more in zip(layers, _activations(training, rows), strict=True)]
    shares = {
        name: fmean(found)
        for name in ("dead_fraction", "saturated_fraction")
        if (found := [layer[name] for layer in layers if name in layer])
    }
    flat = {f"layers.{place}.{name}": value for place, layer in enumerate(layers) for name, value in layer.items()}
    return {
        **whole,
        "weight_norm": math.hypot(*(layer["weight_norm"] for layer in layers)),
        "update_ratio": median(layer["update_ratio"] for layer in layers),
        **shares,
        **flat,
    }


def judged(network: Network, x: Array, y: Array) -> Measured:
    """Return the mean recall, and the share of the class predicted most, of validation rows with classes."""
    classes, predicted = y.argmax(axis=1), network.logits(x).argmax(axis=1)
    recalls = [float(np.mean(predicted[classes == label] == label)) for label in np.unique(classes)]
    return {
        "val_balanced_accuracy": fmean(recalls),
        "val_top_prediction_share": float(np.bincount(predicted).max() / len(predicted)),
    }


def _steps(training: TrainingState, rows: NDArray[np.int64]) -> tuple[Measured, list[Measured]]:
    """Return the norms of gradients and updates of all weight matrices together, and of each."""
    matrices = _matrices(training, training.network.theta)
    total = np.zeros(len(training.network.theta))
    gradients, changes, batch_rows = [], [], []
    for batch in _batches(training, rows):
        state = _after_step(training, batch, math.inf)
        gradients.append(_norms(_matrices(training, state.gradient)))
        total += state.gradient
        if training.rules.clip < math.inf:
            state = _after_step(training, batch, training.rules.clip)
        moved = _matrices(training, state.theta)
        changes.append(_norms([new - old for new, old in zip(moved, matrices, strict=True)]))
        batch_rows.append(len(batch))
    norms = np.hypot.reduce(gradients, axis=1).tolist()
    squared = sum(norm * norm for norm in _norms(_matrices(training, total)))
    whole = {
        "grad_norm": fmean(norms),
        "grad_norm_max": max(norms),
        "grad_noise_scale": noise_scale(norms, squared, batch_rows, max(training.n_batches, len(norms))),
    }
    columns = zip(np.mean(gradients, axis=0), np.mean(changes, axis=0), _norms(matrices), strict=True)
    return whole, [
        {"grad_norm": float(gradient), "weight_norm": size, "update_ratio": float(change) / size if size else math.nan}
        for gradient, change, size in columns
    ]


def _norms(matrices: list[Array]) -> list[float]:
    return [float(np.linalg.norm(matrix)) for matrix in matrices]


def _batches(training: TrainingState, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    size = min(training.rules.batch_size, len(rows))
    for start in range(0, min(len(rows) // size, _STEPS) * size, size):
        yield rows[start : start + size]


def _after_step(training: TrainingState, batch: NDArray[np.int64], clip: float) -> loop.State:
    """Return the state that one step on the rows makes of a copy."""
    network = training.network
    state = loop.State(
        network.theta.copy(),
        np.zeros_like(network.theta),
        training.first.copy(),
        training.second.copy(),
        network.running.copy(),
    )
    rules = training.rules._replace(clip=clip)
    with np.errstate(all="ignore"):
        loop.train_epoch(
            network.plan,
            rules,
            state,
            training.x,
            training.y,
            training.weights,
            batch,
            np.full(1, training.rate),
            training.steps,
        )
    return state


def _matrices(training: TrainingState, flat: Array) -> list[Array]:
    sizes, plan = training.network.layout.sizes, training.network.plan
    return [loop.block(flat, plan.weights[i], sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1)]


def _activations(training: TrainingState, rows: NDArray[np.int64]) -> Iterator[Measured]:
    """Yield the statistics of each layer's outputs in evaluation; none of the last, which has no non-linearity."""
    network = training.network
    layout, plan, theta, running = network.layout, network.plan, network.theta, network.running
    a: Array = training.x[rows[:_PROBED_ROWS]]
    for layer, name in enumerate(layout.activation):
        n, v, c = layout.sizes[layer + 1], plan.vectors[layer], 2 * plan.columns[layer]
        statistics = (theta[v : v + n], theta[v + n : v + 2 * n], running[c : c + n], running[c + n : c + 2 * n])
        with np.errstate(all="ignore"):
            z: Array = a @ network.weights(layer)
            if layout.norm is None:
                z += theta[v : v + n]
            if layout.norm == "before":
                z = ops.batch_norm_evaluate(z, *statistics, epsilon=layout.norm_epsilon)
            a = ops.ACTIVATIONS[name].forward(z)
            yield _shown(name, a)
            if layout.norm == "after":
                a = ops.batch_norm_evaluate(a, *statistics, epsilon=layout.norm_epsilon)
    yield {}


def _shown(name: str, a: Array) -> Measured:
    shown = {"activation_mean": float(a.mean()), "activation_std": float(a.std())}
    if name == "relu":
        shown["dead_fraction"] = float(np.mean(~(a > 0).any(axis=0)))
    if name in _RANGES:
        low, high = _RANGES[name]
        shown["saturated_fraction"] = float(np.mean((a > high - _EDGE) | (a < low + _EDGE)))
    return shown
