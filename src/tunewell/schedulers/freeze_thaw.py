"""Freeze-thaw: a model of whole learning curves says which run is worth its next epochs.

A few settings get a short look. Then, at each step, a Gaussian process over settings and time (`surrogate.curves`) says
what each paused trial and each of a thousand new settings would reach at the last epoch, and how sure that is. The one
whose expected improvement over the best is largest is started, or resumed to its next rung. After Swersky, Snoek and
Adams ("Freeze-thaw Bayesian optimization", 2014).

What the model's fit was is written on the trials that are started, so that nothing has to be kept between decisions
and the fit is made anew only when a seventh more is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tunewell.history import History
from tunewell.samplers import FirstSampler, Sampler
from tunewell.samplers.settings import check_whole
from tunewell.space.params import Choice
from tunewell.space.space import Space
from tunewell.trial import Allowance, Resume, Start

if TYPE_CHECKING:
    from tunewell.surrogate import CurveModel, Observations, Past, Warp

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

ETA = 3
RUNGS = 4
"""Looks at a trial, the last one at the end of its training."""
_GROWTH = 1.15
_ANYWHERE, _NEAR_BEST, _NEAR_DEFAULT = 512, 384, 128  # new settings that are weighed at each step
_STEPS = (0.02, 0.4)  # the least and the largest usual move of a coordinate from a good setting
_REFINED = (0.1, 0.03)  # steps by which the settings of the largest expected improvement are then bettered
_PEAKS, _AROUND, _SHARE = 8, 24, 0.4  # how many, by how many new ones each, and the share of coordinates that move
_MOST = 256
"""Trials that the model knows, half of them the best and half the newest, so that a decision's cost stays bounded."""
_SURE = 1.2816  # deviations on both sides of the mean that hold 80 %
_NODES = 32


@dataclass(frozen=True, slots=True)
class FreezeThawScheduler:
    """Models whole learning curves, and trains what is most likely to end up better than the best."""

    name: ClassVar[str] = "freeze_thaw"
    sampler: Sampler
    """Where the first settings come from."""
    n_first: int = 16
    """How many of them there are at most. They get a look each, a full training's worth of epochs in all, but there is
    one more of them than there are parameters; half as many if there are past studies."""
    eta: int = ETA
    """Each look at a trial is so many times as long as the one before; the last of four ends with the training."""
    past: Mapping[str, Any] = field(default_factory=dict)
    """What studies of other data have to say, as `surrogate.Past.learned` wrote it down."""

    def __post_init__(self) -> None:
        check_whole("n_first", self.n_first, at_least=1)
        check_whole("eta", self.eta, at_least=2)

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Start one of the first settings, or what the model says."""
        rungs = self._rungs(history.max_epochs)
        may_start = allowance.trials > 0
        if (
            may_start
            and len(history) < self._n_first(space, rungs)
            and (start := self._first(space, history, rungs, rng))
        ):
            return start
        from tunewell.surrogate import observed  # noqa: PLC0415  SciPy is slow to import

        seen = observed(history, rungs, _MOST)
        if len(seen.y) < 2 or not np.ptp(seen.y):  # nothing to be told apart
            start = self._first(space, history, rungs, rng) if may_start else None
            if (answer := start or _first_paused(history, rungs)) or not may_start:
                return answer
            drawn = _untried(space, history, rng.random((_ANYWHERE, len(space.params))))
            return Start(space.decode(drawn[0]), rungs[0]) if len(drawn) else None
        known = _Known(space, history, rungs, seen, self._past(space))
        points = _candidates(space, history, seen, rng) if may_start else np.empty((0, len(space.params)))
        return known.choice(points, rng)

    def _rungs(self, max_epochs: int) -> list[int]:
        return sorted({max(1, round(max_epochs / self.eta**i)) for i in range(RUNGS)})

    def _n_first(self, space: Space, rungs: list[int]) -> int:
        n = min(self.n_first, max(len(space.params) + 1, math.ceil(rungs[-1] / rungs[0])))
        return math.ceil(n / 2) if self.past else n

    def _past(self, space: Space) -> Past | None:
        from tunewell.surrogate import Past  # noqa: PLC0415  SciPy is slow to import

        return Past(self.past, space) if self.past else None

    def _first(self, space: Space, history: History, rungs: list[int], rng: np.random.Generator) -> Start | None:
        """The sampler's next setting, unless that has been tried; or what past studies agree on, the first in full."""
        past = self._past(space)
        if past is None or (isinstance(self.sampler, FirstSampler) and len(history) < len(self.sampler.settings)):
            params = self.sampler.suggest(space, history, rng)
            if params is None or not len(_untried(space, history, np.nan_to_num(space.encode(params))[np.newaxis])):
                return None
            return Start(params, rungs[0])
        points = _untried(space, history, np.vstack([past.best, rng.random((_ANYWHERE, len(space.params)))]))
        if not len(points):
            return None
        expected = past.at(points)[:, -1]
        # the best on the whole, to the end; then the best if the new study is like one that is drawn
        weights = rng.normal(size=expected.shape[1] - 1) if len(history) else np.zeros(expected.shape[1] - 1)
        best = int((expected[:, 0] + expected[:, 1:] @ weights).argmin())
        return Start(space.decode(points[best]), rungs[0] if len(history) else rungs[-1])


