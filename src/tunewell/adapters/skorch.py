"""skorch: a callback of a `NeuralNet`.

    from tunewell.adapters.skorch import TuneCallback

    net = NeuralNetClassifier(Module, max_epochs=10, callbacks=[TuneCallback(run)])

A checkpoint holds the module, the criterion, the optimizer, schedules of `LRScheduler`, the history and what other
callbacks remember. Of all callbacks this one is called last, wherever it stands among them.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback

from tunewell.adapters.callbacks import CallbackLoop
from tunewell.training.run import Run


class TuneCallback(Callback):  # type: ignore[misc]  # it is not installed everywhere
    """Reports each epoch of `fit`, pauses and ends with the trial, and follows its live learning rate."""

    def __init__(self, run: Run | None = None) -> None:
        """Follow a run; the current one if None."""
        self.run = run

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:  # noqa: ARG002, N803  as skorch calls it
        """Go on from the trial's checkpoint, if it has one."""
        self.loop_: CallbackLoop = CallbackLoop(self.run)
        self.max_epochs_: Any = net.max_epochs
        others = [item for item in net.callbacks_ if item[1] is not self]
        own = [item for item in net.callbacks_ if item[1] is self]
        net.callbacks_ = [*others, *own]  # another list: the present one is gone over
        self.memory_: _Memory = _Memory([callback for _, callback in others])
        schedules = [getattr(callback, "lr_scheduler_", None) for _, callback in others]
        self.loop_.run.track(
            module=net.module_,
            criterion=net.criterion_,
            optimizer=net.optimizer_,
            schedules=[one for one in schedules if one is not None],
            history=_History(net),
            callbacks=self.memory_,
        )
        first = self.loop_.begin(net.max_epochs)
        self.n_before_: int = len(net.history) - (0 if first is None else first - 1)
        net.max_epochs = 0 if first is None else self.max_epochs_ - first + 1

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **_: Any) -> None:  # noqa: ARG002
        """Let other callbacks remember what they did at the checkpoint."""
        self.memory_.recall()

    def on_epoch_end(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **_: Any) -> None:  # noqa: ARG002
        """Report, and wait while the trial is paused."""
        self._report(net)
        if not self.loop_.advance() and len(net.history) - self.n_before_ < self.max_epochs_:
            raise KeyboardInterrupt  # by which skorch's own callbacks end a training in order

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:  # noqa: ARG002, N803
        """Let the next `fit` have all its epochs; report one that another callback has ended."""
        net.max_epochs = self.max_epochs_
        if len(net.history) - self.n_before_ == self.loop_.epoch and "dur" in net.history[-1]:
            self._report(net)

    def _report(self, net: Any) -> None:
        self.loop_.report({name: value for name, value in net.history[-1].items() if name != "epoch"})


class _Memory:
    """The memory of callbacks: what they have found out, by the names that scikit-learn's convention gives it."""

    def __init__(self, callbacks: list[Any]) -> None:
        self._callbacks = callbacks
        self._restored: list[tuple[Any, dict[str, Any]]] = []

    def state_dict(self) -> dict[str, Any]:
        """Return it."""
        return {"callbacks": [_remembered(callback) for callback in self._callbacks]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Keep it until all callbacks have begun, which empties them."""
        self._restored = list(zip(self._callbacks, state["callbacks"], strict=True))

    def recall(self) -> None:
        """Take over what was restored."""
        for callback, remembered in self._restored:
            vars(callback).update(remembered)
        self._restored = []


def _remembered(callback: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(callback).items() if name.endswith("_") and _is_value(value)}


def _is_value(value: Any) -> bool:
    """Return True for a number, a text, or the weights of a network."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and isinstance(item, torch.Tensor) for name, item in value.items())
    return value is None or isinstance(value, bool | int | float | str | np.generic)


class _History:
    """The history of a net, which it logs."""

    def __init__(self, net: Any) -> None:
        self._net = net

    def state_dict(self) -> dict[str, str]:
        """Return it."""
        return {"epochs": json.dumps(self._net.history.to_list(), default=float)}

    def load_state_dict(self, state: dict[str, str]) -> None:
        """Take it over."""
        self._net.history[:] = json.loads(state["epochs"])
