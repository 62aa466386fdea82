"""The rows: their scale, their labels, their order, and what training and validation rows have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.inspection import learnable, rows
from tunewell.inspection.keras.graph import kind_of
from tunewell.inspection.keras.losses import BINARY, CROSS_ENTROPIES, REGRESSION
from tunewell.inspection.keras.training import Output, Training, is_fresh, targets_of
from tunewell.inspection.mistakes import Mistake

_ACCURACIES = frozenset({"accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"})
_PLAIN = frozenset({"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"})


def _placed(training: Training, found: list[Mistake]) -> Iterator[Mistake]:
    for mistake in found:
        yield replace(mistake, path=training.called_at.path, line=training.called_at.line)


def inputs_not_scaled(training: Training) -> Iterator[Mistake]:
    """Find inputs of a large scale that reach a layer with random weights as they are."""
    if training.graph is None:
        return
    for symbolic, given in training.input_pairs:
        first = list(training.graph[0].first_kernels(symbolic))
        # a layer that was trained before was trained for these inputs
        if any(_takes(layer) and not normalized for layer, normalized in first):
            found = rows.inputs_not_scaled(given)
            if found and len(training.input_pairs) > 1:
                found = [replace(one, seen=f"of {symbolic.name!r}, {one.seen}") for one in found]
            yield from _placed(training, found)


def inputs_constant(training: Training) -> Iterator[Mistake]:
    """Find rows that are all the same, though their targets differ; of a model of one input."""
    inputs, targets = training.rows.inputs, training.rows.targets
    if len(inputs) == 1 and targets and not training.by_batch and any((one != one[:1]).any() for one in targets):
        yield from _placed(training, rows.inputs_constant(inputs[0]))


def _takes(layer: Any) -> bool:
    if kind_of(layer).startswith(("Separable", "Depthwise")):
        return is_fresh(layer, "depthwise_kernel") or is_fresh(layer)
    return is_fresh(getattr(layer, "cell", layer))


def not_finite(training: Training) -> Iterator[Mistake]:
    """Find numbers that are not finite among inputs and targets."""
    if training.graph is not None:
        for symbolic, given in training.input_pairs:
            if any(True for _ in training.graph[0].first_kernels(symbolic)):
                name = "x" if len(training.input_pairs) == 1 else symbolic.name
                yield from _placed(training, rows.not_finite(name, given))
    for output in training.outputs:
        if output.target is not None and output.loss.name in CROSS_ENTROPIES | REGRESSION:
            name = f"the targets of {output.name!r}" if output.name else "y"
            yield from _placed(training, rows.not_finite(name, output.target))


def _labels(output: Output) -> NDArray[np.int64] | None:
    """Return the classes of an output's targets; None if they are no classes, as the soft ones of an autoencoder."""
    target = output.target
    of_classes = output.loss.name in CROSS_ENTROPIES or "hinge" in output.loss.name
    if target is None or not of_classes or not len(target):
        return None
    if output.loss.name in BINARY and target.ndim == 2 and target.shape[1] > 1 and output.activation != "softmax":
        return None  # several labels a row
    if len(output.shape) > 2:
        return None
    return rows.class_labels(target)


def labels_constant(training: Training) -> Iterator[Mistake]:
    """Find one label for all rows, where nothing but the labels is learned from."""
    # an adversary is trained on rows of one kind at a time; residuals and the like have targets of zero
    if training.by_batch or not training.rows.complete or training.epochs < 2 or len(training.outputs) != 1:
        return
    [output] = training.outputs
    plain = kind_of(training.model) in ("Sequential", "Functional") and all(map(kind_of, training.layers))
    if output.target is None or not plain or any(not layer.trainable for layer in training.layers):
        return
    of_classes = output.loss.name in CROSS_ENTROPIES and _labels(output) is not None
    if of_classes or (output.loss.name in REGRESSION and output.target.size == len(output.target)):
        yield from _placed(training, rows.labels_constant(output.target))


