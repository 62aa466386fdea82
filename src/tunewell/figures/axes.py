"""Axes: the stretch of a scale that a parameter, a metric, epochs or times take, with true ticks on it.

A place is what `Scale.place` makes of a value: on a log scale its logarithm. What lies beyond the end of an axis of a
metric is drawn at its end, so that one training that blew up does not press all others flat.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from tunewell.arrays import Floats, own_numerics
from tunewell.figures.figure import Axis, Ticks
from tunewell.figures.words import name_of, number
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.scales import SCALES

UNUSED = "not used"
_PAD = 0.04
_BAND = 0.1  # of an axis, below its range: trials without the parameter
_WIDE = 30.0  # times the best value: shown by factors
_REACH = 4.0  # times as far from the best as three quarters of the trials: what is worse lies at the end
_FEW = 8  # trials, of which none is taken for beyond
_MOST_TICKS = 7
_LARGEST = 1e300
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class MetricAxis:
    """The axis of a metric, and where values lie on it."""

    axis: Axis
    worst: float
    """The place at which what has no value, or one beyond the axis, is drawn."""
    limit: float
    """The place of the worst value that lies on it."""

    def place(self, values: Floats) -> Floats:
        """Return the places of values, those beyond the axis at its end; NaN for none."""
        low, high = sorted((self.limit, self.axis.low if self.axis.best == "low" else self.axis.high))
        places: Floats = np.clip(_placed(self.axis.scale, values), low, high)
        return places

    def beyond(self, values: Floats) -> np.ndarray:
        """Return which values are finite, and worse than the axis reaches."""
        places = _placed(self.axis.scale, values)
        found: np.ndarray = (places > self.limit) if self.axis.best == "low" else (places < self.limit)
        return found & np.isfinite(values)


@own_numerics
def metric_axis(title: str, values: Floats, *, maximize: bool, reach: Floats | None = None) -> MetricAxis:
    """Return an axis on which values of a metric can be distinguished, above all the good ones.

    reach: values to which it reaches however far they are from the others.

    The scale follows from the values: by factors where the best is many times smaller than the usual, by factors of the
    distance to 1 for shares that come near it, else linear.
    """
    known = np.clip(values[np.isfinite(values)], -_LARGEST, _LARGEST)
    if not known.size:
        known = np.array([0.0, 1.0])
    scale = _scale_of(known, maximize=maximize)
    places = _placed(scale, known)
    towards = -1.0 if maximize else 1.0
    costs = towards * places
    best, usual, worst = float(costs.min()), float(np.quantile(costs, 0.75)), float(costs.max())
    if len(known) >= _FEW and usual > best:
        least = -math.inf if reach is None else _farthest(towards * _placed(scale, reach[np.isfinite(reach)]))
        worst = min(worst, max(best + _REACH * (usual - best), least))
    length = (worst - best) or abs(best) * 0.1 or 1.0
    ends = sorted((towards * (best - _PAD * length), towards * (worst + 2 * _PAD * length)))
    low, high = ends
    axis = Axis(name_of(title), low, high, ticks(scale, low, high), scale, "high" if maximize else "low")
    return MetricAxis(axis, towards * (worst + _PAD * length), towards * worst)


def _farthest(costs: Floats) -> float:
    known = costs[np.isfinite(costs)]
    return float(known.max()) if known.size else -math.inf


def _scale_of(known: Floats, *, maximize: bool) -> str:
    low, high = float(known.min()), float(known.max())
    usual = float(np.quantile(known, 0.5))
    if maximize and low >= 0 and 0.9 < high < 1 and (1 - usual) > _WIDE / 3 * (1 - high):
        return "log1m"
    if low > 0 and (high if len(known) < _FEW else max(usual, float(np.quantile(known, 0.9)))) > _WIDE * low:
        return "log"
    return "linear"


def _placed(scale: str, values: Floats) -> Floats:
    with np.errstate(all="ignore"):
        places: Floats = np.asarray(SCALES[scale].place(np.clip(values, -_LARGEST, _LARGEST)), dtype=np.float64)
    places[np.isinf(places)] = np.nan
    return places


@dataclass(frozen=True, slots=True)
class ParamAxis:
    """The axis of a parameter, and where trials lie on it."""

    axis: Axis
    places: Floats
    """(n,): of each trial; in the middle of the band where it does not have the parameter."""
    unused: np.ndarray
    """(n,): it does not have the parameter."""
    boundary: float | None
    """The place at which that band begins; None if there is none."""

    @property
    def apart(self) -> Floats:
        """The places, those of one category beside each other, where points would cover each other."""
        if self.axis.scale != "category":
            return self.places
        golden = np.arange(len(self.places)) * 0.6180339887 % 1.0  # even, however many there are
        apart: Floats = self.places + 0.6 * (golden - 0.5)
        return apart


def param_axis(
    name: str, param: Param, units: Floats, values: Callable[[], Sequence[object]] | None = None
) -> ParamAxis:
    """Return the axis of a parameter on its own scale.

    units: (n,), each trial in [0, 1]; outside if it is of an earlier version of the space, NaN if it does not have it.
    values: returns those of all trials, by which choices are named that are no longer among them.
    """
    unused = np.isnan(units)
    if isinstance(param, Choice):
        return _category_axis(name, [*map(name_of, param.values)], _codes(param, units, values), unused)
    along = param._axis  # noqa: SLF001  the parameter's own stretch of its scale
    places = along.start + along.length * units
    low = along.start + along.length * min(0.0, float(np.nanmin(units, initial=0.0)))
    high = along.start + along.length * max(1.0, float(np.nanmax(units, initial=1.0)))
    length = high - low
    marks = ticks(param.scale, low, high, whole=isinstance(param, Int))
    boundary = None
    shown_low, shown_high = low - _PAD * length, high + _PAD * length
    if unused.any():
        boundary = shown_low
        middle = shown_low - _BAND / 2 * length
        shown_low -= _BAND * length
        marks = ((middle, UNUSED), *marks)
        places = np.where(unused, middle, places)
    return ParamAxis(Axis(name_of(name), shown_low, shown_high, marks, param.scale), places, unused, boundary)


def _codes(param: Choice, units: Floats, values: Callable[[], Sequence[object]] | None) -> tuple[Floats, list[str]]:
    """Return the place of each trial's value, and the names of values that are no longer among the choices."""
    n = len(param.values)
    codes = np.floor(np.clip(np.nan_to_num(units), 0.0, 1.0 - 1e-12) * n)
    gone: dict[str, int] = {}
    outside = np.flatnonzero((units < 0) | (units > 1)).tolist()
    of_trials = values() if values is not None and outside else None
    for i in outside:
        known = "another" if of_trials is None else name_of(of_trials[i])
        codes[i] = n + gone.setdefault(known, len(gone))
    return codes, list(gone)


