"""What is measured on a run before it is judged: named numbers that mean the same for every data set and network.

Losses are in units of ln(classes), the loss of a classifier that knows nothing; accuracies run from 0, chance, to 1;
times are shares of the epochs. So a threshold on one of them is a statement about training, not about a data set.
A number that cannot be had from the record is NaN, and every rule and the model take that for "not known".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tunewell.diagnosis.record import RunRecord
from tunewell.diagnosis.signals.base import Units
from tunewell.diagnosis.signals.curves import of_agreement, of_curves, of_progress, of_validation
from tunewell.diagnosis.signals.data import of_data
from tunewell.diagnosis.signals.estimates import completed
from tunewell.diagnosis.signals.gradients import of_hooks, of_layers
from tunewell.diagnosis.signals.noise import of_noise, of_steps
from tunewell.diagnosis.signals.settings import of_schedule, of_settings

_Group: TypeAlias = Callable[[RunRecord, Units], dict[str, float]]

_AS_MEASURED: tuple[_Group, ...] = (of_agreement, of_hooks)
"""What sets one curve against another of the same rows: beside an estimate that would say something of the estimate."""
_GROUPS: tuple[_Group, ...] = (
    of_curves,
    of_validation,
    of_progress,
    of_noise,
    of_steps,
    of_schedule,
    of_settings,
    of_layers,
    of_data,
)


@dataclass(frozen=True, slots=True)
class Signals(Mapping[str, float]):
    """The named numbers of one run, and the run."""

    run: RunRecord
    """With estimates in place of some curves that were not reported."""
    units: Units
    numbers: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        return self.numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def known(self, name: str) -> bool:
        """Whether the record tells this number."""
        return not math.isnan(self.numbers[name])


def measure(run: RunRecord) -> Signals:
    """Every signal of a run; the names are the same for every run, in the same order."""
    units = Units.of(run)
    numbers: dict[str, float] = {}
    for group in _AS_MEASURED:
        numbers |= group(run, units)
    run = completed(run, units)
    for group in _GROUPS:
        numbers |= group(run, units)
    return Signals(run, units, {name: float(value) for name, value in numbers.items()})
