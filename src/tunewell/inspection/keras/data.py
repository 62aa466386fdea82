"""The rows that a training is given: all of them where they are arrays, the first batches where they come in batches.

Nothing of the user's is consumed: a generator is wrapped, so that its batches are seen as they pass.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BATCHES = 64


@dataclass(slots=True)
class Rows:
    """Rows with their targets."""

    x: Any
    """Arrays in the structure in which the model takes them: all rows, or those of the batches seen."""
    y: Any = None
    """The same of the targets; None if there are none."""
    weights: bool = False
    """True if rows have weights."""
    batches: list[tuple[Any, Any]] = field(default_factory=list)
    """x and y of each batch seen; empty where the rows are arrays."""
    complete: bool = True
    """True if no row is missing."""

    @property
    def inputs(self) -> list[NDArray[Any]]:
        """The arrays of x in flat order."""
        return flat(self.x)

    @property
    def targets(self) -> list[NDArray[Any]]:
        """The arrays of y in flat order."""
        return [] if self.y is None else flat(self.y)

    def first(self, n: int) -> Any:
        """Return up to n rows of x."""
        return _mapped(lambda one: one[:n], self.x)


def flat(structure: Any) -> list[NDArray[Any]]:
    """Return the arrays of a structure in Keras's order."""
    return list(sys.modules["keras"].tree.flatten(structure))


def _mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    return sys.modules["keras"].tree.map_structure(function, structure)


def array(value: Any) -> NDArray[Any]:
    """Return a tensor, data frame or array as a NumPy array, without a copy where that can be.

    Raises:
        TypeError: it is none of them.
    """
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):  # PyTorch's, which may be on a device
        return np.asarray(value.detach().cpu().numpy())
    if not _is_array(value):
        raise TypeError(f"{type(value).__name__} is no array")
    return np.asarray(value)


def arrays(structure: Any) -> Any:
    """Return a structure with each leaf as an array; None if a leaf is none."""
    if structure is None:
        return None
    try:
        return _mapped(array, structure)
    except (TypeError, ValueError):
        return None


def rows_of(x: Any, y: Any = None, weights: Any = None) -> Rows | None:
    """Return the rows that `fit` or `evaluate` was given; None where they cannot be looked at, as of a generator."""
    if is_arrays(x):
        given = arrays(x)
        return None if given is None else Rows(given, arrays(y), weights is not None)
    batches = [batch for batch in map(unpacked, _first_batches(x)) if batch is not None]
    return of_batches(batches, complete=False) if batches else None


def of_batches(batches: list[tuple[Any, Any, bool]], *, complete: bool) -> Rows | None:
    """Return the rows of some batches together; None if their structures differ."""
    with contextlib.suppress(ValueError, TypeError):
        x = sys.modules["keras"].tree.map_structure(lambda *parts: np.concatenate(parts), *(one[0] for one in batches))
        targets = [one[1] for one in batches]
        y = None
        if all(one is not None for one in targets):
            y = sys.modules["keras"].tree.map_structure(lambda *parts: np.concatenate(parts), *targets)
        return Rows(x, y, any(one[2] for one in batches), [(one[0], one[1]) for one in batches], complete)
    return None


def is_arrays(x: Any) -> bool:
    """Return True if x is an array, or a list, tuple or dict of arrays."""
    if isinstance(x, dict):
        return bool(x) and all(map(is_arrays, x.values()))
    if isinstance(x, list | tuple):
        return bool(x) and all(map(is_arrays, x))
    return _is_array(x)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and (hasattr(value, "dtype") or hasattr(value, "to_numpy"))


def unpacked(batch: Any) -> tuple[Any, Any, bool] | None:
    """Return a batch as x, y, and whether it has weights; None if it holds something else than arrays."""
    if not isinstance(batch, list | tuple):
        batch = (batch,)
    x, y = arrays(batch[0]), arrays(batch[1]) if len(batch) > 1 else None
    if x is None or not all(one.ndim for one in flat(x)) or (len(batch) > 1 and batch[1] is not None and y is None):
        return None
    return x, y, len(batch) > 2 and batch[2] is not None


def _first_batches(x: Any) -> Iterator[Any]:
    """Yield batches of a data set that can be begun again; of a PyDataset, from all over."""
    names = {cls.__name__ for cls in type(x).__mro__}
    with _unchanged_randomness():
        if "PyDataset" in names:
            n = getattr(x, "num_batches", None)
            n = len(x) if n is None and hasattr(x, "__len__") else n or 1
            for index in sorted({round(one) for one in np.linspace(0, n - 1, min(n, 12))}):
                yield x[index]
        elif "DataLoader" in names and getattr(x, "num_workers", 1) == 0:
            # an iterable data set may be one that can be read once
            if not any(cls.__name__ == "IterableDataset" for cls in type(x.dataset).__mro__):
                yield from itertools.islice(x, 12)
        elif "DatasetV2" in names:
            yield from x.take(12).as_numpy_iterator()


@contextlib.contextmanager
def _unchanged_randomness() -> Iterator[None]:
    """Leave the global generators as they were, so that a look does not change what the training draws."""
    torch = sys.modules.get("torch")
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        if torch:
            torch.set_rng_state(kept[2])


def passing(generator: types.GeneratorType[Any, Any, Any], seen: Callable[[Any], None]) -> Iterator[Any]:
    """Yield what the generator yields, and show the first batches as they pass."""
    for n, batch in enumerate(generator):
        if n < MOST_BATCHES:
            seen(batch)
        yield batch
