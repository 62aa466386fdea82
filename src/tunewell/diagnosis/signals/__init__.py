"""Signals of a run, measured before it is judged: named numbers that mean the same for every data set and network.

Losses are in units of ln(classes), the loss of a classifier that knows nothing; accuracies run from 0, chance, to 1;
times are shares of the epochs. So a threshold on one of them is a statement about training, not about a data set.
A number that the record does not give is NaN, and every rule and the model take that for "not known".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals.configuration import configuration_signals, schedule_signals
from tunewell.diagnosis.signals.curves import agreement_signals, curve_signals, progress_signals, validation_signals
from tunewell.diagnosis.signals.data import data_signals
from tunewell.diagnosis.signals.estimates import with_estimates
from tunewell.diagnosis.signals.gradients import hook_signals, layer_signals
from tunewell.diagnosis.signals.noise import noise_signals, step_signals
from tunewell.diagnosis.signals.units import Units

_Group: TypeAlias = Callable[[RunRecord, Units], dict[str, float]]

_AS_MEASURED: tuple[_Group, ...] = (agreement_signals, hook_signals)
"""Signals that compare curves of the same rows, as reported: of an estimated curve they would measure the estimate."""
_GROUPS: tuple[_Group, ...] = (
    curve_signals,
    validation_signals,
    progress_signals,
    noise_signals,
    step_signals,
    schedule_signals,
    configuration_signals,
    layer_signals,
    data_signals,
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

    @property
    def gap(self) -> float:
        """The distance of validation from training, in accuracy above chance; without one, as the losses have it.

        Then half a decade between the losses counts as a quarter of all.
        """
        return self["loss_ratio"] / 2 if self.run.by_loss else self["gap"]

    def known(self, name: str) -> bool:
        """Return True if the record has this number."""
        return not math.isnan(self.numbers[name])


def measure(run: RunRecord) -> Signals:
    """Measure every signal of a run; the names are the same for every run, in the same order."""
    units = Units.of(run)
    numbers: dict[str, float] = {}
    for group in _AS_MEASURED:
        numbers |= group(run, units)
    run = with_estimates(run, units)
    for group in _GROUPS:
        numbers |= group(run, units)
    return Signals(run, units, {name: float(value) for name, value in numbers.items()})
