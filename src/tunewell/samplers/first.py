"""Given settings first, such as those that are known to be good, before the search begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewell.errors import SpaceError
from tunewell.history import History
from tunewell.samplers.sampler import Sampler
from tunewell.space.space import Space
from tunewell.space.values import Params, Value

_SAME = 1e-12
"""In the unit cube, two values that are no further apart are the same."""


@dataclass(frozen=True, slots=True)
class FirstSampler(Sampler):
    """Suggests the given settings, in order, then what another sampler suggests.

    Example:
        >>> sampler = tw.FirstSampler([{"width": 32, "rate": 0.01}], then=tw.RandomSampler())
        >>> space = {"width": tw.Int(16, 128, scale="log"), "rate": tw.Float(1e-3, 0.1, scale="log")}
        >>> study = tw.Study(space, metric="loss", max_epochs=1, sampler=sampler, scheduler="full", store="memory")
        >>> study.ask().params["width"]
        32
    """

    name: ClassVar[str] = "first"
    settings: Sequence[Mapping[str, Value]]
    then: Sampler

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", tuple(dict(setting) for setting in self.settings))

    @property
    def n_given(self) -> int:
        """The number of its settings, without those of the other sampler."""
        return len(self.settings)

    def given_left(self, space: Space, history: History) -> int:
        """Return how many of its settings no trial has begun with."""
        return len(self._left(space, history))

    def suggest(self, space: Space, history: History, rng: np.random.Generator) -> Params | None:
        """Return the first setting that no trial has begun with; past the last one, the other sampler's.

        So a trial that somebody queued, or a branch, takes the place of none. One that is given twice is tried twice.
        One that was given before the space was extended takes the defaults of what it lacks; if it no longer fits, it
        is left out.

        Raises:
            SpaceError: the setting does not fit the space.
        """
        left = self._left(space, history)
        return left[0] if left else self.then.suggest(space, history, rng)

    def _left(self, space: Space, history: History) -> list[Params]:
        left, points = [], np.nan_to_num(history.points, nan=-1.0)
        begun: dict[bytes, int] = {}
        for setting in self.settings:
            if (params := _fitting(setting, space, is_first=len(history.versions.spaces) == 1)) is None:
                continue
            point = np.nan_to_num(space.encode(params), nan=-1.0)
            key = point.tobytes()
            if key not in begun:
                begun[key] = int((np.abs(points - point) < _SAME).all(axis=1).sum())
            begun[key] -= 1
            if begun[key] < 0:
                left.append(params)
        return left


def _fitting(setting: Mapping[str, Value], space: Space, *, is_first: bool) -> Params | None:
    """Return a setting as the space has it; None if it no longer fits one that was extended."""
    try:
        return space.check(setting)
    except SpaceError:
        if is_first:
            raise
    whole = space.completed(setting, space.defaults())
    with suppress(SpaceError):
        return space.check({name: whole[name] for name in space.names if name in whole})
    return None
