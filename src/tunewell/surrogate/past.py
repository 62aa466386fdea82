"""The predictions of past studies for a new one: their mean, and the main ways in which they differ.

A model of curves is fitted to each past study and predicts the values of the same few hundred settings. These, scaled
to mean 0 and deviation 1, are split into the mean over studies and their principal components. The new study's model
takes the mean for its own and learns from its trials how much of each component there is in it, and what is left that
no past study knew. So past studies that are like the new one count, and others do not.

Shapes: k studies, u settings, t times, w components, d parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve  # type: ignore[import-untyped]
from scipy.stats import qmc  # type: ignore[import-untyped]

from tunewell.arrays import Floats
from tunewell.history import History
from tunewell.space.params import Choice, Param
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.surrogate.coordinates import Coordinates
from tunewell.surrogate.curves import CurveModel, matern_of, squared_distances
from tunewell.surrogate.observations import observed, times

_SETTINGS = 256
_COMPONENTS = 6
_NOISE = 1e-4
_MOST = 256
_FEWEST = 3  # trials with values
_LEAST_SCALE = 0.1
_BEST = 3  # settings of each study that are kept as they are
_DIGITS = 6


class Past:
    """The predictions of past studies, by setting and by rung."""

    def __init__(self, record: Mapping[str, Any], space: Space) -> None:
        """Read what `learned` recorded, perhaps for an earlier version of the space."""
        recorded, best = Space.from_dict(record["space"]), np.asarray(record["best"], dtype=np.float64)
        self._space, self._recorded = space, recorded
        self._anchors, self._unordered = _anchors(recorded, best), _unordered(recorded)
        self._weights = np.asarray(record["weights"], dtype=np.float64)
        self.best: Floats = best if recorded == space else _moved(best, recorded, space)
        """(b, d): the best settings of the studies."""

    def at(self, points: Floats) -> Floats:
        """Return the mean and the components at each rung, (n, d) -> (n, t, 1 + w); the last rung is the end."""
        if self._recorded != self._space:
            points = _moved(points, self._space, self._recorded)
        near = _covariance(np.nan_to_num(points, nan=0.5), self._anchors, self._unordered)
        expected: Floats = np.tensordot(near, self._weights, axes=(1, 0))
        return expected

    @staticmethod
    def learned(studies: Sequence[tuple[Space, History]], space: Space, rungs: int, eta: int) -> dict[str, object]:
        """Return a model of this space by studies of other data, as plain JSON; empty if they tell nothing of it.

        Args:
            studies: their spaces and histories; those with fewer than three trials do not count.
            space: of the new study.
            rungs: how many looks a trial has, the last one at its end.
            eta: each is so many times as long as the one before.
        """
        known = [study for study in (_Study.of(*past, space, rungs, eta) for past in studies) if study is not None]
        if not known:
            return {}
        best = np.vstack([study.best for study in known]).round(_DIGITS)
        anchors = _anchors(space, best)
        values = np.array([study.expected(anchors) for study in known])  # (k, u, t)
        end = values[:, :_SETTINGS, -1]  # those of no study's choosing
        level, scale = end.mean(axis=1), np.maximum(end.std(axis=1), _LEAST_SCALE)
        values = (values - level[:, np.newaxis, np.newaxis]) / scale[:, np.newaxis, np.newaxis]
        mean = values.mean(axis=0)
        _, sizes, ways = np.linalg.svd((values - mean).reshape(len(values), -1), full_matrices=False)
        kept = min(_COMPONENTS, len(values) - 1)
        ways = sizes[:kept, np.newaxis] * ways[:kept] / np.sqrt(max(1, len(values) - 1))
        expected = np.stack([mean, *ways.reshape(kept, *mean.shape)], axis=-1)  # (u, t, 1 + w)
        within = _covariance(anchors, anchors, _unordered(space)) + _NOISE * np.eye(len(anchors))
        weights = cho_solve(cho_factor(within), expected.reshape(len(anchors), -1)).reshape(expected.shape)
        weights = np.round(weights, _DIGITS).tolist()
        # on record, in the scheduler's settings: the keys stay
        return {"space": space.to_dict(), "weights": weights, "best": best.tolist()}


@dataclass(frozen=True, slots=True)
class _Study:
    """The model that one past study has of the new one's space."""

    model: CurveModel
    coordinates: Coordinates
    lacks: NDArray[np.bool_]
    """(d,): parameters that it did not have."""
    times: Floats
    """(t,)"""
    best: Floats
    """(b, d)"""

    @classmethod
    def of(cls, known: Space, history: History, space: Space, rungs: int, eta: int) -> Self | None:
        """Return the model of a past study; None if it tells nothing of the space."""
        looks = [max(1, round(history.max_epochs / eta**i)) for i in reversed(range(rungs))]
        epochs = sorted(set(looks))  # a short training has fewer
        seen = observed(history, epochs, _MOST)
        rows, owner = np.unique(seen.owner, return_inverse=True)
        shared = [name in known.params and _alike(param, known.params[name]) for name, param in space.params.items()]
        if len(rows) < _FEWEST or not any(shared) or not np.ptp(seen.y):
            return None
        names = np.array(space.names)[shared].tolist()
        points = _placed(_decoded(known, history.points[rows]), space, names)
        coordinates, at = Coordinates(space), times(epochs)
        model = CurveModel(coordinates.of(points), coordinates.unordered, owner, at[seen.rung], seen.y)
        lowest = np.full(len(rows), np.inf)
        np.minimum.at(lowest, owner, seen.y)
        best = points[np.argsort(lowest, kind="stable")[:_BEST]]
        at_looks = at[[epochs.index(look) for look in looks]]
        return cls(model, coordinates, ~np.array(shared), at_looks, np.nan_to_num(best, nan=0.5))

    def expected(self, points: Floats) -> Floats:
        """Return the predicted means, (n, d) -> (n, t)."""
        seen = self.coordinates.of(np.where(self.lacks, np.nan, points))
        new = np.full(len(points), -1)
        return np.column_stack([self.model.predict(seen, new, time=time)[0] for time in self.times.tolist()])


