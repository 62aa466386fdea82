"""Effects of an optimizer's steps on the weight matrices: gradients, relative changes, and the noise of a batch.

Some steps of an epoch are measured. Gradients are taken where backward leaves them, before anybody clips them. Nothing
here waits for the device until an epoch ends. Shapes: L weight matrices (any parameter of two or more dimensions).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import torch

from tunewell.nn.noise_scale import noise_scale

_AT_LEAST = 4  # steps that are measured in an epoch, if it has as many


@dataclass(frozen=True, slots=True)
class StepStatistics:
    """Means over the measured steps of an epoch; NaN is what was not finite, or cannot be known."""

    grad_norm: float
    grad_norm_max: float
    update_ratio: float
    """Median over the matrices of their mean |change| / |weights| of a step."""
    grad_noise_scale: float
    """In rows."""
    layer_grad_norms: tuple[float, ...]
    layer_update_ratios: tuple[float, ...]


class StepMeter:
    """A meter of some of the steps of whatever optimizer moves the given matrices."""

    def __init__(self, model: Any, matrices: Mapping[str, Any], every: int) -> None:
        """Begin; nothing is touched but in steps that are measured, by `before_step` and `after_step`."""
        self._model = model
        self._matrices = list(matrices.values())
        self._every = self._stride = every
        self._in_a_row = _AT_LEAST  # measured at the start of the first epoch, whose length nobody knows
        self._hooks: list[Any] = []
        self._begin()

    def _begin(self) -> None:
        self._step = 0
        self._norms: list[Any] = []
        self._ratios: list[Any] = []
        self._sum: list[Any] = []
        self._rows: list[int] = []
        self._hook_next_step()

    def _hook_next_step(self) -> None:
        """Install hooks for the next step, if it is one to measure."""
        self._before: list[Any] = []
        self._kept: dict[int, Any] = {}
        self._batch_rows = 0
        if (self._step < self._in_a_row or self._step % self._stride == 0) and not self._hooks:
            self._hooks = [self._model.register_forward_pre_hook(self._count_rows)]
            for place, matrix in enumerate(self._matrices):
                if matrix.requires_grad:
                    self._hooks.append(matrix.register_post_accumulate_grad_hook(self._keep(place)))

    def _count_rows(self, model: Any, inputs: tuple[Any, ...]) -> None:  # noqa: ARG002  as hooks have it
        if torch.is_grad_enabled() and inputs and hasattr(inputs[0], "shape"):
            self._batch_rows = len(inputs[0])

    def _keep(self, place: int) -> Any:
        def hook(matrix: Any) -> None:
            self._kept[place] = _dense(matrix.grad).clone()

        return hook

    @torch.no_grad()  # type: ignore[untyped-decorator]  # PyTorch is not installed everywhere
    def before_step(self) -> None:
        """Measure gradients before the optimizer moves the weights."""
        if not self._hooks:
            return
        gradients = [
            self._kept[place] if place in self._kept else _gradient(matrix)
            for place, matrix in enumerate(self._matrices)
        ]
        self._norms.append(_norms(gradients))
        self._rows.append(self._batch_rows)
        if self._sum:
            torch._foreach_add_(self._sum, gradients)
        else:
            self._sum = gradients
        self._before = [matrix.detach().clone() for matrix in self._matrices]

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def after_step(self) -> None:
        """Measure the change after the optimizer has moved the weights."""
        self._step += 1
        if self._before:
            changes = torch._foreach_sub(self._matrices, self._before)  # noqa: SLF001  see above
            self._ratios.append(torch.stack([_norms(changes), _norms(self._before)]))
        self.close()
        self._hook_next_step()

    def epoch(self) -> StepStatistics | None:
        """Return the statistics of the steps since the last call; None if there was none."""
        self.close()
        norms, ratios, total, rows, n_steps = self._norms, self._ratios, self._sum, self._rows, self._step
        self._in_a_row, self._stride = 0, min(self._every, max(self._step // _AT_LEAST, 1))
        self._begin()
        if not norms or not ratios:
            return None
        by_step = torch.stack(norms).tolist()  # few numbers: a list is quicker than a tensor
        totals = [math.hypot(*step) for step in by_step]
        moved, weight = zip(*torch.stack(ratios).tolist(), strict=True)
        layer_ratios = tuple(map(_mean_ratio, zip(*moved, strict=True), zip(*weight, strict=True)))
        return StepStatistics(
            grad_norm=fmean(totals),
            grad_norm_max=max(totals, key=lambda norm: math.inf if math.isnan(norm) else norm),
            update_ratio=_median(layer_ratios),
            grad_noise_scale=noise_scale(totals, math.hypot(*_norms(total).tolist()) ** 2, rows, n_steps),
            layer_grad_norms=tuple(map(fmean, zip(*by_step, strict=True))),
            layer_update_ratios=layer_ratios,
        )

    def close(self) -> None:
        """Leave the matrices alone."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def _gradient(matrix: Any) -> Any:
    """Return a matrix's gradient; zero where there is none, as in a layer that is not trained."""
    return torch.zeros_like(matrix) if matrix.grad is None else _dense(matrix.grad).clone()


def _dense(gradient: Any) -> Any:
    return gradient.to_dense() if gradient.is_sparse else gradient


def _norms(tensors: list[Any]) -> Any:
    """Return the norms, (L,)."""
    return torch.stack(torch._foreach_norm(tensors))  # noqa: SLF001  see above


def _mean_ratio(moved: Sequence[float], weight: Sequence[float]) -> float:
    """Return the mean over one matrix's steps; steps from weights of zero have no ratio, and do not count."""
    ratios = [change / size for change, size in zip(moved, weight, strict=True) if size != 0.0]
    return fmean(ratios) if ratios else math.nan


def _median(ratios: tuple[float, ...]) -> float:
    finite = [ratio for ratio in ratios if math.isfinite(ratio)]
    return median(finite) if finite else math.nan
