"""One pass of some rows through a model in evaluation mode, with what its layers were given and returned."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.inspection.keras.graph import RECURRENT, activation_name, kind_of


@dataclass(frozen=True, slots=True)
class LayerCall:
    """A layer at work."""

    layer: Any
    input_shape: tuple[int, ...]
    output: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Pass:
    """The outputs for some rows."""

    n_rows: int
    outputs: list[NDArray[Any]]
    """In flat order."""
    calls: list[LayerCall]
    """Of the recurrent layers, and of those that end with relu."""


def built(model: Any, x: Any) -> bool:
    """Return True once a model has its weights; they are made as `fit` would, from the shapes of x."""
    keras = sys.modules["keras"]
    if not model.built or not model.weights:
        with contextlib.suppress(Exception):  # the training will say what is wrong
            model(keras.tree.map_structure(lambda one: keras.Input(one.shape[1:], dtype=one.dtype.name), x))
    return bool(model.built)


def passed(model: Any, x: Any) -> Pass:
    """Return what a model makes of the rows of x, without a change to the model.

    Raises:
        Exception: whatever the model raises on it.
    """
    keras = sys.modules["keras"]
    n_rows = len(keras.tree.flatten(x)[0])
    # a model whose `call` has no such argument refuses it
    options = {"training": False} if getattr(model, "_call_has_training_arg", True) else {}
    noted: list[tuple[Any, tuple[int, ...]]] = []

    def run(trainable: Any, others: Any, inputs: Any) -> tuple[Any, list[Any]]:
        values: list[Any] = []

        def note(layer: Any, given: Any, output: Any) -> None:
            noted.append((layer, tuple(given.shape)))
            values.append(output)

        with _noting(note):
            if trainable is None:
                return model(inputs, **options), values
            return model.stateless_call(trainable, others, inputs, **options)[0], values

    if keras.backend.backend() == "jax":
        jax = sys.modules["jax"]
        variables = [[one.value for one in kind] for kind in (model.trainable_variables, model.non_trainable_variables)]
        outputs, values = jax.jit(run)(*variables, x)
    else:
        torch = sys.modules.get("torch")
        with torch.no_grad() if torch is not None else contextlib.nullcontext():
            outputs, values = run(None, None, x)
    numbers = [np.asarray(keras.ops.convert_to_numpy(one)) for one in values]
    calls = [LayerCall(layer, shape, output) for (layer, shape), output in zip(noted, numbers, strict=True)]
    return Pass(n_rows, [np.asarray(keras.ops.convert_to_numpy(one)) for one in keras.tree.flatten(outputs)], calls)


@contextlib.contextmanager
def _noting(note: Callable[[Any, Any, Any], None]) -> Iterator[None]:
    """Note each call of a layer that is looked at, but for those inside a recurrent one, which run step by step."""
    cls = sys.modules["keras"].Layer
    original = cls.__call__
    inside = 0

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal inside
        by_step = any(base.__name__ in ("RNN", "TimeDistributed", "Bidirectional") for base in type(layer).__mro__)
        inside += by_step
        try:
            output = original(layer, *args, **kwargs)
        finally:
            inside -= by_step
        looked_at = kind_of(layer) in RECURRENT or activation_name(layer) in ("relu", "relu6")
        if not inside and looked_at and args and hasattr(args[0], "shape") and hasattr(output, "shape"):
            note(layer, args[0], output)
        return output

    cls.__call__ = call
    try:
        yield
    finally:
        cls.__call__ = original
