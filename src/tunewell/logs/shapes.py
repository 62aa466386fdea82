"""The places of numbers in lines of one shape: a program prints the same line again and again, with other numbers.

What was read in full from a few lines of a shape is read by position from the next ones, which is many times faster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

_NUMBER = re.compile(
    r"(?<![\w.@$#])(?<![A-Za-z]-)(?<![Tt][Oo][Pp][- ])(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
    r"(?=(?:ms|us|s|m|h|it|min|sec|[kKMG]i?B?)?(?![A-Za-z_\d]|\.\d))"
)
"""A number that is no part of a name."""
_LEARNED_FROM = 3  # lines
_SCALES = (1.0, 0.01, -1.0, -0.01)
Shape: TypeAlias = tuple[object, ...]


def shape_of(line: str) -> tuple[Shape, Sequence[str]]:
    """Return the shape of a line, which is all but its numbers, and its numbers.

    >>> shape_of("epoch 3 loss 0.31")[1]
    ['3', '0.31']
    """
    parts = _NUMBER.split(line)
    numbers = parts[1::2]
    # a whole number of other length may be a part of a date or of a time
    kinds = [len(one) if one.isdigit() else -1 if "e" not in one and "E" not in one else -2 for one in numbers]
    return (*parts[::2], *kinds), numbers


@dataclass(slots=True)
class Positions:
    """The places of named numbers among those of a line."""

    _places: dict[str, set[tuple[int, float]]] = field(default_factory=dict)
    """Those where a name may stand, with the sign and the percent that its number has."""
    _n_lines: int = 0
    _found: list[tuple[str, int, float, list[tuple[int, float]]]] | None = None
    """By name: the first place, and the others, where so far the same number stood."""

    def learn(self, numbers: Sequence[str], values: Mapping[str, float]) -> None:
        """Take in what was read of a line."""
        parsed = [float(one) for one in numbers]
        places = {
            name: {(i, scale) for i, one in enumerate(parsed) for scale in _SCALES if _scaled(one, scale) == value}
            for name, value in values.items()
        }
        if self._n_lines and list(places) == list(self._places):
            places = {name: places[name] & self._places[name] for name in places}
            self._n_lines += 1
        else:
            self._n_lines = 1
        self._places = places
        if self._n_lines >= _LEARNED_FROM and all(places.values()):
            found = [(name, sorted(one)) for name, one in places.items()]
            self._found = [(name, *first, rest) for name, (first, *rest) in found]

    def values(self, numbers: Sequence[str]) -> dict[str, float] | None:
        """Return what stands where the names are; None if that is not known for certain."""
        if self._found is None:
            return None
        values = {}
        for name, i, scale, others in self._found:
            value = values[name] = _scaled(float(numbers[i]), scale)
            if others and any(_scaled(float(numbers[j]), other) != value for j, other in others):
                return None
        return values


def _scaled(number: float, scale: float) -> float:
    return number / 100 if scale == 0.01 else number if scale == 1 else -number if scale == -1 else -number / 100
