"""Points of the cube whose settings meet the constraints: one that does not is moved to where they hold.

It goes straight towards the nearest of some points that are known to be good, and stays where all constraints first
hold. So nothing is drawn again and again in vain, however small the share of the cube is that may be tried; and what
meets the constraints stays where it is.

Shapes: n points, d parameters, m points that are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.errors import SpaceError
from tunewell.space.constraints import Columns, Constraint


class Settings(NamedTuple):
    """The settings at points of the cube."""

    values: Columns
    inactive: Mapping[str, NDArray[np.bool_]]
    """Where each parameter is, (n,)."""
    places: Floats
    """(n, d): the points of the values; NaN where a parameter is inactive."""


_DRAWN = 2048
_MOST_KNOWN = 256
_ENOUGH = 64
"""So many points that meet the constraints are known, or a search looks for more."""
_ROUNDS, _POPULATION = 60, 64
_STEPS = (0.3, 0.003)
_ON_THE_WAY, _HALVINGS = 16, 6
_BLOCK = 4096  # of points that are moved at a time


class Feasible:
    """The part of a space's cube in which its constraints hold."""

    def __init__(
        self, constraints: Sequence[Constraint], d: int, settings: Callable[[Floats], Settings], usual: Floats
    ) -> None:
        """Find points that meet the constraints.

        Args:
            constraints: at least one.
            d: how many parameters there are.
            settings: the settings at points, (n, d).
            usual: (d,), the point of the defaults.

        Raises:
            SpaceError: no setting was found that meets them, or one cannot be computed.
        """
        self._constraints, self._settings = constraints, settings
        self._known = self._search(d, usual)

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """Return at which points, (n, d), all constraints hold, (n,)."""
        columns, inactive, _ = self._settings(points)
        found = np.ones(len(points), dtype=bool)
        for one in self._constraints:
            found &= one.holds(columns) | _any_inactive(one, inactive)
        return found

    def moved(self, points: Floats) -> Floats:
        """Return the points, (n, d), those that do not meet the constraints moved to where they do."""
        found = np.array(points)
        for begin in range(0, len(points), _BLOCK):
            block = np.nan_to_num(points[begin : begin + _BLOCK], nan=0.5)
            bad = np.flatnonzero(~self.holds(block))
            if len(bad):
                found[begin + bad] = self._reached(block[bad])
        return found

    def _reached(self, points: Floats) -> Floats:
        """Return where the way from each of these points to the nearest that is known first meets the constraints."""
        apart = ((points[:, np.newaxis] - self._known[np.newaxis]) ** 2).sum(axis=2)
        way = self._known[apart.argmin(axis=1)] - points
        places = np.arange(1, _ON_THE_WAY + 1) / _ON_THE_WAY
        on_it = points[:, np.newaxis] + places[np.newaxis, :, np.newaxis] * way[:, np.newaxis]
        met = self.holds(on_it.reshape(-1, points.shape[1])).reshape(len(points), -1)
        met[:, -1] = True  # which is known, but for rounding
        high = places[met.argmax(axis=1)]
        low = high - 1 / _ON_THE_WAY
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            good = self.holds(points + middle[:, np.newaxis] * way)
            low, high = np.where(good, low, middle), np.where(good, middle, high)
        arrived: Floats = np.where((high == 1)[:, np.newaxis], points + way, points + high[:, np.newaxis] * way)
        return arrived

    def _search(self, d: int, usual: Floats) -> Floats:
        rng = np.random.default_rng(0)
        usual = np.nan_to_num(usual, nan=0.5)
        points = np.vstack([usual, rng.random((_DRAWN, d))])
        found = self._distinct(points[self.holds(points)][:_MOST_KNOWN])
        if len(found) >= _ENOUGH:
            return found
        costs = self._costs(points)
        for step in np.geomspace(*_STEPS, _ROUNDS):
            order = np.argsort(costs, kind="stable")
            astray = order[costs[order] > 0]  # what is not there yet may arrive elsewhere
            best = np.concatenate([astray[:_POPULATION], order[: _POPULATION // 4]])
            points, costs = points[best], costs[best]
            near = points + rng.normal(size=points.shape) * step * (rng.random(points.shape) < max(0.5, 1 / d))
            elsewhere = np.where(rng.random(points.shape) < 1 / d, rng.random(points.shape), points)
            drawn = np.vstack([near.clip(0, 1), elsewhere])
            found = self._distinct(np.vstack([found, drawn[self.holds(drawn)]]))
            if len(found) >= _ENOUGH:
                break
            points, costs = np.vstack([points, drawn]), np.concatenate([costs, self._costs(drawn)])
        if not len(found):
            raise SpaceError(self._nothing(points[[int(costs.argmin())]]))
        return found[:_MOST_KNOWN]

    def _distinct(self, points: Floats) -> Floats:
        """Return the points of the settings at points, each setting once."""
        if not len(points):
            return points
        places: Floats = np.unique(np.nan_to_num(np.round(self._settings(points).places, 12), nan=0.5), axis=0)
        return places[self.holds(places)]

    def _costs(self, points: Floats) -> Floats:
        """Return how far from all constraints the points are, (n,), each in its own usual size."""
        (columns, inactive, _), costs = self._settings(points), np.zeros(len(points))
        for one in self._constraints:
            excess = np.where(_any_inactive(one, inactive), 0.0, one.excess(columns))
            costs += np.arctan(excess / (np.median(excess[excess > 0]) if (excess > 0).any() else 1.0))
        return costs

    def _nothing(self, point: Floats) -> str:
        columns, inactive, _ = self._settings(point)
        broken = [one for one in self._constraints if not (one.holds(columns) | _any_inactive(one, inactive))[0]]
        first = broken[0]
        got = first.got({name: columns[name][0] for name in first.names})
        others = [one.text for one in self._constraints if one is not first]
        also = f" where {' and '.join(others)}" if others else ""
        if "==" in first.text:
            got += "; where real numbers are to be equal, leave one out and compute it from the others in the training"
            return f"no setting meets {first.text}{also}: in the nearest that was found {got}"
        return f"no setting meets {first.text}{also}: in the nearest that was found {got}; change it, or the ranges"


def _any_inactive(one: Constraint, inactive: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return where a parameter that a constraint names is inactive, (n,): it holds there."""
    found: NDArray[np.bool_] = np.logical_or.reduce([inactive[name] for name in one.names])
    return found
