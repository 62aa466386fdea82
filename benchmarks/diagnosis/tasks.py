"""What a network may be trained for: how its outputs are judged, and what people log of it.

Outputs are raw, as the network has them: logits (N, K), (N, 1), (N, L) or (N, time, K), or numbers (N, D).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": lambda outputs, y: functional.cross_entropy(_flat(outputs), y.flatten()),
    "nll": lambda outputs, y: functional.nll_loss(_flat(outputs), y.flatten()),
    "binary_crossentropy": lambda outputs, y: functional.binary_cross_entropy_with_logits(
        outputs, y.reshape(outputs.shape).float()
    ),
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.smooth_l1_loss,
}
"""By the name in a config: the mean loss of raw outputs and targets."""


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of task."""

    losses: tuple[str, ...]
    """Those of `LOSSES` that suit it, the usual one first."""
    score: Callable[[Tensor, Tensor], float]
    """How much is achieved, at most 1: an accuracy, or the share of the variance that is explained."""
    chance: Callable[[Tensor], float]
    """The score of somebody who has not seen the inputs."""
    logged: Callable[[Tensor, Tensor], dict[str, float]]
    """What may be logged beside the loss, by the names of a record."""


def _accuracy(outputs: Tensor, y: Tensor) -> float:
    return float((outputs.argmax(dim=-1) == y).float().mean())


def _yes_or_no(outputs: Tensor, y: Tensor) -> float:
    return float(((outputs > 0).reshape(y.shape).to(y.dtype) == y).float().mean())


def _explained(outputs: Tensor, y: Tensor) -> float:
    error, variance = float(((outputs - y) ** 2).mean()), float(((y - y.mean(dim=0)) ** 2).mean())
    return max(1 - error / variance, -1.0) if math.isfinite(error) and variance > 0 else -1.0


def _f1(outputs: Tensor, y: Tensor) -> float:
    """Of all labels together."""
    said = outputs > 0
    return float(2 * (said & (y > 0)).sum() / (said.sum() + y.sum()).clamp(min=1))


def _majority(y: Tensor) -> float:
    return float(y.flatten().bincount().max() / y.numel())


def _errors(outputs: Tensor, y: Tensor) -> dict[str, float]:
    return {"mae": float((outputs - y).abs().mean()), "r2": _explained(outputs, y)}


TASKS = {
    "classes": Task(
        ("cross_entropy", "nll"), _accuracy, _majority, lambda outputs, y: {"accuracy": _accuracy(outputs, y)}
    ),
    "binary": Task(
        ("binary_crossentropy",), _yes_or_no, _majority, lambda outputs, y: {"accuracy": _yes_or_no(outputs, y)}
    ),
    "multilabel": Task(
        ("binary_crossentropy",),
        _f1,
        lambda y: _f1((y.mean(dim=0, keepdim=True) - 0.5).expand_as(y), y),
        lambda outputs, y: {"accuracy": _yes_or_no(outputs, y), "f1": _f1(outputs, y)},
    ),
    "regression": Task(("mse", "mse", "mae", "huber"), _explained, lambda y: 0.0, _errors),  # noqa: ARG005
    "autoencoder": Task(("mse",), _explained, lambda y: 0.0, lambda outputs, y: {}),  # noqa: ARG005
    "language": Task(("cross_entropy",), _accuracy, _majority, lambda outputs, y: {"accuracy": _accuracy(outputs, y)}),
}


def _flat(outputs: Tensor) -> Tensor:
    """(N, K) of each row, or of each step of each row."""
    return outputs.reshape(-1, outputs.shape[-1]) if outputs.ndim > 2 else outputs
