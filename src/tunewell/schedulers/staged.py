"""Staged search, as it is taught: the learning rate first, then batch and network size, then the rest.

A stage is a tier of the space. While it lasts, new settings differ from the best in parameters of its tier and of those
before it, so that nothing is settled for good: what an earlier stage found moves along. A stage is over when the range
of each of its parameters is known, which is when both sides of the best value are worse, or when it has had its share
of settings. After the last one, all parameters move, as in `freeze_thaw`, whose model decides throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.history import History
from tunewell.samplers.sampler import given_left, n_given
from tunewell.schedulers.freeze_thaw import FreezeThawScheduler
from tunewell.space.space import Space
from tunewell.trial import Start

_FEWEST, _MOST_OF_EACH = 3, 4
"""Settings of a stage: so many more than it has parameters, at least; so many times as many more, at most."""
_APART = 0.02  # in the unit cube: nearer values of a parameter are no other values


@dataclass(frozen=True, slots=True)
class StagedScheduler(FreezeThawScheduler):
    """Tunes by tiers: the learning rate until its range is known, then those of tier 2 with it, then all.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + run.params.drop**2 + 1 / epoch)
        >>> space = {"rate": tw.Float(0.0, 1.0, tier=1), "drop": tw.Float(0.0, 0.5, tier=3, default=0.2)}
        >>> study = tw.tune(train, space, metric="val_loss", budget=4, scheduler="staged", store="memory")
        >>> study.trials[0].params["drop"], study.trials[3].params["drop"]
        (0.2, 0.2)
    """

    name: ClassVar[str] = "staged"

    def _n_first(self, space: Space, rungs: list[int]) -> int:  # noqa: ARG002  as long as any training is
        tier_1 = int((_tiers(space) == _tiers(space).min()).sum())
        return max(n_given(self.sampler), _FEWEST + tier_1)

    def _first(self, space: Space, history: History, rungs: list[int], rng: np.random.Generator) -> Start | None:
        """Return the default, then settings that differ from it in the first stage's parameters alone."""
        if given_left(self.sampler, space, history):
            return self._suggested(space, history, rungs, rng)
        default = _filled(space.encode(space.defaults()))
        if len(history) == n_given(self.sampler):
            point = default
        else:
            params = self.sampler.suggest(space, history, rng)
            if params is None:
                return None
            point = np.where(_tiers(space) == _tiers(space).min(), _filled(space.encode(params)), default)
        return self._untried_start(space, history, point, rungs)

    def _free(self, space: Space, history: History, best: int) -> NDArray[np.bool_]:
        tiers = _tiers(space)
        for stage in np.unique(tiers)[:-1].tolist():
            free: NDArray[np.bool_] = tiers <= stage
            if not _is_over(space, history, free, tiers == stage, best):
                return free
        return np.ones(len(tiers), dtype=np.bool_)


def _is_over(space: Space, history: History, free: NDArray[np.bool_], own: NDArray[np.bool_], best: int) -> bool:
    """Return True if a stage's parameters are known well enough, or have had their share of settings."""
    points = np.where(np.isnan(history.points), _filled(space.encode(space.defaults())), history.points)
    moved = np.abs(points - points[best]) > _APART
    # the settings of this stage and of those before it: they differ from the best in what moves by now, if at all
    here = ~moved[:, ~free].any(axis=1)
    tried = int((moved[:, own].any(axis=1)).sum())
    n = int(free.sum())
    if tried >= _FEWEST + _MOST_OF_EACH * n:
        return True
    if tried < _FEWEST + n:
        return False
    # what lies on either side has been tried, and is not the best
    sides = [
        (points[here, column] < points[best, column] - _APART).any() or points[best, column] <= _APART
        for column in np.flatnonzero(own)
    ]
    sides += [
        (points[here, column] > points[best, column] + _APART).any() or points[best, column] >= 1 - _APART
        for column in np.flatnonzero(own)
    ]
    return all(sides)


def _tiers(space: Space) -> NDArray[np.int64]:
    return np.array([space.tier(name) for name in space.names])


def _filled(point: Floats) -> Floats:
    return np.nan_to_num(point, nan=0.5)
