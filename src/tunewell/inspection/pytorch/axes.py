"""Axes of sequences: rows of a batch that are taken for time steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.training import Training

_FEWEST = 2  # batches


class AxesCheck(Check):
    """Looks at layers that take the time steps first, and at the loss's rows."""

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._ran: dict[int, tuple[Any, tuple[int, ...], Place]] = {}
        """By layer: it, the shape of its input, and where it was called, since the last step."""
        self._fitting: dict[int, int] = {}
        """By layer: batches whose first axis has as many entries as the loss has rows, and whose second has not."""

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Take note of a sequence's shape."""
        if not self.training.with_gradients or not _time_first(module) or not inputs:
            return
        sequence = inputs[0]
        if isinstance(sequence, torch.Tensor) and sequence.ndim == 3:
            self._ran[id(module)] = (module, tuple(sequence.shape), calling_place())

    def after_loss(self, loss: LossCall, value: Any) -> None:
        """Compare with the rows of the targets."""
        if not loss.with_gradient or not self._ran:
            return
        target = loss.target
        for key, (module, shape, place) in self._ran.items():
            if not _a_target_a_row(target) or shape[1] in (1, target.shape[0]) or shape[0] == shape[1]:
                continue
            if shape[0] != target.shape[0] or (target.ndim == 2 and target.shape[1] == shape[1]):
                continue
            self._fitting[key] = self._fitting.get(key, 0) + 1
            if self._fitting[key] == _FEWEST:
                self.accuse(
                    "axes-swapped",
                    f"{self.training.name_of(module)} takes time steps first, and gets {shape}: {shape[0]} time steps "
                    f"of {shape[1]} rows; but the loss has {target.shape[0]} rows",
                    "give the layer batch_first=True, or transpose its input: x.transpose(0, 1)",
                    place,
                    about=key,
                )
        self._ran.clear()


def _time_first(module: Any) -> bool:
    if isinstance(module, nn.RNNBase | nn.MultiheadAttention):
        return not module.batch_first
    return False


def _a_target_a_row(target: Any) -> bool:
    return target.ndim == 1 or (target.ndim == 2 and not target.requires_grad)