class _Known:
    """What the model says of a history."""

    def __init__(self, space: Space, history: History, rungs: list[int], seen: Observations, past: Past | None) -> None:
        from tunewell.surrogate import Coordinates, CurveModel, times  # noqa: PLC0415  SciPy is slow to import

        self._space, self._history, self._rungs, self._seen, self._past = space, history, rungs, seen, past
        self._coordinates = Coordinates(space)
        rows, owner = np.unique(seen.owner, return_inverse=True)
        self._place = np.full(len(history), -1)  # of a trial in the model
        self._place[rows] = np.arange(len(rows))
        points = self._coordinates.of(history.points[rows])
        expected = None
        if past is not None:
            expected = past.at(history.points[rows])[owner, seen.rung + RUNGS - len(rungs)]
        notes = reversed(history.notes[history.lineage.first_trial :])  # a fit is of the space that it was made in
        fit = next((fit for note in notes if isinstance(fit := note.get("fit"), Mapping)), None)
        n_settings = points.shape[1] + (5 if past is None else 7)
        at = fit["at"] if fit is not None and len(fit["at"]) == n_settings else None
        enough = fit is not None and at is not None and len(seen.y) < _GROWTH * fit["n"]
        self._model: CurveModel = CurveModel(
            points,
            self._coordinates.unordered,
            owner,
            times(rungs)[seen.rung],
            seen.y,
            past=expected,
            fitted=at if enough else None,
            start=at,
        )
        self._fit = fit if enough else {"n": len(seen.y), "at": [round(x, 6) for x in self._model.fitted.tolist()]}

    def choice(self, points: Floats, rng: np.random.Generator) -> Start | Resume | None:
        """The best of these new settings, (k, d), of what lies near the best of them, and of the paused trials."""
        from tunewell.surrogate import log_expected_improvement  # noqa: PLC0415  SciPy is slow to import

        history, rungs = self._history, self._rungs
        points = _untried(self._space, history, points)
        paused = np.flatnonzero(history.paused)
        if not len(points) and not len(paused):
            return None
        model, best = self._believing_in_the_running(), float(self._seen.y.min())
        of_new = self._predicted(model, points, np.full(len(points), -1))  # (2, k): mean and deviation
        for step in _REFINED if len(points) else ():
            gains = log_expected_improvement(of_new[0], of_new[1], best)
            peaks = points[np.argsort(-gains, kind="stable")[:_PEAKS]]
            near = _untried(self._space, history, _moved(peaks, step, rng))
            of_new = np.hstack([of_new, self._predicted(model, near, np.full(len(near), -1))])
            points = np.vstack([points, near])
        mean, deviation = np.hstack([of_new, self._predicted(model, history.points[paused], self._place[paused])])
        chosen = int(log_expected_improvement(mean, deviation, best).argmax())
        why = _why(self._seen.warp, float(mean[chosen]), float(deviation[chosen]), best) | {"n_weighed": len(mean)}
        if chosen < len(points):
            return Start(
                self._space.decode(points[chosen]), rungs[0], note={"fit": self._fit, "why": {"action": "start"} | why}
            )
        trial = int(paused[chosen - len(points)])
        return Resume(trial, _next_rung(rungs, int(history.epochs[trial])), note={"why": {"action": "resume"} | why})

    def _believing_in_the_running(self) -> CurveModel:
        """They are believed to come out as predicted, so that no other worker tries the same (Ginsbourger, 2010)."""
        running = np.flatnonzero(self._history.running)
        if not len(running):
            return self._model
        points = self._history.points[running]
        expected, _ = self._predicted(self._model, points, self._place[running])
        past = None if self._past is None else self._past.at(points)[:, -1]
        return self._model.believing(self._coordinates.of(points), expected, past)

    def _predicted(self, model: CurveModel, points: Floats, owner: Whole) -> Floats:
        """(2, q): mean and deviation at the end."""
        if not len(points):
            return np.empty((2, 0))
        past = None if self._past is None else self._past.at(points)[:, -1]
        return np.stack(model.predict(self._coordinates.of(points), owner, past))


