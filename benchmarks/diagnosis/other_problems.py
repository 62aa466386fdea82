"""Problems whose targets are no class of a row: numbers, several labels, the next token, the row itself.

Also rows of classes that are like nothing in `problems`: many classes, and tokens in place of numbers. Shapes: tables
(N, D), images (N, channels, height, width), sequences (N, time, D), tokens (N, time) as integers. Targets: classes
(N,), numbers (N, 1), labels (N, L) of 0 and 1, the next tokens (N, time), or the flat inputs (N, D).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import problems
from problems import N_VAL, Data, Floats, split
from sklearn import datasets

Random = np.random.Generator


def numbers(rng: Random) -> Data:
    """One number to be predicted from a row of numbers."""
    kind = str(rng.choice(["friedman", "linear", "taught", "waves", "prices", "diabetes"]))
    n, n_val = _rows(rng, 60, 4000), int(rng.integers(*N_VAL))
    total, seed = n * 2 + n_val, int(rng.integers(2**31))
    if kind == "friedman":
        make = (datasets.make_friedman1, datasets.make_friedman2, datasets.make_friedman3)[rng.integers(3)]
        x, y = make(total, random_state=seed)
        y = y + rng.normal(size=total) * y.std() * rng.uniform(0.02, 0.5)
    elif kind == "linear":
        d = int(rng.integers(2, 40))
        x, y = datasets.make_regression(total, d, n_informative=max(1, d // 2), random_state=seed)
        y = y + rng.normal(size=total) * y.std() * rng.uniform(0.02, 0.7)
    elif kind == "taught":
        d, width = int(rng.integers(3, 20)), int(rng.integers(3, 16))
        x = rng.normal(size=(total, d))
        y = np.tanh(x @ rng.normal(size=(d, width)) / np.sqrt(d) * 1.5) @ rng.normal(size=width)
        y = y + rng.normal(size=total) * y.std() * rng.uniform(0.0, 0.4)
    elif kind == "waves":
        x = rng.uniform(-3, 3, (total, int(rng.integers(1, 4))))
        y = np.sin(x * rng.uniform(0.8, 2.5)).sum(axis=1) + rng.normal(size=total) * rng.uniform(0.0, 0.3)
    elif kind == "prices":
        x = np.exp(rng.normal(size=(total, int(rng.integers(3, 12)))) * 0.6)
        y = x @ rng.uniform(0, 1, x.shape[1]) * (1 + 0.3 * x[:, 0]) * np.exp(rng.normal(size=total) * 0.15)
    else:
        x, y = datasets.load_diabetes(return_X_y=True)
        n, n_val = 300, 142
    scale, offset = _unit_of_targets(rng)
    y = (y - y.mean()) / y.std() * scale + offset
    return split(x, y.astype(np.float32)[:, None], n, n_val, rng, f"numbers, {kind}", task="regression")


def next_values(rng: Random) -> Data:
    """The value that follows a window of a noisy series."""
    time, n, n_val = int(rng.integers(8, 24)), _rows(rng, 200, 1200), int(rng.integers(*N_VAL))
    clock = np.arange(n + n_val + time + 1)
    series = np.sin(clock * rng.uniform(0.05, 0.4)) + 0.6 * np.sin(clock * rng.uniform(0.4, 1.2) + 1)
    series = series + rng.normal(size=len(clock)) * rng.uniform(0.02, 0.3) + clock * rng.uniform(0, 1e-3)
    windows = np.lib.stride_tricks.sliding_window_view(series, time + 1)[: n + n_val]
    scale, offset = _unit_of_targets(rng) if rng.random() < 0.3 else (1.0, 0.0)
    y = (windows[:, -1:] * scale + offset).astype(np.float32)
    return split(windows[:, :-1, None], y, n, n_val, rng, "next values", columns=False, task="regression")


def labels(rng: Random) -> Data:
    """Rows that have any number of some labels."""
    n, n_val, n_labels = _rows(rng, 200, 2500), int(rng.integers(*N_VAL)), int(rng.integers(3, 15))
    x, y = datasets.make_multilabel_classification(
        n + n_val,
        n_features=int(rng.integers(15, 60)),
        n_classes=n_labels,
        n_labels=max(1, int(n_labels * rng.uniform(0.15, 0.5))),
        length=int(rng.integers(30, 90)),
        random_state=int(rng.integers(2**31)),
    )
    return split(x, y.astype(np.float32), n, n_val, rng, "labels", task="multilabel")


def one_output(rng: Random) -> Data:
    """Two classes, to be told apart by one output."""
    for _ in range(40):
        data = (problems.image if rng.random() < 0.3 else problems.table)(rng)
        if rng.random() < 0.2:
            data = problems.sequence(rng)
        if data.n_classes == 2 or rng.random() < 0.2:
            break
    kept = [y < 2 for y in (data.y, data.y_val, data.spare_y)]
    if data.n_classes > 2 and min(kept[0].sum(), kept[1].sum()) >= 60:
        (x, y), (x_val, y_val), (more_x, more_y) = (
            (x[rows], y[rows])
            for (x, y), rows in zip(
                ((data.x, data.y), (data.x_val, data.y_val), (data.spare_x, data.spare_y)), kept, strict=True
            )
        )
    else:
        half = data.n_classes // 2
        x, x_val, more_x = data.x, data.x_val, data.spare_x
        y, y_val, more_y = ((y >= half).astype(np.int64) for y in (data.y, data.y_val, data.spare_y))
    name = f"one output, {data.name}"
    return Data(x, y, x_val, y_val, 2, more_x, more_y, name, task="binary")


def many_classes(rng: Random) -> Data:
    """Rows of 12 to 100 classes."""
    k, d = int(rng.integers(12, 101)), int(rng.integers(12, 50))
    n, n_val = min(k * int(rng.integers(12, 40)), 2500), 600
    centres = rng.normal(size=(k, d)) * rng.uniform(0.6, 1.4)
    y = rng.integers(0, k, n + n_val)
    x = centres[y] + rng.normal(size=(len(y), d)) * rng.uniform(0.6, 1.2)
    return split(np.tanh(x @ rng.normal(size=(d, d)) / np.sqrt(d)), y, n, n_val, rng, "many classes")


def tokens(rng: Random) -> Data:
    """Short texts of a subject: some words are its own, and the order of two may matter."""
    vocabulary, k, time = int(rng.integers(20, 200)), int(rng.integers(2, 6)), int(rng.integers(8, 24))
    n, n_val = _rows(rng, 300, 1200), int(rng.integers(*N_VAL))
    y = rng.integers(0, k, n + n_val)
    odds = rng.dirichlet(np.full(vocabulary, rng.uniform(0.15, 0.7)), k) * rng.uniform(0.2, 0.7)
    odds = (odds + rng.dirichlet(np.full(vocabulary, 1.0)) * (1 - odds.sum(axis=1, keepdims=True))).cumsum(axis=1)
    texts = (rng.random((len(y), time))[:, :, None] > odds[y][:, None]).sum(axis=2).clip(0, vocabulary - 1)
    return _of_tokens(texts, y.astype(np.int64), n, n_val, "tokens", "classes", k, vocabulary)


def text(rng: Random) -> Data:
    """A language: each token by the one or two before it. What is wanted is the next one, everywhere."""
    letters, time = int(rng.integers(8, 30)), int(rng.integers(8, 20))
    n, n_val = _rows(rng, 150, 700), 200
    odds = rng.dirichlet(np.full(letters, rng.uniform(0.03, 0.3)), (letters, letters)).cumsum(axis=-1)
    texts = np.zeros((n * 2 + n_val, time + 1), np.int64)
    texts[:, :2] = rng.integers(0, letters, (len(texts), 2))
    order = bool(rng.random() < 0.5)
    for step in range(2, time + 1):
        before = texts[:, step - 2] if order else 0
        drawn = (rng.random(len(texts))[:, None] > odds[before, texts[:, step - 1]]).sum(axis=1)
        texts[:, step] = np.minimum(drawn, letters - 1)
    return _of_tokens(texts[:, :-1], texts[:, 1:], n, n_val, "text", "language", letters, letters)


def itself(rng: Random) -> Data:
    """Rows to be squeezed through few units and restored."""
    data = (problems.image if rng.random() < 0.4 else problems.table)(rng)
    flat = [x.reshape(len(x), int(np.prod(x.shape[1:]))) for x in (data.x, data.x_val, data.spare_x)]
    name = f"itself, {data.name}"
    return Data(flat[0], flat[0], flat[1], flat[1], flat[0].shape[1], flat[2], flat[2], name, task="autoencoder")


def fewer_rows(data: Data, n: int) -> Data:
    """The same problem with few rows to learn from; the others are spare."""
    return replace(
        data,
        x=data.x[:n],
        y=data.y[:n],
        spare_x=np.concatenate([data.x[n:], data.spare_x]),
        spare_y=np.concatenate([data.y[n:], data.spare_y]),
    )


def _of_tokens(
    x: np.ndarray, y: np.ndarray, n: int, n_val: int, name: str, task: str, n_classes: int, vocabulary: int
) -> Data:
    parts = [slice(n), slice(n, n + n_val), slice(n + n_val, None)]
    (x, x_val, more_x), (y, y_val, more_y) = ([values[part] for part in parts] for values in (x, y))
    return Data(x, y, x_val, y_val, n_classes, more_x, more_y, name, task=task, vocabulary=vocabulary)


def _rows(rng: Random, low: int, high: int) -> int:
    return int(np.exp(rng.uniform(np.log(low), np.log(high))))


def _unit_of_targets(rng: Random) -> tuple[float, float]:
    """Standardized by most; some leave their targets in the unit that they come in, if that is not a large one."""
    if rng.random() < 0.6:
        return 1.0, 0.0
    scale = float(np.exp(rng.uniform(np.log(0.05), np.log(12))))
    return scale, scale * float(rng.uniform(0, 4))


__all__ = [
    "Floats",
    "fewer_rows",
    "itself",
    "labels",
    "many_classes",
    "next_values",
    "numbers",
    "one_output",
    "text",
    "tokens",
]
