"""The losses of a training's steps, thinned out as they become many, and their mean over an epoch's batches."""

from __future__ import annotations

from operator import mul
from typing import Any

import torch

from tunewell.watching.measurements import StepLosses
from tunewell.watching.pytorch.evaluation import n_classes_of, predicted_classes

_TOGETHER = 64  # batches
_NUMBERS = 2**20  # in the outputs of batches that wait together: those of a language model would fill the memory


class LossMeter:
    """A meter of the loss of each training step; nothing waits for the device until an epoch ends."""

    def __init__(self) -> None:
        self.losses: StepLosses = StepLosses()
        """Those of the epochs that have ended."""
        self.n_classes: int = 0
        """The number of classes of the outputs; 0 while it is not known."""
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[tuple[Any, Any, Any]] = []
        self._numbers = 0
        self._losses: list[Any] = []
        self._rows: list[int] = []
        self._correct: Any = 0
        self._classified: Any = 0
        self._certain: Any = True
        self._n_classes = 0

    def add(self, loss: Any, outputs: Any, targets: Any) -> None:
        """Add a step's mean loss, the network's outputs and its targets; the last two may be None, or anything."""
        if isinstance(outputs, torch.Tensor) and outputs.ndim <= 2:
            outputs = outputs.detach()
            self._numbers += outputs.numel()
        else:
            outputs = None
        self._waiting.append((loss.detach(), outputs, targets))
        if len(self._waiting) == _TOGETHER or self._numbers > _NUMBERS:
            self._add_up()

    def _add_up(self) -> None:
        """Add up some batches together: a call for each would cost more than small networks' steps may."""
        if not self._waiting:
            return
        losses, outputs, targets = zip(*self._waiting, strict=True)
        self._waiting, self._numbers = [], 0
        self._losses.append(torch.stack(losses))
        self._rows += [len(target) if getattr(target, "shape", ()) else 1 for target in targets]
        shapes = {None if output is None else output.shape[1:] for output in outputs}
        if None in shapes or len(shapes) > 1 or not all(isinstance(target, torch.Tensor) for target in targets):
            return
        every, wanted = torch.cat(outputs), torch.cat(targets)
        classes, certain = predicted_classes(every, wanted)
        if classes is not None:
            self._n_classes = n_classes_of(every)
            self._certain = certain & self._certain
            self._correct = self._correct + (classes == wanted).sum()
            self._classified = self._classified + (wanted >= 0).sum()

    def epoch(self) -> dict[str, float]:
        """Return `train_loss` and, of classes, `train_accuracy`: means over the rows since the last call."""
        self._add_up()
        measured = {}
        if sum(self._rows):
            losses = torch.cat(self._losses).tolist()
            measured["train_loss"] = sum(map(mul, losses, self._rows)) / sum(self._rows)
            self.losses.add(losses)
        if self._n_classes and self._certain and self._classified:
            self.n_classes = self._n_classes
            measured["train_accuracy"] = float(self._correct) / float(self._classified)
        self._begin()
        return measured
