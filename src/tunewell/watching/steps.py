"""What an optimizer's steps do to the weight matrices: gradients, relative changes, and the noise of a batch.

One step of `every` is measured, and the one that follows it, because two gradients in a row tell the *simple
noise scale* tr(Sigma) / |G|^2 (McCandlish et al., 2018, arXiv:1812.06162): for gradients g and h of two batches of B
rows each, E[g h] = |G|^2 and E|g - h|^2 = 2 tr(Sigma) / B. Two neighbours share nearly the same weights, so the drift of
the weights over an epoch is not mistaken for noise.

Gradients are taken where backward leaves them, before anybody clips them. Nothing here waits for the device until an
epoch ends. Shapes: L weight matrices (any parameter of two or more dimensions).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class EpochOfSteps:
    """What the measured steps of an epoch showed; NaN is what was not finite, or could not be told."""

    grad_norm: float
    grad_norm_max: float
    update_ratio: float
    """Median over the matrices of their mean |change| / |weights| of a step."""
    grad_noise_scale: float
    """In rows."""
    layer_grad_norms: tuple[float, ...]
    layer_update_ratios: tuple[float, ...]


class StepMeter:
    """Measures some of the steps of whatever optimizer moves the given matrices."""

    def __init__(self, matrices: Mapping[str, Any], every: int) -> None:
        """Hooks the matrices that are trainable now; `before_step` and `after_step` are for the optimizer's hooks."""
        self._matrices = tuple(matrices.values())
        self._every = every
        self._hooks = [
            matrix.register_post_accumulate_grad_hook(self._keep(place))
            for place, matrix in enumerate(self._matrices)
            if matrix.requires_grad
        ]
        self.batch_rows = 0
        """Of the batch in hand; 0 while that is not known, and then the noise scale is not either."""
        self._begin()

    def _begin(self) -> None:
        self._step = 0
        self._kept: dict[int, Any] = {}
        self._before: list[Any] = []
        self._previous: list[Any] | None = None
        self._norms: list[Any] = []
        self._ratios: list[Any] = []
        self._pairs: list[tuple[Any, Any]] = []
        self._pair_rows: list[int] = []

    def _keep(self, place: int) -> Any:
        def hook(matrix: Any) -> None:
            if self._measures():
                self._kept[place] = _dense(matrix.grad).clone()

        return hook

    def _measures(self) -> bool:
        return self._step % self._every < 2

    @torch.no_grad()  # type: ignore[untyped-decorator]  # PyTorch is not installed everywhere
    def before_step(self) -> None:
        """The optimizer is about to move the weights."""
        if not self._measures():
            return
        gradients = [self._kept.get(place, _gradient(matrix)) for place, matrix in enumerate(self._matrices)]
        self._norms.append(_norms(gradients))
        if self._step % self._every == 1 and self._previous is not None and self.batch_rows:
            self._pairs.append(_dot_and_distance(self._previous, gradients))
            self._pair_rows.append(self.batch_rows)
        self._previous = gradients if self._step % self._every == 0 else None
        self._kept = {}
        self._before = [matrix.detach().clone() for matrix in self._matrices]

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def after_step(self) -> None:
        """It has moved them."""
        if self._before:
            changes = [matrix - old for matrix, old in zip(self._matrices, self._before, strict=True)]
            self._ratios.append(torch.stack([_norms(changes), _norms(self._before)]))
            self._before = []
        self._step += 1

    def epoch(self) -> EpochOfSteps | None:
        """Of the steps since the last call; None if there was none."""
        norms, ratios, pairs, rows = self._norms, self._ratios, self._pairs, self._pair_rows
        self._begin()
        if not norms or not ratios:
            return None
        by_layer = torch.stack(norms).double()
        totals = by_layer.square().sum(dim=1).sqrt().tolist()
        moved, weight = torch.stack(ratios).double().unbind(dim=1)
        layer_ratios = tuple(map(_mean_ratio, moved.T.tolist(), weight.T.tolist()))
        return EpochOfSteps(
            grad_norm=fmean(totals),
            grad_norm_max=max(totals, key=lambda norm: math.inf if math.isnan(norm) else norm),
            update_ratio=median(layer_ratios) if all(map(math.isfinite, layer_ratios)) else _median(layer_ratios),
            grad_noise_scale=_noise_scale(pairs, rows),
            layer_grad_norms=tuple(by_layer.mean(dim=0).tolist()),
            layer_update_ratios=layer_ratios,
        )

    def close(self) -> None:
        """Leave the matrices alone."""
        for hook in self._hooks:
            hook.remove()


def _gradient(matrix: Any) -> Any:
    """Zero where there is none, as in a layer that is not trained."""
    return torch.zeros_like(matrix) if matrix.grad is None else _dense(matrix.grad).clone()


def _dense(gradient: Any) -> Any:
    return gradient.to_dense() if gradient.is_sparse else gradient


def _norms(tensors: list[Any]) -> Any:
    """(L,)."""
    return torch.stack([torch.linalg.vector_norm(tensor) for tensor in tensors])


def _dot_and_distance(first: list[Any], second: list[Any]) -> tuple[Any, Any]:
    pairs = list(zip(first, second, strict=True))
    dot = torch.stack([(g * h).sum() for g, h in pairs]).sum()
    distance = torch.stack([(g - h).square().sum() for g, h in pairs]).sum()
    return dot, distance


def _mean_ratio(moved: list[float], weight: list[float]) -> float:
    """Over the steps of one matrix; steps from weights of zero have no ratio, and do not count."""
    ratios = [change / size for change, size in zip(moved, weight, strict=True) if size != 0.0]
    return fmean(ratios) if ratios else math.nan


def _median(ratios: tuple[float, ...]) -> float:
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    return median(finite) if finite else math.nan


def _noise_scale(pairs: list[tuple[Any, Any]], rows: list[int]) -> float:
    """NaN where the estimate of |G|^2 is not above zero: the noise is larger than so few steps can see through."""
    signal = fmean(float(dot) for dot, _ in pairs) if pairs else math.nan
    if not signal > 0.0:
        return math.nan
    noise = fmean(n * float(distance) / 2 for (_, distance), n in zip(pairs, rows, strict=True))
    return noise / signal
