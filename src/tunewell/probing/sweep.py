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
from tunewell.probing.short_training import ShortTraining, checked, train_shortly
from tunewell.space.params import Choice
from tunewell.space.space import Space
from tunewell.space.usual_names import RATES
from tunewell.space.values import Params, Value
from tunewell.training.run import Train

_BEYOND = 10.0  # the sweep reaches so much beyond the parameter's range, to both sides
_DIVERGED = 4.0  # times the least loss so far: as fastai's finder has it
_UNLEARNT = 0.25  # of the loss at the lowest rate: below, it has not diverged, whatever other rates reach
_ROSE = 1.5  # times the loss at the lowest rate
_MOVES = 0.1  # of the way from the loss at the lowest rate to the least
_BELOW_DIVERGING = 3.0


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """A rate, and the loss of a short training with it."""

    rate: float
    loss: float
    """The mean of the metric's last epoch; NaN if it was no finite number, or the code failed."""
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

    @property
    def range(self) -> tuple[float, float] | None:
        """From the rate at which training begins to move to a third of that at which it diverges; None if unknown."""
        if self.suggestion is None:
            return None
        start, least = self.points[0].loss, min(point.loss for point in self.points if not point.diverged)
        moving = [p.rate for p in self.points if not p.diverged and p.loss < start - _MOVES * (start - least)]
        return min([*moving, self.suggestion]), max(self._highest(), self.suggestion)

    def loss_at(self, rate: float) -> float:
        """Return the loss at the rate nearest to this one."""
        return min(self.points, key=lambda point: abs(math.log(point.rate / rate))).loss

    def _highest(self) -> float:
        diverged = [point.rate for point in self.points if point.diverged]
        return min(diverged) / _BELOW_DIVERGING if diverged else self.points[-1].rate


def lr_find(
    train: Train,
    space: Space,
    *,
    param: str | None = None,
    metric: str | None = None,
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
        metric: the reported number that is to be low; if None, `val_loss`, which is measured at an epoch's end, or else
            `train_loss`.
        setting: the other parameters, as far as they are not at their defaults.
        low: the lowest rate; a decade below the parameter's range if None.
        high: the highest; a decade above it if None.
        per_decade: how many rates.
        epochs: of each training.
        seed: of each training.
        on_point: called with each rate when it has been tried.

    Raises:
        SettingError: there is no learning rate, a number cannot be used, or the metric is not reported.
        ProbeFailed: the training fails.
    """
    name = rate_of(space, param)
    filled = space.filled(setting or {})
    if name not in filled:
        raise SettingError(f"{name} is not active with this setting, so there is nothing to sweep; name another rate")
    rates = rates_of(space, name, float(filled[name]), low, high, per_decade)
    points: list[SweepPoint] = []
    first: ShortTraining | None = None
    for rate in rates:
        short = train_shortly(train, Params({**filled, name: rate}), seed=seed, epochs=epochs)
        if first is None:
            first = checked(short)
            metric = _metric(first, metric)
        points.append(_point(rate, short, metric or "", points))
        on_point(points[-1])
        if len(points) > 1 and points[-1].diverged and points[-2].diverged:
            break
    suggestion, why = _suggested(points)
    return Sweep(name, metric or "", tuple(points), suggestion, why, epochs * len(points))


def rate_of(space: Space, param: str | None = None) -> str:
    """Return the parameter that is the learning rate.

    Raises:
        SettingError: there is none, or it is no number above 0.
    """
    if param is not None and param not in space.params:
        raise SettingError(f"the space has no parameter {param!r}; it has {', '.join(space.names)}")
    name = param or next((name for name in space.names if name.lower() in RATES), None)
    if name is None:
        raise SettingError(
            f"no parameter of the space is called as a learning rate is ({', '.join(RATES[:3])}, ...); "
            f"name it, one of {', '.join(space.names)}"
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
    """Return the rates to try, rising; the default is among them, so that it can be compared.

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
    return [float(f"{default * 10 ** (k * step):.6g}") for k in steps]


def _metric(first: ShortTraining, requested: str | None) -> str:
    """Return the metric that is to be low."""
    reported = sorted({name for report in first.reports for name in report} - {"epoch"})
    for name in [requested] if requested else ["val_loss", "train_loss"]:
        if first.curve(name):
            return name
    missing = f"no {requested}" if requested else "neither val_loss nor train_loss"
    raise SettingError(
        f"the training reports {missing}, only {', '.join(reported)}; report val_loss or train_loss, "
        f"or name another metric that is to be low"
    )


def _point(rate: float, short: ShortTraining, metric: str, before: Sequence[SweepPoint]) -> SweepPoint:
    loss = math.nan if short.is_broken else short.last(metric)
    known = [point.loss for point in before if not math.isnan(point.loss)]
    diverged = math.isnan(loss) or (
        bool(known)
        and min(known) > 0
        and ((loss > _DIVERGED * min(known) and loss > _UNLEARNT * known[0]) or loss > _ROSE * known[0])
    )
    return SweepPoint(rate, loss, diverged)


def _suggested(points: Sequence[SweepPoint]) -> tuple[float | None, str]:
    """Suggest the rate of least loss, between the rates that were tried, and below those that diverge."""
    sound_ones = [point for point in points if not point.diverged]
    if not sound_ones:
        return None, f"training diverges even at {points[0].rate:.3g}; try lower rates, and look at the inputs' scale"
    best = min(sound_ones, key=lambda point: point.loss)
    start = points[0].loss
    if best.loss > start - 0.01 * abs(start):
        return None, f"no rate from {points[0].rate:.3g} to {points[-1].rate:.3g} brings the loss below {start:.4g}"
    rate, why = (
        _vertex(sound_ones, best),
        f"the loss is least there, {best.loss:.4g}, and was {start:.4g} to begin with",
    )
    diverged = [point.rate for point in points if point.diverged]
    if diverged and rate > min(diverged) / _BELOW_DIVERGING:
        rate, why = min(diverged) / _BELOW_DIVERGING, f"a third of {min(diverged):.3g}, where training diverges"
    return float(f"{rate:.2g}"), why


def _vertex(points: Sequence[SweepPoint], best: SweepPoint) -> float:
    """Fit a parabola through the least loss and its neighbours, over the rate's logarithm; return its vertex."""
    at = points.index(best)
    if not 0 < at < len(points) - 1:
        return best.rate
    x = np.log10([point.rate for point in points[at - 1 : at + 2]])
    bend, slope, _ = np.polyfit(x - x[1], [point.loss for point in points[at - 1 : at + 2]], 2)
    shift = float(np.clip(-slope / (2 * bend), x[0] - x[1], x[2] - x[1])) if bend > 0 else 0.0
    return float(10 ** (x[1] + shift))
