"""Effects of an optimizer's steps on the weight matrices: gradients, relative changes, and the noise of a batch.

Some steps of an epoch are measured. Gradients are taken where backward leaves them, before anybody clips them. Nothing
here waits for the device until an epoch ends. Shapes: L weight matrices (any parameter of two or more dimensions).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

import torch

from tunewell.nn.noise_scale import noise_scale
from tunewell.watching.measurements import Schedule, StepStatistics, mean_ratio


class StepMeters:
    """Meters of the steps of a model's optimizers: one for each that moves matrices which no other moves."""

    def __init__(self, model: Any, matrices: Iterable[Any], every: int) -> None:
        """Begin with a meter of all matrices, which the first optimizer takes."""
        self._model, self._every = model, every
        self._matrices = dict(enumerate(matrices))
        self._meters = [_StepMeter(model, self._matrices, every)]

    def of(self, optimizer: Any) -> _StepMeter:
        """Return the meter of an optimizer, which has the optimizer's matrices from now on."""
        given = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        moved = {place: matrix for place, matrix in self._matrices.items() if id(matrix) in given}
        shared = [meter for meter in self._meters if moved.keys() & meter.moved or not meter.moved]
        if not shared:
            shared = [_StepMeter(self._model, moved, self._every)]
            self._meters += shared
        for meter in self._meters:
            if meter is not shared[0]:
                meter.give_up(moved)
        shared[0].take(moved)
        return shared[0]

    def epoch(self) -> StepStatistics | None:
        """Return the statistics of the steps since the last call; None if there was none."""
        seen = [steps for meter in self._meters if (steps := meter.epoch()) is not None]
        if not seen:
            return None
        totals = [math.hypot(*step) for step in zip(*(steps.totals for steps in seen), strict=False)]
        one = len({steps.n_steps for steps in seen}) == 1  # else there is no batch that all of them are of
        grad_norms = {place: norm for steps in seen for place, norm in steps.grad_norms.items()}
        ratios = {place: ratio for steps in seen for place, ratio in steps.update_ratios.items()}
        return StepStatistics.of(
            totals,
            [grad_norms.get(place, 0.0) for place in self._matrices],
            [ratios.get(place, 0.0) for place in self._matrices],
            noise_scale(
                totals,
                math.hypot(*(steps.norm_of_sum for steps in seen)) ** 2,
                [max(rows) for rows in zip(*(steps.rows for steps in seen), strict=False)],
                seen[0].n_steps,
            )
            if one
            else math.nan,
        )

    def close(self) -> None:
        """Leave the matrices alone."""
        for meter in self._meters:
            meter.close()


@dataclass(frozen=True, slots=True)
class _Steps:
    """Measurements of a meter in an epoch; of each matrix by its place."""

    totals: list[float]
    """Norm of the gradient of all its matrices, of each step."""
    norm_of_sum: float
    rows: list[int]
    n_steps: int
    """Those that were not measured count too."""
    grad_norms: dict[int, float]
    update_ratios: dict[int, float]


