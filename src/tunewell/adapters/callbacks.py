"""The loop of a run for a framework that has the loop itself, and calls a callback after each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tunewell.training.current import current_run
from tunewell.training.run import Run


class CallbackLoop:
    """A run's loop, one step at a time: `begin`, and after each epoch `report` and `advance`."""

    def __init__(self, run: Run | None) -> None:
        """Follow a run; the current one if None."""
        self.run: Run = current_run() if run is None else run
        self._epochs: Iterator[int] = iter(())
        self.epoch: int | None = None
        """The epoch that is to be trained, from 1; None if there is none."""

    def begin(self, n_epochs: int) -> int | None:
        """Begin, with everything tracked; return the epoch that is trained first, None if there is none.

        n_epochs: how many a full training has.
        """
        self._epochs = self.run.epochs(n_epochs)
        self.advance()
        return self.epoch

    def report(self, metrics: Mapping[str, Any]) -> None:
        """Report what an epoch measured."""
        self.run.report(**numbers(metrics))

    def advance(self) -> bool:
        """Wait while the trial is paused; return False if no epoch is to follow."""
        self.epoch = next(self._epochs, None)
        return self.epoch is not None


def numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return those of a framework's logs that are single numbers."""
    found = {}
    for name, value in metrics.items():
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.size == 1 and array.dtype.kind in "biuf":
            found[name] = float(array.reshape(()))
    return found
