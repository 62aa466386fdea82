"""A model's coordinates of a setting: its place in the unit cube, and the products in which optimizer settings act.

Three of them are known, and a model that has them as coordinates need not find them out:

* rate / ((1 - momentum) batch size), the noise of SGD's steps: Smith and Le, "A Bayesian perspective on generalization
  and stochastic gradient descent", 2018; the rate grows with the batch: Goyal et al., "Accurate, large minibatch SGD",
  2017.
* rate / (1 - momentum), how far a gradient moves the weights in the end.
* that times weight decay, how fast weights shrink: van Laarhoven, "L2 regularization versus batch and weight
  normalization", 2017.

Shapes: n settings, d parameters, c coordinates (d and up to three more).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space
from tunewell.space.usual_names import BATCHES, DECAYS, MOMENTA, RATES


@dataclass(frozen=True, slots=True)
class _Factor:
    """A parameter's part in a product, in decades above its least."""

    column: int
    param: Float | Int
    falling: bool = False
    """The product is divided by it."""
    to_one: bool = False
    """It is a momentum: what counts is 1 / (1 - value)."""

    def decades(self, units: Floats) -> Floats:
        low, high = self._log(np.array([self.param.low, self.param.high]))
        known = np.nan_to_num(units, nan=0.5)
        above = self._log(self.param.from_unit(known)) - low
        return np.where(np.isnan(units), np.nan, high - low - above if self.falling else above)

    @property
    def span(self) -> float:
        low, high = self._log(np.array([self.param.low, self.param.high]))
        return float(high - low)

    def _log(self, values: NDArray[np.float64] | NDArray[np.int64]) -> Floats:
        if self.to_one:
            return -np.log10(1 - np.asarray(values, dtype=np.float64))
        return np.log10(values)


class Coordinates:
    """A space's coordinates for a model."""

    def __init__(self, space: Space) -> None:
        """Make the coordinates of a space; the parameters are recognized by their names."""
        self._products = _products(space)
        choices = [isinstance(param, Choice) and not param.ordered for param in space.params.values()]
        self.unordered: NDArray[np.bool_] = np.array(choices + [False] * len(self._products))
        """(c,): which are choices with no order."""

    def of(self, points: Floats) -> Floats:
        """Return the coordinates of points in the unit cube, (n, d) -> (n, c); NaN where a parameter is inactive."""
        factors = {factor for product in self._products for factor in product}  # most are in several products
        decades = {factor: factor.decades(points[:, factor.column]) for factor in factors}
        products = [
            sum((decades[factor] for factor in product), np.zeros(len(points))) / sum(factor.span for factor in product)
            for product in self._products
        ]
        return np.column_stack([points, *products])


def _products(space: Space) -> list[list[_Factor]]:
    rate, batch, decay = (_factor(space, names) for names in (RATES, BATCHES, DECAYS))
    momentum = _factor(space, MOMENTA, to_one=True)
    if rate is None:
        return []
    moved = [rate] if momentum is None else [rate, momentum]
    products = [] if batch is None else [[*moved, _Factor(batch.column, batch.param, falling=True)]]
    products += [moved] if momentum is not None else []
    products += [[*moved, decay]] if decay is not None else []
    return products


def _factor(space: Space, names: tuple[str, ...], *, to_one: bool = False) -> _Factor | None:
    """Return the parameter of one of these names, if it is a number whose logarithm can be taken."""
    for column, (name, param) in enumerate(space.params.items()):
        if name in names and not isinstance(param, Choice) and (param.high < 1 if to_one else param.low > 0):
            return _Factor(column, param, to_one=to_one)
    return None
