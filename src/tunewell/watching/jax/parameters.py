"""The weight matrices in a tree of parameters, as Flax, Equinox, Haiku or a program of one's own has them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

_ENDS = ("kernel", "weight")
"""Names of what is the matrix of its layer: the layer's name is enough."""


def parameters_of(model: Any) -> Any:
    """Return the tree of parameters: of an NNX module its `Param`s, of a train state its `params`, else what it is."""
    flax_nnx = sys.modules.get("flax.nnx")
    if flax_nnx is not None and isinstance(model, flax_nnx.Module):
        return flax_nnx.state(model, flax_nnx.Param)
    return model.params if hasattr(model, "apply_gradients") and hasattr(model, "params") else model


def matrices_of(parameters: Any) -> dict[str, Any]:
    """Return the arrays of two or more dimensions, by the names of their layers, as the tree has them."""
    return {name: leaf for name, leaf in named_leaves(parameters) if is_matrix(leaf)}


def named_leaves(parameters: Any) -> list[tuple[str, Any]]:
    """Return each leaf with a name of its own, such as `Dense_0` for `params/Dense_0/kernel`, in the tree's order."""
    leaves = jax.tree_util.tree_flatten_with_path(parameters)[0]
    return [(_name(path), leaf) for path, leaf in leaves]


def is_matrix(leaf: Any) -> bool:
    """Return True for an array of floats of two or more dimensions."""
    return getattr(leaf, "ndim", 0) >= 2 and bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def natural(names: Iterable[str]) -> list[str]:
    """Return the names in the order of the numbers in them: a dictionary's own has `Dense_10` before `Dense_2`."""
    return sorted(names, key=lambda name: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)])


def copied(matrices: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Return copies, which hold when a step donates its arguments."""
    return {name: np.array(leaf) for name, leaf in matrices.items()}


def _name(path: tuple[Any, ...]) -> str:
    keys = [str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", "")))) for key in path]
    keys = [key for key in keys if key != "value"]  # of NNX, which wraps each array
    if len(keys) > 1 and keys[0] == "params":
        keys = keys[1:]
    if len(keys) > 1 and keys[-1] in _ENDS:
        keys = keys[:-1]
    return "/".join(keys) or "weights"
