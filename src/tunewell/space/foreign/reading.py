"""The reading of another tool's file: parameters under names that are legal here, and notes on what is lost."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

from tunewell.errors import SpaceError
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.space import Space
from tunewell.space.values import Value

_MOST_STEPS = 20
_LAST_TUNED = 3
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Foreign:
    """The space that another tool's file describes, and what else it says."""

    tool: str
    space: Space
    notes: Sequence[str] = ()
    """A line for all that is not as it was."""
    options: Mapping[str, str | int] = field(default_factory=dict)
    """What it says of the search, as options of `tunewell tune`."""
    program: tuple[str, ...] = ()
    """The words of the command that it trains, with {placeholders}."""


class Format(Protocol):
    """A kind of file that a tool writes."""

    @property
    def tool(self) -> str:
        """The tool's name."""
        ...

    def is_it(self, data: object) -> bool:
        """Return True if the file's data are of this kind."""
        ...

    def read(self, data: Any) -> Foreign:
        """Return what they describe.

        Raises:
            SpaceError: they describe no space; the message begins with the parameter's name.
        """
        ...


class Reading:
    """The parameters of a file as they are read one by one, with the notes on what is lost."""

    def __init__(self) -> None:
        self.params: dict[str, Param] = {}
        self.notes: list[str] = []
        self.names: dict[str, str] = {}
        """What the tool calls a parameter -> its name here."""

    def name(self, theirs: str) -> str:
        """Return the name here of a parameter of the tool: with letters, digits and _ only."""
        if theirs not in self.names:
            name = re.sub(r"\W", "_", theirs)
            name = name if name.isidentifier() else f"p_{name}"
            if name in self.names.values():
                raise SpaceError(f"{theirs}: it would be called {name!r}, as another is; rename one of them")
            self.names[theirs] = name
            if name != theirs:
                self.note(f"{theirs} is called {name} here")
        return self.names[theirs]

    def add(self, theirs: str, param: Param) -> None:
        """Take a parameter."""
        self.params[self.name(theirs)] = param

    def note(self, line: str) -> None:
        """Note what is not as it was."""
        self.notes.append(line)

    def number(
        self,
        theirs: str,
        low: object,
        high: object,
        *,
        whole: bool,
        scale: str = "linear",
        step: object = None,
        by_factors: bool = False,
    ) -> Param:
        """Return a range: a list of its values where these are few and lie a step apart, or a factor.

        by_factors: each value is the one before times the step.
        """
        bounds = [_number(theirs, "its lower end", low), _number(theirs, "its upper end", high)]
        apart = 0.0 if step is None else _number(theirs, "its step", step)
        kind: type[Float | Int] = Int if whole and all(float(one).is_integer() for one in bounds) else Float
        if bounds[0] == bounds[1]:
            return Choice([int(bounds[0]) if kind is Int else float(bounds[0])])
        if apart and not (kind is Int and apart == 1):
            whole = kind is Int and float(apart).is_integer()
            evenly = by_factors or scale == "linear"  # as its values are drawn
            points = _points(bounds[0], bounds[1], apart, by_factors=by_factors) if evenly else None
            if points is not None:
                return Choice([int(point) if whole else point for point in points], ordered=True)
            self.note(f"{theirs}: its step of {apart:g} is left out; values in between are drawn too")
        return _made(theirs, kind, bounds, scale)

    def choice(self, theirs: str, values: object, *, ordered: bool | None = None) -> Choice:
        """Return a choice; values that are none here stand as text.

        ordered: None where the tool does not say; numbers that rise are then.
        """
        if not isinstance(values, list | tuple) or not values:
            raise SpaceError(f"{theirs}: its values must be a list, got {values!r}")
        plain: list[Value] = [value if _is_value(value) else str(value) for value in values]
        if (odd := [value for value in values if not _is_value(value)]) != []:
            self.note(f"{theirs}: {odd[0]} is no value here; it stands as text")
        if ordered is None:
            numbers = [value for value in plain if isinstance(value, int | float) and not isinstance(value, bool)]
            ordered = len(numbers) == len(plain) > 2 and numbers == sorted(numbers)
        try:
            return Choice(list(dict.fromkeys(plain)), ordered=ordered)
        except SpaceError as error:
            raise SpaceError(f"{theirs}: {error}") from None

    def with_default(self, param: Param, default: object) -> Param:
        """Return the parameter with a default, if it may take it."""
        if not param.contains(default):
            return param
        return replace(param, default=cast("Any", param.check(default)))

    def space(self) -> Space:
        """Return the space of all that were added; each is tuned, whatever it is called."""
        found = Space(self.params)
        tuned = {
            name: param if found.tier(name) <= _LAST_TUNED else replace(param, tier=_LAST_TUNED)
            for name, param in self.params.items()
        }
        return Space(tuned)


def _is_value(value: object) -> bool:
    return isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def _number(name: str, what: str, value: object) -> int | float:
    if isinstance(value, str):  # YAML 1.1 reads 1e-4 as text
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SpaceError(f"{name}: {what} must be a number, got {value!r}")
    return value


def _points(low: float, high: float, step: float, *, by_factors: bool) -> list[float] | None:
    """Return the values from low to high a step, or a factor, apart; None if they are many."""
    if step <= 0 or (by_factors and (step <= 1 or low <= 0)):
        return None
    n = math.floor((math.log(high / low) / math.log(step) if by_factors else (high - low) / step) + _ROUNDING) + 1
    if not 1 <= n <= _MOST_STEPS:
        return None
    return [float(f"{low * step**place if by_factors else low + place * step:.12g}") for place in range(n)]


def _made(name: str, kind: type[Float | Int], bounds: Sequence[float], scale: str) -> Param:
    try:
        return Int(int(bounds[0]), int(bounds[1]), scale=scale) if kind is Int else Float(*bounds, scale=scale)
    except SpaceError as error:
        raise SpaceError(f"{name}: {error}") from None
