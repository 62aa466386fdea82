"""skorch: a callback of a `NeuralNet`.

    from tunewell.adapters.skorch import TuneCallback

    net = NeuralNetClassifier(Module, max_epochs=10, callbacks=[TuneCallback(run)])

A checkpoint holds the module, the criterion, the optimizer, schedules of `LRScheduler` and the history. Other callbacks
go before this one.
"""

from __future__ import annotations

import json
from typing import Any

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
        self.loop_ = CallbackLoop(self.run)
        self.max_epochs_ = net.max_epochs
        schedules = [getattr(callback, "lr_scheduler_", None) for _, callback in net.callbacks_]
        self.loop_.run.track(
            module=net.module_,
            criterion=net.criterion_,
            optimizer=net.optimizer_,
            schedules=[one for one in schedules if one is not None],
            history=_History(net),
        )
        first = self.loop_.begin(net.max_epochs)
        net.max_epochs = 0 if first is None else self.max_epochs_ - first + 1

    def on_epoch_end(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **_: Any) -> None:  # noqa: ARG002
        """Report, and wait while the trial is paused."""
        self.loop_.report({name: value for name, value in net.history[-1].items() if name != "epoch"})
        if not self.loop_.advance() and len(net.history) < self.max_epochs_:
            raise KeyboardInterrupt  # by which skorch's own callbacks end a training in order

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **_: Any) -> None:  # noqa: ARG002, N803
        """Let the next `fit` have all its epochs."""
        net.max_epochs = self.max_epochs_


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
