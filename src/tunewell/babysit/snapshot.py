"""A snapshot of a run: its curves and those of its branches, its live values and the commands to it, from the store."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.analysis.lineage import Segment, ancestry, live_values, segments
from tunewell.arrays import Floats
from tunewell.commands import Command
from tunewell.diagnosis.readers.names import curves_of, parameter_of
from tunewell.display.formatting import duration
from tunewell.errors import last_line
from tunewell.space.values import Value
from tunewell.study.reader import StudyReader
from tunewell.trial import Trial, TrialState

_RECENT = 20  # epochs, whose time is shown
_RATE = "lr"


@dataclass(frozen=True, slots=True)
class Branch:
    """One trial with the epochs of those that it comes from."""

    trial: int
    state: str
    curves: Mapping[str, Floats]
    """By name, as `train_loss`, `val_loss`, ..., and the study's metric; (E,), NaN where nothing was reported. `lr` is
    what was reported, or else the parameter."""
    begins: int
    """The epoch after which it is a trial of its own; 0 for the first."""
    reason: str = ""
    """The error of a failed trial, in a line."""

    @property
    def epoch(self) -> int:
        """The last epoch of its curves."""
        return max((len(curve) for curve in self.curves.values()), default=0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A study of one run at one moment."""

    study: str
    metric: str
    max_epochs: int | None
    branches: tuple[Branch, ...]
    """By number."""
    current: int
    """The trial that was chosen; else the one that trains, or is held; the newest if none does."""
    values: Mapping[str, Value]
    """Of the current trial."""
    live: tuple[str, ...]
    """The parameters that can be set."""
    kept: tuple[int, ...]
    """Epochs to which the current trial can be rewound."""
    commands: tuple[Command, ...]
    """Oldest first."""
    seconds: float
    """Of an epoch, the median of the last ones, since a pause makes one of them long; NaN before there are two."""

    @property
    def branch(self) -> Branch | None:
        """The current one; None while nothing was reported."""
        return next((branch for branch in self.branches if branch.trial == self.current), None)

    @property
    def line(self) -> str:
        """A line such as `trial 2, running, epoch 12 of 40, 1 s an epoch, 28 s left`."""
        branch = self.branch
        if branch is None:
            return f"{self.study}: no epoch yet"
        parts = [f"{self.study}: trial {branch.trial}", branch.state]
        of = "" if self.max_epochs is None else f" of {self.max_epochs}"
        parts.append(f"epoch {branch.epoch}{of}")
        if math.isfinite(self.seconds):
            parts.append(f"{self.seconds:.2g} s an epoch")
            if self.max_epochs is not None and branch.state == TrialState.RUNNING:
                parts.append(f"{duration((self.max_epochs - branch.epoch) * self.seconds)} left")
        return ", ".join(parts)


def snapshot(study: StudyReader, chosen: int | None = None) -> Snapshot:
    """Take a snapshot of the run as it is now; `chosen` is the current trial, for as long as it has not ended."""
    with study.still():
        trials, commands = study.trials, study.commands()
        reports = study.reports()
        by_trial: dict[int, list[tuple[int, Mapping[str, float]]]] = {}
        for report in reports:
            by_trial.setdefault(report.trial, []).append((report.epoch, report.metrics))
        branches = []
        for trial in trials:
            rows: dict[int, Mapping[str, float]] = {}
            line = ancestry(trials, trial.number)
            for part, after in zip(line, [*line[1:], None], strict=True):
                last = math.inf if after is None else int(after.parent_epoch or 0)
                rows |= {epoch: metrics for epoch, metrics in by_trial.get(part.number, []) if epoch <= last}
            if rows:
                curves = _curves(rows, study.metric)
                if _RATE not in curves:
                    curves |= _rate(segments(trials, commands, trial.number, max(rows)), max(rows))
                why = last_line(trial.reason or "") if trial.state is TrialState.FAILED else ""
                branches.append(Branch(trial.number, str(trial.state), curves, trial.parent_epoch or 0, why))
        is_on = chosen is not None and chosen < len(trials) and not trials[chosen].state.ended
        current = chosen if is_on and chosen is not None else _current(trials)
        values: dict[str, Value] = {}
        if trials:
            values = {**trials[current].params}
            values |= {name: value for _, name, value in live_values(commands, current)}
        kept = [one.epoch for one in study.checkpoints(current)]
        times = [report.at for report in reports if report.trial == current][-_RECENT:]
    return Snapshot(
        study=study.record.name,
        metric=study.metric,
        max_epochs=study.max_epochs,
        branches=tuple(branches),
        current=current,
        values=values,
        live=tuple(name for name in study.space.names if study.space.params[name].live and name in values),
        kept=tuple(kept),
        commands=tuple(commands),
        seconds=float(np.median(np.diff(times))) if len(times) > 1 else math.nan,
    )


def _current(trials: Sequence[Trial]) -> int:
    """Return the newest of the trials that run, or else are held, or wait, or of all."""
    for state in (TrialState.RUNNING, TrialState.HELD, TrialState.PAUSED):
        numbers = [trial.number for trial in trials if trial.state is state]
        if numbers:
            return max(numbers)
    return len(trials) - 1


def _rate(segments: Sequence[Segment], epochs: int) -> dict[str, Floats]:
    """Return the learning rate by epoch, from the parameter that is called so; nothing if none is."""
    values = np.full(epochs, math.nan)
    for segment in segments:
        value = segment.values.get(parameter_of(_RATE, segment.values) or "")
        if isinstance(value, int | float):
            values[segment.first - 1 : segment.last] = value
    return {_RATE: values} if np.isfinite(values).any() else {}


def _curves(rows: Mapping[int, Mapping[str, float]], metric: str) -> dict[str, Floats]:
    names = curves_of(dict.fromkeys(name for row in rows.values() for name in row))
    names[metric] = metric
    found = {}
    for curve, name in names.items():
        values = np.full(max(rows), math.nan)
        for epoch, row in rows.items():
            values[epoch - 1] = row.get(name, math.nan)
        found[curve] = values
    return found
