"""The acquisition function of freeze-thaw: the model's expected improvement by each new setting and paused trial.

The fit is written on the trials that are started and resumed, so that nothing has to be kept between decisions, and is
made anew only when a seventh more is known.

Where there are past studies, two models are weighed by the chance that each is right: one with them and one without.

Shapes: k settings, d parameters, b beliefs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    fitted_size,
    log_expected_improvement,
    times,
    trust,
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
_TRUSTED = 0.5  # a chance that a past is right, below which nothing is expected by it
_NEGLIGIBLE = 0.01  # a chance of a belief, below which it is not weighed
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
        expected = None
        if past is not None:
            expected = past.at(history.points[rows])
            looks = expected.shape[1] - len(rungs)  # a short training has fewer
            expected = expected[owner, seen.rung + looks]
        self._points, self._owner = self._coordinates.of(history.points[rows]), owner
        alone, fit = self._fitted("fit", None)
        self._fits: dict[str, object] = {"fit": fit}
        """On record, as part of a trial's note: the keys stay."""
        self._beliefs = [_Belief(1.0, alone, None)]
        self._trust: float | None = None
        if expected is not None:
            with_past, self._fits["fit_with_past"] = self._fitted("fit_with_past", expected)
            self._trust = trust(with_past, alone, times(rungs)[seen.rung], seen.y)
            # a past that promises much where nothing is known would outweigh a small chance that it is right
            if self._trust >= _TRUSTED:
                beliefs = _Belief(self._trust, with_past, past), _Belief(1 - self._trust, alone, None)
                self._beliefs = [belief for belief in beliefs if belief.chance > _NEGLIGIBLE]

    def _fitted(self, key: str, expected: Floats | None) -> tuple[CurveModel, Mapping[str, Any] | None]:
        """Return a model of what was seen, and its fit, which goes on from the one that trials have under this key."""
        seen, history = self._seen, self._history
        fit = _newest_fit(history, key, fitted_size(self._points, expected))
        at = None if fit is None else fit["at"]
        enough = fit is not None and seen.n_known < _GROWTH * fit["n"]
        model = CurveModel(
            self._points,
            self._coordinates.unordered,
            self._owner,
            times(self._rungs)[seen.rung],
            seen.y,
            past=expected,
            fitted=at if enough else None,
            start=at,
            iterations=_iterations(len(seen.y)),
        )
        if not enough:
            at = [round(x, 6) for x in model.fitted.tolist()]
            fit = {"n": seen.n_known, "version": len(history.versions.spaces), "at": at}
        return model, fit

    @property
    def incumbent(self) -> int:
        """The trial that is to be improved upon: the best of those that can probably be trained to their end."""
        return int(self._seen.owner[self._best])

    @property
    def trusts_past(self) -> bool:
        """False if there are past studies and what they expect probably does not hold here."""
        return self._trust is None or self._trust >= _TRUSTED

    def choice(self, points: Floats, rng: np.random.Generator, free: NDArray[np.bool_]) -> Start | Resume | None:
        """Return the best of these new settings, (k, d), of those near the best of them, and of the paused trials.

        free: (d,), the parameters in which those near the best may differ from them.
        """
        history, rungs = self._history, self._rungs
        points = untried(self._space, history, points)
        paused = np.flatnonzero(history.paused)
        if not len(points) and not len(paused):
            return None
        beliefs, best = [self._with_running_trials(belief) for belief in self._beliefs], float(self._seen.y[self._best])
        of_new = self._predicted(beliefs, points, np.full(len(points), -1))  # (b, 2, k): means and deviations
        for step in _REFINED if len(points) else ():
            gains = _log_gain(beliefs, of_new, best) + self._log_chance(points)
            peaks = points[np.argsort(-gains, kind="stable")[:_PEAKS]]
            near = untried(self._space, history, moved(peaks, step, rng, free))
            of_new = np.dstack([of_new, self._predicted(beliefs, near, np.full(len(near), -1))])
            points = np.vstack([points, near])
        of_paused = self._predicted(beliefs, history.points[paused], self._place[paused])
        predicted = np.dstack([of_new, of_paused])
        log_chance = self._log_chance(np.vstack([points, history.points[paused]]))
        chosen = int((_log_gain(beliefs, predicted, best) + log_chance).argmax())
        sound = math.exp(log_chance[chosen])
        why = _why(self._seen.warp, *_middle(beliefs, predicted[:, :, chosen]), best, sound)
        why["n_weighed"] = predicted.shape[2]
        if self._trust is not None:
            why["trust"] = float(f"{self._trust:.6g}")
        if chosen < len(points):
            note = self._fits | {"why": {"action": "start"} | why}
            return Start(self._space.decode(points[chosen]), rungs[0], note=note)
        trial = int(paused[chosen - len(points)])
        note = self._fits | {"why": {"action": "resume"} | why}
        return Resume(trial, next_rung(rungs, int(history.epochs[trial])), note=note)

    def _with_running_trials(self, belief: _Belief) -> _Belief:
        """Return the belief with running trials as if they came out as predicted, so that none is tried twice.

        That is the kriging believer (Ginsbourger, 2010).
        """
        running = np.flatnonzero(self._history.running)
        if not len(running):
            return belief
        points = self._history.points[running]
        expected = self._predicted([belief], points, self._place[running])[0, 0]
        past = None if belief.past is None else belief.past.at(points)[:, -1]
        return replace(belief, model=belief.model.believing(self._coordinates.of(points), expected, past))

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

    def _predicted(self, beliefs: Sequence[_Belief], points: Floats, owner: Integers) -> Floats:
        """Return mean and deviation at the last epoch by each belief, (b, 2, q)."""
        if not len(points):
            return np.empty((len(beliefs), 2, 0))
        at = self._coordinates.of(points)
        return np.stack([
            np.stack(belief.model.predict(at, owner, None if belief.past is None else belief.past.at(points)[:, -1]))
            for belief in beliefs
        ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Belief:
    """A model, the chance that it is the right one, and the past that it knows."""

    chance: float
    model: CurveModel
    past: Past | None


def _log_gain(beliefs: Sequence[_Belief], predicted: Floats, best: float) -> Floats:
    """Return the logarithm of the expected improvement, (b, 2, q) -> (q,): that of each belief by its chance."""
    gains = [
        math.log(belief.chance) + log_expected_improvement(mean, deviation, best)
        for belief, (mean, deviation) in zip(beliefs, predicted, strict=True)
    ]
    found: Floats = np.logaddexp.reduce(gains)
    return found


def _middle(beliefs: Sequence[_Belief], predicted: Floats) -> tuple[float, float]:
    """Return the mean and the deviation of the beliefs together, (b, 2)."""
    chances = np.array([belief.chance for belief in beliefs])
    chances /= chances.sum()
    mean = float(chances @ predicted[:, 0])
    return mean, math.sqrt(float(chances @ (predicted[:, 1] ** 2 + (predicted[:, 0] - mean) ** 2)))


def _why(warp: Warp, mean: float, deviation: float, best: float, sound: float) -> dict[str, object]:
    """Return what was predicted at the last epoch, in the metric's own unit; lower is better.

    The names are on record: `mean` is the middle, `low` to `high` hold 80 %, `chance` is that of going below `best`,
    `gain` by how much on average; both are those of a trial that may fail, which it does not with the chance `sound`.
    """
    nodes, weights = _quadrature()
    outcomes = warp.back(mean + deviation * nodes)
    middle, low, high, least = warp.back(np.array([mean, mean - _SURE * deviation, mean + _SURE * deviation, best]))
    gain = float((np.maximum(least - outcomes, 0.0) * weights).sum() / weights.sum())
    chance = 0.5 * math.erfc((mean - best) / (deviation * math.sqrt(2)))
    gain, chance = sound * gain, sound * chance
    predicted = {"mean": middle, "low": low, "high": high, "best": least, "gain": gain, "chance": chance}
    return {name: float(f"{value:.6g}") for name, value in predicted.items()}


@cache
def _quadrature() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights


def _newest_fit(history: History, key: str, size: int) -> Mapping[str, Any] | None:
    """Return the fit of the most observations, the one that got furthest, of this version of the space."""
    version = len(history.versions.spaces)
    known = (note.get(key) for note in history.notes)
    fits = [fit for fit in known if isinstance(fit, dict) and (fit.get("version"), len(fit["at"])) == (version, size)]
    return max(fits, key=lambda fit: (int(fit["n"]), -int(fit.get("left", 0))), default=None)


def _iterations(n: int) -> int:
    """Return how many iterations a fit to n observations may take."""
    return max(_FEWEST_ITERATIONS, round(ITERATIONS * min(1.0, (_QUICK / n) ** 2)))


def next_rung(rungs: list[int], epoch: int) -> int:
    """Return the first rung after an epoch."""
    return next(rung for rung in rungs if rung > epoch)
