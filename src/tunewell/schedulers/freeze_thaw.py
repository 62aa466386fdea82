"""Freeze-thaw: a model of whole learning curves says which run is worth its next epochs.

A few settings get a short look. Then, at each step, a Gaussian process over settings and time (`surrogate.curves`) says
what each paused trial and each of a thousand new settings would reach at the last epoch, and how sure that is. The one
whose expected improvement over the best is largest is started, or resumed to its next rung. After Swersky, Snoek and
Adams ("Freeze-thaw Bayesian optimization", 2014).

What the model's fit was is written on the trials that are started, so that nothing has to be kept between decisions
and the fit is made anew only when a seventh more is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from tunewell.history import History
from tunewell.samplers import Sampler
from tunewell.samplers.settings import check_whole
from tunewell.space.params import Choice
from tunewell.space.space import Space
from tunewell.trial import Allowance, Resume, Start

if TYPE_CHECKING:
    from tunewell.surrogate import CurveModel

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_GROWTH = 1.15
_ANYWHERE, _NEAR_BEST, _NEAR_DEFAULT = 512, 384, 128  # new settings that are weighed at each step
_STEPS = (0.02, 0.4)  # the least and the largest usual move of a coordinate from a good setting
_MOST = 256
"""Trials that the model knows, half of them the best and half the newest, so that a decision's cost stays bounded."""
_LOG_FLOOR = 1e-3  # of an error rate, so that the last per mille does not count more than all the rest


@dataclass(frozen=True, slots=True)
class FreezeThawScheduler:
    """Models whole learning curves, and trains what is most likely to end up better than the best."""

    name: ClassVar[str] = "freeze_thaw"
    sampler: Sampler
    """Where the first settings come from."""
    n_first: int = 16
    """How many of them there are."""
    eta: int = 3
    """Each look at a trial is so many times as long as the one before; the last of four ends with the training."""

    def __post_init__(self) -> None:
        check_whole("n_first", self.n_first, at_least=1)
        check_whole("eta", self.eta, at_least=2)

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Start one of the first settings, or what the model says."""
        rungs = self._rungs(history.max_epochs)
        may_start = allowance.trials > 0
        if may_start and len(history) < self.n_first and (start := self._sampled(space, history, rng, rungs[0])):
            return start
        seen = _observed(history, rungs)
        if len(seen.owner) < 2 or not np.ptp(seen.y):  # nothing to be told apart
            start = self._sampled(space, history, rng, rungs[0]) if may_start else None
            return start or _first_paused(history, rungs)
        model, place, fit = _modelled(space, history, seen)
        points = _candidates(space, history, seen, rng) if may_start else np.empty((0, len(space.params)))
        settings = space.decode_many(points)
        points = space.encode_many(settings) if settings else points  # as they are once rounded
        paused, running = np.flatnonzero(history.paused), np.flatnonzero(history.running)
        if not len(points) and not len(paused):
            return None
        if len(running):  # believed to come out as predicted, so that no other worker tries the same
            expected, _ = model.predict(history.points[running], place[running])
            model = model.believing(history.points[running], expected)
        mean, deviation = model.predict(
            np.vstack([points, history.points[paused]]), np.r_[np.full(len(points), -1), place[paused]]
        )
        from tunewell.surrogate import log_expected_improvement  # noqa: PLC0415  SciPy is slow to import

        chosen = int(log_expected_improvement(mean, deviation, float(seen.y.min())).argmax())
        if chosen < len(points):
            return Start(settings[chosen], rungs[0], note={"fit": fit})
        trial = int(paused[chosen - len(points)])
        return Resume(trial, _next_rung(rungs, int(history.epochs[trial])))

    def _rungs(self, max_epochs: int) -> list[int]:
        return sorted({max(1, round(max_epochs / self.eta**i)) for i in range(4)})

    def _sampled(self, space: Space, history: History, rng: np.random.Generator, until: int) -> Start | None:
        params = self.sampler.suggest(space, history, rng)
        return None if params is None else Start(params, until)


@dataclass(frozen=True, slots=True)
class _Observations:
    """What was seen at the rungs, each array (n,)."""

    owner: Whole
    time: Floats
    y: Floats


def _observed(history: History, rungs: list[int]) -> _Observations:
    owners, epochs, values = [], [], []
    for rung in rungs:
        at = history.at(rung)
        seen = np.flatnonzero(~np.isnan(at))
        owners.append(seen)
        epochs.append(np.full(len(seen), float(rung)))
        values.append(at[seen])
    owner, y = np.concatenate(owners), _evened(np.concatenate(values))
    time = np.log(np.concatenate(epochs)) / np.log(max(2, rungs[-1]))
    if len(history) > _MOST:
        best = np.full(len(history), np.inf)
        np.minimum.at(best, owner, y)
        kept = np.isin(owner, np.r_[np.argsort(best)[: _MOST // 2], np.arange(len(history) - _MOST // 2, len(history))])
        owner, time, y = owner[kept], time[kept], y[kept]
    return _Observations(owner, time, y)


def _evened(values: Floats) -> Floats:
    """(n,): of mean 0 and deviation 1, on a scale on which the good ones are told apart and no outlier does harm.

    An accuracy, of 1 or of 100, becomes the logarithm of its error; a loss its logarithm; others stay. What is far
    worse than the middle, or not finite, counts as the worst that is not.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros(len(values))
    low, high = finite.min(), finite.max()
    if high <= 0 and low >= -100:  # an accuracy, whose sign is turned
        finite = np.log(1 + finite / (1 if low >= -1 else 100) + _LOG_FLOOR)
    elif low >= 0:
        finite = np.log(finite + _LOG_FLOOR * np.median(finite) + np.finfo(float).tiny)
    middle = np.median(finite)
    worst = min(finite.max(), middle + 3 * (middle - np.quantile(finite, 0.1))) if len(finite) > 1 else middle
    evened = np.full(len(values), max(worst, middle))
    evened[np.isfinite(values)] = np.minimum(finite, max(worst, middle))
    deviation = evened.std()
    result: Floats = (evened - evened.mean()) / (deviation if deviation > 0 else 1.0)
    return result


