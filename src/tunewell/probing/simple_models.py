"""Simple models, trained on the same rows as a network: what they get is possible, whatever holds the network back.

A linear model and the nearest neighbours, both of our own, and a random forest where scikit-learn is installed. They
see a part of the rows, which bounds their time: a baseline that takes as long as the network would be none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats, own_numerics
from tunewell.nn.ops import softmax
from tunewell.training.rows import Rows, classes_of, targets_of

MOST_ROWS = 3000
MOST_NUMBERS = 12_000_000
_WIDE = 200  # features; of more, those are kept in which most of the spread is
_KEPT = 50
_HELD_OUT = 5  # one row in so many is judged by, where there are no validation rows
_LEAST_ROWS = 20
_AXES_OF_A_TABLE = 2
_NEIGHBOURS = 5
_BLOCK = 256  # rows whose neighbours are looked for at once
_STEPS = 200
_DECAY = 1e-3
_TREES = 50


@dataclass(frozen=True, slots=True)
class Baseline:
    """The score of a simple model on rows that it was not fitted to."""

    model: str
    """In words."""
    score: float
    """Accuracy; of a regression the share of the variance that it explains, R²."""
    error: float
    """Mean squared error of a regression; NaN of classes."""


@dataclass(frozen=True, slots=True)
class Baselines:
    """The scores of simple models, the best first, and what there is to compare them with."""

    found: tuple[Baseline, ...]
    floor: float
    """The score of knowing nothing: the share of the largest class, or 0."""
    n_fitted: int
    n_judged: int
    of_classes: bool
    on_validation: bool
    """False if a part of the training rows was held out."""
    is_table: bool
    """True if a row is one line of numbers, and no image or sequence."""
    reduced: str = ""
    """What was done to inputs of high dimension, in words."""

    @property
    def best(self) -> Baseline:
        """The one with the best score."""
        return self.found[0]

    @property
    def noise(self) -> float:
        """Two standard errors of the best score, of so few rows."""
        if not self.of_classes:
            return 2 * max(0.02, (1 - self.best.score) * math.sqrt(2 / self.n_judged))
        share = min(max(self.best.score, 1 / self.n_judged), 1 - 1 / self.n_judged)
        return 2 * math.sqrt(share * (1 - share) / self.n_judged)


@dataclass(frozen=True, slots=True)
class _Split:
    """Rows to fit and rows to judge by: x (N, F) with mean 0 and spread 1, y (N,) classes or (N, T) targets."""

    x: Floats
    y: NDArray[Any]
    x_other: Floats
    y_other: NDArray[Any]
    n_classes: int


@own_numerics
def baselines(train: Rows, validation: Rows | None, seed: int) -> Baselines | str:
    """Train the simple models, and return what they get; in words why not, where none can be.

    Raises nothing for rows that cannot be used.
    """
    own = _usable(train)
    if isinstance(own, str):
        return own
    x, y, of_classes = own
    other = None if validation is None else _usable(validation)
    on_validation = isinstance(other, tuple) and other[2] == of_classes and other[0].shape[1:] == x.shape[1:]
    if on_validation and isinstance(other, tuple):
        x_other, y_other = other[0], other[1]
    else:
        order = np.random.default_rng(seed).permutation(len(x))
        held, rest = np.array_split(order, [len(x) // _HELD_OUT])
        x, y, x_other, y_other = x[rest], y[rest], x[held], y[held]
    n_classes = int(max(y.max(), y_other.max())) + 1 if of_classes else 0
    x, x_other, reduced = _prepared(x, x_other, seed)
    split = _Split(x, y, x_other, y_other, n_classes)
    predictions = {name: model(split, seed) for name, model in _MODELS}
    found = [_judged(name, one, split) for name, one in predictions.items() if one is not None]
    floor = float(np.bincount(y_other).max() / len(y_other)) if of_classes else 0.0
    ranked = tuple(sorted(found, key=lambda one: -one.score))
    is_table = train.inputs is not None and train.inputs.ndim <= _AXES_OF_A_TABLE and not reduced
    return Baselines(ranked, floor, len(x), len(x_other), of_classes, on_validation, is_table, reduced)


def _usable(rows: Rows) -> tuple[Floats, NDArray[Any], bool] | str:
    """Return inputs (N, F), labels, and if these are classes; or why no simple model can be trained."""
    if rows.pairs is None:
        return "the rows are no arrays of numbers with labels"
    inputs, labels = rows.pairs
    if len(inputs) < _LEAST_ROWS or len(labels) != len(inputs):
        return f"{len(inputs)} rows are too few"
    is_whole = inputs.dtype.kind in "iu" and inputs.dtype != np.uint8 and inputs.ndim > 1 and inputs.shape[1] > 1
    if is_whole and inputs.min() >= 0 and inputs.max() > inputs.shape[1]:
        return "the inputs are whole numbers, maybe words, which say nothing as numbers"
    x = inputs.reshape(len(inputs), -1).astype(np.float64)
    if not np.isfinite(x).all():
        return "the inputs are not all finite"
    classes = classes_of(labels)
    if classes is not None:
        return x, classes, True
    targets = targets_of(labels)
    if targets is None and labels.size > len(labels):
        return "a row has several labels"
    if targets is None or np.ptp(targets) == 0:
        return "the labels are neither classes nor numbers that vary"
    return x, targets, False


def _prepared(x: Floats, x_other: Floats, seed: int) -> tuple[Floats, Floats, str]:
    """Return both with mean 0 and spread 1 a feature; of many features their principal components."""
    mean, spread = x.mean(axis=0), x.std(axis=0)
    varies = spread > 1e-12 * max(1.0, float(np.abs(mean).max()))
    if not varies.any():
        return np.zeros((len(x), 1)), np.zeros((len(x_other), 1)), ""
    x, x_other = ((one[:, varies] - mean[varies]) / spread[varies] for one in (x, x_other))
    if x.shape[1] <= _WIDE:
        return x, x_other, ""
    kept = min(_KEPT, len(x) - 1)
    rng = np.random.default_rng(seed)
    # a randomized range finder (Halko et al., 2011): two products with a narrow matrix in place of a full decomposition
    basis, _ = np.linalg.qr(x.T @ (x @ rng.normal(size=(x.shape[1], kept + 10))))
    _, sizes, axes = np.linalg.svd(x @ basis, full_matrices=False)
    axes = (basis @ axes.T)[:, :kept]
    scale = sizes[0] / math.sqrt(len(x)) or 1.0
    return x @ axes / scale, x_other @ axes / scale, f"{x.shape[1]} features, of which {kept} principal components"


def _judged(name: str, predicted: NDArray[Any], split: _Split) -> Baseline:
    if split.n_classes:
        return Baseline(name, float(np.mean(predicted == split.y_other)), math.nan)
    error = float(np.mean((predicted - split.y_other) ** 2))
    return Baseline(name, 1 - error / max(float(split.y_other.var()), 1e-300), error)


def _linear(split: _Split, seed: int) -> NDArray[Any]:  # noqa: ARG001  all are called alike
    """Fit ridge regression, or logistic regression by gradient steps from there; return what it predicts."""
    x = np.column_stack([split.x, np.ones(len(split.x))])
    other = np.column_stack([split.x_other, np.ones(len(split.x_other))])
    targets = np.eye(split.n_classes)[split.y] if split.n_classes else split.y
    inner = x.T @ x + 1e-2 * len(x) * _DECAY * np.eye(x.shape[1]) + 1e-9 * np.eye(x.shape[1])
    weights = np.linalg.solve(inner, x.T @ targets)
    if not split.n_classes:
        return np.asarray(other @ weights)
    curvature = 0.5 * float(np.linalg.eigvalsh(inner)[-1]) / len(x) + _DECAY  # bounds that of the cross entropy
    ahead, before = weights, weights
    for step in range(1, _STEPS + 1):  # Nesterov's
        gradient = x.T @ (softmax(x @ ahead) - targets) / len(x) + _DECAY * ahead
        weights = ahead - gradient / curvature
        ahead, before = weights + step / (step + 3) * (weights - before), weights
    return np.asarray((other @ weights).argmax(axis=1))


def _nearest(split: _Split, seed: int) -> NDArray[Any]:  # noqa: ARG001
    """Return what the nearest training rows have."""
    k = min(_NEIGHBOURS, len(split.x))
    squares = np.einsum("nf,nf->n", split.x, split.x)
    parts = []
    for block in np.array_split(split.x_other, max(1, len(split.x_other) // _BLOCK)):
        near = np.argpartition(squares - 2 * block @ split.x.T, k - 1, axis=1)[:, :k]
        if split.n_classes:
            votes = (split.y[near][:, :, None] == np.arange(split.n_classes)).sum(axis=1)
            parts.append(votes.argmax(axis=1))
        else:
            parts.append(split.y[near].mean(axis=1))
    return np.concatenate(parts)


def _forest(split: _Split, seed: int) -> NDArray[Any] | None:
    """Return what a random forest predicts; None without scikit-learn."""
    try:
        from sklearn.ensemble import (  # noqa: PLC0415  an extra, and slow to import
            RandomForestClassifier,
            RandomForestRegressor,
        )
    except ImportError:
        return None
    kind = RandomForestClassifier if split.n_classes else RandomForestRegressor
    trees = kind(_TREES, random_state=seed, max_features="sqrt")
    target = split.y if split.n_classes or split.y.shape[1] > 1 else split.y[:, 0]
    trees.fit(split.x, target)
    return np.asarray(trees.predict(split.x_other)).reshape(split.y_other.shape)


_Model = Callable[[_Split, int], NDArray[Any] | None]
_MODELS: tuple[tuple[str, _Model], ...] = (
    ("the nearest neighbours", _nearest),
    ("a linear model", _linear),
    ("a random forest", _forest),
)
"""From the quickest to the slowest."""