def _category_axis(name: str, names: list[str], found: tuple[Floats, list[str]], unused: np.ndarray) -> ParamAxis:
    codes, gone = found
    names = [*names, *(f"{one} (earlier)" for one in gone)]
    # of many, as many are named as can be read
    step = math.ceil(len(names) / 24)
    marks = [(float(i), text) for i, text in enumerate(names) if i % step == 0]
    low, boundary = -0.5, None
    if unused.any():
        low, boundary = -1.5, -0.5
        marks = [(-1.0, UNUSED), *marks]
    axis = Axis(name_of(name), low, len(names) - 0.5, tuple(marks), "category")
    return ParamAxis(axis, np.where(unused, -1.0, codes), unused, boundary)


def names_axis(title: str, names: Iterable[str]) -> Axis:
    """Return an axis with a place for each name: 0, 1, 2, ..."""
    marks = tuple((float(i), name_of(name)) for i, name in enumerate(names))
    return Axis(title, -0.5, max(len(marks), 1) - 0.5, marks, "category")


def count_axis(title: str, low: float, high: float) -> Axis:
    """Return an axis of whole numbers, such as epochs."""
    length = (high - low) or 1.0
    low, high = low - _PAD * length, high + _PAD * length
    return Axis(name_of(title), low, high, ticks("linear", low, high, whole=True))


def share_axis(title: str, high: float = 1.0, *, signed: bool = False) -> Axis:
    """Return an axis of shares, as per cents."""
    low = -high if signed else 0.0
    marks = tuple((place, f"{100 * place:.4g} %") for place in _steps(low, high))
    return Axis(title, low, high * (1 + _PAD), marks)


def linear_axis(title: str, low: float, high: float, best: Literal["low", "high"] | None = None) -> Axis:
    """Return a plain axis with a little room at its ends."""
    length = (high - low) or abs(high) * 0.1 or 1.0
    low, high = low - _PAD * length, high + _PAD * length
    return Axis(name_of(title), low, high, ticks("linear", low, high), best=best)


_UNITS = ((1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "d"))
_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800)


