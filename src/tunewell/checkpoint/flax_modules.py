"""The variables of Flax's NNX modules and optimizers, in their order, if Flax is imported already."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tunewell.errors import CheckpointError


def is_nnx(value: object) -> bool:
    """Return True if it is a module, an optimizer, a generator, ... of NNX, which is changed where it is."""
    nnx = sys.modules.get("flax.nnx")
    kinds = [getattr(nnx, name, None) for name in ("Pytree", "Module")]
    return any(isinstance(kind, type) and isinstance(value, kind) for kind in kinds)


def take(value: Any) -> list[Any]:
    """Return its arrays."""
    arrays: list[Any] = sys.modules["jax"].tree_util.tree_leaves(sys.modules["flax.nnx"].state(value))
    return arrays


def put(value: Any, arrays: Sequence[Any]) -> None:
    """Put the arrays back that `take` returned.

    Raises:
        CheckpointError: it has others.
    """
    nnx, tree_util = sys.modules["flax.nnx"], sys.modules["jax"].tree_util
    present, structure = tree_util.tree_flatten(nnx.state(value))
    if [(one.shape, one.dtype) for one in present] != [(one.shape, one.dtype) for one in arrays]:
        raise CheckpointError(
            f"{type(value).__name__} has {len(present)} arrays of other shapes or types than the checkpoint's "
            f"{len(arrays)}; make it as it was made then"
        )
    nnx.update(value, tree_util.tree_unflatten(structure, arrays))
