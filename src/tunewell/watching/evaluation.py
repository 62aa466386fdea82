"""Some fixed rows of a data set, and a network's predictions for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from tunewell.errors import SettingError

BATCH = 256  # rows that are evaluated at a time
_SMALL = 1024  # numbers in a row; of smaller ones all are evaluated at a time, which is quicker


@dataclass(frozen=True, slots=True)
class Rows:
    """The first rows of a data set, and what is known of all of it."""

    inputs: Any
    targets: Any
    total: int
    """Rows of the whole."""
    class_counts: tuple[int, ...]
    """Of the targets that were seen, if they are classes."""

    def first(self, n: int) -> Rows:
        """Return the first n of them."""
        return Rows(self.inputs[:n], self.targets[:n], self.total, self.class_counts)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A network's evaluation on some rows; NaN for what cannot be known."""

    loss: float
    accuracy: float
    balanced_accuracy: float
    """Mean over the classes of the share of their rows that is found."""
    top_prediction_share: float
    """Share of the class that is predicted most."""
    n_classes: int
    """The number of classes among the outputs; 0 if the outputs are no classes."""


def rows_of(name: str, data: Any, limit: int, device: Any) -> Rows:
    """Return the first `limit` rows of (inputs, targets), or of an iterable of such batches, on the device.

    Raises:
        SettingError: it is neither, or has no rows.
    """
    if _is_pair(data):
        inputs, targets = torch.as_tensor(data[0]), torch.as_tensor(data[1])
        total, seen = len(targets), targets
    else:
        with torch.random.fork_rng(devices=[]):  # a loader that shuffles would draw from the training's randomness
            inputs, targets = _gathered(name, data, limit)
        total, seen = _length(data, len(targets)), targets
    if not len(targets):
        raise SettingError(f"{name} has no rows; give some to evaluate")
    return Rows(inputs[:limit].to(device), targets[:limit].to(device), total, _counts(seen))


def evaluate_rows(rows: Rows, evaluate: Callable[[Any, Any], tuple[Any, Any]]) -> Evaluation:
    """Evaluate the rows by `evaluate(inputs, targets)`, which returns the mean loss and the outputs."""
    at_a_time = len(rows.targets) if rows.inputs[:1].numel() <= _SMALL else BATCH
    loss, outputs = _loss_and_outputs(rows, evaluate, at_a_time)
    classes = predicted_classes(outputs, rows.targets)
    if classes is None:
        return Evaluation(loss, math.nan, math.nan, math.nan, 0)
    right = classes == rows.targets
    n = _n_classes(outputs)
    of_each, found = _count(rows.targets, n), _count(rows.targets[right], n)
    present = of_each > 0
    return Evaluation(
        loss=loss,
        accuracy=float(found.sum() / len(classes)),
        balanced_accuracy=float((found[present] / of_each[present]).mean()),
        top_prediction_share=float(_count(classes, n).max() / len(classes)),
        n_classes=n,
    )


def loss_and_accuracy(rows: Rows, evaluate: Callable[[Any, Any], tuple[Any, Any]]) -> tuple[float, float, int]:
    """Return loss, accuracy and the number of classes alone, for a part of the cost."""
    loss, outputs = _loss_and_outputs(rows, evaluate, BATCH)
    classes = predicted_classes(outputs, rows.targets)
    if classes is None:
        return loss, math.nan, 0
    return loss, int((classes == rows.targets).sum()) / len(classes), _n_classes(outputs)


def _loss_and_outputs(rows: Rows, evaluate: Callable[[Any, Any], tuple[Any, Any]], at_a_time: int) -> tuple[float, Any]:
    """Return the mean loss, and the outputs for all rows."""
    loss, outputs = 0.0, []
    for start in range(0, len(rows.targets), at_a_time):
        targets = rows.targets[start : start + at_a_time]
        mean, output = evaluate(rows.inputs[start : start + at_a_time], targets)
        loss += float(mean) * len(targets) / len(rows.targets)
        outputs.append(output.detach())
    return loss, outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def predicted_classes(outputs: Any, targets: Any) -> Any:
    """Return the classes (N,), in the targets' own type; None if the targets are no classes.

    outputs: (N, C) logits or probabilities of classes, or (N,) or (N, 1) logits of yes; targets: (N,) or (N, 1).
    """
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return None if targets.ndim != 1 or targets.is_floating_point() else outputs.argmax(dim=1)
    if outputs.ndim > 2 or outputs.numel() != targets.numel() or not _are_bits(targets):
        return None
    return (outputs.reshape(targets.shape) > 0).to(targets.dtype)


@contextmanager
def evaluation_mode(model: Any) -> Iterator[None]:
    """Evaluate inside it without gradients; then put every module back into the mode that it was in."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in before:
            module.training = training


def _is_pair(data: Any) -> bool:
    return isinstance(data, tuple) and len(data) == 2 and hasattr(data[0], "shape")


def _gathered(name: str, batches: Iterable[Any], limit: int) -> tuple[Any, Any]:
    inputs, targets, n = [], [], 0
    try:
        for x, y in batches:
            inputs.append(torch.as_tensor(x))
            targets.append(torch.as_tensor(y))
            n += len(targets[-1])
            if n >= limit:
                break
        return torch.cat(inputs), torch.cat(targets)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SettingError(
            f"{name} must be (inputs, targets) or an iterable of such batches, got {type(batches).__name__}: {error}"
        ) from error


def _length(loader: Any, seen: int) -> int:
    try:
        return len(loader.dataset)
    except (AttributeError, TypeError):
        return seen


def _counts(targets: Any) -> tuple[int, ...]:
    if targets.is_floating_point() or targets.ndim != 1 or int(targets.min()) < 0:
        return ()
    return tuple(torch.bincount(targets).tolist())


def _count(classes: Any, n: int) -> Any:
    """Count the rows of each class, (at least n,)."""
    return torch.bincount(classes.reshape(-1).long(), minlength=n).double()


def _are_bits(targets: Any) -> bool:
    return bool(((targets == 0) | (targets == 1)).all())


def _n_classes(outputs: Any) -> int:
    return int(outputs.shape[1]) if outputs.ndim == 2 and outputs.shape[1] > 1 else 2
