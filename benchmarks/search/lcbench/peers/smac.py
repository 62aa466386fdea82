"""SMAC3 (Lindauer et al., 2022): Hyperband whose settings come from a random forest, by ask and tell."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from ConfigSpace import ConfigurationSpace, Float, Integer
from problem import AXES, DEFAULT, EPOCHS
from simulation import Setting
from smac import MultiFidelityFacade, Scenario
from smac.runhistory import TrialInfo, TrialValue

from peers.orders import Order, Ordered

FIRST = 10
"""Random settings to begin with: of the usual 70, no model would come into play in this time."""
FLOOR = 5  # of the budgets 52, 52 / 3 and 52 / 9; with 6, SMAC leaves the last out


def configuration_space(seed: int) -> ConfigurationSpace:
    space = ConfigurationSpace(seed=seed)
    for axis in AXES:
        bounds = (int(axis.low), int(axis.high)) if axis.whole else (axis.low, axis.high)
        kind = Integer if axis.whole else Float
        space.add(kind(axis.name, bounds, log=axis.log, default=DEFAULT[axis.name]))
    return space


class _Facade:
    def __init__(self, seed: int) -> None:
        logging.getLogger("smac").setLevel(logging.ERROR)
        self._folder = TemporaryDirectory(prefix="smac-")  # it writes its scenario; gone when the search is
        scenario = Scenario(
            configuration_space(seed),
            deterministic=True,
            n_trials=100_000,  # epochs are the budget here, and the clock is ours
            min_budget=FLOOR,
            max_budget=EPOCHS,
            seed=seed,
            output_directory=Path(self._folder.name),
        )
        self._facade = MultiFidelityFacade(
            scenario, self._never, logging_level=logging.ERROR, overwrite=True,
            initial_design=MultiFidelityFacade.get_initial_design(scenario, n_configs=FIRST),
        )  # fmt: skip

    @staticmethod
    def _never(config: Setting, seed: int = 0, budget: float = 0) -> float:
        """Trained elsewhere: SMAC asks for a function all the same."""
        raise NotImplementedError

    def ask(self) -> Order:
        info = self._facade.ask()
        return Order(info.config, dict(info.config), round(info.budget), info)

    def tell(self, order: Order, accuracy: float) -> None:
        assert isinstance(order.ticket, TrialInfo)
        self._facade.tell(order.ticket, TrialValue(cost=1 - accuracy), save=False)


def multi_fidelity(seed: int) -> Ordered:
    """The facade that SMAC's documentation recommends for networks."""
    return Ordered(_Facade(seed))
