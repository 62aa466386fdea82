"""What an optimizer's steps do to the weight matrices: gradients, relative changes, and the noise of a batch.

The *simple noise scale* is tr(Sigma) / |G|^2 in rows (McCandlish et al., 2018, arXiv:1812.06162), where G is the mean
gradient and Sigma the covariance of a single row's. Here it comes from the epoch's own batches of B rows: of the N
batches, n were measured, m is the mean of their gradients g, and mean|g|^2 = |G|^2 + tr(Sigma)/B. An epoch takes every
row once, so the mean of all N is G itself, and E|m|^2 = |G|^2 + c tr(Sigma)/B with c = (N - n) / (n (N - 1)). What G
changes over the epoch counts as noise.

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

_AT_LEAST = 16  # steps that are measured in an epoch, if it has as many


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
        self._every = self._stride = every
        self._hooks = [
            matrix.register_post_accumulate_grad_hook(self._keep(place))
            for place, matrix in enumerate(self._matrices)
            if matrix.requires_grad
        ]
        self._in_a_row = _AT_LEAST  # measured at the start of the first epoch, whose length nobody knows
        self.batch_rows = 0
        """Of the batch in hand; 0 while that is not known, and then the noise scale is not either."""
        self._begin()

    def _begin(self) -> None:
        self._step = 0
        self._kept: dict[int, Any] = {}
        self._before: list[Any] = []
        self._norms: list[Any] = []
        self._ratios: list[Any] = []
        self._sum: list[Any] = []
        self._rows: list[int] = []

    def _keep(self, place: int) -> Any:
        def hook(matrix: Any) -> None:
            if self._measures():
                self._kept[place] = _dense(matrix.grad).clone()

        return hook

    def _measures(self) -> bool:
        return self._step < self._in_a_row or self._step % self._stride == 0

    @torch.no_grad()  # type: ignore[untyped-decorator]  # PyTorch is not installed everywhere
    def before_step(self) -> None:
        """The optimizer is about to move the weights."""
        if not self._measures():
            return
        gradients = [
            self._kept[place] if place in self._kept else _gradient(matrix)
            for place, matrix in enumerate(self._matrices)
        ]
        self._kept = {}
        self._norms.append(_norms(gradients))
        self._rows.append(self.batch_rows)
        if self._sum:
            self._sum = [total + gradient for total, gradient in zip(self._sum, gradients, strict=True)]
        else:
            self._sum = gradients
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
        norms, ratios, total, rows, n_steps = self._norms, self._ratios, self._sum, self._rows, self._step
        self._in_a_row, self._stride = 0, min(self._every, max(self._step // _AT_LEAST, 1))
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
            update_ratio=_median(layer_ratios),
            grad_noise_scale=_noise_scale(totals, float(_norms(total).double().square().sum()), rows, n_steps),
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


def _mean_ratio(moved: list[float], weight: list[float]) -> float:
    """Over the steps of one matrix; steps from weights of zero have no ratio, and do not count."""
    ratios = [change / size for change, size in zip(moved, weight, strict=True) if size != 0.0]
    return fmean(ratios) if ratios else math.nan


def _median(ratios: tuple[float, ...]) -> float:
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    return median(finite) if finite else math.nan


def _noise_scale(norms: list[float], squared_sum: float, rows: list[int], n_steps: int) -> float:
    """NaN where the estimate of |G|^2 is not above zero: the noise is larger than so few steps can see through.

    norms: (n,), of each gradient measured; squared_sum: the squared norm of their sum; rows: (n,), of each batch.
    """
    n, mean_square = len(norms), fmean(norm * norm for norm in norms)
    if n < 2 or not min(rows):
        return math.nan
    share = (n_steps - n) / (n * (n_steps - 1))
    signal = (squared_sum / n**2 - share * mean_square) / (1 - share)
    if not (signal > 0.0 and math.isfinite(mean_square)):
        return math.nan
    return max(mean_square - signal, 0.0) * fmean(rows) / signal
