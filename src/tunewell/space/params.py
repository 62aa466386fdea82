"""Parameters: a `Float`, an `Int` or a `Choice`, each one axis of a space.

A parameter maps its values to [0, 1] and back, and that pair of maps *is* its scale: samplers, grids, models and
plots see units only, so none of them can get a scale wrong. Values drawn evenly in [0, 1] are spread evenly
on the scale. What is to be known of a scale, it says itself (`space/scales/`).

Each is frozen and checked when it is made, so one that exists can be used.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import KW_ONLY, dataclass, field, fields
from itertools import combinations
from numbers import Real
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewell.errors import SpaceError
from tunewell.near_names import did_you_mean, perhaps
from tunewell.space.scales import SCALES, Axis, Span
from tunewell.space.values import Value

When = Mapping[str, Value | Sequence[Value]]
"""Parent parameter -> the value, or the values, at which the parameter is active."""

TIERS = (1, 2, 3, 4)
_LARGEST_INT = 2**40  # far beyond that, neighbours fall on the same float in [0, 1]
_DIGITS = 12  # what decoded numbers keep: exp(log(0.001)) is 0.0010000000000000002
_MOST_STEPS = 20
_STEPS = frozenset(["step", "steps", "step_size", "q", "quantum", "quantize"])
_INSTEAD = {
    **dict.fromkeys(("log", "log_scale", "logarithmic", "use_log", "is_log"), 'write scale = "log"'),
    **dict.fromkeys(("min", "minimum", "lower", "from", "start"), "write low"),
    **dict.fromkeys(("max", "maximum", "upper", "to", "end"), "write high"),
    **dict.fromkeys(("choices", "options", "categories"), "write values"),
    **dict.fromkeys(("prior", "distribution", "base", "transform"), 'write scale, such as scale = "log"'),
}
"""What other tools call a setting -> what is to be written here."""
_T = TypeVar("_T", float, int)


class _Parameter(ABC):
    """The ground of the three kinds of parameters."""

    __slots__ = ()
    when: When | None

    def __new__(cls, *arguments: object, **settings: object) -> Self:
        """Make it, unless a setting is none of its own: the error says what another tool's is called here."""
        check_settings(cls, settings, dict(zip(("low", "high"), arguments, strict=False)) | settings)
        return super().__new__(cls)

    @abstractmethod
    def check(self, value: object) -> Value:
        """Return the value as this parameter has it; raise SpaceError if it may not take it."""

    def contains(self, value: object) -> bool:
        """Return True if it may take this value."""
        try:
            self.check(value)
        except SpaceError:
            return False
        return True

    @property
    def conditions(self) -> Mapping[str, tuple[Value, ...]]:
        """Parent -> the values at which this is active; empty if it always is."""
        return cast("Mapping[str, tuple[Value, ...]]", self.when or {})

    def __repr__(self) -> str:
        given = settings(cast("Param", self))
        positional = [repr(given.pop(name)) for name in ("low", "high", "values") if name in given]
        return f"{type(self).__name__}({', '.join([*positional, *(f'{k}={v!r}' for k, v in given.items())])})"


