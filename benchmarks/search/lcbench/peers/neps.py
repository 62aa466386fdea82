"""NePS: PriorBand (Mallik et al., 2023), Hyperband that also samples around a default and around the best.

Fidelities are epochs 6, 17 and 52; the default setting is the prior, with medium confidence.
"""

from __future__ import annotations

import logging
import warnings

import neps
import numpy as np
import torch
from neps.optimizers.ask_and_tell import AskAndTell
from problem import AXES, DEFAULT, EPOCHS

from peers.orders import Order, Ordered

FLOOR = 6


class _Algorithm:
    def __init__(self, seed: int, algorithm: str, **settings: object) -> None:
        logging.getLogger("neps").setLevel(logging.ERROR)
        warnings.simplefilter("ignore")  # of the libraries below it, which change
        np.random.seed(seed)  # noqa: NPY002  NePS draws from the global generators
        torch.manual_seed(seed)
        space = neps.SearchSpace(
            {
                axis.name: (neps.HPOInteger if axis.whole else neps.HPOFloat)(
                    *((int(axis.low), int(axis.high)) if axis.whole else (axis.low, axis.high)),
                    log=axis.log,
                    prior=DEFAULT[axis.name],
                    prior_confidence="medium",
                )
                for axis in AXES
            }
            | {"epoch": neps.HPOInteger(FLOOR, EPOCHS, is_fidelity=True)}
        )
        self._search = AskAndTell(getattr(neps.algorithms, algorithm)(space, **settings))

    def ask(self) -> Order:
        trial = self._search.ask()
        setting = dict(trial.config)
        until = int(setting.pop("epoch"))
        return Order(trial.id.split("_")[0], setting, until, trial)  # an id is the setting's number and its rung

    def tell(self, order: Order, accuracy: float) -> None:
        self._search.tell(order.ticket, 1 - accuracy)


def priorband(seed: int) -> Ordered:
    """On asynchronous Hyperband, which no worker has to wait for; the default setting is tried first."""
    return Ordered(_Algorithm(seed, "priorband", base="async_hb", sample_prior_first=True))
