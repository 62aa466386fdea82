"""Some fixed rows of a data set as arrays of NumPy, for frameworks that take those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell import checkpoint
from tunewell.errors import SettingError
from tunewell.training.rows import as_numpy, classes_of


@dataclass(frozen=True, slots=True)
class ArrayRows:
    """The first rows of a data set, and how many it has."""

    inputs: NDArray[Any]
    targets: NDArray[Any]
    total: int

    def __len__(self) -> int:
        return len(self.targets)

    def part(self, start: int, stop: int) -> ArrayRows:
        """Return the rows from start to before stop."""
        return ArrayRows(self.inputs[start:stop], self.targets[start:stop], self.total)

    @property
    def class_counts(self) -> tuple[int, ...]:
        """The number of rows of each class, if the targets are classes."""
        if self.targets.dtype.kind not in "iu" and self.targets.ndim < 2:
            return ()
        classes = classes_of(self.targets)
        return () if classes is None else tuple(np.bincount(classes).tolist())


def array_rows(name: str, data: Any, limit: int) -> ArrayRows:
    """Return the first `limit` rows of (inputs, targets), or of an iterable of such batches; random states stay.

    Raises:
        SettingError: it is neither, or has no rows.
    """
    states = checkpoint.random_states()
    try:
        found = _pair(data, limit) if _is_pair(data) else _gathered(data, limit)
    except (TypeError, ValueError, LookupError) as error:
        raise SettingError(
            f"{name} must be (inputs, targets) or an iterable of such batches, got {type(data).__name__}: {error}"
        ) from error
    finally:
        checkpoint.set_random_states(states)
    if not len(found):
        raise SettingError(f"{name} has no rows; give some to evaluate")
    return found


def _is_pair(data: Any) -> bool:
    return isinstance(data, tuple) and len(data) == 2 and hasattr(data[0], "__len__")


def _pair(data: Any, limit: int) -> ArrayRows:
    inputs, targets = (_numbers(one[:limit]) for one in data)
    return ArrayRows(inputs, targets, len(data[1]))


def _gathered(data: Any, limit: int) -> ArrayRows:
    parts: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for x, y, *_ in _batches(data):
        parts.append((_numbers(x), _numbers(y)))
        if sum(len(targets) for _, targets in parts) >= limit:
            break
    if not parts:
        return ArrayRows(np.empty(0), np.empty(0), 0)
    inputs, targets = (np.concatenate([part[side] for part in parts])[:limit] for side in (0, 1))
    n_batches = len(data) if hasattr(data, "__len__") else 0
    whole = getattr(getattr(data, "dataset", None), "__len__", None)
    return ArrayRows(inputs, targets, whole() if whole is not None else max(len(targets), n_batches * len(parts[0][1])))


def _batches(data: Any) -> Iterator[Any]:
    by_number = hasattr(data, "__getitem__") and hasattr(data, "__len__") and not hasattr(data, "dataset")
    return (data[i] for i in range(len(data))) if by_number else iter(data)


def _numbers(values: Any) -> NDArray[Any]:
    array = as_numpy(values)
    if array is None or array.dtype.kind not in "biuf":
        raise TypeError("the rows are no arrays of numbers")
    return array
