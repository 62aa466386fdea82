"""The layers: which of them learn, how they were initialized, and what they make of the first rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tunewell.inspection.keras.graph import (
    RECURRENT,
    Graph,
    activation_name,
    inner_graph,
    is_kernel,
    kind_of,
    unwrapped,
)
from tunewell.inspection.keras.training import Training, is_fresh, numbers
from tunewell.inspection.mistakes import Mistake

_UNBOUNDED = frozenset({"relu", "elu", "selu", "gelu", "silu", "softplus", "leaky_relu"})
_LONG = 50  # time steps
_EPOCHS = 20  # that a program is taken to train for that calls `fit` for one at a time


def softmax_over_one_unit(training: Training) -> Iterator[Mistake]:
    """Find a softmax that has one number to share the 1 among."""
    for layer in training.layers:
        units = getattr(layer, "units", None) or getattr(layer, "filters", None)
        if is_kernel(layer) and units == 1 and activation_name(layer) == "softmax" and kind_of(layer) not in RECURRENT:
            seen = f"{_the(layer)} has one unit with a softmax, which is 1 for each row"
            yield Mistake("softmax-over-one-unit", seen, _instead_of_softmax(training), *training.place_of(layer))
    for output in training.outputs:
        ending = output.ending
        if ending and output.n_units == 1 and output.activation == "softmax" and not is_kernel(ending.operation):
            if ending.axis not in (-1, len(output.shape) - 1):
                continue
            seen = "the outputs are a softmax over one unit, which is 1 for each row"
            place = training.place_of(ending.operation)
            yield Mistake("softmax-over-one-unit", seen, _instead_of_softmax(training), *place)


def _instead_of_softmax(training: Training) -> str:
    names = {output.loss.name for output in training.outputs}
    if any("categorical" in name for name in names):
        return "give the layer a unit for each class"
    return "use a sigmoid, or a unit for each class with sparse_categorical_crossentropy"


def parameters_frozen(training: Training) -> Iterator[Mistake]:
    """Find a model with nothing to train, and frozen layers whose weights are still random."""
    if not training.has_weights:
        return
    model = training.model
    if not model.trainable_weights:
        if not any(numbers(one).size for one in model.weights if "seed" not in one.name):
            return
        if not any(is_kernel(layer) or hasattr(layer, "embeddings") for layer in training.layers):
            return
        seen = f"none of the {len(model.weights)} weights of {model.name!r} is trainable as the training begins"
        mend = "set trainable = True on the layers that are to learn, before compile"
        yield Mistake("parameters-frozen", seen, mend, *training.called_at)
        return
    if training.by_batch:
        return  # an adversary may be trained before the other
    frozen = [layer for layer in training.layers if _frozen(layer) and _random(layer)]
    if len(frozen) < 2:
        return  # a single one may be meant, as random features are
    n, every = (
        sum(int(np.prod(w.shape)) for w in weights)
        for weights in ([w for f in frozen for w in f.weights], model.weights)
    )
    if n < 0.5 * every:
        return
    names = ", ".join(layer.name for layer in frozen[:3]) + (", ..." if len(frozen) > 3 else "")
    seen = f"{len(frozen)} layers ({names}) are frozen with the random weights that they were made with"
    mend = "load pretrained weights into them, or set trainable = True"
    yield Mistake("parameters-frozen", seen, mend, *training.called_at)


def _frozen(layer: Any) -> bool:
    return bool(layer.weights) and not layer.trainable_weights and kind_of(layer) != ""


def _random(layer: Any) -> bool:
    return is_kernel(layer) and is_fresh(getattr(layer, "cell", layer))


def flags_changed(training: Training) -> Iterator[Mistake]:
    """Find layers that were frozen or set free after training began, without another `compile`."""
    compiled = getattr(training.model, "_compiled_trainable_state", None)
    if not training.trained_before or not compiled:
        return
    changed = [layer for layer, flag in compiled.items() if layer.trainable != flag and layer.weights]
    if not changed:
        return
    now = "trainable" if changed[0].trainable else "frozen"
    seen = f"{changed[0].name!r} was set to {now} after the model was compiled and trained"
    mend = "call compile again after trainable has been set"
    yield Mistake("parameters-frozen", seen, mend, *training.called_at)


def recurrent_relu(training: Training) -> Iterator[Mistake]:
    """Find recurrent layers over long sequences whose states can grow with each step."""
    optimizer = getattr(training.model, "optimizer", None)
    if any(getattr(optimizer, name, None) for name in ("clipnorm", "clipvalue", "global_clipnorm")):
        return
    for call in training.passed.calls if training.passed else ():
        layer = call.layer
        activation = activation_name(layer)
        if kind_of(layer) not in RECURRENT or activation not in _UNBOUNDED or len(call.input_shape) != 3:
            continue
        steps = call.input_shape[1]
        # a recurrent identity is the one way to keep relu from growing
        if steps < _LONG or type(layer.recurrent_initializer).__name__.startswith("Identity"):
            continue
        seen = f"{_the(layer)} has the activation {activation} over {steps} time steps"
        mend = "leave the activation at tanh, or set clipnorm=1.0 on the optimizer"
        yield Mistake("recurrent-relu", seen, mend, *training.place_of(layer))


def axes_swapped(training: Training) -> Iterator[Mistake]:
    """Find a recurrent layer that is given the rows of the batch as its second axis."""
    if training.passed is None:
        return
    n = training.passed.n_rows
    lengths = {length for one in training.rows.inputs for length in one.shape[1:]}
    for call in training.passed.calls:
        shape = call.input_shape
        if kind_of(call.layer) not in RECURRENT or len(shape) != 3 or n < 2 or n in lengths:
            continue
        if shape[1] == n and shape[0] != n:
            seen = f"{_the(call.layer)} is given (steps, rows, features), and takes its {n} rows for time steps"
            mend = "give it (rows, steps, features): leave the transpose out"
            yield Mistake("axes-swapped", seen, mend, *training.place_of(call.layer))


def _batch_norms(training: Training) -> list[Any]:
    return [layer for layer in training.layers if kind_of(layer) == "BatchNormalization" and layer.built]


def momentum_too_long(training: Training) -> Iterator[Mistake]:
    """Find batch normalization whose statistics still are mostly their start at the end of the training."""
    steps = training.total_steps * (_EPOCHS if training.epochs == 1 else 1)
    for layer in _batch_norms(training):
        left = layer.momentum**steps
        if steps and layer.momentum >= 0.995 and layer.trainable and left > 0.5:
            seen = (
                f"{_the(layer)} has momentum {layer.momentum:g}: after {steps} steps its statistics still are to "
                f"{left:.0%} those that it began with"
            )
            yield Mistake("statistics-frozen", seen, "leave momentum at 0.99 or below", *training.place_of(layer))


def statistics_frozen(training: Training) -> Iterator[Mistake]:
    """Find batch normalization that is to use statistics which it has never taken."""
    if training.by_batch or not training.has_weights or not training.model.trainable_weights:
        return
    in_evaluation = _called_in_evaluation(training)
    for layer in _batch_norms(training):
        if numbers(layer.moving_mean).any() or not (numbers(layer.moving_variance) == 1).all():
            continue
        if not layer.trainable:
            how = "is not trainable"
        elif id(layer) in in_evaluation:
            how = "is called with training=False"
        else:
            continue
        seen = f"{_the(layer)} {how}, and its statistics are those that it was made with, mean 0 and variance 1"
        mend = "let it be trained, or load pretrained weights first"
        yield Mistake("statistics-frozen", seen, mend, *training.place_of(layer))
        return  # as a rule it is all of them


def _called_in_evaluation(training: Training) -> set[int]:
    """Return the ids of the layers that only ever run with training=False, inside of nested models too."""
    if training.graph is None:
        return set()
    found: set[int] = set()
    for operation, node in training.graph[0].uses():
        if node.arguments.kwargs.get("training") is False:
            inside = [operation]
            if inner_graph(operation) is not None:
                inside += operation._flatten_layers(include_self=False, recursive=True)  # noqa: SLF001
            found |= {id(layer) for layer in inside}
    return found


def batch_norm_on_one_row(training: Training) -> Iterator[Mistake]:
    """Find batch normalization over features where a batch is one row."""
    if training.batch_size != 1:
        return
    in_evaluation = _called_in_evaluation(training)
    for layer in _batch_norms(training):
        shape = _input_shape(training.graph[0] if training.graph else None, layer)
        if not shape and getattr(layer.input_spec, "ndim", None) == 2:
            shape = (None, None)
        others = [length for axis, length in enumerate(shape) if axis and axis != len(shape) - 1]
        if layer.trainable and id(layer) not in in_evaluation and shape and all(length == 1 for length in others):
            seen = f"{_the(layer)} normalizes over batches of one row: what it returns does not depend on the row"
            mend = "use batches of 16 rows or more, or LayerNormalization"
            yield Mistake("batch-norm-on-one-row", seen, mend, *training.place_of(layer))
            return


def _input_shape(graph: Graph | None, layer: Any) -> tuple[int | None, ...]:
    for operation, node in graph.uses() if graph else ():
        if operation is layer:
            return tuple(node.input_tensors[0].shape)
    return ()


def zero_weights(training: Training) -> Iterator[Mistake]:
    """Find hidden layers whose units are all alike, and stay so."""
    if training.graph is None:
        return
    graph = training.graph[0]
    for layer in [one for one in training.layers if is_kernel(one) and one.trainable]:
        value = _constant(layer)
        if value is None:
            continue
        following = graph.next_kernels(layer)
        if not following or any(_n_units(one) == 0 for one in following):
            continue  # at the end, zeros are a good start; and what is added to something else may begin at zero
        if value == 0 and not (
            all(_constant(one) is not None for one in following) or graph.activation_after(layer) == "relu"
        ):
            continue  # what follows tells the units apart
        seen = f"all {numbers(layer.kernel).size} weights of {_the(layer)} are {value:g}, so that its units are alike"
        mend = "leave kernel_initializer at its default, or use 'he_normal'"
        yield Mistake("zero-weights", seen, mend, *training.place_of(layer))


def _constant(layer: Any) -> float | None:
    """Return the number that all weights of a layer of several units are; None if they differ."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None or _n_units(layer) < 2 or getattr(layer, "bias_initializer", None) is None:
        return None
    values = numbers(kernel)
    bias = numbers(layer.bias) if getattr(layer, "bias", None) is not None else np.zeros(1)
    alike = bool(values.size and (values == values.flat[0]).all() and (bias == bias.flat[0]).all())
    return float(values.flat[0]) if alike else None


