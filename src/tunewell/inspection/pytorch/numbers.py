"""Numbers that are not finite, and steps that are larger than the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import Any, ClassVar

import torch

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.training import Training, parameters_of

_RISKY = frozenset(
    """
    log log2 log10 log1p sqrt rsqrt div __truediv__ true_divide pow __pow__ exp expm1 reciprocal acos asin atanh norm
    std var mean
    """.split()  # noqa: SIM905
)
_MATRICES = 12  # of an optimizer, that are looked at
_FEWEST_NUMBERS = 32  # of such a matrix
_FIRST_STEPS = 10
_LARGE = 1.5  # times the norm of the weights that the training began with


class NumbersCheck(Check):
    """Looks for the first number that is not finite, and compares steps with weights."""

    calls: ClassVar[frozenset[str]] = _RISKY

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._origin: tuple[str, Place] | None = None
        """What the first number that is not finite came from."""
        self._before: dict[int, list[Any]] = {}
        self._ratios: dict[int, dict[int, list[float]]] = {}
        """By optimizer: by parameter: the norm of each step over that of the weights that the training began with."""
        self._norms: dict[int, float] = {}
        self._place = Place()

    def after_call(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Look at an operation that can turn finite numbers into others."""
        if self._origin is not None or not isinstance(result, torch.Tensor):
            return
        if not _is_finite(result) and all(_is_finite(one) for one in _tensors(args)):
            bad = result[~torch.isfinite(result)][0] if result.ndim else result
            self._origin = (f"{name.strip('_')}, of finite numbers, gave {float(bad)}", calling_place())

    def before_forward(self, module: Any, inputs: Any) -> None:
        """Look at the rows that the network is given."""
        if self._origin is not None or len(self.training.stack) != 1 or not self.training.with_gradients:
            return
        for one in _tensors(inputs):
            if one.is_floating_point() and not one.requires_grad and bool(one.isnan().any()):
                rows = int(one.isnan().flatten(1).any(1).sum()) if one.ndim > 1 else int(one.isnan().sum())
                self._origin = (f"{rows} of {len(one)} rows of the inputs hold a number that is NaN", calling_place())

    def after_forward(self, module: Any, inputs: Any, outputs: Any) -> None:
        """Look at what a layer makes of finite numbers."""
        if self._origin is not None or not self.training.with_gradients or next(module.children(), None) is not None:
            return
        if not all(map(_is_sound, _tensors((outputs,)))) and all(map(_is_sound, _tensors(inputs))):
            name = self.training.name_of(module)
            self._origin = (f"{name}, of finite inputs, gave outputs that are not finite", calling_place())

    def before_loss(self, loss: LossCall) -> None:
        """Look at the outputs that a loss may fail on."""
        if loss.with_gradient and self._origin is not None and bool(loss.input.isnan().any()):
            self._accuse("an output is nan")

    def before_backward(self, root: Any) -> None:
        """Look at the loss."""
        if root.numel() == 1 and not bool(torch.isfinite(root).all()):
            self._accuse(f"the loss is {float(root)}")

    def _accuse(self, what: str) -> None:
        origin, place = self._origin or ("", calling_place())
        self.accuse(
            "not-finite",
            f"{what} at step {self.training.steps + 1}" + (f"; {origin}" if origin else ""),
            "take care of that operation (log of a number that may be 0, division by 0, a rate that is too high), or "
            "of rows that are not finite",
            place,
            about="loss",
        )

    def before_step(self, optimizer: Any) -> None:
        """Take note of some weights."""
        key = id(optimizer)
        if self.training.steps_of[key] >= _FIRST_STEPS:
            return
        self._place = calling_place()
        every = [one for one in parameters_of(optimizer) if one.ndim >= 2 and one.numel() >= _FEWEST_NUMBERS]
        chosen = [one for one in every[:: max(1, len(every) // _MATRICES)] if one.grad is not None]
        self._before[key] = [(one, one.detach().clone()) for one in chosen]

    def after_step(self, optimizer: Any) -> None:
        """Compare a step with the weights."""
        self._origin = None
        ratios = self._ratios.setdefault(id(optimizer), {})
        for parameter, before in self._before.pop(id(optimizer), []):
            norm = self._norms.setdefault(id(parameter), float(before.norm()))
            step = float((parameter.detach() - before).norm())
            if norm > 0 and step > 0:
                ratios.setdefault(id(parameter), []).append(step / norm if math.isfinite(step) else math.inf)
        if self.training.steps_of[id(optimizer)] == _FIRST_STEPS:
            self._compare(optimizer)

    def finish(self) -> None:
        """Look back at trainings that were short."""
        for optimizer in self.training.optimizers:
            self._compare(optimizer)

    def _compare(self, optimizer: Any) -> None:
        ratios = [values for values in self._ratios.get(id(optimizer), {}).values() if len(values) >= 5]
        medians = [median(values) for values in ratios]
        large = [one for one in medians if one > _LARGE]
        if len(medians) < 2 or 2 * len(large) <= len(medians):  # a single layer has no minimum to be thrown out of
            return
        rate = optimizer.param_groups[0].get("lr")
        self.accuse(
            "step-too-large",
            f"{type(optimizer).__name__} (lr={float(rate):g}) changes weight matrices by up to {max(large):.3g} "
            f"times the size that they began with, in each of the first {len(ratios[0])} steps",
            "lower the learning rate by a factor of 10 at least",
            self._place,
            about=id(optimizer),
        )


def _tensors(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _is_finite(values: Any) -> bool:
    if not values.is_floating_point() or values.numel() == 0:
        return True
    return bool(torch.isfinite(values).all())


def _is_sound(values: Any) -> bool:
    """Return True if all that is not finite is -inf, as in a mask."""
    return _is_finite(values) or not bool((values.isnan() | (values == math.inf)).any())
