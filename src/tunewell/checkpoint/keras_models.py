"""The variables of Keras's models and optimizers, in their order, if Keras is imported already."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunewell.checkpoint.randomness import random_states, set_random_states
from tunewell.errors import CheckpointError


def is_keras(value: object) -> bool:
    """Return True if it is a model, a layer or an optimizer of Keras."""
    keras = sys.modules.get("keras")
    kinds = [getattr(keras, "Layer", None), getattr(getattr(keras, "optimizers", None), "Optimizer", None)]
    return any(isinstance(kind, type) and isinstance(value, kind) for kind in kinds)


def take(value: Any) -> dict[str, list[Any]]:
    """Return its numbers; of a model that is compiled, those of its optimizer too."""
    to_numpy = sys.modules["keras"].ops.convert_to_numpy
    return {name: [np.array(to_numpy(one)) for one in variables] for name, variables in _variables(value).items()}


def put(value: Any, state: Mapping[str, Sequence[Any]]) -> None:
    """Put the numbers back that `take` returned.

    Raises:
        CheckpointError: it has other variables.
    """
    present = _variables(value)
    for name, variables in present.items():
        saved = state.get(name, [])
        if [tuple(one.shape) for one in variables] != [np.shape(one) for one in saved]:
            raise CheckpointError(
                f"the {name} of {type(value).__name__} has variables (now {len(variables)}) of other shapes than the "
                f"checkpoint's {len(saved)}; build the model (call it once) before run.track(...)"
            )
    for name, variables in present.items():
        for one, saved in zip(variables, state[name], strict=True):
            one.assign(saved)
    _build_without_draws(value)


def _build_without_draws(model: Any) -> None:
    """Let the first `fit` or `evaluate` of a restored model draw no more random numbers than a later one.

    It looks at a batch to build the loss and the metrics, for which PyTorch's loader draws a seed. The model that was
    saved had done so before, and would train on with other numbers.
    """
    build = getattr(model, "_symbolic_build", None)
    if build is None:
        return

    def build_once(*args: Any, **named: Any) -> Any:
        object.__delattr__(model, "_symbolic_build")  # the class's is in force again
        before = random_states()
        try:
            return build(*args, **named)
        finally:
            set_random_states(before)

    object.__setattr__(model, "_symbolic_build", build_once)


def _variables(value: Any) -> dict[str, Sequence[Any]]:
    optimizer = getattr(value, "optimizer", None)
    if optimizer is None or not is_keras(optimizer):
        return {"variables": value.variables}
    if not optimizer.built:
        optimizer.build(value.trainable_variables)
    return {"variables": value.variables, "optimizer": optimizer.variables}
