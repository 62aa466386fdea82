"""A watcher of a Keras network, on whichever backend: a callback of `fit`.

Weights are compared before and after some steps. Gradients are computed at the same steps for rows of the training
data, as a step of training would, because those of the step itself are inside compiled code; what that changes of the
model (statistics of batch normalization, states of random generators, metrics) is put back.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tunewell import checkpoint
from tunewell.errors import SettingError
from tunewell.watching.measurements import (
    BATCH,
    MOST_ROWS,
    SHARE,
    Activation,
    ArraySteps,
    Evaluation,
    Schedule,
    StepLosses,
    activation_of,
    measured_of,
    norm_of,
)
from tunewell.watching.plain_data import data_summary
from tunewell.watching.rows import ArrayRows, array_rows
from tunewell.watching.watcher import Watcher

_BATCH_SIZE = 32  # Keras's own, where the number of steps does not tell another
_CURVES = {"loss": "train_loss", "val_loss": "val_loss"}
_KINDS = {"relu": "relu", "relu6": "relu", "sigmoid": "sigmoid", "tanh": "tanh"}
_LAYERS = {"ReLU": "relu", "LSTM": "tanh", "GRU": "tanh", "SimpleRNN": "tanh"}
_OTHERS = ("LeakyReLU", "ELU", "PReLU")
_BY_STEP = ("RNN", "TimeDistributed", "Bidirectional")
"""Layers whose parts run at each step of a sequence."""


class KerasWatcher(Watcher, keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """A watcher of a `keras.Model`; `fit` is given it among its callbacks, before a `TuneCallback`."""

    def __init__(
        self,
        model: Any,
        train: Any,
        val: Any,
        config: Mapping[str, Any] | None,
        every: int,
        rows: int | None,
        *,
        alone: bool,
    ) -> None:
        """Look at the rows; arguments as `watch` has them.

        alone: end each epoch with the epoch of `fit`, because there is no run whose reports end it.
        """
        keras.callbacks.Callback.__init__(self)
        self._watched, self._alone = model, alone
        self._train = None if train is None else array_rows("train", train, rows or MOST_ROWS)
        self._val = None if val is None else array_rows("val", val, MOST_ROWS)
        self._build()
        names = {_name(one.path, model.name): one for one in model.weights if _is_matrix(one)}
        if not names:
            raise SettingError(f"there is no weight matrix in {model.name}; build the model, and watch it then")
        self._matrices: dict[str, Any] = names
        parts = {name: part for name, part in (("train", self._train), ("val", self._val)) if part is not None}
        Watcher.__init__(
            self,
            config={"framework": "keras", "batch_norm": _has_batch_norm(model), **(config or {})},
            sizes={f"n_{name}": part.total for name, part in parts.items()},
            summary=data_summary(
                {name: part.inputs for name, part in parts.items()},
                {name: part.class_counts for name, part in parts.items()},
            ),
            step_losses=StepLosses(),
        )
        self._probe = self._train
        if self._train is not None and rows is None:
            self._train = self._train.part(0, max(self._train.total // SHARE, BATCH))
        self._steps, self._schedule = ArraySteps(tuple(names)), Schedule(every)
        self._gradients: Callable[..., list[Any]] | None = None
        self._before: dict[str, NDArray[Any]] | None = None
        self._n_rows = int((config or {}).get("batch_size", 0))
        self._place = self._seen_batches = 0
        self._loss_sum = 0.0
        self._losses: list[float] = []
        self._logs: dict[str, float] = {}

    # --- as Keras calls a callback

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
        """Note how many rows a step has."""
        steps = (self.params or {}).get("steps")
        if not self._n_rows and steps and self._probe is not None:
            self._n_rows = math.ceil(self._probe.total / steps)
        self._n_rows = self._n_rows or _BATCH_SIZE

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Measure before a step, if it is one to measure."""
        if not batch:
            self._seen_batches, self._loss_sum = 0, 0.0
        if self._schedule.is_due and self.model is self._watched:  # which has its weights back from the step, in JAX
            self._before = self._weights()
            self._add_gradients()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Measure after it."""
        if self._before is not None and self.model is self._watched:
            self._steps.add_change(self._before, self._weights())
        self._before = None
        n = batch + 1 - self._seen_batches  # several, where `steps_per_execution` has them in one
        self._schedule.step += n
        self._seen_batches = batch + 1
        if logs and "loss" in logs:  # the mean over the epoch so far
            total = float(logs["loss"]) * (batch + 1)
            self._losses += [(total - self._loss_sum) / n] * n
            self._loss_sum = total

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep what Keras has measured; without a run, this ends the epoch here too."""
        self._logs = {name: float(value) for name, value in (logs or {}).items() if np.ndim(value) == 0}
        if self._alone:
            self.end_epoch(epoch=epoch + 1)

    def close(self) -> None:
        """Measure no more steps; what was measured stays."""
        self._schedule.stop()

    # --- measurements

    def _measured(self) -> dict[str, Any]:
        self._step_losses.add(self._losses)
        self._losses = []
        epoch = {_CURVES.get(name, _curve(name)): value for name, value in self._logs.items()}
        self._logs = {}
        rate = getattr(self._watched.optimizer, "learning_rate", None)
        if rate is not None:
            epoch["lr"] = float(keras.ops.convert_to_numpy(rate))
        steps = self._steps.epoch(self._schedule.end_epoch())
        activations: dict[str, Activation] = {}
        if self._train is not None:
            seen = self._evaluated(self._train)
            epoch |= {"train_eval_loss": seen.loss, "train_eval_accuracy": seen.accuracy}
            activations = self._activations(self._train.part(0, BATCH))
        if self._val is not None:
            epoch |= self._evaluated(self._val).of_validation()
        norms = [norm_of(weights) for weights in self._weights().values()]
        return epoch | measured_of(tuple(self._matrices), norms, steps, activations)

    def _weights(self) -> dict[str, NDArray[Any]]:
        """Return copies of the matrices, of those that may move: a step may write into the memory of the others."""
        return {name: np.array(_numpy(one)) for name, one in self._matrices.items()}

    def _add_gradients(self) -> None:
        if self._probe is None or self._watched._compile_loss is None:  # noqa: SLF001  there is no other way to know
            return
        n = min(self._n_rows, len(self._probe))
        if self._place + n > len(self._probe):
            self._place = 0
        rows = self._probe.part(self._place, self._place + n)
        self._place += n
        with _as_it_was(self._watched):
            if self._gradients is None:
                self._gradients = _gradients_of(self._watched)
            found = self._gradients(rows.inputs, rows.targets)
        of = {id(one): gradient for one, gradient in zip(self._watched.trainable_variables, found, strict=True)}
        matrices = {name: of.get(id(one)) for name, one in self._matrices.items()}
        self._steps.add_gradients({name: one for name, one in matrices.items() if one is not None}, n)

    def _evaluated(self, rows: ArrayRows) -> Evaluation:
        """Evaluate rows by the model's own loss, as Keras does."""
        model, loss, outputs = self._watched, 0.0, []
        with _as_it_was(model):
            for start in range(0, len(rows), BATCH):
                part = rows.part(start, start + BATCH)
                output = model.predict_on_batch(part.inputs)
                outputs.append(output)
                if model._compile_loss is not None:  # noqa: SLF001
                    y = keras.ops.convert_to_tensor(part.targets)
                    mean = model.compute_loss(None, y, keras.tree.map_structure(keras.ops.convert_to_tensor, output))
                    loss += float(_numpy(mean)) * len(part) / len(rows)
        if not all(isinstance(output, np.ndarray) for output in outputs):  # several outputs: no accuracy is of all
            return Evaluation(loss, math.nan, math.nan, math.nan, 0)
        yes = 0.0 if getattr(model.loss, "from_logits", False) else 0.5
        seen = Evaluation.of_arrays(loss, np.concatenate(outputs), rows.targets, yes)
        self._n_classes = seen.n_classes
        return seen

    def _activations(self, rows: ArrayRows) -> dict[str, Activation]:
        """Return the activations for some rows, by the matrix before each."""
        found: dict[str, Activation] = {}
        names = {id(one): name for name, one in self._matrices.items()}
        with _as_it_was(self._watched):
            for matrix, kind, units, outputs in _outputs_of(self._watched, rows.inputs):
                name = names.get(id(matrix))
                if name is not None and name not in found:
                    found[name] = activation_of(kind, outputs, units)
        return found

    def _build(self) -> None:
        """Make the weights of a model that waits for its first rows to know their shape, as `fit` would."""
        rows = self._train if self._train is not None else self._val
        if not (self._watched.built and self._watched.weights) and rows is not None:
            self._watched(keras.Input(rows.inputs.shape[1:], dtype=rows.inputs.dtype.name))


