"""The acquisition function of freeze-thaw: the model's expected improvement by each new setting and paused trial.

The fit is written on the trials that are started and resumed, so that nothing has to be kept between decisions, and is
made anew only when a seventh more is known.

Shapes: k settings, d parameters.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tunewell.arrays import Floats, Integers
from tunewell.history import History
from tunewell.schedulers.candidates import moved, untried
from tunewell.space.space import Space
from tunewell.surrogate import (
    ITERATIONS,
    Coordinates,
    CurveModel,
    Observations,
    Past,
    SoundModel,
    Warp,
    log_expected_improvement,
    times,
)
from tunewell.trial import Resume, Start

_GROWTH = 1.15  # of what is known, before the fit is made anew: ten to twenty times in a study
_QUICK = 80
"""Observations to which a fit takes all its iterations; of more, it takes fewer, each of which takes longer. It goes on
from the one before, so that it gets there all the same."""
_FEWEST_ITERATIONS = 4
_REFINED = (0.1, 0.03)  # steps by which the settings of the largest expected improvement are bettered
_PEAKS = 8  # how many of them
_PROBABLE = 0.25
"""A trial whose chance to be trained to its end is less is none to be improved upon, unless all are."""
_SURE = 1.2816  # deviations on both sides of the mean that hold 80 %
_NODES = 32  # of a quadrature of smooth functions, exact to all digits that are shown


class AcquisitionModel:
    """The expected improvement of new settings and of paused trials, by a model that is fitted to a history."""

    def __init__(self, space: Space, history: History, rungs: list[int], seen: Observations, past: Past | None) -> None:
        self._space, self._history, self._rungs, self._seen, self._past = space, history, rungs, seen, past
        self._coordinates = Coordinates(space)
        sound = SoundModel(history, self._coordinates)
        self._failures = sound if sound.knows else None
        self._best = self._incumbent()
        rows, owner = np.unique(seen.owner, return_inverse=True)
        self._place = np.full(len(history), -1)  # of a trial in the model
        self._place[rows] = np.arange(len(rows))
        points = self._coordinates.of(history.points[rows])
        expected = None
        if past is not None:
            expected = past.at(history.points[rows])
            looks = expected.shape[1] - len(rungs)  # a short training has fewer
            expected = expected[owner, seen.rung + looks]
        fit = _newest_fit(history)
        at = None if fit is None else fit["at"]
        enough = fit is not None and seen.n_known < _GROWTH * fit["n"]
        self._model: CurveModel = CurveModel(
            points,
            self._coordinates.unordered,
            owner,
            times(rungs)[seen.rung],
            seen.y,
            past=expected,
            fitted=at if enough else None,
            start=at,
            iterations=_iterations(len(seen.y)),
        )
        self._fit = fit
        if not enough:
            at = [round(x, 6) for x in self._model.fitted.tolist()]
            # on record, as part of the trial's note: its keys stay
            self._fit = {"n": seen.n_known, "version": len(history.versions.spaces), "at": at}

    @property
    def incumbent(self) -> int:
        """The trial that is to be improved upon: the best of those that can probably be trained to their end."""
        return int(self._seen.owner[self._best])

    def choice(self, points: Floats, rng: np.random.Generator) -> Start | Resume | None:
        """Return the best of these new settings, (k, d), of those near the best of them, and of the paused trials."""
        history, rungs = self._history, self._rungs
        points = untried(self._space, history, points)
        paused = np.flatnonzero(history.paused)
        if not len(points) and not len(paused):
            return None
        model, best = self._with_running_trials(), float(self._seen.y[self._best])
        of_new = self._predicted(model, points, np.full(len(points), -1))  # (2, k): mean and deviation
        for step in _REFINED if len(points) else ():
            gains = log_expected_improvement(of_new[0], of_new[1], best) + self._log_chance(points)
            peaks = points[np.argsort(-gains, kind="stable")[:_PEAKS]]
            near = untried(self._space, history, moved(peaks, step, rng))
            of_new = np.hstack([of_new, self._predicted(model, near, np.full(len(near), -1))])
            points = np.vstack([points, near])
        mean, deviation = np.hstack([of_new, self._predicted(model, history.points[paused], self._place[paused])])
        log_chance = self._log_chance(np.vstack([points, history.points[paused]]))
        chosen = int((log_expected_improvement(mean, deviation, best) + log_chance).argmax())
        sound = math.exp(log_chance[chosen])
        why = _why(self._seen.warp, float(mean[chosen]), float(deviation[chosen]), best, sound)
        why["n_weighed"] = len(mean)
        if chosen < len(points):
            note = {"fit": self._fit, "why": {"action": "start"} | why}
            return Start(self._space.decode(points[chosen]), rungs[0], note=note)
        trial = int(paused[chosen - len(points)])
        note = {"fit": self._fit, "why": {"action": "resume"} | why}
        return Resume(trial, next_rung(rungs, int(history.epochs[trial])), note=note)

    def _with_running_trials(self) -> CurveModel:
        """Return the model with running trials as if they came out as predicted, so that none is tried twice.

        That is the kriging believer (Ginsbourger, 2010).
        """
        running = np.flatnonzero(self._history.running)
        if not len(running):
            return self._model
        points = self._history.points[running]
        expected, _ = self._predicted(self._model, points, self._place[running])
        past = None if self._past is None else self._past.at(points)[:, -1]
        return self._model.believing(self._coordinates.of(points), expected, past)

    def _incumbent(self) -> int:
        """Return the observation that is to be improved upon."""
        seen = self._seen
        if self._failures is None:
            return seen.best
        # one that is good after an epoch and cannot be finished would make all that can look hopeless
        log_chance = self._log_chance(self._history.points[seen.owner])
        sound = log_chance >= min(math.log(_PROBABLE), float(log_chance.max()))
        meets = ~self._history.infeasible[seen.owner]
        sound = sound & meets if (sound & meets).any() else sound
        return int(np.where(sound, seen.y, np.inf).argmin())

    def _log_chance(self, points: Floats) -> Floats:
        """Return the logarithm of the chance that each setting can be trained, (k,): 0 while no trial has failed."""
        return np.zeros(len(points)) if self._failures is None else self._failures.log_chance(points)

    def _predicted(self, model: CurveModel, points: Floats, owner: Integers) -> Floats:
        """Return mean and deviation at the last epoch, (2, q)."""
        if not len(points):
            return np.empty((2, 0))
        past = None if self._past is None else self._past.at(points)[:, -1]
        return np.stack(model.predict(self._coordinates.of(points), owner, past))


def _why(warp: Warp, mean: float, deviation: float, best: float, sound: float) -> dict[str, object]:
    """Return what was predicted at the last epoch, in the metric's own unit; lower is better.

    The names are on record: `mean` is the middle, `low` to `high` hold 80 %, `chance` is that of going below `best`,
    `gain` by how much on average; both are those of a trial that may fail, which it does not with the chance `sound`.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    outcomes = warp.back(mean + deviation * nodes)
    middle, low, high, least = warp.back(np.array([mean, mean - _SURE * deviation, mean + _SURE * deviation, best]))
    gain = float((np.maximum(least - outcomes, 0.0) * weights).sum() / weights.sum())
    chance = 0.5 * math.erfc((mean - best) / (deviation * math.sqrt(2)))
    gain, chance = sound * gain, sound * chance
    predicted = {"mean": middle, "low": low, "high": high, "best": least, "gain": gain, "chance": chance}
    return {name: float(f"{value:.6g}") for name, value in predicted.items()}


def _newest_fit(history: History) -> dict[str, Any] | None:
    """Return the fit of the most observations, leaving out those of other versions of the space."""
    version = len(history.versions.spaces)
    fits = [fit for note in history.notes if isinstance(fit := note.get("fit"), dict) and fit.get("version") == version]
    return max(fits, key=lambda fit: int(fit["n"]), default=None)


def _iterations(n: int) -> int:
    """Return how many iterations a fit to n observations may take, so that the longest decision is none too long."""
    return max(_FEWEST_ITERATIONS, round(ITERATIONS * min(1.0, (_QUICK / n) ** 2)))


def next_rung(rungs: list[int], epoch: int) -> int:
    """Return the first rung after an epoch."""
    return next(rung for rung in rungs if rung > epoch)
