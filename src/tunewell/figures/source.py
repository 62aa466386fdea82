"""A study as figures read it, and as they see it: arrays, states and values as reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from tunewell.analysis.decisions import Decision
from tunewell.analysis.importance import Importances, importance, tuned_of
from tunewell.arrays import Floats
from tunewell.commands import Command
from tunewell.figures.figure import Layer, Table, Word
from tunewell.figures.words import counts_of
from tunewell.history import History
from tunewell.space.params import Choice, Int, Param
from tunewell.space.space import Space
from tunewell.stores import Session
from tunewell.trial import Report, Trial, TrialState


class Retrained(Protocol):
    """A setting that was trained again: `tunewell.Confirmed` is one."""

    @property
    def trial(self) -> int:
        """The trial of the search that had it first."""
        ...

    @property
    def found(self) -> float:
        """The metric that the search saw."""
        ...

    @property
    def values(self) -> tuple[float, ...]:
        """The best report of each new training."""
        ...

    @property
    def broken(self) -> int:
        """The number of new trainings that failed or diverged."""
        ...

    @property
    def mean(self) -> float:
        """The mean of the values."""
        ...

    @property
    def margin(self) -> float:
        """The mean's 95 % interval reaches so far to both sides."""
        ...


class FrontReport(Protocol):
    """A report that no other betters in all metrics: `tunewell.FrontPoint` is one."""

    @property
    def trial(self) -> int:
        """The trial's number."""
        ...

    @property
    def epoch(self) -> int:
        """The epoch of the report."""
        ...

    @property
    def values(self) -> Mapping[str, float]:
        """Each metric, as reported."""
        ...

    @property
    def is_knee(self) -> bool:
        """True for the one that is proposed."""
        ...


class StudySource(Protocol):
    """The part of a study that figures read: `tunewell.Study` has it, and so has its reader."""

    @property
    def name(self) -> str:
        """The study's name."""
        ...

    @property
    def metric(self) -> str:
        """The metric that is judged by."""
        ...

    @property
    def maximize(self) -> bool:
        """True if more of it is better."""
        ...

    @property
    def space(self) -> Space:
        """The parameters that are tuned."""
        ...

    @property
    def max_epochs(self) -> int | None:
        """The number of epochs of a full training; None while that is not known."""
        ...

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        ...

    @property
    def history(self) -> History:
        """All trials as arrays: lower is better."""
        ...

    def importance(self) -> Importances:
        """Return by how much each parameter mattered."""
        ...

    def why(self, trial: int) -> list[Decision]:
        """Return what was expected of a trial's steps."""
        ...

    def commands(self, trial: int | None = None) -> list[Command]:
        """Return the commands to trials."""
        ...

    def sessions(self) -> list[Session]:
        """Return the processes that ran the study."""
        ...

    def reports(self, trial: int | None = None) -> list[Report]:
        """Return the reports of a trial, or of all."""
        ...

    @property
    def directions(self) -> Mapping[str, str]:
        """The direction of each metric that is optimized: `minimize` or `maximize`."""
        ...

    def metric_values(self) -> Mapping[str, Floats]:
        """Return each metric that is optimized, as reported, (n, c)."""
        ...

    def front(self) -> Sequence[FrontReport]:
        """Return the reports that no other betters in all metrics."""
        ...

    def confirmed(self) -> Sequence[Retrained]:
        """Return the settings that were trained again."""
        ...


class Look(NamedTuple):
    """The role and the symbol of a state: color is never the only difference."""

    color: str
    symbol: str


