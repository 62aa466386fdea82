"""The scheduler of a rescue: look at a run, change one thing, see whether that helped; else let another one search.

The *incumbent* is the best so far of the rescue's own runs, the first of which is the training as it is. It trains from
look to look. At each look its record is diagnosed; a plain finding that a parameter can mend starts another run with
that one change, and the better of the two, at the same epoch, is the incumbent from then on. When the incumbent is
trained to its end and healthy, or its metric can be no better, all is done. Where no finding calls for a change any
more, rates are tried a decade away, then a longer training, if the metric was getting better to the end. When nothing
is left to be tried, the study's own scheduler goes on, which knows all these runs, with rates below those at which the
loss exploded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from tunewell.diagnosis import Diagnosis, Finding, NextChange, Possible, examine
from tunewell.diagnosis.goal import metrics_of
from tunewell.diagnosis.next_change import Move
from tunewell.diagnosis.possible import has_exploded
from tunewell.diagnosis.readers.names import parameter_of
from tunewell.diagnosis.readers.trial import record_of
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import Signals, measure
from tunewell.errors import RecordError
from tunewell.history import History
from tunewell.rescue.comparison import Comparison, best_of_curve, compared
from tunewell.rescue.parameter_changes import (
    ParameterChange,
    further_change,
    parameter_changes,
    rate_changes,
    takes_back,
    with_change,
)
from tunewell.schedulers import Scheduler
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.trial import Allowance, Report, Resume, Start, Trial

NOTE = "rescue"
LENGTH = "epochs"
"""What a change of the training's length is called, as the parameter that it is not."""
_LONGEST, _LEAST_LONGER = 10, 1.5  # times the training's own length
_STILL = 0.1  # of what a run gained in all: if its last third gained as much, more epochs may gain more
_LOOKS = (1 / 9, 1 / 3, 1.0)  # of a training
_LEAST_EPOCHS = 3  # of the first look
_LEAST_CHANGED = 2  # of the first look at a changed run, which is compared and need not show what holds it back
_EARLIEST = 1 / 3  # of a training: before, its end cannot be foreseen
_MIN_CONFIDENCE = 0.25  # of a finding that is acted upon before the training's end
_MIN_CONFIDENCE_AT_END = 0.1
SURE = 0.5
"""The confidence with which a run is called healthy; with less, nothing plain is found, which is not the same."""
_LATE = frozenset(("overfitting", "lr_decays_too_early", "batch_size_too_small"))
"""Causes that show late: a run that is changed because of one is compared no earlier."""
_UNFINISHED = frozenset(("too_few_epochs",))
"""Causes that every run seems to have before its end."""


