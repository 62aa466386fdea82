"""Conditions of other tools, as far as `when` has them: parents that must have one of some values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tunewell.space.params import Choice, Int, Param
from tunewell.space.values import Value

When = dict[str, tuple[Value, ...]]
_MOST_VALUES = 50


def where(name: str, parent: Param, holds: Callable[[Value], bool]) -> When | None:
    """Return the condition that something holds of a parent's value; None if `when` cannot say it."""
    if isinstance(parent, Choice):
        values: Sequence[Value] = parent.values
    elif isinstance(parent, Int) and parent.high - parent.low < _MOST_VALUES:
        values = range(parent.low, parent.high + 1)
    else:
        return None
    found = tuple(value for value in values if holds(value))
    return {name: found} if found else None


def all_of(conditions: Sequence[When | None]) -> When | None:
    """Return the condition that all of these hold; None if one of them cannot be kept."""
    together: When = {}
    for condition in conditions:
        if condition is None:
            return None
        for parent, values in condition.items():
            left = tuple(value for value in together.get(parent, values) if value in values)
            if not left:
                return None
            together[parent] = left
    return together


def any_of(conditions: Sequence[When | None]) -> When | None:
    """Return the condition that one of these holds; None unless all are on one and the same parent."""
    parents: set[str] = set()
    values: list[Value] = []
    for condition in conditions:
        if condition is None or len(condition) != 1:
            return None
        parents |= condition.keys()
        values += [value for allowed in condition.values() for value in allowed]
    return {parents.pop(): tuple(dict.fromkeys(values))} if len(parents) == 1 else None


def equal_to(value: object) -> Callable[[Value], bool]:
    """Return a test for one value: true is not 1."""
    return one_of([value])


def one_of(values: Sequence[object]) -> Callable[[Value], bool]:
    """Return a test for these values: true is not 1."""
    return lambda value: any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in values)


def in_words(condition: Mapping[str, Sequence[Value]]) -> str:
    """Return a condition as text."""
    return " and ".join(f"{parent} is {' or '.join(map(repr, values))}" for parent, values in condition.items())
