"""The plan of a study: when it will have spent its budget, what an epoch costs, and what more time would buy."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.analysis.costs import Costs, costs
from tunewell.analysis.decisions import Outlook
from tunewell.analysis.more_time import Gain, gain_of
from tunewell.analysis.pace import Done, TimeLeft, UnderWay, time_left
from tunewell.arrays import Floats
from tunewell.stores.base import StepRecord
from tunewell.study.reader import StudyReader
from tunewell.trial import OPEN_END, Report, Trial, TrialState

_USUAL = 0.95
"""Of the waits between steps, this share is taken as they were; the longest for no longer."""
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The rest of a study, and how long it takes."""

    epochs_left: int | None
    """Of the budget, those that are promised to running steps among them; None if it is not in epochs, or not known."""
    time_left: TimeLeft | None
    """Until the budget is spent, for as long as somebody runs the study."""
    unknown: str | None
    """Why that is not known."""
    seconds_per_epoch: float | None
    """Of the newest steps, the middle one."""
    workers: int
    """How many steps were trained at a time, lately."""
    costs: Costs
    trainings_per_hour: float | None
    """How many full trainings' worth of epochs an hour is."""
    outlook: Outlook | None
    """What one more training is expected to bring."""
    more: MoreTime | None
    """What one more hour would buy; half of the time so far, where that is less."""
    more_unknown: str | None
    """Why that is not known."""


@dataclass(frozen=True, slots=True)
class MoreTime:
    """More time, and what it would buy, in the metric's own unit."""

    seconds: float
    gain: Gain


@dataclass(frozen=True, slots=True)
class _Trained:
    """A step with the times at which it was given out and reported."""

    step: StepRecord
    ends: tuple[float, ...]
    """By epoch, rising."""

    @property
    def seconds(self) -> float:
        return self.ends[-1] - self.step.at


def plan(study: StudyReader) -> Plan:
    """Return the plan of a study, as it is now."""
    contents = study.store.contents(study.record.id)
    trained = _trained(contents.steps, (report for report, _ in contents.reports))
    running = {trial.number: trial for trial in contents.trials if trial.state is TrialState.RUNNING}
    newest = {step.trial: step.number for step in contents.steps}
    under_way, done, waits = [], [], _waits(trained)
    for one in trained:
        if one.step.trial in running and newest[one.step.trial] == one.step.number:
            under_way.append(_under_way(one, running[one.step.trial]))
        elif one.ends:
            done.append(Done(len(one.ends), one.seconds + waits[one.step.number], one.step.trial, one.ends))
    workers = _at_a_time(trained)
    left = epochs_left(study)
    lately = [one.seconds / one.epochs for one in done[-50:]]
    per_epoch = float(np.median(lately)) if lately else None
    per_hour = None
    if per_epoch and study.max_epochs:
        per_hour = workers * _HOUR_S / per_epoch / study.max_epochs
    more, more_unknown = _more(study, (report for report, _ in contents.reports), per_epoch, workers)
    estimate, unknown = _estimate(study, done, under_way, left, workers)
    return Plan(
        left,
        estimate,
        unknown,
        per_epoch,
        workers,
        costs(study.history, _paces(trained, len(study.history))),
        per_hour,
        study.outlook(),
        more,
        more_unknown,
    )


def _more(
    study: StudyReader, reports: Iterable[Report], per_epoch: float | None, workers: int
) -> tuple[MoreTime | None, str | None]:
    """Return what one more hour would buy, or why that is not known."""
    if study.aims.are_several:
        return None, "it has several metrics"
    if per_epoch is None or study.max_epochs is None:
        return None, "too little has been trained to tell"
    broken, sign = study.history.broken, -1.0 if study.maximize else 1.0
    sound = (one for one in reports if one.trial < len(broken) and not broken[one.trial])
    rows = np.array([(one.at, sign * one.metrics.get(study.metric, math.nan)) for one in sound], dtype=np.float64)
    values = rows.reshape(-1, 2)[rows.reshape(-1, 2)[:, 0].argsort(kind="stable"), 1]
    epochs = max(1, math.ceil(_HOUR_S * workers / per_epoch)) if per_epoch > 0 else len(values)
    gain = gain_of(values, epochs, study.max_epochs)
    if gain is None:
        return None, "too little has been trained to tell"
    return MoreTime(gain.epochs * per_epoch / workers if gain.epochs < epochs else _HOUR_S, gain), None


