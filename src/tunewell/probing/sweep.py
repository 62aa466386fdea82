"""The learning-rate range test: short trainings at rates that rise exponentially, until they diverge.

After Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3, with a training of its own for
each rate in place of one whose rate rises, so that what a rate does is not what the rates before it have done. The
suggestion is where the loss is least, but a third of the first rate that diverges at most: the best rate is commonly
within a factor of two of the largest one that does not diverge (Bengio, "Practical recommendations for gradient-based
training of deep architectures", 2012, section 3.1.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.errors import SettingError
from tunewell.near_names import did_you_mean
from tunewell.probing.short_training import ShortTraining, checked, train_shortly
from tunewell.space.params import Choice
from tunewell.space.space import Space, SpaceLike, as_space
from tunewell.space.usual_names import RATES
from tunewell.space.values import Params, Value
from tunewell.study.metric import direction_of
from tunewell.training.function import check_train
from tunewell.training.run import Train

_BEYOND = 10.0  # the sweep reaches so much beyond the parameter's range, to both sides
_DIVERGED = 4.0  # times the least loss so far: as fastai's finder has it
_UNLEARNT = 0.25  # of the loss at the lowest rate: below, it has not diverged, whatever other rates reach
_ROSE = 1.5  # times the loss at the lowest rate
_MOVES = 0.1  # of the way from the loss at the lowest rate to the least
_LOST = 0.9  # of that way, of a number that may be below zero: it is back where it began
_BY_DEFAULT = ("val_loss", "train_loss", "val_accuracy", "train_accuracy")
_FEWEST = 3  # rates: with fewer, there is no least between others
_BELOW_DIVERGING = 3.0


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """A rate, and the loss of a short training with it."""

    rate: float
    loss: float
    """The metric in the last epoch, as it is reported; NaN if it was no finite number, or the code failed."""
    diverged: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """The result of a range test."""

    param: str
    metric: str
    points: tuple[SweepPoint, ...]
    """From the lowest rate to the highest that was tried."""
    suggestion: float | None
    """None where no rate got anywhere."""
    why: str
    """The reason for the suggestion, or why there is none."""
    epochs: int
    """The cost of the sweep."""
    direction: str = "minimize"
    """`maximize` if more of the metric is better."""

    @property
    def range(self) -> tuple[float, float] | None:
        """From the rate at which training begins to move to a third of that at which it diverges; None if unknown."""
        if self.suggestion is None:
            return None
        costs = {point.rate: _cost(point.loss, self.direction) for point in self.points if not point.diverged}
        start, least = next(iter(costs.values())), min(costs.values())
        moving = [rate for rate, cost in costs.items() if cost < start - _MOVES * (start - least)]
        return min([*moving, self.suggestion]), max(self._highest(), self.suggestion)

    def loss_at(self, rate: float) -> float:
        """Return the loss at the rate nearest to this one."""
        return min(self.points, key=lambda point: abs(math.log(point.rate / rate))).loss

    def _highest(self) -> float:
        diverging = _diverging(self.points)
        return self.points[-1].rate if diverging is None else diverging / _BELOW_DIVERGING


def lr_find(
    train: Train,
    space: SpaceLike,
    *,
    param: str | None = None,
    metric: str | None = None,
    direction: str | None = None,
    setting: Mapping[str, Value] | None = None,
    low: float | None = None,
    high: float | None = None,
    per_decade: int = 2,
    epochs: int = 1,
    seed: int = 0,
    on_point: Callable[[SweepPoint], None] = lambda _: None,
) -> Sweep:
    """Train shortly at rising learning rates, until two in a row diverge, and suggest one.

    Args:
        train: a function of one argument, the `Run`.
        space: the parameters that it takes; all but the rate stays as `setting` says.
        param: the name of the rate; found by its usual names if None.
        metric: the reported number that rates are judged by; if None, `val_loss`, which is measured at an epoch's end,
            or else `train_loss`, or an accuracy where no loss is reported.
        direction: `minimize` or `maximize`; as the metric's name has it if None.
        setting: the other parameters, as far as they are not at their defaults.
        low: the lowest rate; a decade below the parameter's range if None.
        high: the highest; a decade above it if None.
        per_decade: how many rates.
        epochs: of each training.
        seed: of each training.
        on_point: called with each rate when it has been tried.

    Raises:
        SettingError: there is no learning rate, a number cannot be used, the metric is not reported, or its direction
            cannot be known.
        ProbeFailed: the training fails.

    Example:
        >>> def train(run):
        ...     weight = 1.0
        ...     for epoch in run.epochs(5):
        ...         weight -= run.params.learning_rate * 2 * weight  # of the loss weight ** 2
        ...         run.report(train_loss=weight**2)
        >>> sweep = tw.lr_find(train, {"learning_rate": tw.learning_rate()})
        >>> 0.1 <= sweep.suggestion <= 1
        True
    """
    check_train(train)
    space = as_space(space)
    name = rate_of(space, param)
    filled = space.filled(setting or {})
    if name not in filled:
        raise SettingError(f"{name} is not active with this setting, so there is nothing to sweep; name another rate")
    if epochs < 1:
        raise SettingError(f"a sweep trains an epoch at least at each rate, got epochs={epochs!r}")
    rates = rates_of(space, name, float(filled[name]), low, high, per_decade)
    goal = direction_of(_BY_DEFAULT[0] if metric is None else metric, direction)
    points: list[SweepPoint] = []
    first: ShortTraining | None = None
    for rate in rates:
        short = train_shortly(train, Params({**filled, name: rate}), seed=seed, epochs=epochs, metric=metric)
        if first is None:
            first = checked(short)
            metric = judged_by(first, metric)
            goal = direction_of(metric, direction)
        points.append(_point(rate, short, metric or "", goal, points))
        on_point(points[-1])
        if len(points) > 1 and points[-1].diverged and points[-2].diverged:
            break
    suggestion, why = _suggested(points, metric or "", goal)
    return Sweep(name, metric or "", tuple(points), suggestion, why, epochs * len(points), goal)


def rate_of(space: Space, param: str | None = None) -> str:
    """Return the parameter that is the learning rate.

    Raises:
        SettingError: there is none, or it is no number above 0.
    """
    if param is not None and param not in space.params:
        raise SettingError(f"the space has no parameter {param!r}; {did_you_mean(param, space.names)}")
    name = param or next((name for name in space.names if name.lower() in RATES), None)
    if name is None:
        raise SettingError(
            f"no parameter of the space is called as a learning rate is ({', '.join(RATES[:3])}, ...); "
            f"name it by param (--param), one of {', '.join(space.names)}"
        )
    value = space.params[name].usual
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise SettingError(f"{name} must be a number above 0 to be swept, got {value!r}")
    return name


def rates_of(
    space: Space,
    name: str,
    default: float,
    low: float | None = None,
    high: float | None = None,
    per_decade: int = 2,
) -> list[float]:
    """Return the rates to try, rising; the default is among them, so that it can be compared, unless it lies outside.

    Bounds between which there are hardly any such rates are tried themselves, and what is between them.

    Raises:
        SettingError: the bounds are none.
    """
    param = space.params[name]
    values = param.values if isinstance(param, Choice) else (param.low, param.high)
    numbers = [float(value) for value in (*values, default) if isinstance(value, int | float) and value > 0]
    low = min(numbers) / _BEYOND if low is None else low
    high = max(numbers) * _BEYOND if high is None else high
    if not 0 < low < high < math.inf or per_decade < 1:
        raise SettingError(f"a sweep needs 0 < low < high and a rate a decade at least; got {low!r} to {high!r}")
    step = 1 / per_decade
    first, last = (math.log10(bound / default) / step for bound in (low, high))
    steps = range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)
    if len(steps) >= _FEWEST:
        return [float(f"{default * 10 ** (k * step):.6g}") for k in steps]
    n = max(_FEWEST, math.ceil((last - first) - 1e-9) + 1)
    return [low, *(float(f"{rate:.12g}") for rate in np.geomspace(low, high, n)[1:-1]), high]


def judged_by(first: ShortTraining, requested: str | None) -> str:
    """Return the metric that rates are judged by.

    Raises:
        SettingError: it is not reported.
    """
    reported = sorted({name for report in first.reports for name in report} - {"epoch"})
    for name in [requested] if requested else _BY_DEFAULT:
        if first.curve(name):
            return name if requested else first.curves[name]
    if requested:
        raise SettingError(
            f"the training reports no {requested}; {did_you_mean(requested, reported, listed='it reports')}"
        )
    raise SettingError(
        f"the training reports no loss and no accuracy, only {', '.join(reported)}; "
        f"report val_loss or train_loss, or name another metric"
    )


def _cost(value: float, direction: str) -> float:
    """Return the number such that less is better."""
    return -value if direction == "maximize" else value


def _point(rate: float, short: ShortTraining, metric: str, direction: str, before: Sequence[SweepPoint]) -> SweepPoint:
    loss = math.nan if short.is_broken else short.last(metric)
    known = [_cost(point.loss, direction) for point in before if not math.isnan(point.loss)]
    return SweepPoint(rate, loss, math.isnan(loss) or (bool(known) and _diverges(_cost(loss, direction), known)))


def _diverges(cost: float, known: Sequence[float]) -> bool:
    """Return True if a rate has done so badly, beside lower ones, that training diverges."""
    start, least = known[0], min(known)
    if least > 0:
        return (cost > _DIVERGED * least and cost > _UNLEARNT * start) or cost > _ROSE * start
    # no ratio means anything where a number may be below zero, so differences are compared
    gain = start - least
    return cost > (least + _LOST * gain if gain > _MOVES * abs(start) else start + abs(start))


def _suggested(points: Sequence[SweepPoint], metric: str, direction: str) -> tuple[float | None, str]:
    """Suggest the rate of least loss, between the rates that were tried, and below those that diverge."""
    sound_ones = [point for point in points if not point.diverged]
    if not sound_ones:
        return None, f"training diverges even at {points[0].rate:.3g}; try lower rates, and look at the inputs' scale"
    costs = {point.rate: _cost(point.loss, direction) for point in sound_ones}
    start, best = sound_ones[0].loss, min(sound_ones, key=lambda point: costs[point.rate])
    what, better, most = (metric, "above", "highest") if direction == "maximize" else ("the loss", "below", "least")
    if costs[best.rate] > costs[sound_ones[0].rate] - 0.01 * abs(start) or best is sound_ones[0]:
        return None, f"no rate from {points[0].rate:.3g} to {points[-1].rate:.3g} brings {what} {better} {start:.4g}"
    rate, why = (
        _vertex(costs, best.rate),
        f"{what} is {most} there, {best.loss:.4g}, and was {start:.4g} to begin with",
    )
    diverging = _diverging(points)
    if diverging is not None and rate > diverging / _BELOW_DIVERGING:
        rate, why = diverging / _BELOW_DIVERGING, f"a third of {diverging:.3g}, where training diverges"
    return float(f"{rate:.2g}"), why


def _diverging(points: Sequence[SweepPoint]) -> float | None:
    """Return the lowest rate that diverges, above one that does not."""
    lowest = min(point.rate for point in points if not point.diverged)
    return min((point.rate for point in points if point.diverged and point.rate > lowest), default=None)


def _vertex(costs: Mapping[float, float], best: float) -> float:
    """Fit a parabola through the least cost and its neighbours, over the rate's logarithm; return its vertex."""
    rates = list(costs)
    at = rates.index(best)
    if not 0 < at < len(rates) - 1:
        return best
    near = rates[at - 1 : at + 2]
    x = np.log10(near)
    bend, slope, _ = np.polyfit(x - x[1], [costs[rate] for rate in near], 2)
    shift = float(np.clip(-slope / (2 * bend), x[0] - x[1], x[2] - x[1])) if bend > 0 else 0.0
    return float(10 ** (x[1] + shift))
