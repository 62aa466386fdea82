"""For searches that order a setting to be trained until some epoch, and want one number back.

A setting that is ordered again, until a later epoch, goes on where it stopped: only the epochs between are paid for.
The number told is the best accuracy until then.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from simulation import Job, Setting


@dataclass(frozen=True, slots=True)
class Order:
    """Train a setting until an epoch. `key`: the same for the same setting. `ticket`: the search's own name for it."""

    key: Hashable
    setting: Setting
    until: int
    ticket: object


class Search(Protocol):
    """What a peer has to offer."""

    def ask(self) -> Order:
        """What to train next."""
        ...

    def tell(self, order: Order, accuracy: float) -> None:
        """What came of it."""
        ...


MOST_HELD = 8
"""Orders that wait at the same time; then workers wait."""


class Ordered:
    """A method that carries out a search's orders.

    One for a trial that is still being trained waits until it is done: NePS promotes what it has not heard of yet.
    """

    def __init__(self, search: Search) -> None:
        self._search = search
        self._numbers: dict[Hashable, int] = {}
        self._trained: dict[int, int] = {}
        self._best: dict[int, float] = {}
        self._orders: dict[int, Order] = {}
        self._held: list[Order] = []

    def next(self) -> Job | None:
        while True:
            order = self._free_order()
            if order is None:
                return None
            trial = self._number(order)
            trained = self._trained.setdefault(trial, 0)
            if order.until > trained:
                self._orders[trial] = order
                return Job(trial, order.setting, range(trained + 1, order.until + 1))
            self._search.tell(order, self._best[trial])  # it has been trained as far already

    def _free_order(self) -> Order | None:
        """One whose trial no worker has; None if too many wait for theirs."""
        for order in self._held:
            if self._number(order) not in self._orders:
                self._held.remove(order)
                return order
        while len(self._held) < MOST_HELD:
            order = self._search.ask()
            if self._number(order) not in self._orders:
                return order
            self._held.append(order)
        return None

    def _number(self, order: Order) -> int:
        return self._numbers.setdefault(order.key, len(self._numbers))

    def report(self, trial: int, epoch: int, accuracy: float) -> bool:
        self._trained[trial] = epoch
        self._best[trial] = max(self._best.get(trial, 0.0), accuracy)
        return True

    def done(self, trial: int) -> None:
        self._search.tell(self._orders.pop(trial), self._best[trial])