def _n_units(layer: Any) -> int:
    return int(getattr(layer, "units", None) or getattr(layer, "filters", None) or 0)


def dead_units(training: Training) -> Iterator[Mistake]:
    """Find layers with relu nearly all of whose units are zero for all of the first rows."""
    if training.passed is None or training.passed.n_rows < 16 or any(zero_weights(training)):
        return
    for call in training.passed.calls:
        values = call.output
        if kind_of(call.layer) in RECURRENT or values.shape[-1] < 8 or not np.isfinite(values).all():
            continue
        dead = float((values.reshape(-1, values.shape[-1]) <= 0).all(axis=0).mean())
        if dead >= 0.95:
            n = round(dead * values.shape[-1])
            seen = f"{n} of the {values.shape[-1]} units of {_the(call.layer)} are zero for each of {len(values)} rows"
            mend = "look at its bias_initializer, and at the scale of what comes in"
            yield Mistake("dead-units", seen, mend, *training.place_of(call.layer))
            return


def outputs_not_finite(training: Training) -> Iterator[Mistake]:
    """Find outputs that are not a number for rows that are finite."""
    if training.passed is None or not all(
        np.isfinite(one).all() for one in training.rows.inputs if one.dtype.kind == "f"
    ):
        return
    for values in training.passed.outputs:
        if values.dtype.kind == "f" and np.isnan(values).any():
            n = int(np.isnan(values).reshape(len(values), -1).any(axis=1).sum()) if values.ndim else 1
            seen = f"before the first step the outputs for {n} of the first {len(values)} rows are not a number"
            mend = "look for a log, a square root or a division of what may be 0, and at the weights that were loaded"
            yield Mistake("not-finite", seen, mend, *training.called_at)
            return


def _the(layer: Any) -> str:
    return f"{type(unwrapped(layer)).__name__} {layer.name!r}"
