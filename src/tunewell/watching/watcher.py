"""`watch(model, run)`: measurements of the network itself during training, added to every report of the run."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from statistics import fmean
from typing import Any

import torch

from tunewell.arrays import own_numerics
from tunewell.errors import SettingError
from tunewell.samplers.construction import check_whole
from tunewell.training.run import Run
from tunewell.watching.activations import Activation, ActivationRecorder
from tunewell.watching.evaluation import BATCH, evaluate_rows, evaluation_mode, loss_and_accuracy, rows_of
from tunewell.watching.losses import LossMeter
from tunewell.watching.optimizers import add_listener, remove_listener
from tunewell.watching.plain_data import data_summary, plain
from tunewell.watching.steps import StepMeters, StepStatistics, norms

_MOST_ROWS = 1000  # that are evaluated
_SHARE = 20  # of this many training rows one is evaluated, so that the cost is a share of the training's

_AS_IT_IS = nullcontext()
Evaluate = Callable[[Any, Any], tuple[Any, Any]]
"""(inputs, targets) of some rows -> their mean loss and the network's outputs."""


def watch(
    model: Any,
    run: Run | None = None,
    *,
    criterion: Any = None,
    train: Any = None,
    val: Any = None,
    evaluate: Evaluate | None = None,
    config: Mapping[str, Any] | None = None,
    every: int = 20,
    rows: int | None = None,
) -> Watcher:
    """Return a watcher of the model's training, whose numbers are part of every `run.report` from now on.

    Call it once, before the first epoch. The names of what it measures are in docs/watch.md; a number that the report
    itself gives under one of these names stands.

    Args:
        model: a `torch.nn.Module`; its weights are not changed, nor is its training.
        run: the trial; None for a loop of one's own, which calls `watcher.end_epoch(...)`.
        criterion: the loss, a module called as `criterion(outputs, targets)`: gives the steps' losses and the accuracy
            in training. Without one, `watcher.batch(...)` takes them.
        train: (inputs, targets) or a loader of such batches: the first `rows` are evaluated after each epoch, and the
            activations for the first 256 are looked at.
        val: the same of validation rows, of which the first 1,000 are evaluated.
        evaluate: how rows are evaluated, `(inputs, targets) -> (mean loss, outputs)`; by default in evaluation mode, by
            the criterion, or else the cross entropy.
        config: the intended configuration, kept with the record: `lr`, `batch_size`, `hidden`, ...
        every: one step in so many is measured, and at least 4 of an epoch.
        rows: of training rows that are evaluated; a twentieth of all, but from 256 to 1,000, if None.

    Raises:
        SettingError: the model has no weight matrix, or an argument cannot be used.
    """
    watcher = Watcher(model, criterion, train, val, evaluate, config, every, rows)
    if run is not None:
        if run.on_report is not None:
            raise SettingError("the run is watched already; close() the other watcher first")
        run.on_report = lambda epoch, given: watcher.end_epoch(given, epoch=epoch)
    return watcher


