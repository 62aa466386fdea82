"""Changes of the training rows that a probe makes: one batch of them again and again, or other labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.training.rows import length_of, taken
from tunewell.training.run import Change


def one_batch(size: int, seed: int) -> Change:
    """Return the first rows of a shuffled order, over and over: an epoch has as many steps as it always has."""

    def change(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        order = _shuffled(arrays[0], seed)
        rows = np.resize(order[:size], len(order))
        return tuple(taken(array, rows) for array in arrays)

    return change


def shuffled_labels(seed: int) -> Change:
    """Shuffle the last array."""

    def change(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        *others, labels = arrays
        return (*others, taken(labels, _shuffled(labels, seed)))

    return change


def _shuffled(array: Any, seed: int) -> NDArray[np.int64]:
    """Return the numbers of an array's rows in a shuffled order."""
    n = length_of(array)
    assert n is not None  # it is no stream, whose rows cannot be taken
    return np.random.default_rng(seed).permutation(n)
