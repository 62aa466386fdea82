"""What can be wrong with data: each function answers data with the fault in it, or None where it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from problems import Classes, Data, Floats

Random = np.random.Generator


def raw(data: Data, rng: Random) -> Data | None:
    """Inputs as they come from a file: large, far from zero, or every column in a unit of its own."""
    columns = data.x.shape[1:] if data.x.ndim == 2 else (data.x.shape[1],) + (1,) * (data.x.ndim - 2)
    if data.x.ndim == 3:
        columns = (1, data.x.shape[2])
    kind = str(rng.choice(["large", "offset", "units"], p=[0.4, 0.25, 0.35]))
    scale = np.full(columns, np.exp(rng.uniform(np.log(30), np.log(3000)) if rng.random() < 0.5 else rng.uniform(3, 8)))
    offset = np.zeros(columns)
    if kind == "offset":
        scale, offset = np.full(columns, float(rng.choice([1, 10, 30]))), np.full(columns, rng.uniform(20, 400))
        scale = np.minimum(scale, offset / 4)
    elif kind == "units":
        if np.prod(columns) < 2:
            return None
        scale = np.exp(rng.uniform(np.log(1e-3), np.log(1e4), columns))
        offset = scale * rng.uniform(-3, 3, columns)
    elif rng.random() < 0.5:
        offset = scale * rng.uniform(-1, 1)
    return _transformed(data, lambda x: x * scale + offset, train=True)


def mislabelled(data: Data, rng: Random) -> Data | None:
    """Labels that do not belong to their rows."""
    if data.task in ("language", "autoencoder"):
        return None
    kind = str(rng.choice(["shuffled", "part", "part of training", "shifted", "mapped", "validation shuffled"]))
    y, y_val = data.y.copy(), data.y_val.copy()
    if kind == "shuffled":
        y, y_val = rng.permutation(y), rng.permutation(y_val) if rng.random() < 0.5 else y_val
    elif kind in ("part", "part of training"):
        share = rng.uniform(0.45, 0.85)
        y = _partly_shuffled(y, share, rng)
        y_val = _partly_shuffled(y_val, share, rng) if kind == "part" else y_val
    elif kind == "shifted":
        if rng.random() < 0.5:
            y = np.roll(y, 1)
        else:
            y_val = np.roll(y_val, 1)
    elif kind == "mapped" and data.task == "regression":
        y_val = -y_val if rng.random() < 0.5 else y_val * 10
    elif kind == "mapped" and data.task == "multilabel":
        y_val = np.roll(y_val, 1, axis=1)
    elif kind == "mapped":
        mapping = np.roll(np.arange(data.n_classes), 1) if rng.random() < 0.5 else rng.permutation(data.n_classes)
        if (mapping == np.arange(data.n_classes)).all():
            return None
        y_val = mapping[y_val]
    else:
        y_val = rng.permutation(y_val)
    return replace(data, y=y, y_val=y_val)


def leaking(data: Data, rng: Random) -> Data | None:
    """Validation rows among those trained on, or the answer among the inputs."""
    if rng.random() < 0.7 or data.x.ndim != 2 or data.vocabulary or data.y.ndim == 2:
        n = round(len(data.y_val) * rng.uniform(0.75, 1.0))
        return replace(data, x=np.concatenate([data.x, data.x_val[:n]]), y=np.concatenate([data.y, data.y_val[:n]]))
    noise, column = rng.uniform(0.02, 0.3), int(rng.integers(data.x.shape[1]))

    def told(x: Floats, y: Classes) -> Floats:
        answer = (y - y.mean()) / max(y.std(), 1e-6) + noise * rng.normal(size=len(y))
        told = x.copy()
        told[:, column] = answer
        return told

    return replace(data, x=told(data.x, data.y), x_val=told(data.x_val, data.y_val))


def shifted(data: Data, rng: Random) -> Data | None:
    """Validation rows that were drawn or prepared in another way."""
    if data.vocabulary:  # as by another tokenizer
        order = rng.permutation(data.vocabulary)
        return replace(data, x_val=order[data.x_val])
    if data.task == "autoencoder":
        return None
    x, kind = data.x_val, str(rng.choice(["scale", "offset", "noise", "raw", "columns", "missing", "drawn"]))
    if kind == "scale":
        factor = rng.uniform(3, 12) if rng.random() < 0.5 else rng.uniform(0.02, 0.2)
        return _transformed(data, lambda x: x * factor)
    if kind == "offset":
        offset = rng.uniform(1.0, 4.0) * rng.choice([-1, 1])
        return _transformed(data, lambda x: x + offset)
    if kind == "noise":
        noise = rng.normal(size=x.shape) * rng.uniform(1.0, 3.0)
        return _transformed(data, lambda x: x + noise)
    if kind == "raw":
        scale, offset = rng.uniform(5, 200), rng.uniform(-2, 2)
        return _transformed(data, lambda x: (x + offset) * scale)
    if kind == "columns":
        axis = x.ndim - 1
        order = rng.permutation(x.shape[axis]) if rng.random() < 0.5 else np.arange(x.shape[axis])[::-1]
        return _transformed(data, lambda x: x.take(order, axis=axis))
    if kind == "missing":
        blank = rng.random(x.shape) < rng.uniform(0.3, 0.7)
        return _transformed(data, lambda x: np.where(blank, 0.0, x))
    direction = rng.normal(size=x[0].size)
    place = x.reshape(len(x), -1) @ direction
    shift = rng.uniform(1.0, 2.5) * direction / np.linalg.norm(direction) * np.sqrt(x[0].size) ** 0.5
    kept = place > np.quantile(place, 0.5)
    if kept.sum() < 40:
        return None
    moved = (x[kept].reshape(kept.sum(), -1) + shift).reshape(-1, *x.shape[1:]).astype(np.float32)
    return replace(data, x_val=moved, y_val=data.y_val[kept])


def imbalanced(data: Data, rng: Random) -> Data | None:
    """All but one or two classes are made rare, in training and validation alike."""
    ratio = np.exp(rng.uniform(np.log(0.01), np.log(0.12)))
    common = rng.choice(data.n_classes, 1 if data.n_classes < 5 or rng.random() < 0.6 else 2, replace=False)
    x, y = _thinned(np.concatenate([data.x, data.spare_x]), np.concatenate([data.y, data.spare_y]), common, ratio, rng)
    x_val, y_val = _thinned(data.x_val, data.y_val, common, max(ratio, 0.04), rng)
    if len(y) < 100 or len(y_val) < 60 or len(np.unique(y_val)) < data.n_classes:
        return None
    return replace(data, x=x[:2500], y=y[:2500], x_val=x_val, y_val=y_val)


def with_more_rows(data: Data, n: int) -> Data:
    """The twin that has more rows to learn from."""
    return replace(data, x=np.concatenate([data.x, data.spare_x[:n]]), y=np.concatenate([data.y, data.spare_y[:n]]))


def _transformed(data: Data, change: Callable[[Floats], Floats], *, train: bool = False) -> Data:
    x_val = np.asarray(change(data.x_val), dtype=np.float32)
    x = np.asarray(change(data.x), dtype=np.float32) if train else data.x
    return replace(data, x=x, x_val=x_val)


def _partly_shuffled(y: Classes, share: float, rng: Random) -> Classes:
    rows = np.flatnonzero(rng.random(len(y)) < share)
    y = y.copy()
    y[rows] = y[rng.permutation(rows)]
    return y


def _thinned(x: Floats, y: Classes, common: Classes, ratio: float, rng: Random) -> tuple[Floats, Classes]:
    kept = np.isin(y, common) | (rng.random(len(y)) < ratio)
    order = rng.permutation(np.flatnonzero(kept))
    return x[order], y[order]
