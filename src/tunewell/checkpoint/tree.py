"""The parts of a checkpoint's tree besides Python's own data and NumPy's arrays.

A tree is nested dictionaries, lists, tuples and sets of plain values and arrays: it shares nothing with the objects
that it was taken of, and can be written to a file.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from types import NoneType

import numpy as np
from numpy.typing import NDArray

PLAIN = (NoneType, bool, int, float, complex, str, bytes)
SEQUENCES: dict[str, type] = {kind.__name__: kind for kind in (tuple, set, frozenset)}
MAPPINGS: dict[str, type] = {kind.__name__: kind for kind in (dict, OrderedDict, Counter)}
CONTAINERS = (list, *SEQUENCES.values(), *MAPPINGS.values())


@dataclass(frozen=True, slots=True, eq=False)
class ObjectState:
    """The state of a live object; only a live object of the same type can be filled with it."""

    type: str
    state: object
    metadata: object = None
    """PyTorch's attribute of a module's state: the versions, without which it is taken for an old one."""


@dataclass(frozen=True, slots=True, eq=False)
class JaxArrayState:
    """An array of JAX: its numbers as bytes, because NumPy does not know all their types; or a key's."""

    content: NDArray[np.uint8]
    dtype: str
    shape: tuple[int, ...]
    key_implementation: str | None = None
    """The kind of random generator, if it is a key."""
    is_weak: bool = False
    """Its type yields to those of other arrays."""


@dataclass(frozen=True, slots=True, eq=False)
class TensorState:
    """A PyTorch tensor: its numbers as bytes, because NumPy does not know all their types."""

    content: NDArray[np.uint8]
    dtype: str
    shape: tuple[int, ...]