def _why(warp: Warp, mean: float, deviation: float, best: float) -> dict[str, object]:
    """What was predicted at the last epoch, in the metric's own unit; lower is better.

    `mean` is the middle, `low` to `high` hold 80 %, `chance` is that of beating `best`, `gain` by how much on average.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    outcomes = warp.back(mean + deviation * nodes)
    middle, low, high, least = warp.back(np.array([mean, mean - _SURE * deviation, mean + _SURE * deviation, best]))
    gain = float((np.maximum(least - outcomes, 0.0) * weights).sum() / weights.sum())
    chance = 0.5 * math.erfc((mean - best) / (deviation * math.sqrt(2)))
    told = {"mean": middle, "low": low, "high": high, "best": least, "gain": gain, "chance": chance}
    return {name: float(f"{value:.6g}") for name, value in told.items()}


def _candidates(space: Space, history: History, seen: Observations, rng: np.random.Generator) -> Floats:
    """(k, d): anywhere, and around the best setting and the default, with one, two or half of the coordinates moved.

    A coordinate of a more important tier is moved twice as often as one of the next.
    """
    d = len(space.params)
    parts = [rng.random((_ANYWHERE, d))]
    best = history.points[seen.owner[seen.best]]
    unordered = np.array([isinstance(param, Choice) and not param.ordered for param in space.params.values()])
    often = 2.0 ** -np.array([space.tier(name) for name in space.names])
    often /= often.mean()
    for center, k in ((best, _NEAR_BEST), (space.encode(space.defaults()), _NEAR_DEFAULT)):
        moved = rng.random((k, d)) < often * rng.choice([1 / d, 2 / d, 0.5], size=(k, 1))
        moved[np.arange(k), rng.choice(d, size=k, p=often / d)] = True
        anew = rng.random((k, d))
        step = rng.normal(size=(k, d)) * np.exp(rng.uniform(np.log(_STEPS[0]), np.log(_STEPS[1]), size=(k, 1)))
        near = np.abs(np.where(moved, step, 0.0) + np.where(np.isnan(center), anew, center.clip(0, 1)))
        near = np.where(near > 1, 2 - near, near).clip(0, 1)  # reflected at the bounds
        parts.append(np.where(moved & unordered, anew, near))
    return np.vstack(parts)


def _moved(points: Floats, step: float, rng: np.random.Generator) -> Floats:
    """(k, d) -> (_AROUND k, d): around each, about half of the coordinates moved."""
    near = np.repeat(np.nan_to_num(points, nan=0.5), _AROUND, axis=0)
    moved: Floats = (near + rng.normal(size=near.shape) * step * (rng.random(near.shape) < _SHARE)).clip(0, 1)
    return moved


def _untried(space: Space, history: History, points: Floats) -> Floats:
    """(k, d) -> those, as they are once rounded, that no trial has."""
    if not len(points):
        return points
    points = space.rounded(points)
    known = {row.tobytes() for row in _comparable(history.points)}
    return points[[row.tobytes() not in known for row in _comparable(points)]]


def _comparable(points: Floats) -> Floats:
    rounded: Floats = np.round(points, 9) + 0.0  # which turns -0 into 0
    return rounded


def _first_paused(history: History, rungs: list[int]) -> Resume | None:
    paused = np.flatnonzero(history.paused)
    return Resume(int(paused[0]), _next_rung(rungs, int(history.epochs[paused[0]]))) if len(paused) else None


def _next_rung(rungs: list[int], epoch: int) -> int:
    return next(rung for rung in rungs if rung > epoch)