def _gradients_of(model: Any) -> Callable[[Any, Any], list[Any]]:
    """Return a function of inputs and targets: gradients of the loss, for each trainable variable."""
    backend = keras.backend.backend()
    if backend == "jax":
        jax = sys.modules["jax"]

        def loss_of(variables: Any, others: Any, metrics: Any, x: Any, y: Any, rates: Any) -> Any:
            return model.compute_loss_and_updates(
                variables, others, metrics, x, y, None, training=True, optimizer_variables=rates
            )[1][0]

        gradients = jax.jit(jax.grad(loss_of))

        def of_jax(x: Any, y: Any) -> list[Any]:
            groups = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
            values = [[one.value for one in group] for group in groups]
            return list(gradients(*values, x, y, [one.value for one in model.optimizer.variables]))

        return of_jax

    options = {"training": True} if getattr(model, "_call_has_training_arg", True) else {}

    def loss(x: Any, y: Any) -> Any:
        x, y = (keras.ops.convert_to_tensor(one) for one in (x, y))
        return model.compute_loss(x=x, y=y, y_pred=model(x, **options), training=True)

    if backend == "tensorflow":
        tensorflow = sys.modules["tensorflow"]

        @tensorflow.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
        def compiled(x: Any, y: Any) -> Any:
            with tensorflow.GradientTape() as tape:
                of_rows = loss(x, y)
            return tape.gradient(of_rows, [one.value for one in model.trainable_variables])

        def of_tensorflow(x: Any, y: Any) -> list[Any]:
            found = compiled(tensorflow.convert_to_tensor(x), tensorflow.convert_to_tensor(y))
            return [None if one is None else _numpy(tensorflow.convert_to_tensor(one)) for one in found]

        return of_tensorflow

    torch = sys.modules["torch"]

    def of_torch(x: Any, y: Any) -> list[Any]:
        variables = [one.value for one in model.trainable_variables]
        found = torch.autograd.grad(loss(x, y), variables, allow_unused=True)
        return [None if one is None else one.numpy(force=True) for one in found]

    return of_torch