@dataclass(frozen=True, slots=True, repr=False)
class Float(_Parameter):
    """A real number from `low` to `high`, both included.

    Example:
        >>> rate = tw.Float(1e-4, 1.0, scale="log", default=0.01)
        >>> round(float(rate.from_unit(0.5)), 6)
        0.01
        >>> momentum = tw.Float(0.9, 0.999, scale="log1m")
        >>> round(float(momentum.from_unit(0.5)), 6)
        0.99
    """

    low: float
    high: float
    _: KW_ONLY
    scale: str = "linear"
    """Which steps count the same, by the name of a scale."""
    tier: int | None = None
    """How important it usually is, 1 first; 4 is held at its default unless it is tuned too. None: by its name."""
    default: float | None = None
    """What is tried first, and what it is held at when it is not tuned."""
    live: bool = False
    """It may change while a trial trains."""
    when: When | None = field(default=None, hash=False)
    """It is active only where each of these parents has one of these values."""
    _axis: Axis = field(init=False, compare=False)

    def __post_init__(self) -> None:
        low, high = _number("low", self.low), _number("high", self.high)
        axis = _checked_axis(self, low, high)
        if not 0 < axis.length < math.inf:
            raise SpaceError(f"a float cannot tell apart the values from {low!r} to {high!r}; choose other bounds")
        _set(self, low=low, high=high, _axis=axis)
        _set_common(self)

    @property
    def usual(self) -> float:
        """The default; without one, the middle of the scale."""
        return self.decode([0.5])[0] if self.default is None else self.default

    def to_unit(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return where values lie in [0, 1]; one outside the range counts as the nearer bound."""
        return self._axis.to_unit(_clip(values, self.low, self.high))

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the units of values, where one outside the range lies outside [0, 1], by 1 at most."""
        return _place(self, values)

    def from_unit(self, units: ArrayLike) -> NDArray[np.float64]:
        """Return the values at these units; a unit outside [0, 1] counts as the nearer end."""
        # exp(log(x)) may leave the range by a rounding error
        return _clip(self._axis.from_unit(units), self.low, self.high)

    def decode(self, units: ArrayLike) -> list[float]:
        """Return `from_unit` as Python's own numbers, rounded to 12 significant digits."""
        low, high = self.low, self.high
        # rounding may leave the range too
        return [min(max(float(f"{value:.{_DIGITS}g}"), low), high) for value in self._axis.from_unit(units).tolist()]

    def check(self, value: object) -> float:
        """Return the value as a plain float.

        Raises:
            SpaceError: it is no number, or outside the range.
        """
        return _inside(self, _number("the value", value))


@dataclass(frozen=True, slots=True, repr=False)
class Int(_Parameter):
    """A whole number from `low` to `high`, both included.

    Each stands for the stretch half a step to both sides of it. So on a linear scale all are equally likely.

    Example:
        >>> tw.Int(1, 4).from_unit([0.0, 0.3, 0.6, 1.0]).tolist()
        [1, 2, 3, 4]
    """

    low: int
    high: int
    _: KW_ONLY
    scale: str = "linear"
    """Which steps count the same, by the name of a scale."""
    tier: int | None = None
    """How important it usually is, 1 first; 4 is held at its default unless it is tuned too. None: by its name."""
    default: int | None = None
    """What is tried first, and what it is held at when it is not tuned."""
    live: bool = False
    """It may change while a trial trains."""
    when: When | None = field(default=None, hash=False)
    """It is active only where each of these parents has one of these values."""
    _axis: Axis = field(init=False, compare=False)

    def __post_init__(self) -> None:
        low, high = _whole("low", self.low), _whole("high", self.high)
        axis = _checked_axis(self, low, high)
        if max(-low, high) > _LARGEST_INT:
            raise SpaceError(f"Int goes up to {_LARGEST_INT}, got low={low!r} and high={high!r}; use a Float")
        _set(self, low=low, high=high, _axis=axis)
        _set_common(self)

    @property
    def usual(self) -> int:
        """The default; without one, the middle of the scale."""
        return self.decode([0.5])[0] if self.default is None else self.default

    def to_unit(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return where values lie in [0, 1]; one outside the range counts as the nearer bound."""
        return self._axis.to_unit(_clip(values, self.low, self.high))

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the units of values, where one outside the range lies outside [0, 1], by 1 at most."""
        return _place(self, values)

    def from_unit(self, units: ArrayLike) -> NDArray[np.int64]:
        """Return the values at these units; a unit outside [0, 1] counts as the nearer end."""
        return _clip(np.rint(self._axis.from_unit(units)), self.low, self.high).astype(np.int64)

    def decode(self, units: ArrayLike) -> list[int]:
        """Return `from_unit` as Python's own numbers."""
        values: list[int] = self.from_unit(units).tolist()
        return values

    def check(self, value: object) -> int:
        """Return the value as a plain int.

        Raises:
            SpaceError: it is no whole number, or outside the range.
        """
        return _inside(self, _whole("the value", value))


@dataclass(frozen=True, slots=True, repr=False)
class Choice(_Parameter):
    """One of a few values, all equally likely. A choice of one value holds the parameter at it.

    Example:
        >>> tw.Space(optimizer=tw.Choice(["sgd", "adam"], default="adam")).defaults()
        Params(optimizer='adam')
    """

    values: Sequence[Value]
    _: KW_ONLY
    ordered: bool = False
    """Neighbours in the list are alike, as in 32, 64, 128: worth knowing for models."""
    tier: int | None = None
    """How important it usually is, 1 first; 4 is held at its default unless it is tuned too. None: by its name."""
    default: Value | None = None
    """What is tried first, and what it is held at when it is not tuned."""
    live: bool = False
    """It may change while a trial trains."""
    when: When | None = field(default=None, hash=False)
    """It is active only where each of these parents has one of these values."""
    _places: dict[Value, int] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        values = _listed(self.values)
        places = {value: place for place, value in enumerate(values)}
        for one, other in combinations(values, 2):
            if one == other and type(one) is type(other):
                raise SpaceError(f"{one!r} is listed twice in {list(values)!r}; list each value once")
            if one == other or str(one) == str(other):
                raise SpaceError(
                    f"{one!r} and {other!r} in {list(values)!r} cannot be told apart in a file or on a command line; "
                    "leave one out, or name it by another string"
                )
        _check_bool("ordered", self.ordered)
        _set(self, values=values, _places=places)
        _set_common(self)

    @property
    def usual(self) -> Value:
        """The default; without one the first value, or the middle one where they are ordered."""
        if self.default is not None:
            return self.default
        return self.values[(len(self.values) - 1) // 2 if self.ordered else 0]

    def to_unit(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return where values lie in [0, 1]: the middle of each one's share.

        Raises:
            SpaceError: one of them is not among the choices.
        """
        places = np.frompyfunc(self._place, 1, 1)(np.asarray(values, dtype=object))
        units: NDArray[np.float64] = (np.asarray(places, dtype=np.float64) + 0.5) / len(self.values)
        return units

    def from_unit(self, units: ArrayLike) -> NDArray[np.object_]:
        """Return the values at these units; a unit outside [0, 1] counts as the nearer end."""
        values: NDArray[np.object_] = np.array(self.values, dtype=object)[self._places_at(units)]
        return values

    def decode(self, units: ArrayLike) -> list[Value]:
        """Return `from_unit` as a list."""
        return [self.values[place] for place in self._places_at(units).tolist()]

    def check(self, value: object) -> Value:
        """Return the value as it is listed.

        Raises:
            SpaceError: it is not among the choices.
        """
        return self.values[self._place(value)]

    def _places_at(self, units: ArrayLike) -> NDArray[np.intp]:
        n = len(self.values)
        places: NDArray[np.intp] = np.minimum(n * _clip(units, 0.0, 1.0), n - 1).astype(np.intp)
        return places

    def _place(self, value: object) -> int:
        try:
            return self._places[cast("Value", value)]
        except (KeyError, TypeError):
            listed = ", ".join(map(repr, self.values))
            raise SpaceError(f"the value must be one of {listed}; got {value!r}") from None


Param = Float | Int | Choice


def span(param: Float | Int, name: str = "") -> Span:
    """Return the parameter's range as scales see it."""
    return Span(param.low, param.high, isinstance(param, Int), name)


def settings(param: Param) -> dict[str, Any]:
    """Return the constructor's arguments as plain JSON data, without those that have their defaults."""
    given = {item.name: (getattr(param, item.name), item.default) for item in fields(param) if item.init}
    return {name: _plain(value) for name, (value, default) in given.items() if value != default}


def check_settings(kind: type[_Parameter], given: Iterable[str], values: Mapping[str, object]) -> None:
    """Check that a kind of parameter has these settings.

    values: what is known of it, from which the mend is made.

    Raises:
        SpaceError: it has no such setting.
    """
    known = [item.name for item in fields(kind) if item.init]  # type: ignore[arg-type]  # its kinds are dataclasses
    for name in given:
        if name not in known:
            mend = _steps(values, name) if name.lower() in _STEPS else _INSTEAD.get(name.lower())
            mend = mend or did_you_mean(name, known, listed="it has")
            article = "an" if kind is Int else "a"
            raise SpaceError(f"{article} {kind.__name__.lower()} has no setting {name!r}; {mend}")


def _steps(values: Mapping[str, object], name: str) -> str:
    """Return how the values a step apart are written, all of them if they are few."""
    low, high, step = (values.get(one) for one in ("low", "high", name))
    listed = "[0.1, 0.2, 0.3]"
    if all(isinstance(one, int | float) for one in (low, high, step)):
        begin, end, apart = float(cast("float", low)), float(cast("float", high)), float(cast("float", step))
        n = int((end - begin) / apart + 1e-9) + 1 if apart > 0 and begin < end < math.inf else 0
        if 1 < n <= _MOST_STEPS:
            whole = all(isinstance(one, int) for one in (low, high, step))
            points = [float(f"{begin + place * apart:.{_DIGITS}g}") for place in range(n)]
            listed = repr([int(point) for point in points] if whole else points)
    return f"values a step apart are a choice whose order counts: Choice({listed}, ordered=True)"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, dict):  # a condition: on one value, or on a list of them
        return {parent: values[0] if len(values) == 1 else list(values) for parent, values in value.items()}
    return value


def _set(param: Param, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(param, name, value)  # it is frozen to everybody else


def _set_common(param: Param) -> None:
    """Check and store what all parameters have; the range or the choices must be there already."""
    _check_bool("live", param.live)
    if param.tier is not None:
        if isinstance(param.tier, bool) or param.tier not in TIERS:
            raise SpaceError(f"tier must be 1, 2, 3 or 4, got {param.tier!r}; 1 is the most important")
        _set(param, tier=int(param.tier))
    if param.default is not None:
        try:
            _set(param, default=param.check(param.default))
        except SpaceError as error:
            raise SpaceError(f"default={param.default!r} does not fit: {error}") from None
    elif param.tier == TIERS[-1]:
        raise SpaceError("tier 4 is held at its default, but there is none; give a default or another tier")
    if param.when is not None:
        _set(param, when=_checked_when(param.when))


def _checked_when(when: object) -> dict[str, tuple[Value, ...]] | None:
    if not isinstance(when, Mapping):
        raise SpaceError(f"when needs parent names and values, as in {{'optimizer': 'sgd'}}; got {when!r}")
    return {parent: _allowed(parent, values) for parent, values in when.items()} or None


def _allowed(parent: object, values: object) -> tuple[Value, ...]:
    several = isinstance(values, Iterable) and not isinstance(values, str)
    try:
        return _listed(values if several else [values])
    except SpaceError as error:
        raise SpaceError(f"when={{{parent!r}: {values!r}}}: {error}") from None


def _listed(values: object) -> tuple[Value, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise SpaceError(f"the values must be a list, got {values!r}; write [{values!r}]")
    if isinstance(values, AbstractSet | Mapping):
        raise SpaceError(f"the values must be a list, because their order counts; got {values!r}")
    listed = tuple(map(_native, values))
    if not listed:
        raise SpaceError("the list of values is empty; give at least one")
    return listed


def _native(value: object) -> Value:
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, bool | int | float | str):
        raise SpaceError(f"a value must be a string, a number or a bool, got {value!r}; name it by a string")
    if isinstance(plain, float) and not math.isfinite(plain):
        raise SpaceError(f"a value must be finite, got {plain!r}; name it by a string")
    return plain


def _number(what: str, value: object) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise SpaceError(f"{what} must be a number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpaceError(f"{what} must be finite, got {value!r}; give the last value worth trying")
    return number


def _whole(what: str, value: object) -> int:
    number = _number(what, value)
    if number != int(number):
        raise SpaceError(f"{what} must be a whole number, got {value!r}; round it, or use a Float")
    return int(number)


def _check_bool(what: str, value: object) -> None:
    if not isinstance(value, bool):
        raise SpaceError(f"{what} must be True or False, got {value!r}")


def _checked_axis(param: Float | Int, low: float, high: float) -> Axis:
    """Return the range on the parameter's scale; raise SpaceError if it has no place there."""
    kind, got = type(param).__name__, f"got low={low!r} and high={high!r}"
    if low > high:
        raise SpaceError(f"{kind} needs low < high, {got}; swap them")
    if low == high:
        raise SpaceError(f"{kind} needs low < high, {got}; to hold the value use Choice([{low!r}])")
    span = Span(low, high, isinstance(param, Int))
    names = [name for name, scale in SCALES.items() if scale.whole or not span.whole]
    if param.scale not in names:
        listed = ", ".join(map(repr, names))
        raise SpaceError(
            f"{kind} has no scale {param.scale!r}; choose one of {listed}{perhaps(str(param.scale), names)}"
        )
    scale = SCALES[param.scale]
    if (misfit := scale.misfit(span)) is not None:
        raise SpaceError(f"scale={param.scale!r} needs {misfit.needs}, {got}; {misfit.mend}")
    return scale.axis(span)


def _inside(param: Float | Int, value: _T) -> _T:
    if not param.low <= value <= param.high:
        raise SpaceError(f"the value must be from {param.low!r} to {param.high!r}, got {value!r}")
    return value


def _place(param: Float | Int, values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):  # a scale may have no place for some values
        beyond = param._axis.to_unit(values)  # noqa: SLF001  our own
    end = np.where(values < param.low, -1.0, 2.0)
    inside = (param.low <= values) & (values <= param.high)
    return np.where(inside, param.to_unit(values), np.where(np.isnan(beyond), end, _clip(beyond, -1.0, 2.0)))


def _clip(values: ArrayLike, low: float, high: float) -> NDArray[Any]:
    # np.clip does the same, but takes five times as long for one number
    clipped: NDArray[Any] = np.minimum(np.maximum(values, low), high)
    return clipped
