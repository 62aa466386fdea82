"""A training of Keras as it begins: the model, its losses, its rows, and the places in the user's program."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.inspection.keras.data import Rows, flat
from tunewell.inspection.keras.forward import Pass, built, passed
from tunewell.inspection.keras.graph import Ending, Graph, graph_of
from tunewell.inspection.keras.losses import Loss, losses_of
from tunewell.inspection.places import Place

_ROWS = 61  # in a pass; a prime, so that no other axis is likely to be of the same length
_MOST_NUMBERS = 4_000_000  # in a pass


@dataclass(frozen=True, slots=True)
class Output:
    """An output of the model, with the loss and the targets that it has."""

    name: str
    loss: Loss
    ending: Ending | None
    """None where the model is no graph of Keras's operations."""
    values: NDArray[Any] | None
    """For the first rows; None where they could not be had."""
    shape: tuple[int | None, ...]
    """With the rows first."""
    target: NDArray[Any] | None
    """Of all rows that are known."""

    @property
    def n_units(self) -> int:
        """The size of the last axis; 0 where it is not known."""
        return (self.shape[-1] or 0) if len(self.shape) > 1 else 1

    @property
    def activation(self) -> str:
        """The activation at its end; empty where it is not known."""
        return self.ending.activation if self.ending else ""


@dataclass
class Training:
    """A call of `fit` or `train_on_batch`, with what can be known before its first step."""

    model: Any
    rows: Rows
    validation: Rows | None = None
    validation_is_split: bool = False
    """True if the validation rows are the last of those given, as Keras's validation_split takes them."""
    shuffled: bool = True
    """True if Keras shuffles the rows."""
    by_batch: bool = False
    """True if the program makes the batches and calls `train_on_batch`."""
    batch_size: int = 32
    weighted: bool = False
    """True if classes or rows have weights."""
    epochs: int = 1
    steps_per_epoch: int = 0
    """0 where it is not known."""
    trained_before: bool = False
    """True if the model was trained since it was compiled."""
    called_at: Place = field(default_factory=Place)
    compiled_at: Place = field(default_factory=Place)
    place_of: Callable[[Any], Place] = lambda _layer: Place()

    @cached_property
    def layers(self) -> list[Any]:
        """All layers, those inside of others too, without the model itself."""
        flatten = self.model._flatten_layers  # noqa: SLF001  Keras has no public name for it
        return [layer for layer in flatten(include_self=False, recursive=True) if type(layer).__name__ != "InputLayer"]

    @cached_property
    def standard(self) -> bool:
        """True if the compiled loss is what the model is trained by."""
        methods = (type(self.model).train_step, type(self.model).compute_loss)
        return all((method.__module__ or "").partition(".")[0] in ("keras", "tunewell") for method in methods)

    @cached_property
    def has_weights(self) -> bool:
        """True if the model has been built, which is tried."""
        return built(self.model, self.rows.first(2)) and bool(self.model.weights)

    @cached_property
    def graph(self) -> tuple[Graph, list[Any]] | None:
        """The graph with its inputs, if the model is one."""
        return graph_of(self.model, self.rows.first(2)) if self.has_weights else None

    @cached_property
    def passed(self) -> Pass | None:
        """The pass of the first rows; None where it would change the model, or fails."""
        if not self.has_weights or any(getattr(layer, "stateful", False) for layer in self.layers):
            return None
        fixed = [shape[0] for shape in self._input_shapes() if shape and shape[0]]
        size = sum(math.prod(one.shape[1:]) for one in self.rows.inputs)
        n = fixed[0] if fixed else min(_ROWS, max(2, _MOST_NUMBERS // max(1, size)))
        if (
            any(one.dtype.kind not in "biuf" for one in self.rows.inputs)
            or len(self.rows.inputs[0]) < (fixed or [1])[0]
        ):
            return None
        try:
            return passed(self.model, self.rows.first(n))
        except Exception:  # noqa: BLE001  what is wrong, the training itself will say
            return None

    def _input_shapes(self) -> list[Any]:
        try:
            return [one.shape for one in flat(self.model.inputs)]
        except (AttributeError, ValueError, TypeError):
            return []

    @cached_property
    def outputs(self) -> list[Output]:
        """The outputs that have a compiled loss."""
        if not self.has_weights or not self.standard:
            return []
        values = self.passed.outputs if self.passed else None
        symbolic = self.graph[0].outputs if self.graph else None
        if symbolic is None and values is None:
            return []
        shapes = [tuple(one.shape) for one in (symbolic if symbolic is not None else values or [])]
        losses = losses_of(self.model, len(shapes))
        targets = self._targets(len(shapes))
        names = getattr(self.model, "output_names", None) or []
        return [
            Output(
                name=names[i] if len(names) == len(shapes) > 1 else "",
                loss=loss,
                ending=self.graph[0].ending(symbolic[i]) if self.graph and symbolic is not None else None,
                values=values[i] if values is not None and len(values) == len(shapes) else None,
                shape=shapes[i],
                target=targets[i],
            )
            for i, loss in enumerate(losses)
            if loss is not None
        ]

    def _targets(self, n_outputs: int) -> list[NDArray[Any] | None]:
        return targets_of(self.model, self.rows, n_outputs)

    def validation_target(self, output: Output) -> NDArray[Any] | None:
        """Return the targets of an output among the validation rows, if there is only one output."""
        targets = self.validation.targets if self.validation else []
        return targets[0] if len(targets) == 1 and not output.name else None

    @cached_property
    def input_pairs(self) -> list[tuple[Any, NDArray[Any]]]:
        """Each symbolic input with the array that it is given."""
        if self.graph is None:
            return []
        symbolic, given = self.graph[1], self.rows.inputs
        if isinstance(self.rows.x, Mapping):
            by_name = {one.name: one for one in symbolic}
            return [(by_name[name], one) for name, one in self.rows.x.items() if name in by_name]
        return list(zip(symbolic, given, strict=True)) if len(symbolic) == len(given) else []

    @cached_property
    def total_steps(self) -> int:
        """The steps of this call; 0 where it is not known."""
        per_epoch = self.steps_per_epoch or (
            math.ceil(len(self.rows.inputs[0]) / self.batch_size) if self.rows.complete else 0
        )
        return per_epoch * self.epochs


def targets_of(model: Any, rows: Rows, n_outputs: int) -> list[NDArray[Any] | None]:
    """Return the targets of each output in flat order; None where it is not clear which they are."""
    names = getattr(model, "output_names", None) or []
    if isinstance(rows.y, Mapping) and len(names) == n_outputs:
        return [rows.y.get(name) for name in names]
    targets = rows.targets
    return list(targets) if len(targets) == n_outputs else [None] * n_outputs


def numbers(variable: Any) -> NDArray[Any]:
    """Return the numbers of a Keras variable."""
    return np.asarray(sys.modules["keras"].ops.convert_to_numpy(variable))


def is_fresh(layer: Any, name: str = "kernel") -> bool:
    """Return True if weights are still those that their random initializer makes, which repeats itself exactly."""
    keras = sys.modules["keras"]
    variable, initializer = getattr(layer, name, None), getattr(layer, f"{name}_initializer", None)
    if variable is None or not isinstance(initializer, keras.initializers.Initializer):
        return False
    if getattr(initializer, "seed", None) is None or not isinstance(initializer.seed, int):
        return False
    values = numbers(variable)
    return bool(np.array_equal(numbers(initializer(values.shape, dtype=variable.dtype)), values))
