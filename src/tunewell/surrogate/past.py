"""What past studies expect of a setting in a new one: their mean, and the main ways in which they differ.

A model of curves is fitted to each past study and asked what it expects at the same few hundred settings. What it
answers, with mean 0 and deviation 1, is split into the mean over the studies and their principal components. The new
study's model takes the mean for its own and learns from its trials how much of each component there is in it, and what
is left that no past study knew. So past studies that are like the new one count, and others do not.

Shapes: k studies, u settings, t times, w components, d parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve  # type: ignore[import-untyped]
from scipy.stats import qmc  # type: ignore[import-untyped]

from tunewell.history import History
from tunewell.space.params import Choice, Param
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.surrogate.coordinates import Coordinates
from tunewell.surrogate.curves import CurveModel, matern, squared_differences
from tunewell.surrogate.observations import observed, times

Floats = NDArray[np.float64]

_SETTINGS = 256
_COMPONENTS = 6
_NOISE = 1e-4
_MOST = 256
_BEST = 3  # settings of each study that are remembered as they are
_DIGITS = 6


class Past:
    """What past studies expect, by setting and by rung."""

    def __init__(self, record: Mapping[str, Any], space: Space) -> None:
        """As `learned` wrote it down, perhaps for an earlier version of the space."""
        weights = np.asarray(record["weights"], dtype=np.float64)
        asked = Space.from_dict(record["space"]) if "space" in record else space
        best: Floats = np.asarray(record["best"], dtype=np.float64).reshape(-1, len(asked.params))
        self._space, self._asked = space, None if asked == space else asked
        self.best = best if self._asked is None else _moved(best, asked, space)
        """(b, d): the best settings of the studies."""
        self._anchors, self._unordered = _settings(asked, len(weights))
        self._weights = weights

    def at(self, points: Floats) -> Floats:
        """(n, d) -> (n, t, 1 + w): the mean and the components at each rung, the last one being the end."""
        weights = self._weights
        expected: Floats = np.tensordot(self._near(points), weights, axes=(1, 0))
        return expected

    def _near(self, points: Floats) -> Floats:
        if self._asked is not None:
            points = _moved(points, self._space, self._asked)
        return _covariance(np.nan_to_num(points, nan=0.5), self._anchors, self._unordered)

    @classmethod
    def learned(cls, studies: Sequence[tuple[Space, History]], space: Space, rungs: int, eta: int) -> dict[str, object]:
        """What studies of other data have to say of this space, as plain JSON.

        Args:
            studies: their spaces and histories; those with fewer than three trials say nothing.
            space: of the new study.
            rungs: how many looks a trial has, the last one at its end.
            eta: each is so many times as long as the one before.
        """
        anchors, unordered = _settings(space, _SETTINGS)
        told = [_Told.by(*study, space, anchors, rungs, eta) for study in studies]
        values = np.array([study.values for study in told if study is not None])  # (k, u, t)
        if not len(values):
            return {}
        mean = values.mean(axis=0)
        apart = (values - mean).reshape(len(values), -1)
        _, sizes, ways = np.linalg.svd(apart, full_matrices=False)
        kept = min(_COMPONENTS, len(values) - 1)
        ways = sizes[:kept, np.newaxis] * ways[:kept] / np.sqrt(max(1, len(values) - 1))
        expected = np.stack([mean, *ways.reshape(kept, *mean.shape)], axis=-1)  # (u, t, 1 + w)
        within = _covariance(anchors, anchors, unordered) + _NOISE * np.eye(len(anchors))
        weights = cho_solve(cho_factor(within), expected.reshape(len(anchors), -1)).reshape(expected.shape)
        best = np.vstack([study.best for study in told if study is not None])
        return {"space": space.to_dict(), "weights": _rounded(weights), "best": _rounded(best)}


class _Told:
    """What one study says."""

    def __init__(self, values: Floats, best: Floats) -> None:
        self.values = values
        """(u, t), of mean 0 and deviation 1 at the end."""
        self.best = best
        """(b, d)."""

    @classmethod
    def by(cls, known: Space, history: History, space: Space, anchors: Floats, rungs: int, eta: int) -> Self | None:
        looks = [max(1, round(history.max_epochs / eta**i)) for i in reversed(range(rungs))]
        epochs = sorted(set(looks))  # a short training has fewer
        seen = observed(history, epochs, _MOST)
        rows, owner = np.unique(seen.owner, return_inverse=True)
        shared = [
            name for name in space.names if name in known.params and _alike(space.params[name], known.params[name])
        ]
        if len(rows) < 3 or not shared or not np.ptp(seen.y):
            return None
        columns = [space.names.index(name) for name in shared]
        points = _placed(_decoded(known, history.points[rows]), space, shared)
        unordered, at = Coordinates(space).unordered[columns], times(epochs)
        model = CurveModel(points[:, columns], unordered, owner, at[seen.rung], seen.y)
        new = np.full(len(anchors), -1)
        values = np.column_stack(
            [model.predict(anchors[:, columns], new, time=float(at[epochs.index(look)]))[0] for look in looks]
        )
        end = values[:, -1]
        ranked = np.unique(seen.owner[np.argsort(seen.y, kind="stable")][: 4 * _BEST])
        best = np.array([seen.y[seen.owner == trial].min() for trial in ranked])
        chosen = np.searchsorted(rows, ranked[np.argsort(best, kind="stable")[:_BEST]])
        return cls((values - end.mean()) / max(float(end.std()), 0.1), np.nan_to_num(points[chosen], nan=0.5))


def _decoded(space: Space, points: Floats) -> list[Params]:
    """The settings at points that may be of an earlier version of the space, where other parameters were active."""
    return space.decode_many(np.nan_to_num(points, nan=0.5))


def _placed(settings: Sequence[Mapping[str, Any]], space: Space, names: Sequence[str]) -> Floats:
    """(n, d): where settings of another space lie in this one; NaN for what they lack."""
    points = np.full((len(settings), len(space.params)), np.nan)
    for name in names:
        has = np.array([name in setting for setting in settings])
        if has.any():
            given = [setting[name] for setting in settings if name in setting]
            points[has, space.names.index(name)] = space.params[name].to_unit(given)
    return points


def _moved(points: Floats, known: Space, space: Space) -> Floats:
    """(n, d) in a space -> (n, d'): where the settings lie in another, at the middle of what they lack or cannot be."""
    shared = [name for name in space.names if name in known.params and _alike(space.params[name], known.params[name])]
    return np.nan_to_num(_placed(_decoded(known, points), space, shared), nan=0.5)


def _alike(one: Param, other: Param) -> bool:
    """Whether what is known of one says something of the other."""
    if isinstance(one, Choice) or isinstance(other, Choice):
        return isinstance(one, Choice) and isinstance(other, Choice) and set(other.values) <= set(one.values)
    return True


def _settings(space: Space, n: int) -> tuple[Floats, NDArray[np.bool_]]:
    """(n, d): settings all over the space; and which coordinates are choices with no order."""
    d = len(space.params)
    points = space.encode_many(space.decode_many(qmc.Sobol(d, rng=0).random(n)))
    return np.nan_to_num(points, nan=0.5), Coordinates(space).unordered[:d]


def _covariance(points: Floats, others: Floats, unordered: NDArray[np.bool_]) -> Floats:
    d = points.shape[1]
    return matern(squared_differences(points, others, unordered), np.full(d, 0.5 * np.sqrt(d)))[0]


def _rounded(values: Floats) -> list[Any]:
    rounded: list[Any] = np.round(values, _DIGITS).tolist()
    return rounded
