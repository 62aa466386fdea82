"""JAX's arrays and keys, and the immutable trees of them, if JAX is imported already; it is imported only to restore.

None of them is filled in place: a new one takes the place of the old one in what holds it. So each is in a dictionary,
a list or an object that is tracked.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunewell.checkpoint.access import access, attributes
from tunewell.checkpoint.tree import CONTAINERS, JaxArrayState
from tunewell.errors import CheckpointError, MissingExtra


def is_jax_array(value: object) -> bool:
    """Return True if it is an array of JAX, or a key or an array of keys."""
    array = getattr(sys.modules.get("jax"), "Array", None)
    return isinstance(array, type) and isinstance(value, array)


def is_node(value: object) -> bool:
    """Return True if it is a named tuple, or a node of JAX's trees that cannot be filled in place."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return True
    tree_util = getattr(sys.modules.get("jax"), "tree_util", None)
    if tree_util is None or type(value) in CONTAINERS or value is None or tree_util.all_leaves([value]):
        return False
    is_frozen = getattr(getattr(type(value), "__dataclass_params__", None), "frozen", False)
    return access(value) is None and (is_frozen or attributes(value) is None)


def children(value: Any) -> list[Any]:
    """Return what a node is made of; what JAX counts as no part of the tree, as a function, is left out."""
    if isinstance(value, tuple):
        return list(value)
    return list(sys.modules["jax"].tree_util.tree_flatten(value, is_leaf=lambda one: one is not value)[0])


def is_code(value: object) -> bool:
    """Return True if a child is a function, say, which each training has as it is."""
    return callable(value) and not is_node(value) and not is_jax_array(value)


def with_children(value: Any, items: Sequence[Any]) -> Any:
    """Return a node like this one that is made of these."""
    if isinstance(value, tuple):
        return type(value)(*items)
    tree_util = sys.modules["jax"].tree_util
    return tree_util.tree_unflatten(tree_util.tree_structure(value, is_leaf=lambda one: one is not value), items)


def copied_jax_array(value: Any, path: str) -> JaxArrayState:
    """Copy an array's numbers from any device, or a key's.

    Raises:
        CheckpointError: it was given away, is traced, lies on other hosts, ...
    """
    jax = sys.modules["jax"]
    try:
        is_key = jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key)
        implementation = str(jax.random.key_impl(value)) if is_key else None
        numbers = np.asarray(jax.random.key_data(value) if is_key else value)
    except Exception as error:  # of many kinds, JAX's own among them
        raise CheckpointError(f"{path} is an array of JAX that cannot be copied: {_line(error)}") from error
    content = np.frombuffer(numbers.tobytes(), np.uint8)
    is_weak = bool(getattr(value, "weak_type", False))
    return JaxArrayState(content, str(numbers.dtype), numbers.shape, implementation, is_weak)


def as_jax_array(saved: JaxArrayState, path: str, live: object = None) -> Any:
    """Return a new array with the same numbers, on the devices that `live` is on.

    Raises:
        CheckpointError: there is no such array, or `live` is not alike.
        MissingExtra: JAX is not installed.
    """
    try:
        jax = importlib.import_module("jax")
    except ImportError as error:
        raise MissingExtra("jax", "jax", f"to restore the array of JAX {path}") from error
    try:
        numbers = np.frombuffer(saved.content.tobytes(), jax.numpy.dtype(saved.dtype)).reshape(saved.shape)
        # a number that JAX was given by Python yields to the types of others, as one from its own arrays does not
        array = jax.numpy.asarray(numbers.item() if saved.is_weak and not saved.shape else numbers)
        if str(array.dtype) != saved.dtype:
            raise CheckpointError(
                f"{path} is an array of {saved.dtype} in the checkpoint, and JAX makes {array.dtype} of it; set "
                "jax_enable_x64 as it was then"
            )
        if saved.key_implementation is not None:
            array = jax.random.wrap_key_data(array, impl=saved.key_implementation)
        if not is_jax_array(live):
            return array
        if (live.shape, live.dtype) != (array.shape, array.dtype):  # type: ignore[attr-defined]
            raise CheckpointError(
                f"{path} has shape {live.shape} and dtype {live.dtype}, but {array.shape} and "  # type: ignore[attr-defined]
                f"{array.dtype} in the checkpoint; make it as it was made then"
            )
        return jax.device_put(array, live.sharding) if live.committed else array  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be made an array of JAX: {_line(error)}") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
