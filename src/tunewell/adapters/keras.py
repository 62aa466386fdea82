"""Keras 3, on whichever backend: a callback of `model.fit`.

    from tunewell.adapters.keras import TuneCallback

    model.fit(x, y, epochs=10, callbacks=[TuneCallback(run)])

The model is tracked, with its optimizer: a training that goes on from a checkpoint begins at the epoch after it, as
with Keras's own `BackupAndRestore`. Other callbacks go before this one, so that an epoch is all done when it reports.
"""

from __future__ import annotations

from typing import Any

import keras

from tunewell.adapters.callbacks import CallbackLoop
from tunewell.training.run import Run


class TuneCallback(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Reports each epoch of `fit`, pauses and ends with the trial, and follows its live learning rate."""

    def __init__(self, run: Run | None = None) -> None:
        """Follow a run; the current one if None."""
        super().__init__()
        self._loop = CallbackLoop(run)

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002  as Keras calls it
        """Go on from the trial's checkpoint, if it has one."""
        self._loop.run.track(model=self.model)
        last = self.params["epochs"]
        first = self._loop.begin(last)
        self.model._initial_epoch = last if first is None else first - 1  # noqa: SLF001  `BackupAndRestore` does it

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  as Keras calls it
        """Report, and wait while the trial is paused."""
        self._loop.report(logs or {})
        if not self._loop.advance():
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002  as Keras calls it
        """Let the next `fit` begin where it says."""
        self.model._initial_epoch = None  # noqa: SLF001
