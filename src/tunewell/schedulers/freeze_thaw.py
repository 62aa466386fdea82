"""Freeze-thaw: a model of whole learning curves decides which run is worth its next epochs.

A few settings get a short look. Then, at each step, a Gaussian process over settings and time (`surrogate.curves`)
predicts what each paused trial and each of a thousand new settings would reach at the last epoch. The one
whose expected improvement over the best is largest is started, or resumed to its next rung. After Swersky, Snoek and
Adams ("Freeze-thaw Bayesian optimization", 2014).

`candidates` draws the settings that are weighed, `acquisition` weighs them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats, one_blas_thread
from tunewell.history import History
from tunewell.samplers import Sampler
from tunewell.samplers.construction import check_whole
from tunewell.samplers.sampler import given_left, n_given
from tunewell.schedulers.candidates import ANYWHERE, candidates, untried
from tunewell.schedulers.scheduler import Scheduler
from tunewell.space.space import Space
from tunewell.trial import Allowance, Resume, Start

if TYPE_CHECKING:
    from tunewell.surrogate import Past

ETA = 3
RUNGS = 4
"""Looks at a trial, the last one at the end of its training."""
_MOST = 256
"""Trials that the model knows, half of them the best and half the newest, so that a decision's cost stays bounded."""
_SHALLOW = 3
"""So many times as many trials as there are first settings have a first look, at most, before one goes on beyond it:
what is never trained further may fail there, and a model of first looks alone cannot know."""
_DOUBTED = (1, 2, 3)
"""Which of the first settings are no past study's: the default and two of the sampler's, which show whether a past
holds."""
_HOPELESS = 0.05  # a paused trial's chance of being the best, below which it is not finished for its own sake


