"""The losses of a training's steps, thinned out as they become many, and what an epoch's batches came to."""

from __future__ import annotations

from typing import Any

from tunewell.watching.evaluation import predicted

_KEPT = 512  # losses of steps; beyond that, every second is dropped


class LossMeter:
    """Takes the loss of each training step; nothing waits for the device until an epoch ends."""

    def __init__(self) -> None:
        self.every = 1
        """The loss of every so many steps is kept, the first step's first."""
        self.losses: list[float] = []
        """Those of the epochs that have ended."""
        self.n_classes = 0
        """As the outputs have it; 0 while that is not known."""
        self._steps = 0
        self._begin()

    def _begin(self) -> None:
        self._new: list[Any] = []
        self._rows = self._judged = 0
        self._loss: Any = 0.0
        self._right: Any = 0

    def add(self, loss: Any, outputs: Any, targets: Any) -> None:
        """One step's mean loss, what the network put out and what it should have; the last two may be None."""
        loss = loss.detach()
        if self._steps % self.every == 0:
            self._new.append(loss)
        self._steps += 1
        rows = 1 if targets is None else len(targets)
        self._loss = self._loss + loss * rows
        self._rows += rows
        classes = None if outputs is None or targets is None else predicted(outputs.detach(), targets)
        if classes is not None:
            self.n_classes = outputs.shape[1] if outputs.ndim == 2 and outputs.shape[1] > 1 else 2
            self._right = self._right + (classes == targets).sum()
            self._judged += rows

    def epoch(self) -> dict[str, float]:
        """`train_loss` and, where outputs are classes, `train_accuracy`: means over the rows since the last call."""
        measured = {}
        if self._rows:
            measured["train_loss"] = float(self._loss) / self._rows
        if self._judged:
            measured["train_accuracy"] = float(self._right) / self._judged
        self.losses += [float(loss) for loss in self._new]
        while len(self.losses) > _KEPT:
            self.losses = self.losses[::2]
            self.every *= 2
        self._begin()
        return measured
