"""The losses of a training's steps, thinned out as they become many, and their mean over an epoch's batches."""

from __future__ import annotations

from typing import Any

import torch

from tunewell.watching.evaluation import predicted_classes

_KEPT = 512  # losses of steps; beyond that, every second is dropped
_TOGETHER = 16  # batches


class LossMeter:
    """A meter of the loss of each training step; nothing waits for the device until an epoch ends."""

    def __init__(self) -> None:
        self.every = 1
        """The loss of every so many steps is kept, the first step's first."""
        self.losses: list[float] = []
        """Those of the epochs that have ended."""
        self.n_classes = 0
        """The number of classes of the outputs; 0 while it is not known."""
        self._steps = 0
        self._begin()

    def _begin(self) -> None:
        self._new: list[Any] = []
        self._batches: list[tuple[Any, Any, Any]] = []
        self._rows = self._classified = 0
        self._loss: Any = 0.0
        self._correct: Any = 0

    def add(self, loss: Any, outputs: Any, targets: Any) -> None:
        """Add a step's mean loss, the network's outputs and its targets; the last two may be None."""
        loss = loss.detach()
        if self._steps % self.every == 0:
            self._new.append(loss)
        self._steps += 1
        self._batches.append((loss, None if outputs is None else outputs.detach(), targets))
        if len(self._batches) == _TOGETHER:
            self._add_up()

    def _add_up(self) -> None:
        """Add up some batches together: a call for each would cost more than small networks' steps may."""
        if not self._batches:
            return
        losses, outputs, targets = zip(*self._batches, strict=True)
        self._batches = []
        rows = [1 if target is None else len(target) for target in targets]
        self._loss = self._loss + (torch.stack(losses) * torch.tensor(rows, device=losses[0].device)).sum()
        self._rows += sum(rows)
        if any(output is None or target is None for output, target in zip(outputs, targets, strict=True)):
            return
        every, wanted = torch.cat(outputs), torch.cat(targets)
        classes = predicted_classes(every, wanted)
        if classes is not None:
            self.n_classes = every.shape[1] if every.ndim == 2 and every.shape[1] > 1 else 2
            self._correct = self._correct + (classes == wanted).sum()
            self._classified += len(wanted)

    def epoch(self) -> dict[str, float]:
        """Return `train_loss` and, of classes, `train_accuracy`: means over the rows since the last call."""
        self._add_up()
        measured = {}
        if self._rows:
            measured["train_loss"] = float(self._loss) / self._rows
        if self._classified:
            measured["train_accuracy"] = float(self._correct) / self._classified
        self.losses += [float(loss) for loss in self._new]
        while len(self.losses) > _KEPT:
            self.losses = self.losses[::2]
            self.every *= 2
        self._begin()
        return measured
