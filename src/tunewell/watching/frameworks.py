"""`watch(model, run)`: measurements of the network itself during training, added to every report of the run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from tunewell.errors import SettingError
from tunewell.training.run import Run
from tunewell.watching.watcher import Evaluate, Watcher, checked, report_with


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
        model: a `torch.nn.Module`; a `keras.Model`, whose `fit` is given the watcher as a callback; or the parameters
            of a JAX network, whose loop calls `watcher.step(params)`. Its weights are not changed, nor is its training.
        run: the trial; None for a loop of one's own, which calls `watcher.end_epoch(...)` (of Keras, `fit` does).
        criterion: of PyTorch, the loss, a module called as `criterion(outputs, targets)`: gives the steps' losses and
            the accuracy in training. Without one, `watcher.batch(...)` takes them.
        train: (inputs, targets) or a loader of such batches: the first `rows` are evaluated after each epoch, and the
            activations for the first 256 are looked at. Of Keras and JAX, gradients are measured on them as well.
        val: the same of validation rows, of which the first 1,000 are evaluated.
        evaluate: how rows are evaluated, `(inputs, targets) -> (mean loss, outputs)`; by default in evaluation mode, by
            the criterion, or else the cross entropy. Of JAX, `(params, inputs, targets) -> (mean loss, outputs)`.
        config: the intended configuration, kept with the record: `lr`, `batch_size`, `hidden`, ...
        every: one step in so many is measured, and at least 4 of an epoch.
        rows: of training rows that are evaluated; a twentieth of all, but from 256 to 1,000, if None.

    Raises:
        SettingError: the model has no weight matrix, is of none of these frameworks, or an argument cannot be used.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(4, 2)
        >>> criterion, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1)
        >>> x, y = torch.randn(64, 4), torch.arange(64) % 2
        >>> watcher = tw.watch(model, criterion=criterion, train=(x, y))
        >>> criterion(model(x), y).backward()
        >>> optimizer.step()
        >>> watcher.end_epoch()["grad_norm"] > 0
        True
    """
    checked(every, rows)
    watcher = _watcher(model, run is not None, criterion, train, val, evaluate, config, every, rows)
    report_with(run, watcher)
    return watcher


def _watcher(  # each framework is imported by who has a model of it
    model: Any,
    has_run: bool,  # noqa: FBT001
    criterion: Any,
    train: Any,
    val: Any,
    evaluate: Evaluate | None,
    config: Mapping[str, Any] | None,
    every: int,
    rows: int | None,
) -> Watcher:
    if (keras := sys.modules.get("keras")) is not None and isinstance(model, keras.Model):  # on PyTorch a module too
        from tunewell.watching.keras import KerasWatcher  # noqa: PLC0415

        _refuse("Keras", criterion=criterion, evaluate=evaluate)
        return KerasWatcher(model, train, val, config, every, rows, alone=not has_run)
    if (torch := sys.modules.get("torch")) is not None and isinstance(model, torch.nn.Module):
        from tunewell.watching.pytorch import PyTorchWatcher  # noqa: PLC0415

        return PyTorchWatcher(model, criterion, train, val, evaluate, config, every, rows)
    if (jax := sys.modules.get("jax")) is not None:
        from tunewell.watching.jax import JaxWatcher, parameters_of  # noqa: PLC0415

        parameters = parameters_of(model)
        if any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(parameters)):
            _refuse("JAX", criterion=criterion)
            return JaxWatcher(parameters, train, val, evaluate, config, every, rows)
    raise SettingError(
        f"watch takes a torch.nn.Module, a keras.Model or the parameters of a JAX network, got {type(model).__name__}"
    )


def _refuse(framework: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            instead = "the loss of compile() is used" if framework == "Keras" else "give evaluate=(params, x, y) -> ..."
            raise SettingError(f"watch takes no {name}= of a network of {framework}: {instead}")