_DIGITS = 12
"""As parameters are drawn: exp(log(0.001)) is 0.0010000000000000002."""
LOOKS: Mapping[str, Look] = {
    "complete": Look("ended", "circle"),
    "stopped": Look("ended", "square"),
    "paused": Look("paused", "ring"),
    "held": Look("paused", "diamond"),
    "running": Look("running", "triangle-up"),
    "diverged": Look("failed", "triangle-down"),
    "failed": Look("failed", "cross"),
}
"""The states of trials as figures have them; a stopped trial whose metric was not finite is a diverged one."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A study at one moment; n trials, c epochs."""

    metric: str
    maximize: bool
    space: Space
    trials: Sequence[Trial]
    history: History
    states: np.ndarray
    """(n,): the name of each trial's state, of `LOOKS`."""
    best: Floats
    """(n,): each trial's best finite value, as reported; NaN if it has none."""
    sign: float

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def curves(self) -> Floats:
        """(n, c): the values as reported; infinite where not finite, NaN where there is none."""
        curves: Floats = self.sign * self.history.curves
        return curves

    @property
    def sound(self) -> np.ndarray:
        """(n,): it has a value, and neither failed nor diverged."""
        found: np.ndarray = np.isfinite(self.best) & (self.states != "failed") & (self.states != "diverged")
        return found

    @property
    def order(self) -> np.ndarray:
        """The sound trials, best first; equals by number."""
        numbers = np.flatnonzero(self.sound)
        return numbers[np.argsort(self.sign * self.best[numbers], kind="stable")]

    @property
    def tuned(self) -> list[tuple[int, str, Param]]:
        """Column, name and kind of the parameters that have more than one value."""
        return tuned_of(self.space)

    def counts(self, among: np.ndarray | None = None) -> str:
        """Return `3 failed, 2 paused`: how many trials are in each state but the usual one."""
        states = (self.states if among is None else self.states[among]).tolist()
        return counts_of({state: states.count(state) for state in LOOKS if state != "complete"})

    def values(self, column: int, name: str, param: Param) -> Floats | list[Word]:
        """Return a parameter's value of each trial: numbers, NaN for none; of a choice a list, None for none."""
        units = self.history.points[: len(self), column]
        inside = (units >= 0) & (units <= 1)
        odd = np.flatnonzero(~inside & ~np.isnan(units)).tolist()
        if isinstance(param, Choice):
            at = np.minimum(np.floor(np.nan_to_num(units) * len(param.values)), len(param.values) - 1).astype(int)
            at[~inside] = len(param.values)
            words: list[Word] = np.array([*param.values, None], dtype=object)[at].tolist()
            for i in odd:
                words[i] = self.trials[i].params.get(name)
            return words
        numbers = np.full(len(self), np.nan)
        values = np.asarray(param.from_unit(units[inside]), dtype=np.float64)
        numbers[inside] = values if isinstance(param, Int) else rounded(values, _DIGITS)
        for i in odd:
            value = self.trials[i].params.get(name)
            numbers[i] = float(value) if isinstance(value, int | float) else np.nan
        return numbers

    def odd_values(self, name: str) -> list[object]:
        """Return a parameter's value of each trial as it is on record."""
        return [trial.params.get(name) for trial in self.trials]

    def table(self, **more: Any) -> Table:
        """Return a row a trial: number, state, best value, epochs, parameters, and more."""
        about: dict[str, Any] = {
            "trial": np.arange(float(len(self))),
            "state": self.states.tolist(),
            self.metric: self.best,
            "epochs": self.history.epochs[: len(self)].astype(np.float64),
            **more,
        }
        for column, (name, param) in enumerate(self.space.params.items()):
            about[f"param_{name}" if name in about else name] = self.values(column, name, param)
        return Table(about)

    def by_state(self, x: Floats, y: Floats, among: np.ndarray | None = None) -> Iterator[Layer]:
        """Yield points a state, those that failed last; among: the trials that x and y are of."""
        numbers = np.arange(len(self)) if among is None else among
        states = self.states[numbers]
        for state, look in LOOKS.items():
            here = np.flatnonzero(states == state)
            if here.size:
                yield Layer(
                    "points", look.color, x[here], y[here], label=state, symbol=look.symbol, rows=numbers[here]
                )  # fmt: skip


def seen(study: StudySource) -> Seen:
    """Return a study as it is now; one that another process runs may gain trials meanwhile."""
    history = study.history
    trials = study.trials[: len(history)]
    states = history.states[: len(trials)]
    broken = history.broken[: len(trials)]
    states[broken & (states == str(TrialState.STOPPED))] = "diverged"
    sign = -1.0 if study.maximize else 1.0
    lowest = history.lowest[: len(trials)]
    best = np.where(np.isfinite(lowest), sign * lowest, np.nan)
    return Seen(study.metric, study.maximize, history.space, trials, history, states, best, sign)


def most_important(found: Seen, most: int) -> tuple[list[tuple[int, str, Param]], int]:
    """Return the tuned parameters, and how many there are beyond `most`; if there are any, the most important first."""
    tuned = found.tuned
    if len(tuned) > most:
        known = importance(found.history, rng=np.random.default_rng(0), n_bootstrap=0)
        place = {one.name: i for i, one in enumerate(known)}
        tuned = sorted(tuned, key=lambda item: place.get(item[1], len(place)))
    return tuned[:most], max(0, len(tuned) - most)


def rounded(values: Floats, digits: int) -> Floats:
    """Return numbers with so many significant digits; those that are not finite are as they were."""
    if not values.size:
        return values
    with np.errstate(all="ignore"):
        places = digits - 1 - np.floor(np.log10(np.abs(values)))
        # of a power of ten below 1 only the inverse is exact: to divide by it gives the nearest there is
        found = np.where(
            places >= 0,
            np.rint(values * 10.0**places) / 10.0**places,
            np.rint(values / 10.0**-places) * 10.0**-places,
        )
    return np.where(np.isfinite(found), found, values)
