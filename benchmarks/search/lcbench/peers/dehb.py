"""DEHB (Awad, Mallik and Hutter, 2021): Hyperband whose settings come from differential evolution, by ask and tell."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from ConfigSpace import ConfigurationSpace, Float, Integer
from dehb import DEHB
from loguru import logger
from problem import AXES, EPOCHS

from peers.orders import Order, Ordered

FLOOR = 5  # of the fidelities 52, 52 / 3 and 52 / 9


class _Evolution:
    def __init__(self, seed: int) -> None:
        space = ConfigurationSpace(seed=seed)
        for axis in AXES:
            bounds = (int(axis.low), int(axis.high)) if axis.whole else (axis.low, axis.high)
            space.add((Integer if axis.whole else Float)(axis.name, bounds, log=axis.log))
        self._folder = TemporaryDirectory(prefix="dehb-")  # it writes a log; gone when the search is
        self._dehb = DEHB(
            cs=space, f=None, min_fidelity=FLOOR, max_fidelity=EPOCHS, eta=3, n_workers=1, seed=seed,
            save_freq="end", output_path=self._folder.name,
        )  # fmt: skip
        logger.remove()  # it has set up its own, which talks

    def ask(self) -> Order:
        job = self._dehb.ask()
        setting = dict(job["config"])
        return Order(tuple(setting.values()), setting, round(job["fidelity"]), job)

    def tell(self, order: Order, accuracy: float) -> None:
        self._dehb.tell(order.ticket, {"fitness": 1 - accuracy, "cost": order.until})


def dehb(seed: int) -> Ordered:
    """As it comes."""
    return Ordered(_Evolution(seed))
