"""The outputs: whether they are what the loss takes them for, and whether the targets fit."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.inspection import rows
from tunewell.inspection.keras.graph import kind_of
from tunewell.inspection.keras.losses import BINARY, CATEGORICAL, CROSS_ENTROPIES, REGRESSION
from tunewell.inspection.keras.training import Output, Training, numbers
from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.places import Place

_NO_LOGITS = frozenset({"softmax", "sigmoid", "hard_sigmoid", "relu", "relu6", "tanh"})
_NO_PROBABILITIES = frozenset(
    """
    linear relu relu6 tanh leaky_relu elu selu gelu silu swish mish softsign log_softmax log_sigmoid hard_tanh
    """.split()  # noqa: SIM905  a list of that length is not read
)


def logits_expected(training: Training) -> Iterator[Mistake]:
    """Find an activation at the end, where the loss takes logits."""
    if sys.modules["keras"].backend.backend() == "tensorflow":
        return  # there Keras finds the logits again, and warns
    for output in training.outputs:
        if output.loss.name not in CROSS_ENTROPIES or not output.loss.from_logits:
            continue
        activation = output.activation
        if not activation and _sums_to_one(output):
            activation = "softmax"
        if activation in _NO_LOGITS:
            seen = f"{_the(output)} end with {activation}, and {output.loss.title} takes logits"
            mend = f"leave {activation} out of the last layer"
            if activation in ("softmax", "sigmoid"):
                mend += ", or compile with from_logits=False"
            yield Mistake("logits-expected", seen, mend, *_place(training, output))


def _sums_to_one(output: Output) -> bool:
    values = output.values
    if values is None or values.ndim < 2 or values.shape[-1] < 2 or len(values) < 4:
        return False
    return bool((values >= 0).all() and np.allclose(values.sum(axis=-1), 1, atol=1e-3))


def probabilities_expected(training: Training) -> Iterator[Mistake]:
    """Find outputs without a softmax or sigmoid, where the loss takes probabilities."""
    for output in training.outputs:
        if output.loss.name not in CROSS_ENTROPIES or output.loss.from_logits:
            continue
        if output.activation not in _NO_PROBABILITIES or _constrained(output):
            continue
        last = "softmax" if output.loss.name not in BINARY else "sigmoid"
        if output.n_units == 1:
            last = "sigmoid"
        ends = "no activation" if output.activation == "linear" else output.activation
        seen = f"{_the(output)} end with {ends}, and {output.loss.name} takes probabilities"
        mend = f"compile with {_class_name(output.loss.name)}(from_logits=True)"
        mend += "" if output.activation == "linear" else f" and leave {output.activation} out"
        yield Mistake("probabilities-expected", seen, f"{mend}, or end with {last}", *_place(training, output))


def _constrained(output: Output) -> bool:
    return bool(output.ending and getattr(output.ending.operation, "kernel_constraint", None) is not None)


def softmax_over_rows(training: Training) -> Iterator[Mistake]:
    """Find a softmax whose numbers add up to 1 over the rows of the batch."""
    for output in training.outputs:
        values = output.values
        by_axis = output.activation == "softmax" and output.ending is not None and output.ending.axis == 0
        by_values = (
            values is not None
            and values.ndim == 2
            and len(values) >= 8
            and values.shape[1] > 1
            and bool((values >= 0).all() and np.allclose(values.sum(axis=0), 1, atol=1e-3))
            and not np.allclose(values.sum(axis=1), 1, atol=1e-3)
        )
        if by_axis or by_values:
            seen = f"{_the(output)} add up to 1 over the rows of a batch, in place of the units of a row"
            yield Mistake("softmax-over-rows", seen, "take the softmax over axis=-1", *_place(training, output))


def shapes_broadcast(training: Training) -> Iterator[Mistake]:
    """Find targets of another shape than the outputs, that the loss compares all the same."""
    for output in training.outputs:
        if output.target is None or output.values is None or output.loss.name in CROSS_ENTROPIES:
            continue
        predicted, target = output.values, output.target[: len(output.values)]
        if target.shape == predicted.shape or len(target) != len(predicted) or target.dtype.kind not in "biuf":
            continue
        if target.size == predicted.size:
            given = _loss(output, target, predicted)
            wanted = _loss(output, target.reshape(predicted.shape), predicted)
            again = _loss(output, target, predicted)  # another number, if the loss draws some
            wrong = given == again and None not in (given, wanted) and not math.isclose(given, wanted, rel_tol=1e-3)  # type: ignore[arg-type]
            mend = _reshaped(target.shape, predicted.shape)
        else:
            # other losses may well take a target for several outputs, as quantiles do
            wrong = output.loss.name in REGRESSION and _loss(output, target, predicted) is not None
            mend = f"give the targets the shape of the outputs, {_shape(predicted.shape)}"
            if predicted.ndim == 3 and target.size == len(target):
                mend = "let the last recurrent layer return one output a row (return_sequences=False)"
            elif predicted.ndim == 2 and target.size == len(target):
                mend = f"give the last layer 1 unit in place of {predicted.shape[1]}"
        if wrong:
            seen = (
                f"{_the(output)} have the shape {_shape(predicted.shape)}, the targets {_shape(target.shape)}, "
                f"and {output.loss.name or 'the loss'} broadcasts them"
            )
            yield Mistake("shapes-broadcast", seen, mend, *training.called_at)


def _loss(output: Output, target: NDArray[Any], predicted: NDArray[Any]) -> float | None:
    """Return what the compiled loss makes of it; None if it refuses, or is no number."""
    keras = sys.modules["keras"]
    from_user = output.loss.given
    function = keras.losses.get(from_user) if isinstance(from_user, str) else from_user
    with contextlib.suppress(Exception):
        tensors = [keras.ops.convert_to_tensor(one) for one in (target, predicted)]
        if not isinstance(function, keras.losses.Loss):
            function = _wrapped(function)
        value = float(np.mean(numbers(function(*tensors))))
        return value if np.isfinite(value) else None
    return None


def _wrapped(function: Any) -> Any:
    # what `compile` makes of a function, and has no public name
    return sys.modules["keras.src.losses.losses"].LossFunctionWrapper(function)


def _reshaped(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if len(shape) + 1 == len(wanted):
        return "give the targets a last axis of 1 (y[..., None]), or take it off the outputs"
    return f"give the targets the shape of the outputs, {_shape(wanted)}"


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(["N", *map(str, shape[1:])]) + ("," if len(shape) == 1 else "") + ")"


_REACHES = {
    "relu": (0.0, math.inf), "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
}  # fmt: skip
_MOST_BEYOND = 0.2  # of the targets


def targets_out_of_reach(training: Training) -> Iterator[Mistake]:
    """Find targets of a regression that the last activation cannot come to."""
    for output in training.outputs:
        target, reach = output.target, _REACHES.get(output.activation)
        if target is not None and output.activation == "softmax":
            yield from _several_labels(training, output, target)
        if target is None or reach is None or output.loss.name not in REGRESSION or target.dtype.kind not in "iuf":
            continue
        if target.size < 8 or not np.isfinite(target).all():
            continue
        (low, high), spread = reach, 0.1 * float(target.std())
        margin = 0.1 if math.isfinite(high) else spread
        beyond = float(((target < low - margin) | (target > high + margin)).mean())
        if beyond > _MOST_BEYOND:
            within = f"in [{low:g}, {high:g}]" if math.isfinite(high) else "above 0"
            seen = (
                f"{_the(output)} end with {output.activation} and lie {within}, but {beyond:.0%} of the targets lie "
                f"outside, from {target.min():.3g} to {target.max():.3g}"
            )
            mend = f"leave {output.activation} out of the last layer, or scale the targets to its range"
            yield Mistake("targets-out-of-reach", seen, mend, *_place(training, output))


def _several_labels(training: Training, output: Output, target: NDArray[Any]) -> Iterator[Mistake]:
    """Find rows with several labels, or none, for outputs that add up to 1."""
    seen = rows.several_labels(target) if output.loss.name in REGRESSION | CROSS_ENTROPIES else ""
    if seen and len(output.shape) == 2:
        mend = "end with sigmoid in place of softmax, and compile with binary_crossentropy"
        yield Mistake(
            "targets-out-of-reach", f"{_the(output)} end with softmax, {seen}", mend, *_place(training, output)
        )


def units_and_classes(training: Training) -> Iterator[Mistake]:
    """Find targets that the units of a cross entropy cannot stand for."""
    for output in training.outputs:
        target, name, units = output.target, output.loss.name, output.n_units
        if target is None or name not in CROSS_ENTROPIES or not units or target.dtype.kind not in "biuf":
            continue
        if not len(target) or (target.dtype.kind == "f" and not np.isfinite(target).all()):
            continue
        if name in BINARY:
            found = _binary(target, units, output)
        elif name in CATEGORICAL:
            found = _categorical(target, units, output)
        else:
            found = _sparse(target, units, output)
        for kind, seen, mend in found:
            yield Mistake(kind, seen, mend, *_place(training, output))


def _binary(target: NDArray[Any], units: int, output: Output) -> Iterator[tuple[str, str, str]]:
    low, high = target.min(), target.max()
    whole = bool((target == np.round(target)).all())
    single = target.size == len(target)
    if units > 1 and single and len(output.shape) == 2:
        n = int(high) + 1 if whole else 0
        seen = (
            f"{output.loss.name} compares each of the {units} units with one and the same target, {low:g} to {high:g}"
        )
        mend = "compile with sparse_categorical_crossentropy" + (
            f" and a softmax of {max(n, units)} units" if n > 2 else ""
        )
        if units == 2 and n == 2:
            mend += ", or end with one sigmoid unit"
        yield "units-and-classes-differ", seen, mend
    elif low < 0 or high > 1:
        if not whole and low > -0.3 and high < 1.3:
            return  # labels with noise, as adversaries are given
        n = len(np.unique(target[:100_000])) if whole else 0
        if units == 1 and single and low >= 0 and n >= 3:
            seen = (
                f"the labels are {n} classes, {low:g} to {high:g}, and the output is one unit with {output.loss.name}"
            )
            mend = f"end with Dense({int(high) + 1}, activation='softmax') and sparse_categorical_crossentropy"
            yield "units-and-classes-differ", seen, mend
        else:
            seen = f"the targets go from {low:g} to {high:g}, and {output.loss.name} takes 0 to 1"
            mend = "scale the targets to 0 to 1"
            if n == 2:
                mend = "take (y + 1) / 2 for the labels" if low < 0 else f"subtract {low:g} from the labels"
            yield "labels-out-of-range", seen, mend


def _categorical(target: NDArray[Any], units: int, output: Output) -> Iterator[tuple[str, str, str]]:
    if len(output.shape) != 2 or units < 2:
        return
    if target.size == len(target):
        low, high = target.min(), target.max()
        seen = f"the targets are one number a row, {low:g} to {high:g}, and {output.loss.name} takes one-hot rows"
        yield "units-and-classes-differ", seen, "compile with sparse_categorical_crossentropy, or use to_categorical(y)"
    elif target.ndim == 2 and target.shape[1] != units:
        seen = f"the targets have {target.shape[1]} classes, and the output has {units} units"
        yield "units-and-classes-differ", seen, f"give the last layer {target.shape[1]} units"


def _sparse(target: NDArray[Any], units: int, output: Output) -> Iterator[tuple[str, str, str]]:
    if target.ndim == len(output.shape) and target.shape[-1] == units > 1:
        if np.isin(target[:1000], (0, 1)).all() and (target[:1000].sum(axis=-1) == 1).all():
            seen = f"the targets are one-hot rows of {units}, and {output.loss.name} takes one number a row"
            yield "units-and-classes-differ", seen, "compile with categorical_crossentropy, or use y.argmax(-1)"
        return
    if not (target == np.round(target)).all():
        return
    ignored = output.loss.options.get("ignore_class")
    labels = target[target != ignored] if ignored is not None else target
    if not labels.size:
        return
    if units == 1:
        n = int(labels.max()) + 1
        seen = f"the labels go from {labels.min():g} to {labels.max():g}, and {output.loss.name} has one unit for them"
        mend = f"end with Dense({max(n, 2)}, activation='softmax')"
        yield (
            "units-and-classes-differ",
            seen,
            mend + (", or one sigmoid unit with binary_crossentropy" if n == 2 else ""),
        )
        return
    for mistake in rows.labels_out_of_range(labels, units):
        yield mistake.kind, mistake.seen, mistake.mend


def _the(output: Output) -> str:
    return f"the outputs {output.name!r}" if output.name else "the outputs"


def _place(training: Training, output: Output) -> Place:
    """Return where the loss was compiled; where the last layer was made if that is not known."""
    if training.compiled_at.line or output.ending is None or not kind_of(output.ending.operation):
        return training.compiled_at
    return training.place_of(output.ending.operation)


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
