"""Some fixed rows of a data set, and a network's predictions for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tunewell.arrays import Integers
from tunewell.errors import SettingError
from tunewell.watching.measurements import BATCH, Evaluation

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


def as_numpy(inputs: Any) -> NDArray[Any]:
    """Return inputs as an array, of floats in a precision that NumPy has."""
    array: NDArray[Any] = (inputs.float() if inputs.is_floating_point() else inputs).numpy(force=True)
    return array


def evaluate_rows(rows: Rows, evaluate: Callable[[Any, Any], tuple[Any, Any]]) -> Evaluation:
    """Evaluate the rows by `evaluate(inputs, targets)`, which returns the mean loss and the outputs."""
    at_a_time = len(rows.targets) if rows.inputs[:1].numel() <= _SMALL else BATCH
    loss, outputs = _loss_and_outputs(rows, evaluate, at_a_time)
    predicted, wanted = _classes(outputs, rows.targets)
    return Evaluation.of(loss, predicted, wanted, n_classes_of(outputs))


def loss_and_accuracy(rows: Rows, evaluate: Callable[[Any, Any], tuple[Any, Any]]) -> tuple[float, float, int]:
    """Return loss, accuracy and the number of classes alone, for a part of the cost."""
    loss, outputs = _loss_and_outputs(rows, evaluate, BATCH)
    predicted, wanted = _classes(outputs, rows.targets)
    if not len(wanted):
        return loss, math.nan, 0
    return loss, float((predicted == wanted).mean()), n_classes_of(outputs)


def _loss_and_outputs(rows: Rows, evaluate: Callable[[Any, Any], tuple[Any, Any]], at_a_time: int) -> tuple[float, Any]:
    """Return the mean loss, and the outputs for all rows."""
    loss, outputs = 0.0, []
    for start in range(0, len(rows.targets), at_a_time):
        targets = rows.targets[start : start + at_a_time]
        mean, output = evaluate(rows.inputs[start : start + at_a_time], targets)
        loss += float(mean) * len(targets) / len(rows.targets)
        outputs.append(output.detach())
    return loss, outputs[0] if len(outputs) == 1 else torch.cat(outputs)


def _classes(outputs: Any, targets: Any) -> tuple[Integers, Integers]:
    """Return the predicted and the right classes of the rows that have one, (N,) each; none if the targets are none."""
    predicted, certain = predicted_classes(outputs, targets)
    if predicted is None or not certain:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # NumPy counts a thousand rows in a fraction of the time that PyTorch takes to begin with it
    classes, wanted = (tensor.reshape(-1).long().numpy(force=True) for tensor in (predicted, targets))
    known = wanted >= 0
    return classes[known], wanted[known]


def predicted_classes(outputs: Any, targets: Any) -> tuple[Any, Any]:
    """Return the classes (N,), in the targets' own type, or None if the targets are none; and whether it is certain.

    Whether the targets of a single output are nothing but 0 and 1 is a tensor, so that nothing waits for the device.
    Targets below 0, such as PyTorch's `ignore_index`, are of rows without a class.

    outputs: (N, C) logits or probabilities of classes, or (N,) or (N, 1) logits of yes; targets: (N,) or (N, 1).
    """
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return None if targets.ndim != 1 or targets.is_floating_point() else outputs.argmax(dim=1), True
    if outputs.ndim > 2 or outputs.numel() != targets.numel():
        return None, False
    return (outputs.reshape(targets.shape) > 0).to(targets.dtype), ((targets == 0) | (targets == 1)).all()


def n_classes_of(outputs: Any) -> int:
    """Return the number of classes among outputs that are classes."""
    return int(outputs.shape[1]) if outputs.ndim == 2 and outputs.shape[1] > 1 else 2


@contextmanager
def evaluation_mode(model: Any) -> Iterator[None]:
    """Evaluate inside it without gradients; then put every module back into the mode that it was in.

    What is compiled is called as it was written: it would be compiled again for these rows.
    """
    modules = list(model.modules())
    trained = [module for module in modules if module.training]
    model.eval()
    try:
        with torch.no_grad(), _uncompiled(modules):
            yield
    finally:
        for module in trained:
            module.training = True


def _uncompiled(modules: Iterable[Any]) -> AbstractContextManager[Any]:
    compiled = any(hasattr(module, "_orig_mod") or module._compiled_call_impl is not None for module in modules)  # noqa: SLF001
    if not compiled or not hasattr(torch.compiler, "set_stance"):  # PyTorch before 2.6 has none
        return nullcontext()
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


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
