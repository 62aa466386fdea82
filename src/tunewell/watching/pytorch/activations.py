"""Outputs of a network's non-linearities for some rows, recorded from outside, whatever the model calls them by.

A mode of PyTorch's function protocol sees every call of a forward pass: `nn.ReLU()` and `F.relu(x)` alike. A call that
takes a weight matrix makes that matrix the current one, and a non-linearity belongs to the matrix before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from tunewell.watching.measurements import RANGES, Activation, edges

_KINDS = {
    **dict.fromkeys(("relu", "relu_", "relu6", "rnn_relu"), "relu"),
    **dict.fromkeys(("sigmoid", "sigmoid_"), "sigmoid"),
    **dict.fromkeys(("tanh", "tanh_", "rnn_tanh", "lstm", "gru"), "tanh"),
    **dict.fromkeys(("leaky_relu", "leaky_relu_", "prelu", "elu", "selu", "gelu", "silu", "mish", "softplus"), "other"),
}


class ActivationRecorder(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not installed everywhere
    """A context in which a forward pass is recorded; of several, the first."""

    def __init__(self, matrices: Mapping[str, Any]) -> None:
        super().__init__()
        self._names = {id(matrix): name for name, matrix in matrices.items()}
        self._dims = {name: matrix.ndim for name, matrix in matrices.items()}
        self._current: str | None = None
        self.activations: dict[str, Activation] = {}
        """By the name of the weight matrix before each non-linearity that was passed through."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        self._current = _last_of(self._names, (*args, *kwargs.values())) or self._current
        kind = _KINDS.get(getattr(func, "__name__", ""))
        if kind is not None and self._current is not None and self._current not in self.activations:
            outputs = result[0] if isinstance(result, tuple) else result
            units = 1 if self._dims[self._current] > 2 else -1
            self.activations[self._current] = _measured(kind, outputs, units)
        return result


def _last_of(names: Mapping[int, str], values: Iterable[Any]) -> str | None:
    """Return the name of the last of the values, or of those in a list among them, that has one by its identity."""
    last = None
    for value in values:
        name = _last_of(names, value) if isinstance(value, list | tuple) else names.get(id(value))
        last = name or last
    return last


def _measured(kind: str, outputs: Any, units: int) -> Activation:
    values = outputs.float()
    mean = float(values.mean())
    dead = saturated = None
    if kind == "relu":
        others = [dim for dim in range(values.ndim) if dim != units % values.ndim]
        # the largest of each unit is found four times as fast as whether any is positive, but NaN would be the largest
        fires = values.amax(dim=others) > 0 if math.isfinite(mean) else (values > 0).any(dim=others)
        dead = 1.0 - int(fires.sum()) / fires.numel()
    if kind in RANGES:
        low, high = edges(kind)
        saturated = float(((values > high) | (values < low)).float().mean())
    std = float(torch.linalg.vector_norm(values - mean)) / math.sqrt(values.numel())  # torch.std takes twice as long
    return Activation(mean, std, dead, saturated)
