"""Schedules: the factor of the learning rate as training goes on.

Time is the number of epochs done. It counts parts of an epoch, 0.0 at the very first step, so the same schedule can
be followed from step to step or from epoch to epoch, and means the same for every batch size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tunewell.errors import SettingError
from tunewell.nn.checks import check_number, check_whole


class Schedule(Protocol):
    """A function from times to factors."""

    def factor(self, epoch: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the learning rate is multiplied with once so many epochs are done."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """The learning rate stays as it is."""

    def factor(self, epoch: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 1."""
        return np.ones(np.shape(epoch))


@dataclass(frozen=True, slots=True)
class Step:
    """Multiplied with `rate` after every so many epochs."""

    every: int
    rate: float = 0.1

    def __post_init__(self) -> None:
        check_whole("every", self.every, at_least=1)
        check_number("rate", self.rate, above=0, at_most=1)

    def factor(self, epoch: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of a stair."""
        return np.power(self.rate, np.floor_divide(epoch, self.every))


@dataclass(frozen=True, slots=True)
class Exponential:
    """Multiplied with `rate` over every epoch, a little at each step."""

    rate: float

    def __post_init__(self) -> None:
        check_number("rate", self.rate, above=0, at_most=1)

    def factor(self, epoch: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of a straight line on a logarithmic scale."""
        return np.power(self.rate, epoch)


@dataclass(frozen=True, slots=True)
class Cosine:
    """Half a cosine from 1 down to `floor` (Loshchilov and Hutter, "SGDR", 2017, without restarts); then it stays."""

    epochs: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        check_number("epochs", self.epochs, above=0)
        check_number("floor", self.floor, at_least=0, at_most=1)

    def factor(self, epoch: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of half a cosine, which is steepest halfway."""
        angle = np.pi * np.minimum(np.divide(epoch, self.epochs), 1.0)
        return self.floor + (1 - self.floor) * (1 + np.cos(angle)) / 2


@dataclass(frozen=True, slots=True)
class Warmup:
    """A straight line up to 1, then another schedule, whose time starts where the line ends."""

    epochs: float
    then: Schedule = field(default_factory=Constant)
    start: float = 0.01
    """Where the line starts: above 0, or the first step would be none."""

    def __post_init__(self) -> None:
        check_number("epochs", self.epochs, above=0)
        check_number("start", self.start, above=0, at_most=1)
        if isinstance(self.then, type) or not callable(getattr(self.then, "factor", None)):
            raise SettingError(f"then must be a schedule, got {self.then!r}; give one such as Cosine(epochs=20)")

    def factor(self, epoch: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of the line, then of the other schedule."""
        line = self.start + (1 - self.start) * np.divide(epoch, self.epochs)
        after = self.then.factor(np.maximum(np.subtract(epoch, self.epochs), 0.0))
        return np.where(np.less(epoch, self.epochs), line, after)
