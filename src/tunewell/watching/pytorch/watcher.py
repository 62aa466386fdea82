"""A watcher of a PyTorch network: hooks during training, an evaluation when an epoch ends."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from tunewell.errors import SettingError
from tunewell.watching.measurements import BATCH, MOST_ROWS, SHARE, Activation, measured_of
from tunewell.watching.plain_data import data_summary
from tunewell.watching.pytorch.activations import ActivationRecorder
from tunewell.watching.pytorch.evaluation import as_numpy, evaluate_rows, evaluation_mode, loss_and_accuracy, rows_of
from tunewell.watching.pytorch.losses import LossMeter
from tunewell.watching.pytorch.optimizers import add_listener, remove_listener
from tunewell.watching.pytorch.steps import StepMeters, norms
from tunewell.watching.watcher import Evaluate, Watcher

_AS_IT_IS = nullcontext()


class PyTorchWatcher(Watcher):
    """A watcher of a `torch.nn.Module`."""

    def __init__(
        self,
        model: Any,
        criterion: Any,
        train: Any,
        val: Any,
        evaluate: Evaluate | None,
        config: Mapping[str, Any] | None,
        every: int,
        rows: int | None,
    ) -> None:
        """Install the hooks; arguments as `watch` has them."""
        self._model = model
        self._matrices = {
            name.replace("_orig_mod.", "").removesuffix(".weight"): parameter  # as in the model before it was compiled
            for name, parameter in model.named_parameters()
            if parameter.ndim >= 2 and parameter.is_floating_point()  # others are quantized, and not trained
        }
        if not self._matrices:
            raise SettingError(
                f"there is no weight matrix in {type(model).__name__}; watch a model that has parameters"
            )
        device = next(iter(self._matrices.values())).device
        self._train = None if train is None else rows_of("train", train, rows or MOST_ROWS, device)
        self._val = None if val is None else rows_of("val", val, MOST_ROWS, device)
        parts = {name: part for name, part in (("train", self._train), ("val", self._val)) if part is not None}
        self._losses, self._steps = LossMeter(), StepMeters(model, self._matrices.values(), every)
        super().__init__(
            config={"framework": "pytorch", "batch_norm": _has_batch_norm(model), **(config or {})},
            sizes={f"n_{name}": part.total for name, part in parts.items()},
            summary=data_summary(
                {name: as_numpy(part.inputs) for name, part in parts.items()},
                {name: part.class_counts for name, part in parts.items()},
            ),
            step_losses=self._losses.losses,
        )
        if self._train is not None and rows is None:
            self._train = self._train.first(max(self._train.total // SHARE, BATCH))
        self._criterion = criterion
        self._own_evaluation = evaluate is not None
        self._evaluate = self._loss_and_outputs if evaluate is None else evaluate
        self._optimizer: Any = None
        self._meters: weakref.WeakKeyDictionary[Any, tuple[int, Any]] = weakref.WeakKeyDictionary()
        """Of each optimizer that has taken a step: its number of groups, and its meter, or None if it is another's."""
        self._hooks: list[Any] = []
        if isinstance(criterion, torch.nn.Module):
            self._hooks.append(criterion.register_forward_hook(self._record_loss))
        weakref.finalize(self, self._steps.close)
        add_listener(self)

    def batch(self, loss: Any, outputs: Any = None, targets: Any = None) -> None:
        """Add one training step's mean loss, and what it came from; for losses that are no module.

        loss: scalar tensor; outputs: (N, C) logits; targets: (N,) classes.
        """
        self._losses.add(loss, outputs, targets)

    def close(self) -> None:
        """Take the hooks out; what was measured stays."""
        remove_listener(self)
        self._steps.close()
        for hook in self._hooks:
            hook.remove()

    def moves(self, optimizer: Any) -> bool:
        """Return True if the optimizer's step is one of this model's."""
        n_groups, meter = self._meters.get(optimizer, (0, None))
        if n_groups != len(optimizer.param_groups):
            own = {id(parameter) for parameter in self._model.parameters()}
            given = (parameter for group in optimizer.param_groups for parameter in group["params"])
            meter = self._steps.of(optimizer) if any(id(parameter) in own for parameter in given) else None
            self._meters[optimizer] = len(optimizer.param_groups), meter
        return meter is not None

    def before_step(self, optimizer: Any) -> None:
        """Measure before the model's optimizer takes a step."""
        self._optimizer = optimizer
        self._meters[optimizer][1].before_step()

    def after_step(self, optimizer: Any) -> None:
        """Measure after it has taken it."""
        self._meters[optimizer][1].after_step()

    def _measured(self) -> dict[str, Any]:
        epoch: dict[str, Any] = self._losses.epoch()
        if self._optimizer is not None:
            epoch["lr"] = float(self._optimizer.param_groups[0]["lr"])
        steps = self._steps.epoch()
        with _AS_IT_IS if self._own_evaluation else evaluation_mode(self._model):
            activations = self._evaluate_train(epoch)
            self._evaluate_val(epoch)
        with torch.no_grad():
            weight_norms = norms(list(self._matrices.values())).tolist()
        return epoch | measured_of(tuple(self._matrices), weight_norms, steps, activations)

    def _evaluate_train(self, epoch: dict[str, Any]) -> dict[str, Activation]:
        """Evaluate the training rows, and return the activations for the first of them."""
        self._n_classes = self._n_classes or self._losses.n_classes
        if self._train is None:
            return {}
        recorder = ActivationRecorder(self._matrices)
        if self._own_evaluation:  # may leave the model in training, which is not how it is used
            loss, accuracy, self._n_classes = loss_and_accuracy(self._train, self._evaluate)
            with evaluation_mode(self._model), recorder:
                self._model(self._train.first(BATCH).inputs)
        else:
            recorders = iter([recorder])  # the first rows; each call that is recorded costs as much as a small layer
            loss, accuracy, self._n_classes = loss_and_accuracy(
                self._train, lambda x, y: self._loss_and_outputs(x, y, next(recorders, _AS_IT_IS))
            )
        epoch |= {"train_eval_loss": loss, "train_eval_accuracy": accuracy}
        return recorder.activations

    def _evaluate_val(self, epoch: dict[str, Any]) -> None:
        if self._val is None:
            return
        seen = evaluate_rows(self._val, self._evaluate)
        self._n_classes = seen.n_classes
        epoch |= seen.of_validation()

    def _loss_and_outputs(
        self, inputs: Any, targets: Any, recording: AbstractContextManager[Any] = _AS_IT_IS
    ) -> tuple[Any, Any]:
        criterion = torch.nn.functional.cross_entropy if self._criterion is None else self._criterion
        with recording:
            outputs = self._model(inputs)
        return criterion(outputs, targets), outputs

    def _record_loss(self, criterion: Any, inputs: tuple[Any, ...], loss: Any) -> None:  # noqa: ARG002  as hooks have it
        if torch.compiler.is_compiling():
            return  # what the graph kept of the watcher would have it compiled again at every step
        if torch.is_grad_enabled() and loss.requires_grad and loss.ndim == 0 and len(inputs) == 2:
            self._losses.add(loss, *inputs)


def _has_batch_norm(model: Any) -> bool:
    """Return True if a part of the model normalizes over batches, or keeps statistics as such a part does."""
    if any("BatchNorm" in type(module).__name__ for module in model.modules()):
        return True
    return any(name.rpartition(".")[2] == "running_mean" for name, _ in model.named_buffers())
