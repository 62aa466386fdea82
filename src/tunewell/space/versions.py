"""The versions of a space: trials of every one lie in the cube of the newest.

A value outside the newest range keeps its place on the scale, below 0 or above 1, where a model can still learn from
it. A value that the newest choice no longer has gets a place of its own outside [0, 1]. A parameter that a trial lacks,
because it was added later, has the value that was given for the trials before.

Shapes: n trials, d parameters of the newest space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from tunewell.arrays import Floats
from tunewell.errors import SpaceError
from tunewell.space.params import Choice, Param
from tunewell.space.space import Space
from tunewell.space.values import Params, Value

UNPLACED = (SpaceError, TypeError, ValueError)
"""What comes of params, on a damaged record, that are none of the space's."""
_Map = Callable[[Sequence[Value]], Floats]


class SpaceVersions:
    """The versions of a study's space. One that was never extended has one, and changes nothing."""

    __slots__ = ("_held", "_maps", "first_trial", "spaces")

    def __init__(
        self, spaces: Sequence[Space], held: Sequence[Mapping[str, Value]] = ({},), first_trial: int = 0
    ) -> None:
        """Take the versions, oldest first.

        Args:
            spaces: at least one.
            held: of each version, the values that trials before it had of parameters that they lack.
            first_trial: the first one that was drawn from the newest.
        """
        self.spaces: tuple[Space, ...] = tuple(spaces)
        self.first_trial: int = first_trial
        self._held = tuple(held)
        self._maps = dict(_maps(self.spaces))

    @property
    def space(self) -> Space:
        """The newest one."""
        return self.spaces[-1]

    def complete(self, params: Params) -> Params:
        """Return a trial's params with what they lack; values that the newest space has no use for come last."""
        if len(self.spaces) == 1:
            return params
        values: Mapping[str, Value] = params
        for space, held in zip(self.spaces, self._held, strict=True):
            values = space.completed(values, held)
        # a process that had not yet read the newest version may have begun a trial without its parameters
        return Params(self.space.completed(values, {name: param.usual for name, param in self.space.params.items()}))

    def encode_many(self, params: Sequence[Mapping[str, Value]]) -> Floats:
        """Return (n, d): where trials lie in the newest space, in [0, 1] unless they are of an earlier one."""
        return self.space.encode_many(params, self._maps)


def _maps(spaces: Sequence[Space]) -> Iterator[tuple[str, _Map]]:
    """Yield the parameters that have changed, each with the function that places its values."""
    for name, param in spaces[-1].params.items():
        before = [space.params[name] for space in reversed(spaces[:-1]) if name in space.params]
        # what trials had of it before it was added may lie outside too
        if len(before) < len(spaces) - 1 or any(old != param for old in before):
            yield name, partial(_places, param, before)


def _places(param: Param, before: Sequence[Param], values: Sequence[Value]) -> Floats:
    """Return (n,): where values lie; before: what the parameter was, newest first."""
    if not isinstance(param, Choice):
        return param.place(np.array(values, dtype=np.float64))
    places = [param.to_unit(value) if param.contains(value) else _outside(param, before, value) for value in values]
    return np.array(places, dtype=np.float64)


def _outside(param: Choice, before: Sequence[Param], value: Value) -> float:
    """Return where a value lies that the choice does not have."""
    n = len(param.values)
    number = next((old for old in before if not isinstance(old, Choice)), None)
    if number is not None and not isinstance(value, str):
        at = float(number.place(np.array([value], dtype=np.float64))[0])
        if not param.ordered:
            return 2 + 0.5 / n + at
        kept = number.place(np.array(param.values, dtype=np.float64))
        # one that is held: the scale that it had goes on to both sides
        return 0.5 + at - float(kept[0]) if n == 1 else float(np.interp(at, np.sort(kept), (np.arange(n) + 0.5) / n))
    if param.ordered and (near := _nearest_kept(param, before, value)) is not None:
        kept_value, distance = near
        return float(param.to_unit(kept_value)) + distance / n
    gone = dict.fromkeys(v for old in reversed(before) if isinstance(old, Choice) for v in old.values)
    return 1 + ([v for v in gone if not param.contains(v)].index(value) + 0.5) / n


def _nearest_kept(param: Choice, before: Sequence[Param], value: Value) -> tuple[Value, int] | None:
    """Return the value still there that was nearest in the list, and how many places after it this one was."""
    for old in before:
        if isinstance(old, Choice) and old.contains(value):
            values = list(old.values)
            kept = [v for v in values if param.contains(v)]
            if kept:
                nearest = min(kept, key=lambda v: abs(values.index(v) - values.index(value)))
                return nearest, values.index(value) - values.index(nearest)
    return None
