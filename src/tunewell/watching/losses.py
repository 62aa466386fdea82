"""The losses of a training's steps, thinned out as they become many, and what an epoch's batches came to."""

from __future__ import annotations

from typing import Any

import torch

from tunewell.watching.evaluation import predicted

_KEPT = 512  # losses of steps; beyond that, every second is dropped
_TOGETHER = 16  # batches


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
        self._batches: list[tuple[Any, Any, Any]] = []
        self._rows = self._judged = 0
        self._loss: Any = 0.0
        self._right: Any = 0

    def add(self, loss: Any, outputs: Any, targets: Any) -> None:
        """One step's mean loss, what the network put out and what it should have; the last two may be None."""
        loss = loss.detach()
        if self._steps % self.every == 0:
            self._new.append(loss)
        self._steps += 1
        self._batches.append((loss, None if outputs is None else outputs.detach(), targets))
        if len(self._batches) == _TOGETHER:
            self._add_up()

    def _add_up(self) -> None:
        """Of some batches together: a call for each would cost more than small networks' steps may."""
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
        classes = predicted(every, wanted)
        if classes is not None:
            self.n_classes = every.shape[1] if every.ndim == 2 and every.shape[1] > 1 else 2
            self._right = self._right + (classes == wanted).sum()
            self._judged += len(wanted)

    def epoch(self) -> dict[str, float]:
        """`train_loss` and, where outputs are classes, `train_accuracy`: means over the rows since the last call."""
        self._add_up()
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