class Watcher:
    """A watcher of a model's training; made by `watch`."""

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
        for name, number in (("every", every), ("rows", 1 if rows is None else rows)):
            check_whole(name, number, at_least=1)
        device = next(iter(self._matrices.values())).device
        self._train = None if train is None else rows_of("train", train, rows or _MOST_ROWS, device)
        self._val = None if val is None else rows_of("val", val, _MOST_ROWS, device)
        self._summary = data_summary(self._train, self._val)
        if self._train is not None and rows is None:
            self._train = self._train.first(max(self._train.total // _SHARE, BATCH))
        self._criterion = criterion
        self._own_evaluation = evaluate is not None
        self._evaluate = self._loss_and_outputs if evaluate is None else evaluate
        self._config = {"framework": "pytorch", "batch_norm": _has_batch_norm(model), **(config or {})}
        self._losses, self._steps = LossMeter(), StepMeters(model, self._matrices.values(), every)
        self._optimizer: Any = None
        self._n_classes = 0
        self._epochs: list[dict[str, Any]] = []
        self._meters: weakref.WeakKeyDictionary[Any, tuple[int, Any]] = weakref.WeakKeyDictionary()
        """Of each optimizer that has taken a step: its number of groups, and its meter, or None if it is another's."""
        self._hooks: list[Any] = []
        if isinstance(criterion, torch.nn.Module):
            self._hooks.append(criterion.register_forward_hook(self._record_loss))
        weakref.finalize(self, self._steps.close)
        add_listener(self)

    @property
    def loss_at_start(self) -> float:
        """The first training step's loss, about `chance_loss` for a sound classifier; NaN before an epoch has ended."""
        return self._losses.losses[0] if self._losses.losses else math.nan

    @property
    def chance_loss(self) -> float:
        """ln(classes), in nats: the cross entropy of a network that knows nothing; NaN while there are no classes."""
        return math.log(self._n_classes) if self._n_classes else math.nan

    def batch(self, loss: Any, outputs: Any = None, targets: Any = None) -> None:
        """Add one training step's mean loss, and what it came from; for losses that are no module.

        loss: scalar tensor; outputs: (N, C) logits; targets: (N,) classes.
        """
        self._losses.add(loss, outputs, targets)

    @own_numerics
    def end_epoch(self, given: Mapping[str, float] | None = None, *, epoch: int | None = None) -> dict[str, float]:
        """Measure the epoch that ends here, and return that beside what is `given`; `run.report` calls it.

        What a layer measured is named as in `layers.hidden.0.grad_norm`; NaN is what was not finite or could not be
        known.

        epoch: its number; the one after the last, if None.
        """
        number = (self._epochs[-1]["epoch"] if self._epochs else 0) + 1 if epoch is None else epoch
        measured = {"epoch": number, **self._measured(), **(given or {})}
        self._epochs.append(measured)
        flat = {name: value for name, value in measured.items() if name not in ("epoch", "layers")}
        if number == 1:
            flat["has_batch_norm"] = float(bool(self._config["batch_norm"]))
        if number == 1 and not math.isnan(self.loss_at_start):
            flat |= {"loss_at_start": self.loss_at_start, "chance_loss": self.chance_loss}
        for layer in measured["layers"]:
            flat |= {f"layers.{layer['name']}.{name}": value for name, value in layer.items() if name != "name"}
        return flat

    def record(self) -> dict[str, Any]:
        """Return the whole run as plain data, for `tunewell.diagnose` or a JSON file; None is a number not finite."""
        rows = {"n_train": self._train, "n_val": self._val}
        sizes = {name: some.total for name, some in rows.items() if some is not None}
        classes = {"n_classes": self._n_classes} if self._n_classes else {}
        summary = {"data_summary": self._summary} if self._summary else {}
        record = {"config": self._config, **sizes, **classes, **summary, "epochs": self._epochs}
        if self._losses.losses:
            record |= {"step_losses": self._losses.losses, "step_losses_every": self._losses.every}
        result: dict[str, Any] = plain(record)
        return result

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
        if steps is not None:
            epoch |= {
                "grad_norm": steps.grad_norm,
                "grad_norm_max": steps.grad_norm_max,
                "update_ratio": steps.update_ratio,
                "grad_noise_scale": steps.grad_noise_scale,
            }
        epoch["weight_norm"] = math.hypot(*weight_norms)
        epoch |= _shares(activations)
        epoch["layers"] = _layers(tuple(self._matrices), weight_norms, steps, activations)
        return epoch

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
        epoch |= {
            "val_loss": seen.loss,
            "val_accuracy": seen.accuracy,
            "val_balanced_accuracy": seen.balanced_accuracy,
            "val_top_prediction_share": seen.top_prediction_share,
        }

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


def _shares(activations: Mapping[str, Activation]) -> dict[str, float]:
    """Return the means over the layers that have them."""
    dead = [layer.dead_fraction for layer in activations.values() if layer.dead_fraction is not None]
    saturated = [layer.saturated_fraction for layer in activations.values() if layer.saturated_fraction is not None]
    shares = {"dead_fraction": dead, "saturated_fraction": saturated}
    return {name: fmean(values) for name, values in shares.items() if values}


def _layers(
    names: tuple[str, ...],
    weight_norms: list[float],
    steps: StepStatistics | None,
    activations: Mapping[str, Activation],
) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        layer: dict[str, Any] = {"name": name, "weight_norm": weight_norms[place]}
        if steps is not None:
            layer["grad_norm"] = steps.layer_grad_norms[place]
            layer["update_ratio"] = steps.layer_update_ratios[place]
        if name in activations:
            seen = activations[name]
            layer |= {"activation_mean": seen.mean, "activation_std": seen.std}
            shares = {"dead_fraction": seen.dead_fraction, "saturated_fraction": seen.saturated_fraction}
            layer |= {share: value for share, value in shares.items() if value is not None}
        layers.append(layer)
    return layers
