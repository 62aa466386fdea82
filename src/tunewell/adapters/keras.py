"""Keras 3, on whichever backend: a callback of `model.fit`.

    from tunewell.adapters.keras import TuneCallback

    model.fit(x, y, epochs=10, callbacks=[TuneCallback(run)])

The model is tracked, with its optimizer, and so is what other callbacks remember: a training that goes on from a
checkpoint begins at the epoch after it, as with Keras's own `BackupAndRestore`. Of all callbacks it is called last,
wherever it stands among them, so that an epoch is all done when it reports.
"""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np

from tunewell.adapters.callbacks import CallbackLoop
from tunewell.training.run import Run

_VALUES = (bool, int, float, str, np.generic, np.ndarray)


class _Memory:
    """The memory of callbacks: their attributes that are plain values or arrays, lists of those, or operations."""

    def __init__(self, callbacks: list[Any]) -> None:
        self._callbacks = callbacks
        self._restored: list[tuple[Any, dict[str, Any]]] = []

    def state_dict(self) -> dict[str, Any]:
        return {"callbacks": [_remembered(callback) for callback in self._callbacks]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._restored = list(zip(self._callbacks, state["callbacks"], strict=True))

    def recall(self) -> None:
        """Take over what was restored, once all callbacks have begun, which empties them."""
        for callback, remembered in self._restored:
            operations = {name: getattr(keras.ops, operation) for name, operation in remembered["operations"].items()}
            vars(callback).update(remembered["values"] | operations)
        self._restored = []


class TuneCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Reports each epoch of `fit`, pauses and ends with the trial, and follows its live learning rate."""

    def __init__(self, run: Run | None = None) -> None:
        """Follow a run; the current one if None."""
        super().__init__()
        self._loop = CallbackLoop(run)
        self._memory = _Memory([])

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002  as Keras calls it
        """Go on from the trial's checkpoint, if it has one."""
        caller: Any = sys._getframe(1).f_locals.get("self")  # noqa: SLF001  only the list that calls knows the others
        others = [one for one in getattr(caller, "callbacks", ()) if one is not self]
        if others:
            caller.callbacks = [*others, self]  # another list: the present one is gone over
        self._memory = _Memory([one for one in others if isinstance(one, keras.callbacks.Callback)])
        self._loop.run.track(model=self.model, callbacks=self._memory)
        last, skipped = self.params["epochs"], _initial_epoch()
        first = self._loop.begin(last - skipped)
        # there is no public way to begin later; `BackupAndRestore` does it thus
        self.model._initial_epoch = last if first is None else skipped + first - 1  # noqa: SLF001

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  as Keras calls it
        """Let other callbacks remember what they did at the checkpoint."""
        self._memory.recall()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  as Keras calls it
        """Report, and wait while the trial is paused."""
        self._loop.report({"lr": keras.ops.convert_to_numpy(self.model.optimizer.learning_rate), **(logs or {})})
        if not self.model.stop_training and not self._loop.advance():
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002  as Keras calls it
        """Let the next `fit` begin where it says."""
        self.model._initial_epoch = None  # noqa: SLF001


def _initial_epoch() -> int:
    """Return the epoch that `fit`, somewhere among the callers, was given to begin with, which no callback hears of."""
    frame = sys._getframe(1)  # noqa: SLF001  as above
    while frame is not None and not (frame.f_code.co_name == "fit" and "initial_epoch" in frame.f_locals):
        frame = frame.f_back  # type: ignore[assignment]  # until there is none
    return 0 if frame is None else int(frame.f_locals["initial_epoch"] or 0)


def _remembered(callback: Any) -> dict[str, Any]:
    attributes = vars(callback).items()
    values = {name: value for name, value in attributes if _is_value(value)}
    # a callback that looks for less or for more has found out which when it first looked, and changed other attributes
    names = {name: getattr(value, "__name__", "") for name, value in attributes if callable(value)}
    operations = {name: of for name, of in names.items() if getattr(keras.ops, of, None) is vars(callback)[name]}
    return {"values": values, "operations": operations}


def _is_value(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, _VALUES) for item in value)
    if isinstance(value, dict):  # the logs of a `History`
        return all(isinstance(name, str) and _is_value(item) for name, item in value.items())
    return value is None or isinstance(value, _VALUES)