@contextmanager
def _as_it_was(model: Any) -> Iterator[None]:
    """Put back what a pass through the model changes beside its outputs."""
    variables = [*model.non_trainable_variables, *model.metrics_variables]
    before, states = [np.array(_numpy(one)) for one in variables], checkpoint.random_states()
    try:
        yield
    finally:
        checkpoint.set_random_states(states)
        for one, value in zip(variables, before, strict=False):  # a loss may have made metrics of its own meanwhile
            if not np.array_equal(_numpy(one), value, equal_nan=value.dtype.kind == "f"):
                one.assign(value)


def _outputs_of(model: Any, x: Any) -> list[tuple[Any, str, int, NDArray[Any]]]:
    """Return matrix, kind, axis of units and outputs of each non-linearity, in evaluation."""
    current: list[Any] = [None, -1]
    noted: list[tuple[Any, str, int]] = []
    values: list[Any] = []

    def note(layer: Any, output: Any) -> None:
        own = next((one for one in layer.weights if _is_matrix(one)), None)
        if own is not None and not getattr(layer, "layers", None):  # not what is made of layers
            current[:] = own, 1 if getattr(layer, "data_format", None) == "channels_first" else -1
        kind = _kind(layer)
        if kind is not None and current[0] is not None and hasattr(output, "shape"):
            noted.append((current[0], kind, current[1]))
            values.append(output)

    options = {"training": False} if getattr(model, "_call_has_training_arg", True) else {}

    def run(trainable: Any, others: Any, inputs: Any) -> list[Any]:
        values.clear()
        noted.clear()
        with _noting(note):
            if trainable is None:
                model(inputs, **options)
            else:
                model.stateless_call(trainable, others, inputs, **options)
        return list(values)

    backend = keras.backend.backend()
    if backend == "jax":
        groups = [[one.value for one in group] for group in (model.trainable_variables, model.non_trainable_variables)]
        outputs = sys.modules["jax"].jit(run)(*groups, x)
    elif backend == "torch":
        with sys.modules["torch"].no_grad():
            outputs = run(None, None, keras.ops.convert_to_tensor(x))
    else:
        outputs = run(None, None, keras.ops.convert_to_tensor(x))
    return [(*of, _numpy(output)) for of, output in zip(noted, outputs, strict=True)]


@contextmanager
def _noting(note: Callable[[Any, Any], None]) -> Iterator[None]:
    """Note each call of a layer, but for those inside one that runs step by step."""
    original = keras.Layer.__call__
    inside = 0

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal inside
        by_step = any(base.__name__ in _BY_STEP for base in type(layer).__mro__)
        inside += by_step
        try:
            output = original(layer, *args, **kwargs)
        finally:
            inside -= by_step
        if not inside:
            note(layer, output)
        return output

    keras.Layer.__call__ = call
    try:
        yield
    finally:
        keras.Layer.__call__ = original


def _kind(layer: Any) -> str | None:
    """Return what non-linearity ends a layer; None for none."""
    name = type(layer).__name__
    if name in _LAYERS:
        return _LAYERS[name]
    if name in _OTHERS:
        return "other"
    function = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return None if function in ("linear", "softmax", "log_softmax") else _KINDS.get(function, "other")


def _is_matrix(variable: Any) -> bool:
    return len(variable.shape) >= 2 and "float" in str(variable.dtype)


def _name(path: str, of_model: str) -> str:
    return path.removeprefix(f"{of_model}/").removesuffix("/kernel")


def _curve(name: str) -> str:
    """Return the name of a metric in a record: Keras has that of training rows without a prefix."""
    split, metric = ("val", name.removeprefix("val_")) if name.startswith("val_") else ("train", name)
    return f"{split}_accuracy" if metric.endswith("accuracy") or metric == "acc" else name


def _has_batch_norm(model: Any) -> bool:
    return any("BatchNorm" in type(layer).__name__ for layer in model._flatten_layers())  # noqa: SLF001


def _numpy(value: Any) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(keras.ops.convert_to_numpy(value))
    return array
