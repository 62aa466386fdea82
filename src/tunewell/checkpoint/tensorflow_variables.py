"""TensorFlow's variables, modules and random generators, if TensorFlow is imported already."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunewell.errors import CheckpointError


def is_tensorflow(value: object) -> bool:
    """Return True if it is a variable, a module or a random generator of TensorFlow."""
    tf = sys.modules.get("tensorflow")
    kinds = [getattr(tf, "Variable", None), getattr(tf, "Module", None), _generator_kind(tf)]
    return any(isinstance(kind, type) and isinstance(value, kind) for kind in kinds)


def take(value: Any) -> list[Any]:
    """Return its numbers."""
    return [np.array(one.numpy()) for one in _variables(value)]


def put(value: Any, state: Sequence[Any]) -> None:
    """Put the numbers back that `take` returned.

    Raises:
        CheckpointError: it has other variables.
    """
    variables = _variables(value)
    if [tuple(one.shape) for one in variables] != [np.shape(one) for one in state]:
        raise CheckpointError(
            f"{type(value).__name__} has {len(variables)} variables, of other shapes than the {len(state)} of the "
            "checkpoint; make all of its variables before run.track(...)"
        )
    for one, saved in zip(variables, state, strict=True):
        one.assign(saved)


def _generator_kind(tf: Any) -> Any:
    return getattr(getattr(tf, "random", None), "Generator", None)


def _variables(value: Any) -> list[Any]:
    tf = sys.modules["tensorflow"]
    if isinstance(value, tf.Variable):
        return [value]
    return [value.state] if isinstance(value, _generator_kind(tf)) else list(value.variables)
