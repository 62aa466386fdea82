"""Axes of sequences: rows of a batch that are taken for time steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.training import Training

_FEWEST = 2  # batches
_FEWEST_OF_LOADER, _FEWEST_ROWS = 3, 4


class AxesCheck(Check):
    """Looks at layers that take the time steps first, and at the loss's rows."""

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._ran: dict[int, tuple[Any, tuple[int, ...], Place]] = {}
        """By layer: it, the shape of its input, and where it was called, since the last step."""
        self._batches: dict[int, int] = {}
        """By layer: batches whose first axis has as many entries as a loader's batches have rows."""
        self._fitting: dict[int, int] = {}
        """By layer: batches whose first axis has as many entries as the loss has rows, and whose second has not."""

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Take note of a sequence's shape."""
        if not self.training.with_gradients or not _time_first(module) or not inputs:
            return
        sequence = inputs[0]
        if isinstance(sequence, torch.nn.utils.rnn.PackedSequence) or not isinstance(sequence, torch.Tensor):
            return
        if sequence.ndim == 3:
            self._ran[id(module)] = (module, tuple(sequence.shape), calling_place())
            self._beside_loader(module, tuple(sequence.shape))

    def _beside_loader(self, module: Any, shape: tuple[int, ...]) -> None:
        """Compare with the rows that a loader puts into a batch, whatever the loss looks like."""
        n_rows = getattr(self.training.loader, "batch_size", None)
        if n_rows is None or n_rows < _FEWEST_ROWS or shape[0] != n_rows or shape[1] in (1, n_rows):
            return
        self._batches[id(module)] = self._batches.get(id(module), 0) + 1
        if self._batches[id(module)] == _FEWEST_OF_LOADER:
            self.accuse(
                "axes-swapped",
                f"{self.training.name_of(module)} takes time steps first, and gets {shape}: {shape[0]} time steps of "
                f"{shape[1]} rows; but the loader's batches have {n_rows} rows",
                "give the layer batch_first=True, or transpose its input: x.transpose(0, 1)",
                about=id(module),
            )

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
