"""A learning rate for a large network from small ones: its best value at a few small sizes, and how it shifts.

The best rate of a network moves with its width, by how much depends on the optimizer and the initialization (Yang et
al., "Tensor Programs V: Tuning large neural networks via zero-shot hyperparameter transfer", 2022, whose
parametrization would keep it in place; networks as people write them do not have it). So the shift is learned: a line
through the logarithms of the best rates at a thirty-second, a sixteenth and an eighth of the size, extended to the full
one. There it is checked, beside rates three times as high and as low.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tunewell.errors import SettingError
from tunewell.near_names import did_you_mean
from tunewell.probing.short_training import checked, train_shortly
from tunewell.probing.sweep import judged_by, rate_of
from tunewell.space.params import Choice, Int
from tunewell.space.space import Space, SpaceLike, as_space
from tunewell.space.values import Params, Value
from tunewell.study.metric import direction_of
from tunewell.training.function import check_train
from tunewell.training.run import Train

_PARTS = (32, 16, 8)
_SMALLEST = 4
_WHOLE = 10**9  # epochs: as many as a training has
_COARSE = 2  # octaves between the rates of the first sweep
_AROUND = 2  # octaves on both sides of the best rate, each of which is tried
_SPREAD = 0.35  # octaves by which a best rate is off, of one seed
_USUAL_SHIFT, _SHIFT_SPREAD = -0.5, 0.5
"""Octaves a doubling, what is expected of a shift before it is seen: between none and that of Adam in theory, -1."""
_CROOKED = 1.0  # octaves off the line: the sizes do not agree
_APART = 3.0  # what is checked beside the prediction: so many times as high and as low
_SAME = 0.01  # of a metric: it is no better


@dataclass(frozen=True, slots=True)
class BestRate:
    """The best rate at one size."""

    size: int
    rate: float
    at_end: bool
    """It lies at an end of the rates that were tried, so that the best one is not known."""
    trainings: int
    seconds: float
    """Of the processor, all trainings."""


@dataclass(frozen=True, slots=True)
class CheckedRate:
    """A rate at the full size, and what a training with it came to."""

    rate: float
    value: float
    """The metric, in the last epoch; NaN if it was no finite number, or the code failed."""
    seconds: float


@dataclass(frozen=True, slots=True)
class ScaleCheck:
    """The best rate at the full size as small ones have it, and if it holds there."""

    param: str
    size: str
    full: int
    metric: str
    direction: str
    at_sizes: tuple[BestRate, ...]
    shift: float
    """The best rate is so many times as high when the size doubles."""
    rate: float
    """The best one at the full size, as it is predicted."""
    low: float
    high: float
    """Between these it lies in eight cases of ten."""
    checked: tuple[CheckedRate, ...]
    """The predicted rate, then a lower and a higher one; empty if that was not wanted."""
    carries_over: bool | None
    """None if it was not checked."""
    why: str
    epochs: int
    """All that were trained."""


def scale_check(
    train: Train,
    space: SpaceLike,
    *,
    size: str,
    full: int | None = None,
    param: str | None = None,
    metric: str | None = None,
    direction: str | None = None,
    setting: Mapping[str, Value] | None = None,
    epochs: int | None = None,
    seed: int = 0,
    check: bool = True,
    on_training: Callable[[int, float, float], None] = lambda _size, _rate, _value: None,
) -> ScaleCheck:
    """Find the best learning rate of small networks, predict that of the full one, and check it there.

    Args:
        train: a function of one argument, the `Run`.
        space: the parameters that it takes; all but size and rate stay as `setting` says.
        size: the name of the size, such as the width.
        full: the size that is meant; its default if None.
        param: the name of the rate; found by its usual names if None.
        metric: as of `lr_find`.
        direction: `minimize` or `maximize`; as the metric's name has it if None.
        setting: the other parameters, as far as they are not at their defaults.
        epochs: of each training; all that it has if None. The best rate of a shorter training may be another.
        seed: of each training.
        check: train at the full size, three times; without it, nothing is trained there.
        on_training: called with the size, the rate and the metric of each training.

    Raises:
        SettingError: there is no such size, or it is too small for a part of it to tell, there is no learning rate, the
            metric is not reported, or its direction cannot be known.
        ProbeFailed: the training fails.

    Example:
        >>> import math
        >>> def train(run):
        ...     best = 0.8 / run.params.width**0.5
        ...     for epoch in run.epochs(2):
        ...         run.report(val_loss=1 + math.log(run.params.learning_rate / best) ** 2)
        >>> space = {"width": tw.Int(16, 1024, scale="log", default=512), "learning_rate": tw.learning_rate()}
        >>> found = tw.scale_check(train, space, size="width")
        >>> found.carries_over, 0.5 < found.rate / (0.8 / 512**0.5) < 2
        (True, True)
    """
    check_train(train)
    space = as_space(space)
    name = rate_of(space, param)
    filled = space.filled(setting or {})
    sizes, full = _sizes(space, size, full if full is not None else filled.get(size))
    if name not in filled:
        raise SettingError(f"{name} is not active with this setting, so there is nothing to carry over")
    if name == size:
        raise SettingError(f"the learning rate and the size are both {size}; name the size, such as a width")
    trainings = _Trainings(train, filled, name, size, metric, direction, epochs or _WHOLE, seed, on_training)
    low, high = _range(space, name)
    found: list[BestRate] = []
    for small in sizes:
        found.append(trainings.best_rate(small, low, high, found[-1].rate if found else None))
    line = _Line.through([one.size for one in found], [one.rate for one in found])
    middle, deviation = line.at(full)
    rate, bounds = 2.0**middle, [2.0 ** (middle + sign * 1.2816 * deviation) for sign in (-1, 1)]
    rate = float(f"{rate:.3g}")
    doubt = _doubt(found, line, name)
    tried = tuple(trainings.at_full(full, one) for one in (rate, rate / _APART, rate * _APART)) if check else ()
    holds, why = _conclusion(tried, trainings.goal, trainings.metric or "", doubt)
    return ScaleCheck(
        name, size, full, trainings.metric or "", trainings.goal, tuple(found), 2.0**line.slope, rate,
        float(f"{bounds[0]:.3g}"), float(f"{bounds[1]:.3g}"), tried, holds, why, trainings.epochs,
    )  # fmt: skip


class _Trainings:
    """Trainings that differ in size and rate."""

    def __init__(
        self, train: Train, setting: Mapping[str, Value], rate: str, size: str, metric: str | None,
        direction: str | None, epochs: int, seed: int, on_training: Callable[[int, float, float], None],
    ) -> None:  # fmt: skip
        self._train, self._setting, self._rate, self._size = train, setting, rate, size
        self.metric, self._direction, self._limit, self._seed = metric, direction, epochs, seed
        self._on_training = on_training
        self.goal = direction_of("val_loss" if metric is None else metric, direction)
        self.epochs = 0
        self._first = True

    def value(self, size: int, rate: float) -> tuple[float, float]:
        """Return the metric in the last epoch, NaN if it broke, and the seconds of the processor."""
        begun = time.process_time()
        params = Params({**self._setting, self._rate: rate, self._size: size})
        short = train_shortly(self._train, params, seed=self._seed, epochs=self._limit, metric=self.metric)
        seconds = time.process_time() - begun
        if self._first:
            self.metric = judged_by(checked(short), self.metric)
            self.goal = direction_of(self.metric, self._direction)
            self._first = False
        self.epochs += len(short.reports)
        value = math.nan if short.is_broken else short.last(self.metric or "")
        self._on_training(size, rate, value)
        return value, seconds

    def at_full(self, size: int, rate: float) -> CheckedRate:
        """Train with a rate that is checked."""
        value, seconds = self.value(size, rate)
        return CheckedRate(rate, value, seconds)

    def best_rate(self, size: int, low: float, high: float, near: float | None) -> BestRate:
        """Return the best rate of a size: a coarse sweep of the range, or from the best one of another size on."""
        start = math.log2(math.sqrt(low * high) if near is None else near)
        steps = (math.ceil(math.log2(low) - start - 1e-9), math.floor(math.log2(high) - start + 1e-9))
        costs: dict[int, float] = {}
        seconds = 0.0

        def trained(step: int) -> float:
            nonlocal seconds
            if step not in costs:
                value, taken = self.value(size, 2.0 ** (start + step))
                seconds += taken
                costs[step] = math.inf if math.isnan(value) else -value if self.goal == "maximize" else value
            return costs[step]

        if near is None:
            for step in range(steps[0], steps[1] + 1, _COARSE):
                trained(step)
        trained(0)
        while True:
            best = min(costs, key=lambda step: costs[step])
            around = range(max(steps[0], best - _AROUND), min(steps[1], best + _AROUND) + 1)
            missing = [step for step in around if step not in costs]
            if not missing:
                break
            trained(min(missing, key=lambda step: abs(step - best)))
        rate = 2.0 ** (start + _vertex(costs, best))
        return BestRate(size, float(f"{rate:.3g}"), best in steps, len(costs), seconds)


def _sizes(space: Space, size: str, full: Value | None) -> tuple[list[int], int]:
    if size not in space.params:
        raise SettingError(f"the space has no parameter {size!r}; {did_you_mean(size, space.names)}")
    if not isinstance(space.params[size], Int) or isinstance(full, bool) or not isinstance(full, int):
        raise SettingError(f"{size} must be a whole number, such as a width, to be scaled, got {full!r}")
    sizes = sorted({max(_SMALLEST, round(full / part)) for part in _PARTS})
    if len(sizes) < 2 or sizes[-1] > full / 4:
        raise SettingError(
            f"{size} = {full} is too small for its parts to tell anything; one of {_SMALLEST * 16} or more will do: "
            f"give full=, or tune it as it is"
        )
    return sizes, full


def _range(space: Space, name: str) -> tuple[float, float]:
    param = space.params[name]
    values = param.values if isinstance(param, Choice) else (param.low, param.high)
    numbers = [float(value) for value in values if isinstance(value, int | float) and value > 0]
    if len(numbers) < 2 or max(numbers) < 4 * min(numbers):
        raise SettingError(f"{name} needs a range to be searched, such as tunewell.learning_rate(); got {param!r}")
    return min(numbers), max(numbers)


def _vertex(costs: Mapping[int, float], best: int) -> float:
    """Return where a parabola through the costs around the best one is lowest, in octaves, next to it at most."""
    near = [step for step in sorted(costs) if abs(step - best) <= _AROUND and math.isfinite(costs[step])]
    if len(near) < 3:
        return float(best)
    values = np.array([costs[step] for step in near])
    # far worse ones say where the training breaks, and bend the parabola for nothing
    values = np.minimum(values, np.sort(values)[min(2, len(values) - 1)] + np.ptp(np.sort(values)[:3]))
    bend, slope, _ = np.polyfit(np.array(near) - best, values, 2)
    return best + float(np.clip(-slope / (2 * bend), -1.0, 1.0)) if bend > 0 else float(best)


@dataclass(frozen=True, slots=True)
class _Line:
    """The logarithm of the best rate over that of the size, in octaves, with what is not known of it."""

    center: float
    level: float
    slope: float
    covariance: np.ndarray
    """(2, 2), of level and slope."""

    @classmethod
    def through(cls, sizes: list[int], rates: list[float]) -> _Line:
        x, y = np.log2(sizes), np.log2(rates)
        center = float(x.mean())
        design = np.column_stack([np.ones(len(x)), x - center])
        precision = design.T @ design / _SPREAD**2 + np.diag([0.0, 1 / _SHIFT_SPREAD**2])
        covariance = np.linalg.inv(precision)
        level, slope = covariance @ (design.T @ y / _SPREAD**2 + np.array([0.0, _USUAL_SHIFT / _SHIFT_SPREAD**2]))
        return cls(center, float(level), float(slope), covariance)

    def at(self, size: int) -> tuple[float, float]:
        """Return the mean and the deviation of a best rate, in octaves."""
        at = np.array([1.0, math.log2(size) - self.center])
        return self.level + self.slope * at[1], math.sqrt(float(at @ self.covariance @ at))

    def off(self, size: int, rate: float) -> float:
        return abs(math.log2(rate) - self.at(size)[0])


def _doubt(found: list[BestRate], line: _Line, name: str) -> str | None:
    """Return why small sizes do not tell what is best at a large one; None if they may."""
    for one in found:
        if one.at_end:
            return f"at size {one.size} the best {name} lies at an end of its range, {one.rate:g}; widen the range"
    if max(line.off(one.size, one.rate) for one in found) > _CROOKED:
        best = ", ".join(f"{one.rate:g} at {one.size}" for one in found)
        return f"the best rates of small sizes follow no line: {best}"
    return None


def _conclusion(tried: tuple[CheckedRate, ...], goal: str, metric: str, doubt: str | None) -> tuple[bool | None, str]:
    if not tried:
        return (False, doubt) if doubt else (None, "it was not checked at the full size")
    costs = [math.inf if math.isnan(one.value) else -one.value if goal == "maximize" else one.value for one in tried]
    best = int(np.argmin(costs))
    if costs[0] == math.inf:
        return False, f"training breaks at the full size with {tried[0].rate:g}"
    if doubt:
        return False, doubt
    if costs[0] - costs[best] > _SAME * abs(costs[0]):
        return False, (
            f"at the full size {tried[best].rate:.3g} is better: {metric} {tried[best].value:.4g}, "
            f"and {tried[0].value:.4g} with {tried[0].rate:g}"
        )
    return True, f"at the full size no rate {_APART:g} times as low or as high is better: {metric} {tried[0].value:.4g}"
