"""Changes of the training rows that a probe makes: one batch of them again and again, or other labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.training.run import Change

RowIndices = NDArray[np.int64]


def one_batch(size: int, seed: int) -> Change:
    """Return the first rows of a shuffled order, over and over: an epoch has as many steps as it always has."""

    def change(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        n = len(arrays[0])
        rows = np.resize(np.random.default_rng(seed).permutation(n)[:size], n)
        return tuple(_taken(array, rows) for array in arrays)

    return change


def shuffled_labels(seed: int) -> Change:
    """Shuffle the last array."""

    def change(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        *others, labels = arrays
        return (*others, _taken(labels, np.random.default_rng(seed).permutation(len(labels))))

    return change


def _taken(array: Any, rows: RowIndices) -> Any:
    """Take rows of an array, a tensor, a table or a list, as the same kind of thing."""
    if hasattr(array, "iloc"):
        return array.iloc[rows]
    if isinstance(array, list | tuple):
        return type(array)(array[row] for row in rows)
    return array[rows]