@dataclass(frozen=True, slots=True)
class RescueScheduler(Scheduler):
    """A scheduler that gets one run unstuck before it lets another scheduler search."""

    reads_reports: ClassVar[bool] = True
    then: Scheduler
    """The study's own scheduler, which searches where single changes do not suffice."""
    as_it_is: Params
    """The setting of the first run."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """The rest of a run's record besides its reports and its setting."""
    target: float = math.nan
    """A metric, lower is better, at which all is done."""
    top: float = -math.inf
    """The best that the metric can be, lower is better."""
    possible: Possible | None = None
    """What is known to be possible of the metric, for the words, or as a simple model shows."""
    maximize: bool = False
    """True if the metric's sign was turned, which is turned back in the evidence."""
    may_be_longer: bool = False
    """True if the training can be given another length."""
    own_length: int | None = None
    """The training's own length, once the study has a longer one."""
    trials: Sequence[Trial] = ()
    reports: Sequence[Report] = ()

    def given(self, trials: Sequence[Trial], reports: Sequence[Report]) -> Self:
        """Implement `Scheduler.given`."""
        return replace(self, then=self.then.given(trials, reports), trials=tuple(trials), reports=tuple(reports))

    @property
    def recorded(self) -> Scheduler:
        """The scheduler that searches: a rescue is gone on with by a rescue, and anything else by this one."""
        return self.then.recorded

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Implement `Scheduler.next`."""
        mine = own_trials(history)
        looks = _looks(history.max_epochs)
        if not mine:
            return Start(self.as_it_is, looks[0], {NOTE: {}})
        if history.running[mine].any() or history.lowest.min(initial=np.inf) <= self.target:
            return None
        if len(mine) == len(history):
            incumbent = self.incumbent(history)
            if history.lowest[incumbent] <= self.top:
                return None if history.ended[incumbent] else Resume(incumbent, history.max_epochs)
            decision = self._advance_or_change(space, history, mine, looks)
            if decision is not None:
                return decision if allowance.trials or isinstance(decision, Resume) else None
            is_settled = self._is_settled(history)
            if not is_settled and (rate := self._rate_to_try(space, history, mine)) is not None:
                return rate if allowance.trials else None
            if is_settled or self.longer(history, allowance.epochs) is not None:
                return None
        elif math.isnan(self.target) and (self._is_found(history) or history.lowest.min() <= self.top):
            return None
        step = self.then.next(space, history, allowance, rng)
        return self._below_what_explodes(step, space, mine, history) if isinstance(step, Start) else step

    def findings(self, trial: int, history: History) -> list[Finding]:
        """Return what may hold a run back, the likeliest first, beside what is known to be possible.

        A cause against which all that it calls for has been tried, and did not help, is left out.
        """
        diagnosis = self._diagnosed(trial, history, possible=self.possible)
        if diagnosis is None:
            return []
        params = self.trials[trial].params
        tried = [self.trials[number].params for number in own_trials(history)]

        def changes(finding: Finding, others: Sequence[Params]) -> Iterator[ParameterChange]:
            return parameter_changes(finding, history.space, params, others, history.max_epochs, diagnosis.opposed)

        def is_open(finding: Finding) -> bool:
            return next(changes(finding, ()), None) is None or next(changes(finding, tried), None) is not None

        return [finding for finding in diagnosis.findings if is_open(finding)]

    def longer(self, history: History, left: float) -> int | None:
        """Return the length to train to where that is what is left to be changed; None where it is not.

        left: epochs of the budget.
        """
        mine, length = own_trials(history), history.max_epochs
        if not self.may_be_longer or self.own_length is not None or not mine or len(mine) < len(history):
            return None
        longest = int(min(_LONGEST * length, left))
        incumbent = self.incumbent(history)
        is_whole = history.ended[incumbent] and not (history.failed[incumbent] or history.stopped[incumbent])
        if longest < _LEAST_LONGER * length or not is_whole or history.lowest.min() <= max(self.top, self._goal):
            return None
        found = self.findings(incumbent, history)
        is_beyond = found and found[0].confidence >= SURE and _is_beyond(found[0], self.as_it_is, history.space)
        if is_healthy(found) or (is_beyond and found[0].label not in _UNFINISHED):
            return None
        return longest if self._is_unfinished(incumbent, history) else None

    def compared(self, one: int, other: int, history: History) -> Comparison:
        """Compare a run with the one that it changes."""
        signals = (self._signals(one, history), self._signals(other, history))
        return compared(history, one, other, signals, longer=_is_longer(history, one))

    def incumbent(self, history: History) -> int:
        """Return the best of the rescue's runs: each in turn against the best before, at the last epoch of both."""
        incumbent, *others = own_trials(history)
        for other in others:
            if self.compared(other, incumbent, history).is_better:
                incumbent = other
        return incumbent

    def _diagnosed(self, trial: int, history: History, possible: Possible | None = None) -> Diagnosis | None:
        """Diagnose a run; of one that is still to be trained on, find what holds it back already.

        A run that falls short of the target is not healthy, whatever it looks like.

        possible: what its best so far is compared with; of a run at its end, that is done in any case.
        """
        record = self._record(trial, history)
        try:
            known = possible or (self.possible if history.ended[trial] else None)
            known = known if self._has_metric(record) else None
            may_be_healthy = not self._falls_short(history, trial)
            diagnosis = examine(record, possible=known, may_be_healthy=may_be_healthy)
        except RecordError:
            return None
        if history.ended[trial]:
            return diagnosis
        found = [finding for finding in diagnosis.findings if finding.label not in _UNFINISHED]
        return replace(diagnosis, findings=found)

    def _signals(self, trial: int, history: History) -> Signals | None:
        try:
            return measure(read_record(self._record(trial, history)))
        except RecordError:
            return None

    def _record(self, trial: int, history: History) -> dict[str, Any]:
        reports = [{"epoch": one.epoch, **one.metrics} for one in self.reports if one.trial == trial]
        # while nobody knows how long a training is, the history has 1
        max_epochs = history.max_epochs if history.max_epochs >= history.epochs[trial] else None
        if self.own_length is not None and history.epochs[trial] <= self.own_length and history.ended[trial]:
            max_epochs = self.own_length
        return record_of(self.trials[trial].params, reports, max_epochs, self.about)

    def _below_what_explodes(self, step: Start, space: Space, mine: list[int], history: History) -> Start:
        """Return a trial of the search with its learning rate below those at which a loss has exploded."""
        name = parameter_of("lr", space.names)
        signals = {run: self._signals(run, history) for run in mine}
        exploded = [self.trials[run].params for run, s in signals.items() if s is not None and has_exploded(s)]
        rates = [rate for params in exploded if isinstance(rate := params.get(name or ""), float)]
        if name is None or not rates or not isinstance(rate := step.params.get(name), float) or rate < min(rates):
            return step
        param = space.params[name]
        here, there = (float(unit) for unit in param.to_unit([rate, min(rates)]))
        return replace(step, params=space.filled({**step.params, name: param.decode([here * there])[0]}))

    def _has_metric(self, record: Mapping[str, Any]) -> bool:
        return self.possible is not None and self.possible.metric in metrics_of(read_record(record))

    def _falls_short(self, history: History, trial: int) -> bool:
        """Return True if the run ends short of the target, if each doubling of its epochs gains as the last."""
        if math.isnan(self.target):
            return False
        epochs, curve = int(history.epochs[trial]), history.curves[trial]
        now = best_of_curve(curve[:epochs])
        if history.ended[trial]:
            return now > self.target
        if epochs < _EARLIEST * history.max_epochs:
            return False
        gain = best_of_curve(curve[: epochs // 2]) - now
        return now - gain * math.log2(history.max_epochs / epochs) > self.target

    @property
    def _goal(self) -> float:
        return -math.inf if math.isnan(self.target) else self.target

    def _is_unfinished(self, run: int, history: History) -> bool:
        """Return True if a run that is trained to its end was getting better there."""
        signals = self._signals(run, history)
        if signals is not None and has_exploded(signals):
            return False
        found = self.findings(run, history)
        if any(one.label in _UNFINISHED and one.confidence >= _MIN_CONFIDENCE_AT_END for one in found):
            return True
        curve = history.curves[run, : int(history.epochs[run])]
        before, best = best_of_curve(curve[: -(-2 * len(curve) // 3)]), best_of_curve(curve)
        return math.isfinite(before) and before - best > _STILL * (float(curve[0]) - best)

    def _rate_to_try(self, space: Space, history: History, mine: list[int]) -> Start | None:
        """Change the incumbent's learning rate by a decade; None where that was tried, or is spoken against."""
        incumbent = self.incumbent(history)
        # of a run with no loss nothing can be diagnosed, but its metric shows what a rate does
        diagnosis = self._diagnosed(incumbent, history)
        found: Sequence[Finding] = () if diagnosis is None else diagnosis.findings
        opposed: frozenset[Move] = frozenset() if diagnosis is None else diagnosis.opposed
        params, tried = self.trials[incumbent].params, [self.trials[number].params for number in mine]
        change = next(rate_changes(found, space, params, tried, opposed), None)
        if change is None:
            return None
        until = _first_look_at_changed(history.max_epochs)
        return Start(with_change(space, params, change), until, {NOTE: _note(incumbent, change, coarse=True)})

    def _lengthened(self, history: History, incumbent: int, looks: list[int]) -> Start:
        """Train the incumbent anew, with the longer length."""
        own, length = int(history.epochs[incumbent]), history.max_epochs
        evidence = f"{self.metric_at_end(history, incumbent)} and was still getting better"
        label = next(iter(_UNFINISHED))
        confidence = next((one.confidence for one in self.findings(incumbent, history) if one.label == label), 0.0)
        finding = Finding(label, confidence, evidence, NextChange(LENGTH, "increase"))
        until = next(look for look in looks if look > own)
        note = _note(incumbent, ParameterChange(finding, LENGTH, own, length))
        return Start(self.trials[incumbent].params, until, {NOTE: {**note, "length": length}})

    def metric_at_end(self, history: History, run: int) -> str:
        """Format `it came to 0.61 in 5 epochs`."""
        best = best_of_curve(history.curves[run]) * (-1 if self.maximize else 1)
        return f"it came to {best:.4g} in {int(history.epochs[run])} epochs"

    def _is_settled(self, history: History) -> bool:
        """Return True if the incumbent is at its end, and surely healthy, or held back by no parameter of the space."""
        if not math.isnan(self.target):
            return False
        incumbent = self.incumbent(history)
        if not history.ended[incumbent]:
            return False
        found = self.findings(incumbent, history)
        if not found or found[0].label == "healthy":
            return is_healthy(found)
        mendable = found[0].label in _UNFINISHED and self.may_be_longer and self.own_length is None
        return (
            found[0].confidence >= _MIN_CONFIDENCE
            and not mendable
            and _is_beyond(found[0], self.as_it_is, history.space)
        )

    def _advance_or_change(
        self, space: Space, history: History, mine: list[int], looks: list[int]
    ) -> Start | Resume | None:
        """Train the incumbent on, or change it; None if neither can be done."""
        incumbent = self.incumbent(history)
        over, epochs = bool(history.ended[incumbent]), int(history.epochs[incumbent])
        if self.own_length is not None and not any(_is_longer(history, run) for run in mine):
            return self._lengthened(history, incumbent, looks)
        params, tried = self.trials[incumbent].params, [self.trials[number].params for number in mine]
        diagnosis = self._diagnosed(incumbent, history)
        opposed: frozenset[Move] = frozenset() if diagnosis is None else diagnosis.opposed
        note: Any = history.notes[incumbent][NOTE]
        chosen = done = None
        coarse = False
        if epochs <= looks[0]:
            done = _change_on_record(note)
            evidence = self._helped(history, incumbent)
            if evidence:
                coarse = bool(note.get("coarse")) or _is_short(history.max_epochs)
                chosen = further_change(done, space, params, tried, evidence, opposed, coarse=coarse)
                coarse = coarse and chosen is not None
        if chosen is None and diagnosis is not None:
            changes = self._changes_to_try(diagnosis, space, params, tried, history.max_epochs, over=over)
            # at the look at which a change has helped, nothing is known yet that speaks against it
            chosen = next((change for change in changes if not takes_back(change, done)), None)
        if chosen is None:
            return None if over else Resume(incumbent, next(look for look in looks if look > epochs))
        until = max(_first_look_at_changed(history.max_epochs), epochs if chosen.finding.label in _LATE else 0)
        return Start(with_change(space, params, chosen), until, {NOTE: _note(incumbent, chosen, coarse=coarse)})

    def _helped(self, history: History, run: int) -> str:
        """Describe how much better a run is than the one that it changed, so far; empty if it is not."""
        note: Any = history.notes[run][NOTE]
        incumbent = note.get("of")
        if incumbent is None:
            return ""
        comparison = self.compared(run, incumbent, history)
        if not comparison.is_better:
            return ""
        ended_early = history.failed[run] or history.stopped[run]
        if comparison.why:
            return f"moving it this way helped at first: {comparison.why}" if not ended_early else comparison.why
        epoch = int(min(history.epochs[run], history.epochs[incumbent]))
        before, now = (best_of_curve(history.curves[one, :epoch]) for one in (incumbent, run))
        sign = -1 if self.maximize else 1
        reached = f"{sign * now:.4g} at epoch {epoch}"
        return f"moving it this way helped at first, with {reached}" + (
            "" if math.isinf(before) else f" in place of {sign * before:.4g}"
        )

    def _changes_to_try(
        self, diagnosis: Diagnosis, space: Space, params: Params, tried: list[Params], max_epochs: int, *, over: bool
    ) -> Iterator[ParameterChange]:
        """Yield the changes to try, the likeliest first; a cause without any left cedes its share to the others."""
        least = _MIN_CONFIDENCE_AT_END if over else _MIN_CONFIDENCE
        left = sum(finding.confidence for finding in diagnosis.findings)
        for finding in diagnosis.findings:
            if finding.label == "healthy" or finding.confidence < left * least:
                return
            yield from parameter_changes(finding, space, params, tried, max_epochs, diagnosis.opposed)
            left -= finding.confidence

    def _is_found(self, history: History) -> bool:
        """Return True if a run of the search is trained to its end, the best of all, and healthy."""
        best = int(history.lowest.argmin())
        complete = history.ended[best] and not history.failed[best] and not history.stopped[best]
        return bool(complete) and best not in own_trials(history) and is_healthy(self.findings(best, history))


def own_trials(history: History) -> list[int]:
    """Return the trials that the rescue began."""
    return [number for number, note in enumerate(history.notes) if NOTE in note]


def _looks(max_epochs: int) -> list[int]:
    return sorted({min(max_epochs, max(_LEAST_EPOCHS, round(share * max_epochs))) for share in _LOOKS})


def _is_short(max_epochs: int) -> bool:
    """Return True of a training of so few epochs that each look at it costs much of one: rates are tried by decades."""
    return max_epochs * _LOOKS[0] < _LEAST_EPOCHS


def _first_look_at_changed(max_epochs: int) -> int:
    first = _looks(max_epochs)[0]
    return first if max_epochs >= _LEAST_EPOCHS / _LOOKS[1] else min(first, _LEAST_CHANGED)


def is_healthy(found: list[Finding]) -> bool:
    """Return True if nothing is found that holds the run back, and that is more likely than not."""
    return bool(found) and found[0].label == "healthy" and found[0].confidence >= SURE


def _change_on_record(note: Any) -> ParameterChange | None:
    """Return the change that a note records."""
    if not note:
        return None
    finding = Finding(note["label"], note["confidence"], note["evidence"], NextChange("", ""))
    return ParameterChange(finding, note["param"], note["from"], note["to"])


def _is_beyond(finding: Finding, params: Params, space: Space) -> bool:
    """Return True if no parameter mends it: what is wrong is in the code or in the data."""
    return next(parameter_changes(finding, space, params, [], 1), None) is None


def _is_longer(history: History, run: int) -> bool:
    """Return True if a run's length is what was changed."""
    note: Any = history.notes[run].get(NOTE, {})
    return "length" in note


def _note(incumbent: int, change: ParameterChange, *, coarse: bool = False) -> dict[str, Any]:
    """Return what is on record of a change; `coarse` if the rate is searched by decades."""
    finding = change.finding
    return {
        **({"coarse": True} if coarse else {}),
        "of": incumbent,
        "label": finding.label,
        "confidence": finding.confidence,
        "evidence": finding.evidence,
        "param": change.param,
        "from": change.old,
        "to": change.new,
    }
