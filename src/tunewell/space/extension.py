"""The step from one version of a space to the next: what changes, and what past trials had of what is new.

Ranges and scales may change, a choice may gain or lose values, and parameters may be added or taken away. One that is
taken away stays in the space, held at a value, since past trials with other values of it are only comparable if it is
known which value the new ones have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from types import MappingProxyType

from tunewell.errors import SpaceError
from tunewell.near_names import did_you_mean
from tunewell.space.params import Choice, Param, settings
from tunewell.space.space import Space
from tunewell.space.values import Value

_NOTHING: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Extension:
    """The space that another becomes, and what changes in it."""

    space: Space
    held: Mapping[str, Value]
    """The values that trials before it had of parameters that they lack."""
    changes: tuple[str, ...]
    """A line a parameter that changes; none if the space stays as it is."""


def extended(known: Space, requested: Space, held: Mapping[str, Value] = _NOTHING) -> Extension:
    """Return what a space becomes that is to be another from now on.

    Args:
        known: the space so far.
        requested: what it shall be.
        held: of a parameter that is added, what past trials had, its default if none is given; of one that is taken
            away, what new trials have, its default so far.

    Raises:
        SpaceError: such a value is not known, or cannot be; or a parameter becomes another kind of thing.
    """
    taken = dict(_taken_away(known, requested, held))
    space = Space({**requested.params, **taken}).where(*requested.constraints)
    past: dict[str, Value] = {}
    lines: list[str] = []
    for name, param in space.params.items():
        old = known.params.get(name)
        if old is None or _active_more_often(old, param):
            past[name] = _past_value(name, param, held)
        if name in taken:
            lines += [] if param == old else [f"{name}: taken away; held at {param.usual!r}"]
        elif old is None:
            lines.append(f"{name}: added, {param!r}; past trials had {past[name]!r}")
        elif old != param:
            _check_kind(name, old, param)
            also = f"; past trials had {past[name]!r} where they lack it" if name in past else ""
            lines.append(f"{name}: {', '.join(_differences(old, param))}{also}")
    lines += [f"{name}: taken away; it can no longer be active" for name in known.names if name not in space.params]
    lines += [f"without the constraint {text}" for text in known.constraints if text not in space.constraints]
    lines += [f"with the constraint {text}" for text in space.constraints if text not in known.constraints]
    if unused := held.keys() - past.keys() - taken.keys():
        name = min(unused)
        raise SpaceError(
            f"{name}: it is neither added nor taken away, so it cannot be held; past trials have their own values of it"
            if name in known.params
            else f"there is no parameter {name!r} to hold; {did_you_mean(name, space.names)}"
        )
    return Extension(space, past, tuple(lines)) if lines else Extension(known, {}, ())


def _taken_away(known: Space, requested: Space, held: Mapping[str, Value]) -> Iterator[tuple[str, Choice]]:
    """Yield what the requested space lacks, held; without what can never be active any more."""
    left: dict[str, Param] = dict(requested.params)
    for name in known.parents_first:
        if name in requested.params:
            continue
        old = known.params[name]
        when = {
            parent: tuple(value for value in values if parent in left and left[parent].contains(value))
            for parent, values in old.conditions.items()
        }
        if all(when.values()):
            left[name] = param = _held(name, replace(old, when=when), held)
            yield name, param


def _held(name: str, old: Param, held: Mapping[str, Value]) -> Choice:
    """Return the parameter at one value."""
    if isinstance(old, Choice) and len(old.values) == 1 and name not in held:
        return old
    value = held.get(name, old.default)
    if value is None:
        raise SpaceError(
            f"{name}: it is taken away, and nothing says which value new trials have; {_give_held(name, old.usual)}"
        )
    try:
        value = old.check(value)
    except SpaceError as error:
        raise SpaceError(f"{name}: it cannot be held at {value!r}: {error}") from None
    ordered = not isinstance(old, Choice) or old.ordered
    return Choice([value], ordered=ordered, tier=old.tier, default=value, live=old.live, when=old.conditions or None)


def _past_value(name: str, param: Param, held: Mapping[str, Value]) -> Value:
    """Return what past trials had of a parameter that they lack."""
    value = held.get(name, param.default)
    if value is None:
        raise SpaceError(
            f"{name}: nothing says what past trials had of it; give it a default, or {_give_held(name, param.usual)}"
        )
    if isinstance(param, Choice):
        try:
            return param.check(value)
        except SpaceError as error:
            raise SpaceError(f"{name}: past trials cannot have had {value!r}: {error}") from None
    # a number may lie outside: a search may well begin where past trials were not
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise SpaceError(f"{name}: past trials cannot have had {value!r}; give a finite number")
    return value


def _give_held(name: str, value: Value) -> str:
    """Return how to give a held value, in words that a message ends with."""
    return f"say held={{{name!r}: {value!r}}} (on the command line --held {name}={value})"


def _active_more_often(old: Param, new: Param) -> bool:
    """Return True if past trials may lack it where it is active now."""
    now = new.conditions
    return any(parent not in now or set(now[parent]) - set(values) for parent, values in old.conditions.items())


def _check_kind(name: str, old: Param, new: Param) -> None:
    if _is_number(old) != _is_number(new):
        raise SpaceError(f"{name}: it was {old!r} and cannot become {new!r}; give what is new another name")


def _is_number(param: Param) -> bool:
    if not isinstance(param, Choice):
        return True
    return all(isinstance(value, Real) and not isinstance(value, bool) for value in param.values)


def _differences(old: Param, new: Param) -> Iterator[str]:
    """Yield `high 0.1 -> 1.0`, one for each setting of the parameter that differs."""
    if type(old) is not type(new):
        yield f"{old!r} -> {new!r}"
        return
    before, after = settings(old), settings(new)
    for setting in dict.fromkeys([*before, *after]):
        was, now = before.get(setting), after.get(setting)
        if isinstance(was, list) and isinstance(now, list) and set(was) != set(now):
            yield from (f"without {value!r}" for value in was if value not in now)
            yield from (f"with {value!r}" for value in now if value not in was)
        elif was != now:
            yield f"{setting} {was!r} -> {now!r}"
