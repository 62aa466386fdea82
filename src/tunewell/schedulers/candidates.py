"""New settings for a model to weigh: anywhere in the space, and near what is good.

Shapes: k settings, d parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.history import History
from tunewell.space.params import Choice
from tunewell.space.space import Space

ANYWHERE = 512
_NEAR_BEST, _NEAR_DEFAULT = 384, 128
_STEPS = (0.02, 0.4)  # the least and the largest usual move of a coordinate from a good setting
_AROUND, _SHARE = 24, 0.4  # new settings around each peak, and the share of coordinates that move


def candidates(space: Space, best: Floats, rng: np.random.Generator) -> Floats:
    """Return settings, (k, d): anywhere, and the best and the default with one, two or half of the coordinates moved.

    A coordinate of a more important tier is moved twice as often as one of the next.
    """
    d = len(space.params)
    parts = [rng.random((ANYWHERE, d))]
    unordered = np.array([isinstance(param, Choice) and not param.ordered for param in space.params.values()])
    often = 2.0 ** -np.array([space.tier(name) for name in space.names])
    often /= often.mean()
    for center, k in ((best, _NEAR_BEST), (space.encode(space.defaults()), _NEAR_DEFAULT)):
        chosen = rng.random((k, d)) < often * rng.choice([1 / d, 2 / d, 0.5], size=(k, 1))
        chosen[np.arange(k), rng.choice(d, size=k, p=often / d)] = True
        anew = rng.random((k, d))
        step = rng.normal(size=(k, d)) * np.exp(rng.uniform(np.log(_STEPS[0]), np.log(_STEPS[1]), size=(k, 1)))
        near = np.abs(np.where(chosen, step, 0.0) + np.where(np.isnan(center), anew, center.clip(0, 1)))
        near = np.where(near > 1, 2 - near, near).clip(0, 1)  # reflected at the bounds
        parts.append(np.where(chosen & unordered, anew, near))
    return np.vstack(parts)


def moved(points: Floats, step: float, rng: np.random.Generator, free: NDArray[np.bool_]) -> Floats:
    """Return settings around each of these, (k, d) -> (_AROUND k, d), with about half of the free coordinates moved."""
    near = np.repeat(np.nan_to_num(points, nan=0.5), _AROUND, axis=0)
    near = near + rng.normal(size=near.shape) * step * (rng.random(near.shape) < _SHARE) * free
    return near.clip(0, 1)


def untried(space: Space, history: History, points: Floats) -> Floats:
    """Return those of these settings, (k, d), rounded, that no trial has."""
    if not len(points):
        return points
    points = space.rounded(points)
    return points[~np.isin(_keys(points), _keys(history.points))]


def _keys(points: Floats) -> NDArray[np.void]:
    """Return a key of each point, (k, d) -> (k,), the same for those that differ by what rounding makes of them."""
    rounded = np.ascontiguousarray(np.round(points, 9) + 0.0)  # which turns -0 into 0
    keys: NDArray[np.void] = rounded.view(f"V{rounded.itemsize * rounded.shape[1]}").ravel()
    return keys