def labels_not_learnable(training: Training) -> Iterator[Mistake]:
    """Find labels that do not depend on their rows: of one input and one output, whose rows are all known."""
    inputs = training.rows.inputs
    if training.by_batch or len(training.outputs) != 1 or len(inputs) != 1 or training.rows.batches:
        return
    labels = _labels(training.outputs[0])
    if labels is not None:
        yield from _placed(training, learnable.labels_not_learnable(np.asarray(inputs[0]), labels))


def rows_not_shuffled(training: Training) -> Iterator[Mistake]:
    """Find batches of one class each, and validation rows of classes that are not trained on."""
    if any(getattr(layer, "stateful", False) for layer in training.layers):
        return
    for output in training.outputs:
        labels = _labels(output)
        if labels is None:
            continue
        if training.validation_is_split and (target := training.validation_target(output)) is not None:
            other = rows.class_labels(target)
            if other is not None:
                yield from _placed(training, rows.split_by_class(labels, other))
        if training.rows.batches:
            batches = _labels_of_batches(training, output)
        elif not training.shuffled:
            batches = list(rows.batches_of(labels, training.batch_size))
        else:
            continue
        if not _in_turn(training, batches):
            yield from _placed(training, rows.rows_not_shuffled(batches))


def _labels_of_batches(training: Training, output: Output) -> list[NDArray[Any]]:
    position = [one.name for one in training.outputs].index(output.name)
    n_outputs = len(training.outputs)
    found = []
    for x, y in training.rows.batches:
        one = replace(training.rows, x=x, y=y, batches=[])
        target = targets_of(training.model, one, n_outputs)[position]
        labels = None if target is None else rows.class_labels(target)
        if labels is None:
            return []
        found.append(labels)
    return found


def _in_turn(training: Training, batches: list[NDArray[Any]]) -> bool:
    """Return True if a program takes batches of each class in turn, as an adversary's are."""
    if not (training.by_batch or training.rows.batches) or len(batches) < 2:
        return False
    first = [int(batch[0]) for batch in batches]
    changes = sum(one != two for one, two in pairwise(first))
    return len(set(first)) == 2 and changes > len(batches) / 4


def classes_unequal(training: Training) -> Iterator[Mistake]:
    """Find one class that nearly all rows are of, where neither weights nor the loss make up for it."""
    if training.weighted or training.by_batch:
        return
    compiled = getattr(training.model, "_compile_config", None)
    metrics = [str(getattr(one, "name", one)) for one in _flat((compiled.config if compiled else {}).get("metrics"))]
    if metrics and not _ACCURACIES & set(metrics):
        return  # whoever measures by rank or recall knows
    for output in training.outputs:
        labels = _labels(output) if output.loss.name in _PLAIN else None
        if labels is not None:
            yield from _placed(training, rows.classes_unequal(labels))


def _flat(metrics: Any) -> list[Any]:
    if isinstance(metrics, dict):
        return [one for value in metrics.values() for one in _flat(value)]
    if isinstance(metrics, list | tuple):
        return [one for value in metrics for one in _flat(value)]
    return [] if metrics is None else [metrics]


def splits_prepared_differently(training: Training) -> Iterator[Mistake]:
    """Find validation inputs of another scale than the training inputs."""
    if training.validation is None or training.validation_is_split:
        return
    pairs = list(zip(training.rows.inputs, training.validation.inputs, strict=False))
    learned = training.graph is None or any(
        True for symbolic in training.graph[1] for _ in training.graph[0].first_kernels(symbolic)
    )
    for one, other in pairs if learned else ():
        yield from _placed(training, rows.splits_prepared_differently(one, other))


def validation_rows_in_training(training: Training) -> Iterator[Mistake]:
    """Find rows that are trained on and validated on."""
    if training.validation is None or training.validation.batches or training.rows.batches:
        return
    inputs, other = training.rows.inputs, training.validation.inputs
    if len(inputs) == len(other) == 1:
        yield from _placed(training, rows.validation_rows_in_training(inputs[0], other[0]))