def _modelled(space: Space, history: History, seen: _Observations) -> tuple[CurveModel, Whole, Mapping[str, object]]:
    """The model, the row in it of each trial (-1: none), and its fit as it is written on a trial."""
    from tunewell.surrogate import CurveModel  # noqa: PLC0415  SciPy is slow to import

    rows, owner = np.unique(seen.owner, return_inverse=True)
    place = np.full(len(history), -1)
    place[rows] = np.arange(len(rows))
    unordered = np.array([isinstance(param, Choice) and not param.ordered for param in space.params.values()])
    known = next((fit for note in reversed(history.notes) if isinstance(fit := note.get("fit"), Mapping)), None)
    if known is None or len(known["at"]) != len(unordered) + 5 or len(seen.y) >= _GROWTH * known["n"]:
        model = CurveModel(history.points[rows], unordered, owner, seen.time, seen.y)
        return model, place, {"n": len(seen.y), "at": model.fitted.tolist()}
    model = CurveModel(history.points[rows], unordered, owner, seen.time, seen.y, known["at"])
    return model, place, known


def _candidates(space: Space, history: History, seen: _Observations, rng: np.random.Generator) -> Floats:
    """(k, d): anywhere, and around the best setting and the default, with one, two or half of the coordinates moved."""
    d = len(space.params)
    parts = [rng.random((_ANYWHERE, d))]
    best = history.points[seen.owner[seen.y.argmin()]]
    for center, k in ((best, _NEAR_BEST), (space.encode(space.defaults()), _NEAR_DEFAULT)):
        moved = rng.random((k, d)) < rng.choice([1 / d, 2 / d, 0.5], size=(k, 1))
        moved[np.arange(k), rng.integers(d, size=k)] = True
        step = rng.normal(size=(k, d)) * np.exp(rng.uniform(np.log(_STEPS[0]), np.log(_STEPS[1]), size=(k, 1)))
        inside = np.abs(np.where(moved, step, 0.0) + np.where(np.isnan(center), rng.random((k, d)), center))
        parts.append(np.where(inside > 1, 2 - inside, inside).clip(0, 1))  # reflected at the bounds
    return np.vstack(parts)


def _first_paused(history: History, rungs: list[int]) -> Resume | None:
    paused = np.flatnonzero(history.paused)
    return Resume(int(paused[0]), _next_rung(rungs, int(history.epochs[paused[0]]))) if len(paused) else None


def _next_rung(rungs: list[int], epoch: int) -> int:
    return next(rung for rung in rungs if rung > epoch)