def time_axis(title: str, seconds: float) -> Axis:
    """Return an axis of seconds since something began, in the unit that fits."""
    high = max(seconds, 1e-3)
    step = next(
        (float(t) for t in _TIMES if high / t <= _MOST_TICKS), 604800.0 * math.ceil(high / 604800 / _MOST_TICKS)
    )
    if high < 1:
        step = _step(high)
    size, unit = next((one for one in reversed(_UNITS) if one[0] <= step), _UNITS[0])
    marks = [(i * step, f"{i * step / size:.4g}") for i in range(int(high / step) + 1)]
    return Axis(f"{title} ({unit})", -0.01 * high, high * 1.02, tuple(marks), "time")


@own_numerics
def ticks(scale: str, low: float, high: float, *, whole: bool = False) -> Ticks:
    """Return some places from low to high, two at least, at values that are easily read, with these values."""
    if scale == "linear":
        if whole and 1 < high - low <= _MOST_TICKS + 3:
            return tuple((float(value), f"{value:,}") for value in range(math.ceil(low), math.floor(high) + 1))
        marks = [value for value in _steps(low, high) if not whole or value == int(value)]
        return tuple(zip(marks, _alike(marks), strict=True))
    one = SCALES[scale]
    ends = [min(float(one.value(place)), _LARGEST) for place in (low, high)]
    for values in _candidates(scale, *ends, whole=whole):
        places = [float(one.place(value)) for value in values]
        inside = [(place, value) for place, value in zip(places, values, strict=True) if low <= place <= high]
        if len(inside) >= 3:
            return tuple((place, number(value, 6)) for place, value in _thinned(inside))
    return ((low, number(ends[0], 3)), (high, number(ends[1], 3)))


def _candidates(scale: str, low: float, high: float, *, whole: bool) -> Iterable[list[float]]:
    """Yield values to mark, the coarsest first."""
    if scale == "log":
        powers = range(math.floor(math.log10(max(low, 5e-324))) - 1, math.ceil(math.log10(max(high, 5e-324))) + 1)
        for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)):
            found = [float(f"{step}e{power}") for power in powers for step in steps]
            yield [value for value in found if value > 0 and (not whole or value == int(value))]
    else:
        nines = [float(f"{1 - float(f'{step}e-{n}'):.12g}") for n in range(1, 13) for step in (1.0,)]
        finer = [float(f"{1 - float(f'{step}e-{n}'):.12g}") for n in range(1, 13) for step in (5.0, 2.0, 1.0)]
        mirrored = scale == "logit"
        for ones in (nines, finer):
            every = {0.5, *ones, *((float(f"{1 - one:.6g}") for one in ones) if mirrored else (0.0,))}
            yield sorted(value for value in every if (value > 0 or not mirrored) and value < 1)
    yield [value for value in _steps(low, high) if 0 < value < 1 or scale == "log"]


def _thinned(marks: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return as many as can be read, evenly."""
    step = math.ceil(len(marks) / (_MOST_TICKS + 1))
    return marks[::step]


def _steps(low: float, high: float) -> list[float]:
    """Return multiples of 1, 2, 2.5 or 5 times a power of ten from low to high."""
    if not high - low >= sys.float_info.min:  # nor where the numbers are too near for a step between them
        return [low]
    step = _step(high - low)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = 12 + max(0, math.ceil(math.log10(max(abs(low), abs(high)) / (high - low))))
    return [float(f"{k * step:.{min(digits, 17)}g}") for k in range(first, last + 1)] if last - first < 100 else [low]


def _step(length: float) -> float:
    rough = length / (_MOST_TICKS - 2)
    power = float(f"1e{math.floor(math.log10(rough))}")
    if not 0 < power < math.inf:
        return rough
    return next(nice * power for nice in _NICE if nice * power >= rough * (1 - 1e-9))


def _alike(values: list[float]) -> list[str]:
    """Return numbers with as many digits as tell them apart, all with the same number of decimals."""
    if not values:
        return []
    largest = max(map(abs, values))
    step = min((b - a for a, b in pairwise(values)), default=largest) or 1.0
    if largest == 0 or (step >= 1e-4 and largest < 1e7):
        decimals = next((d for d in range(9) if all(abs(round(v, d) - v) < 1e-6 * step for v in values)), 8)
        return [f"{value:,.{decimals}f}" if largest >= 1e4 else f"{value:.{decimals}f}" for value in values]
    digits = max(2, min(15, 1 + math.ceil(math.log10(largest / step))))
    return [number(value, digits) if value else "0" for value in values]


def is_numeric(param: Param) -> bool:
    """Return True if the parameter's values have an order."""
    return isinstance(param, Float | Int) or param.ordered
