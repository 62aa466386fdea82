"""HEBO (Cowen-Rivers et al., 2022): a Gaussian process with warped inputs and outputs; full trainings."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO
from problem import AXES, EPOCHS

from peers.orders import Order, Ordered

KINDS = {(False, False): "num", (False, True): "pow", (True, False): "int", (True, True): "pow_int"}


class _Optimizer:
    def __init__(self, seed: int) -> None:
        warnings.simplefilter("ignore")  # of the libraries below it, which change
        np.random.seed(seed)  # noqa: NPY002  HEBO draws from the global generators
        torch.manual_seed(seed)
        space = DesignSpace().parse(
            [{"name": a.name, "type": KINDS[a.whole, a.log], "lb": a.low, "ub": a.high, "base": 10} for a in AXES]
        )
        self._hebo = HEBO(space)
        self._n = 0

    def ask(self) -> Order:
        suggestion = self._hebo.suggest(n_suggestions=1)
        self._n += 1
        return Order(self._n, suggestion.iloc[0].to_dict(), EPOCHS, suggestion)

    def tell(self, order: Order, accuracy: float) -> None:
        self._hebo.observe(order.ticket, np.array([[1 - accuracy]]))


def hebo(seed: int) -> Ordered:
    """As it comes."""
    return Ordered(_Optimizer(seed))