def _estimate(
    study: StudyReader, done: Sequence[Done], under_way: Sequence[UnderWay], left: int | None, workers: int
) -> tuple[TimeLeft | None, str | None]:
    """Return the time that is left, or why that is not known."""
    budget = study.budget
    if budget.unit == "seconds":
        rest = max(0.0, budget.amount - study.spent.seconds)
        return TimeLeft(rest, rest, rest), None
    if left is None:
        return None, "nobody knows yet how many epochs a full training has"
    promised = sum(one.epochs - one.trained for one in under_way)
    found = time_left(done, under_way, epochs=max(0, left - promised), workers=workers)
    return found, "too little has been trained to tell" if found is None else None


def epochs_left(study: StudyReader) -> int | None:
    """Return the epochs of the budget that are not trained yet; of one in trials, as many as those had so far."""
    budget, spent = study.budget, study.spent
    if budget.unit == "trials":
        trials = max(0, math.ceil(budget.amount) - spent.trials)
        under_way = spent.epochs - spent.trained
        return under_way + math.ceil(trials * spent.epochs / max(1, spent.trials)) if spent.trials else None
    in_all = study.budget_in_epochs
    if in_all is None or in_all >= OPEN_END:
        return None
    return max(0, in_all - spent.trained - spent.fruitless)


def _trained(steps: Sequence[StepRecord], reports: Iterable[Report]) -> list[_Trained]:
    """Return each step with the times of its reports, in the order in which they were given out."""
    at: dict[int, dict[int, float]] = {}
    for report in reports:
        at.setdefault(report.trial, {}).setdefault(report.epoch, report.at)
    found = []
    for step in steps:
        known, ends, last = at.get(step.trial, {}), [], step.at
        for epoch in range(step.first, min(step.until, max(known, default=0)) + 1):
            if known.get(epoch, -math.inf) >= last:
                last = known[epoch]
                ends.append(last)
        found.append(_Trained(step, tuple(ends)))
    return found


def _under_way(one: _Trained, trial: Trial) -> UnderWay:
    n, pace = len(one.ends), math.nan
    if n:
        # an epoch that takes longer than those before shows in how long it has taken by now
        pace = max(one.seconds, (time.time() - one.step.at) * n / (n + 1)) / n
    until = trial.until if trial.until < OPEN_END else one.step.first + max(n, 1)
    epochs = max(1, until - one.step.first + 1)
    return UnderWay(epochs, min(n, epochs), pace, one.step.trial, one.ends)


def _waits(trained: Sequence[_Trained]) -> dict[int, float]:
    """Return, by a step's number, for how many seconds its worker had been free.

    Where trainings are short, it takes a good part of the time to decide on them.
    """
    ends = sorted((one.ends[-1], one.step.session) for one in trained if one.ends)
    free: dict[int, list[float]] = {}
    found: dict[int, float] = {}
    known = 0
    for one in sorted(trained, key=lambda one: one.step.at):
        while known < len(ends) and ends[known][0] <= one.step.at:
            free.setdefault(ends[known][1], []).append(ends[known][0])
            known += 1
        freed = free.get(one.step.session)  # rising: the last is that of the worker that was freed last
        found[one.step.number] = one.step.at - freed.pop() if freed else 0.0
    # a pause of the study, or of the machine, is no wait
    longest = float(np.quantile(list(found.values()), _USUAL)) if found else 0.0
    return {number: min(wait, longest) for number, wait in found.items()}


def _at_a_time(trained: Sequence[_Trained]) -> int:
    """Return how many steps were trained at a time, among the newer half of those that are done."""
    spans = sorted((one.step.at, one.ends[-1]) for one in trained if one.ends)
    spans = spans[len(spans) // 2 :]
    busy, until = 0.0, -math.inf
    for start, end in spans:
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return max(1, round(sum(end - start for start, end in spans) / busy)) if busy > 0 else 1


def seconds_per_epoch(study: StudyReader, trials: Collection[int]) -> list[float]:
    """Return what an epoch of some trials takes, in seconds; of one that has trained none there is none."""
    steps = [step for step in study.store.contents(study.record.id).steps if step.trial in trials]
    reports = (report for trial in trials for report in study.reports(trial))
    found = _paces(_trained(steps, reports), len(study.trials))
    return [pace for trial in trials if math.isfinite(pace := float(found[trial]))]


def _paces(trained: Sequence[_Trained], n: int) -> Floats:
    """Return the seconds an epoch of each of n trials, NaN where it has trained none."""
    seconds, epochs = np.zeros(n), np.zeros(n)
    for one in trained:
        if one.ends and one.step.trial < n:
            seconds[one.step.trial] += one.seconds
            epochs[one.step.trial] += len(one.ends)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(epochs > 0, seconds / epochs, np.nan)