class _StepMeter:
    """A meter of some of the steps of whatever optimizer moves the given matrices."""

    def __init__(self, model: Any, matrices: Mapping[int, Any], every: int) -> None:
        """Begin; nothing is touched but in steps that are measured, by `before_step` and `after_step`."""
        self.moved: set[int] = set()
        """The places of the matrices that an optimizer was given."""
        self._model = model
        self._matrices = dict(matrices)
        self._schedule = Schedule(every)
        self._hooks: list[Any] = []
        self._begin()

    def take(self, matrices: Mapping[int, Any]) -> None:
        """Measure these matrices from now on, which an optimizer was given."""
        self._matrices |= matrices
        self.moved |= set(matrices)

    def give_up(self, places: Iterable[int]) -> None:
        """Forget the matrices at these places, which another meter has taken."""
        for place in places:
            self._matrices.pop(place, None)
            self._sum.pop(place, None)
        self.moved -= set(places)

    def _begin(self) -> None:
        self._steps: list[_Step] = []
        self._sum: dict[int, Any] = {}
        self._kept: dict[int, Any] = {}
        self._before: dict[int, Any] = {}
        self._hook_next_step()

    def _hook_next_step(self) -> None:
        """Install hooks for the next step, if it is one to measure."""
        if not self._schedule.is_due:
            return
        self._rows = self._rows_of_call = 0
        if not self._hooks:
            self._hooks = [self._model.register_forward_pre_hook(self._count_rows)]
            for place, matrix in self._matrices.items():
                if matrix.requires_grad:
                    self._hooks.append(matrix.register_post_accumulate_grad_hook(partial(self._keep, place)))

    def _count_rows(self, model: Any, inputs: tuple[Any, ...]) -> None:  # noqa: ARG002  as hooks have it
        if torch.is_grad_enabled() and not torch.compiler.is_compiling() and inputs and hasattr(inputs[0], "shape"):
            if all(matrix.grad is None for matrix in self._matrices.values()):
                self._rows = 0  # what was passed through so far is in no gradient
            self._rows_of_call = len(inputs[0])

    def _keep(self, place: int, matrix: Any) -> None:
        self._kept[place] = _gradient(matrix)
        self._rows += self._rows_of_call  # of each backward pass whose gradients the step has accumulated
        self._rows_of_call = 0

    def before_step(self) -> None:
        """Keep what the optimizer is about to move, if the step is one to measure."""
        if self._hooks:
            self._before = {
                place: matrix.detach().clone()
                for place, matrix in self._matrices.items()
                if matrix.requires_grad or matrix.grad is not None  # not a body that is frozen: it may be large
            }

    def after_step(self) -> None:
        """Measure the gradients, and how the optimizer has moved the weights, if the step is one to measure."""
        self._schedule.step += 1
        if self._hooks:
            if self._before:
                self._measure()
            self._kept, self._before = {}, {}
            self.close()
        self._hook_next_step()

    @torch.no_grad()  # type: ignore[untyped-decorator]  # PyTorch is not installed everywhere
    def _measure(self) -> None:
        places, before = list(self._before), list(self._before.values())
        matrices = [self._matrices[place] for place in places]
        gradients = [
            self._kept[place] if place in self._kept else _gradient(matrix)
            for place, matrix in zip(places, matrices, strict=True)
        ]
        changes = torch._foreach_sub(matrices, before)  # noqa: SLF001  one call for all, as PyTorch's optimizers do it
        self._steps.append(_Step(places, norms([*gradients, *changes, *before]), self._rows))
        known = [(self._sum[place], one) for place, one in zip(places, gradients, strict=True) if place in self._sum]
        if known:
            torch._foreach_add_(*map(list, zip(*known, strict=True)))
        for place, gradient in zip(places, gradients, strict=True):
            self._sum.setdefault(place, gradient)

    def epoch(self) -> _Steps | None:
        """Return what the steps since the last call showed; None if there was none."""
        self.close()
        steps, total, n_steps = self._steps, list(self._sum.values()), self._schedule.end_epoch()
        self._begin()
        if not (steps and self._matrices):
            return None
        values = iter(torch.cat([step.norms for step in steps]).tolist())
        by_step: list[tuple[list[float], ...]] = []
        for step in steps:
            gradients, moved, weights = (dict(zip(step.places, values, strict=False)) for _ in range(3))
            # what is not trained has no gradient and does not change
            by_step.append(
                (
                    [gradients.get(place, 0.0) for place in self._matrices],
                    [moved.get(place, 0.0) for place in self._matrices],
                    [weights.get(place, 1.0) for place in self._matrices],
                )
            )
        by_matrix = [zip(*rows, strict=True) for rows in zip(*by_step, strict=True)]
        return _Steps(
            totals=[math.hypot(*gradients) for gradients, _, _ in by_step],
            norm_of_sum=math.hypot(*norms(total).tolist()),
            rows=[step.rows for step in steps],
            n_steps=n_steps,
            grad_norms=dict(zip(self._matrices, map(fmean, by_matrix[0]), strict=True)),
            update_ratios=dict(zip(self._matrices, map(mean_ratio, by_matrix[1], by_matrix[2]), strict=True)),
        )

    def close(self) -> None:
        """Leave the matrices alone."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


class _Step(NamedTuple):
    """Measurements of one step."""

    places: list[int]
    """The matrices that it may have moved."""
    norms: Any
    """Of their gradients, their changes, and themselves before, (3 * places,)."""
    rows: int


def norms(tensors: Sequence[Any]) -> Any:
    """Return the norms of the tensors, in one tensor; nothing waits for the device."""
    return torch.stack(torch._foreach_norm(tensors))  # noqa: SLF001  one call for all, as PyTorch's optimizers do it


def _gradient(matrix: Any) -> Any:
    """Return a copy of a matrix's gradient; zero where there is none."""
    if matrix.grad is None:
        return torch.zeros_like(matrix)
    gradient = matrix.grad.detach()
    return gradient.to_dense() if gradient.is_sparse else gradient.clone()
