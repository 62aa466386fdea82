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

    def suggest(self, space: Space, history: History, rng: np.random.Generator) -> Params | None:
        """Return the setting whose place is the number of trials so far; past the last one, the other sampler's.

        One that was given before the space was extended takes the defaults of what it lacks; if it no longer fits, the
        other sampler suggests one.

        Raises:
            SpaceError: the setting does not fit the space.
        """
        n = len(history)
        if n < len(self.settings):
            try:
                return space.check(self.settings[n])
            except SpaceError:
                if len(history.versions.spaces) == 1:
                    raise
            setting = space.completed(self.settings[n], space.defaults())
            with suppress(SpaceError):
                return space.check({name: setting[name] for name in space.names if name in setting})
        return self.then.suggest(space, history, rng)