@dataclass(frozen=True, slots=True)
class FreezeThawScheduler(Scheduler):
    """Models whole learning curves, and trains what is most likely to end up better than the best.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> scheduler = tw.FreezeThawScheduler(tw.SobolSampler(), n_first=4)
        >>> space = {"rate": tw.Float(0.0, 1.0)}
        >>> study = tw.tune(train, space, metric="val_loss", budget=4, scheduler=scheduler, store="memory")
        >>> study.spent.epochs
        12
    """

    name: ClassVar[str] = "freeze_thaw"
    predicts: ClassVar[bool] = True
    sampler: Sampler
    """Where the first settings come from."""
    n_first: int = 16
    """How many of them there are at most. As many are tried as half a training's worth of epochs gives a look to, but
    one more than there are parameters at least; half of that if there are past studies, and these hold. Those that the
    user gave come first, all of them."""
    eta: int = ETA
    """Each look at a trial is so many times as long as the one before; the last of four ends with the training."""
    past: Mapping[str, Any] = field(default_factory=dict)
    """The model of studies of other data, as `surrogate.Past.learned` recorded it."""

    def __post_init__(self) -> None:
        check_whole("n_first", self.n_first, at_least=1)
        check_whole("eta", self.eta, at_least=2)

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Start one of the first settings, or start or resume what the model prefers."""
        rungs = self._rungs(history.max_epochs)
        may_start = allowance.trials > 0
        if (
            may_start
            and len(history) < self._n_first(space, rungs)
            and (start := self._first(space, history, rungs, rng))
        ):
            return start
        with one_blas_thread():  # workers have the cores
            return self._by_model(space, history, rungs, rng, may_start=may_start)

    def _by_model(
        self, space: Space, history: History, rungs: list[int], rng: np.random.Generator, *, may_start: bool
    ) -> Start | Resume | None:
        from tunewell.schedulers.acquisition import AcquisitionModel  # noqa: PLC0415  SciPy is slow to import
        from tunewell.surrogate import observed  # noqa: PLC0415

        seen = observed(history, rungs, _MOST)
        if len(seen.y) < 2 or not np.ptp(seen.y):  # no differences to learn from
            return _furthest(history, rungs) or (self._another(space, history, rungs, rng) if may_start else None)
        model = AcquisitionModel(space, history, rungs, seen, self._past(space))
        # what was drawn by a past that does not hold is worth little as first looks
        wants_more = may_start and not model.trusts_past and len(history) < self._n_alone(space, rungs)
        if wants_more and (start := self._suggested(space, history, rungs, rng)):
            return start
        points, best = np.empty((0, len(space.params))), history.points[model.incumbent]
        free = self._free(space, history, model.incumbent)
        if may_start and not self._must_go_deeper(space, history, rungs):
            points = candidates(space, best, rng)
            points[:, ~free] = np.where(np.isnan(best), 0.5, best)[~free]
        answer = model.choice(points, rng, free)
        complete = history.ended & ~history.failed & ~history.stopped & ~history.held
        if answer is not None and not may_start and complete.any() and _chance(answer) < _HOPELESS:
            return None
        return answer

    def _free(self, space: Space, history: History, best: int) -> NDArray[np.bool_]:  # noqa: ARG002  by stages
        """Return which parameters of new settings may differ from those of the best trial: (d,)."""
        return np.ones(len(space.params), dtype=np.bool_)

    def _rungs(self, max_epochs: int) -> list[int]:
        return sorted({max(1, round(max_epochs / self.eta**i)) for i in range(RUNGS)})

    def _n_first(self, space: Space, rungs: list[int]) -> int:
        n = self._n_alone(space, rungs)
        return max(n_given(self.sampler), math.ceil(n / 2)) if self.past else n

    def _n_alone(self, space: Space, rungs: list[int]) -> int:
        """Return the number of first settings where no past study helps."""
        n = min(self.n_first, max(len(space.params) + 1, math.ceil(rungs[-1] / rungs[0] / 2)))
        return max(n_given(self.sampler), n)

    def _must_go_deeper(self, space: Space, history: History, rungs: list[int]) -> bool:
        """Return True if a trial may go on, and of none it is known that what comes after its first look can be had."""
        if not history.paused.any():
            return False
        if history.broken.any():
            return not history.proven.any()
        n = _SHALLOW * self._n_first(space, rungs)
        return len(history) >= n and not (history.until > rungs[0]).any()

    def _past(self, space: Space) -> Past | None:
        from tunewell.surrogate import Past  # noqa: PLC0415  SciPy is slow to import

        return Past(self.past, space) if self.past else None

    def _first(self, space: Space, history: History, rungs: list[int], rng: np.random.Generator) -> Start | None:
        """Return the sampler's next setting, unless it has been tried; or what past studies agree on, first in full."""
        past = self._past(space)
        at = len(history) - n_given(self.sampler)
        if past is not None and at == _DOUBTED[0]:
            default = np.nan_to_num(space.encode(space.defaults()), nan=0.5)
            if start := self._untried_start(space, history, default, rungs):
                return start
        if past is None or at in _DOUBTED or given_left(self.sampler, space, history):
            return self._suggested(space, history, rungs, rng)
        points = untried(space, history, np.vstack([past.best, rng.random((ANYWHERE, len(space.params)))]))
        if not len(points):
            return None
        expected = past.at(points)[:, -1]
        # the best on the whole, to the end; then the best if the new study is like one that is drawn
        weights = rng.normal(size=expected.shape[1] - 1) if at else np.zeros(expected.shape[1] - 1)
        best = int((expected[:, 0] + expected[:, 1:] @ weights).argmin())
        return Start(space.decode(points[best]), rungs[0] if at else rungs[-1])

    def _suggested(self, space: Space, history: History, rungs: list[int], rng: np.random.Generator) -> Start | None:
        """Return a first look at the sampler's next setting, unless it has been tried."""
        params = self.sampler.suggest(space, history, rng)
        if params is None or not len(untried(space, history, np.nan_to_num(space.encode(params))[np.newaxis])):
            return None
        return Start(params, rungs[0])

    def _untried_start(self, space: Space, history: History, point: Floats, rungs: list[int]) -> Start | None:
        """Return a first look at a setting, (d,), unless it has been tried."""
        points = untried(space, history, point[np.newaxis])
        return Start(space.decode(points[0]), rungs[0]) if len(points) else None

    def _another(self, space: Space, history: History, rungs: list[int], rng: np.random.Generator) -> Start | None:
        """Return the sampler's next setting; any that has not been tried where it has none."""
        start = self._first(space, history, rungs, rng)
        if start is None and len(drawn := untried(space, history, rng.random((ANYWHERE, len(space.params))))):
            start = Start(space.decode(drawn[0]), rungs[0])
        return start


def _furthest(history: History, rungs: list[int]) -> Resume | None:
    """Return the paused trial that has trained the most, the first of several: it is likely to end first."""
    paused = np.flatnonzero(history.paused)
    if not len(paused):
        return None
    trial = int(paused[history.epochs[paused].argmax()])
    return Resume(trial, next(rung for rung in rungs if rung > history.epochs[trial]))


def _chance(answer: Start | Resume) -> float:
    why = answer.note.get("why")
    return float(why["chance"]) if isinstance(why, Mapping) else 1.0
