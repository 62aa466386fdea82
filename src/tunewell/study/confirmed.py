"""The result of a confirmation: what each setting reached when it was trained again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tunewell.history import History
from tunewell.space.values import Value
from tunewell.stores import StudyRecord
from tunewell.study.settings import confirms
from tunewell.trial import Trial, TrialState

_LEVEL = 0.95


class Searched(Protocol):
    """A study as far as its confirmation is read: `StudyReader` has it."""

    @property
    def record(self) -> StudyRecord:
        """The record of the study as a whole."""
        ...

    @property
    def maximize(self) -> bool:
        """More of the metric is better."""
        ...

    @property
    def name(self) -> str:
        """The study's name in its store."""
        ...

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        ...

    @property
    def history(self) -> History:
        """All trials as arrays."""
        ...

    def best_of(self, trial: int) -> tuple[int, float] | None:
        """Return epoch and value of a trial's best report."""
        ...

    def others(self) -> Sequence[Searched]:
        """Return the other studies of the store, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A setting, trained again.

    Example:
        >>> one = tw.Confirmed(trial=3, found=0.97, values=(0.96, 0.95, 0.97), params={"rate": 0.1})
        >>> round(one.mean, 3)
        0.96
    """

    trial: int
    """The trial of the search that had it first."""
    found: float
    """The metric that the search saw."""
    values: tuple[float, ...]
    """The best report of each new training; fewer than requested while they are under way, or if some broke."""
    params: Mapping[str, Value]
    broken: int = 0
    """How many new trainings failed, or were stopped where the metric was no longer finite."""

    @property
    def mean(self) -> float:
        """The mean of the values; NaN if there are none."""
        return float(np.mean(self.values)) if self.values else float("nan")

    @property
    def margin(self) -> float:
        """The mean's 95 % interval reaches so far to both sides (Student's t); infinite for a single value."""
        from scipy.stats import t  # type: ignore[import-untyped]  # noqa: PLC0415  slow to import

        n = len(self.values)
        if n < 2:
            return float("inf")
        return float(t.ppf((1 + _LEVEL) / 2, n - 1) * np.std(self.values, ddof=1) / np.sqrt(n))


def confirmed(study: Searched) -> list[Confirmed]:
    """Return what the newest confirmation of a study has found; empty if no training of it has ended yet.

    The best mean is first, of the settings of which the fewest trainings broke.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> space = {"rate": tw.Float(0.0, 1.0)}
        >>> study = tw.tune(train, space, metric="val_loss", budget=4, confirm=2, store="memory")
        >>> len(tw.confirmed(study)[0].values)
        2
    """
    known, name = study.trials, study.record.name
    for other in reversed(study.others()):
        of = confirms(other.name)
        if of is None or of[0] != name or max(of[1]) >= len(known):
            continue
        found = _values(study, other, of[1])
        if any(one.values or one.broken for one in found):
            sign = -1.0 if study.maximize else 1.0
            return sorted(found, key=lambda one: (one.broken, sign * one.mean if one.values else np.inf))
    return []


def _values(study: Searched, again: Searched, trials: list[int]) -> list[Confirmed]:
    found = []
    known, broke = study.trials, again.history.broken
    for place, number in enumerate(trials):
        repeats = [trial for trial in again.trials if trial.number % len(trials) == place]
        broken = [trial.number for trial in repeats if broke[trial.number]]
        ended = [
            trial.number
            for trial in repeats
            if trial.state in (TrialState.COMPLETE, TrialState.STOPPED) and not broke[trial.number]
        ]
        values = tuple(value[1] for value in map(again.best_of, ended) if value is not None)
        seen = study.best_of(number)
        if seen is not None:
            found.append(Confirmed(number, seen[1], values, known[number].params, len(broken)))
    return found