def _decoded(space: Space, points: Floats) -> list[Params]:
    """Return the settings at points that may be of an earlier space, where other parameters were active."""
    return space.decode_many(np.nan_to_num(points, nan=0.5))


def _placed(settings: Sequence[Mapping[str, Any]], space: Space, names: Sequence[str]) -> Floats:
    """Return where settings of another space lie in this one, (n, d); NaN for what they lack."""
    points = np.full((len(settings), len(space.params)), np.nan)
    for name in names:
        has = np.array([name in setting for setting in settings])
        if has.any():
            given = [setting[name] for setting in settings if name in setting]
            points[has, space.names.index(name)] = space.params[name].to_unit(given)
    return points


def _moved(points: Floats, known: Space, space: Space) -> Floats:
    """Return where points of a space, (n, d), lie in another, (n, d'), in the middle of what they lack or cannot be."""
    shared = [name for name in space.names if name in known.params and _alike(space.params[name], known.params[name])]
    return np.nan_to_num(_placed(_decoded(known, points), space, shared), nan=0.5)


def _alike(one: Param, other: Param) -> bool:
    """Return True if the values of one parameter mean the same in the other."""
    if isinstance(one, Choice) or isinstance(other, Choice):
        return isinstance(one, Choice) and isinstance(other, Choice) and set(other.values) <= set(one.values)
    return True


def _anchors(space: Space, best: Floats) -> Floats:
    """Return settings all over the space, then these: (u, d)."""
    drawn = space.rounded(_drawn(len(space.params)))
    return np.vstack([np.nan_to_num(drawn, nan=0.5), best])


@cache
def _drawn(d: int) -> Floats:
    points: Floats = qmc.Sobol(d, rng=0).random(_SETTINGS)
    return points


def _unordered(space: Space) -> NDArray[np.bool_]:
    return Coordinates(space).unordered[: len(space.params)]


def _covariance(points: Floats, others: Floats, unordered: NDArray[np.bool_]) -> Floats:
    d = points.shape[1]
    return matern_of(squared_distances(points, others, unordered, np.full(d, 0.5 * np.sqrt(d))))
