"""Decides as a doctor does: look at the patient, treat what is found, see whether that helped; else let others search.

The *patient* is the best run so far of those that the doctor treats, the first being the training as it is. It trains
from look to look. At each look its record is diagnosed; a plain finding that a parameter can mend starts another run
with that one change, and the better of the two, at the same epoch, is the patient from then on. When the patient is
trained to its end and healthy, all is done. When nothing is left to be tried, the study's own scheduler goes on, which
knows all these runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tunewell.diagnosis import Finding, NextChange, diagnose
from tunewell.errors import RecordError
from tunewell.history import History
from tunewell.rescue.treatments import Treatment, further, treated, treatments
from tunewell.schedulers import Scheduler
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.study.reader import StudyReader
from tunewell.trial import Allowance, Resume, Start

NOTE = "rescue"
_LOOKS = (1 / 9, 1 / 3, 1.0)  # of a training
_LEAST_EPOCHS = 3  # of the first look
_EARLIEST = 1 / 3  # of a training: before, its end cannot be foreseen
_PLAIN = 0.25  # a finding that is treated before the training's end
_WORTH_TRYING = 0.1  # at its end
SURE = 0.5
"""With as much confidence a run is called healthy; with less, nothing plain is found, which is not the same."""
_LATE = frozenset(("overfitting", "lr_decays_too_early", "batch_size_too_small"))
"""What shows late: a run that is treated for it is compared no earlier."""
_UNFINISHED = frozenset(("too_few_epochs",))
"""What every run looks like before its end."""


@dataclass(frozen=True, slots=True)
class RescueScheduler(Scheduler):
    """A scheduler that treats one run before it lets another scheduler search."""

    study: StudyReader
    """Whose runs are looked at."""
    then: Scheduler
    as_it_is: Params
    """The setting of the first run."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What a record of a run has besides its reports and its setting."""
    target: float = math.nan
    """A metric, lower is better, at which all is done."""

    def next(
        self, space: Space, history: History, allowance: Allowance, rng: np.random.Generator
    ) -> Start | Resume | None:
        """Of `Scheduler`."""
        mine = own(history)
        looks = _looks(history.max_epochs)
        if not mine:
            return Start(self.as_it_is, looks[0], {NOTE: {}})
        if history.running[mine].any() or history.lowest.min(initial=np.inf) <= self.target:
            return None
        if len(mine) == len(history):
            answer = self._care(space, history, mine, looks)
            if answer is not None:
                return answer if allowance.trials or isinstance(answer, Resume) else None
            if self.is_settled(history):
                return None
        elif math.isnan(self.target) and self._is_found(history):
            return None
        return self.then.next(space, history, allowance, rng)

    def findings(self, trial: int, history: History) -> list[Finding]:
        """What holds a run back; of one that is still to be trained on, what does so already.

        A run that falls short of the target is not healthy, whatever it looks like.
        """
        try:
            record = self.study.run_record(trial)
            config = {**self.about.get("config", {}), **record["config"]}
            found = diagnose({**self.about, **record, "config": config})
        except RecordError:
            return []
        if not history.ended[trial]:
            found = [finding for finding in found if finding.label not in _UNFINISHED]
        return _without_healthy(found) if self._falls_short(history, trial) else found

    def _falls_short(self, history: History, trial: int) -> bool:
        """The run has ended short of the target, or will: each doubling of its epochs is taken to gain as the last."""
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

    def is_settled(self, history: History) -> bool:
        """The patient is at its end, and surely healthy, or held back by what is no parameter of the space."""
        if not math.isnan(self.target):
            return False
        patient = patient_of(history)
        if not history.ended[patient]:
            return False
        found = self.findings(patient, history)
        if not found or found[0].label == "healthy":
            return is_healthy(found)
        return found[0].confidence >= _PLAIN and _is_beyond(found[0], self.as_it_is, history.space)

    def _care(self, space: Space, history: History, mine: list[int], looks: list[int]) -> Start | Resume | None:
        """Train the patient on, or treat it; None if neither can be done."""
        patient = patient_of(history)
        over, epochs = bool(history.ended[patient]), int(history.epochs[patient])
        trials = self.study.trials
        params, tried = trials[patient].params, [trials[number].params for number in mine]
        chosen = None
        if epochs <= looks[0]:
            evidence = self._helped(history, patient)
            if evidence:
                chosen = further(_treatment(trials[patient].note[NOTE]), space, params, tried, evidence)
        if chosen is None:
            found = self.findings(patient, history)
            chosen = next(self._plans(found, space, params, tried, history.max_epochs, over=over), None)
        if chosen is None:
            return None if over else Resume(patient, next(look for look in looks if look > epochs))
        until = max(looks[0], epochs if chosen.finding.label in _LATE else 0)
        return Start(treated(space, params, chosen), until, {NOTE: _note(patient, chosen)})

    def _helped(self, history: History, run: int) -> str:
        """How much better a run is than the one that it treats, so far; empty if it is not."""
        note: Any = self.study.trials[run].note[NOTE]
        treats = note.get("of")
        if treats is None or not is_better(history, run, treats):
            return ""
        epoch = int(min(history.epochs[run], history.epochs[treats]))
        before, now = (best_of_curve(history.curves[one, :epoch]) for one in (treats, run))
        if not now < before:
            return "this way it breaks as well"
        sign = -1 if self.study.maximize else 1
        told = f"{sign * now:.4g} at epoch {epoch}"
        return f"moving it this way helped at first, with {told}" + (
            "" if math.isinf(before) else f" in place of {sign * before:.4g}"
        )

    def _plans(
        self, found: list[Finding], space: Space, params: Params, tried: list[Params], max_epochs: int, *, over: bool
    ) -> Iterator[Treatment]:
        """What to try, the likeliest first; a cause of which all is tried leaves its share to the others."""
        left = 1.0
        for finding in found:
            if finding.label == "healthy" or finding.confidence < left * (_WORTH_TRYING if over else _PLAIN):
                return
            yield from treatments(finding, space, params, tried, max_epochs)
            left -= finding.confidence

    def _is_found(self, history: History) -> bool:
        """A run of the search is trained to its end, the best of all, and healthy."""
        best = int(history.lowest.argmin())
        complete = history.ended[best] and not history.failed[best] and not history.stopped[best]
        return bool(complete) and best not in own(history) and is_healthy(self.findings(best, history))


def own(history: History) -> list[int]:
    """The trials that the doctor began."""
    return [number for number, note in enumerate(history.notes) if NOTE in note]


def patient_of(history: History) -> int:
    """The best of the doctor's runs: each in turn against the best before, at the last epoch that both have."""
    first, *others = own(history)
    patient = first
    for other in others:
        if is_better(history, other, patient):
            patient = other
    return patient


def is_better(history: History, one: int, other: int) -> bool:
    """A run that is not over yet is judged by its best so far; of two that broke, the later is the patient."""
    epoch = int(min(history.epochs[one], history.epochs[other]))
    broken = [bool(history.failed[run] or history.stopped[run]) for run in (one, other)]
    if broken[0] != broken[1]:
        return broken[1]
    values = [best_of_curve(history.curves[run, :epoch]) for run in (one, other)]
    return values[0] < values[1] or all(broken)


def best_of_curve(curve: np.ndarray) -> float:
    """The lowest finite value; infinite if there is none."""
    finite = curve[np.isfinite(curve)]
    return float(finite.min()) if finite.size else math.inf


def _looks(max_epochs: int) -> list[int]:
    return sorted({min(max_epochs, max(_LEAST_EPOCHS, round(share * max_epochs))) for share in _LOOKS})


def _without_healthy(found: list[Finding]) -> list[Finding]:
    faults = [finding for finding in found if finding.label != "healthy"]
    share = sum(finding.confidence for finding in faults)
    return [replace(finding, confidence=round(finding.confidence / share, 3)) for finding in faults] if share else []


def is_healthy(found: list[Finding]) -> bool:
    """Nothing is found that holds the run back, and that is more likely than not."""
    return bool(found) and found[0].label == "healthy" and found[0].confidence >= SURE


def _treatment(note: Any) -> Treatment | None:
    """What was written down of it."""
    if not note:
        return None
    finding = Finding(note["label"], note["confidence"], note["evidence"], NextChange("", ""))
    return Treatment(finding, note["param"], note["from"], note["to"])


def _is_beyond(finding: Finding, params: Params, space: Space) -> bool:
    """No parameter mends it: what is wrong is in the code or in the data."""
    return next(treatments(finding, space, params, [], 1), None) is None


def _note(patient: int, treatment: Treatment) -> dict[str, Any]:
    finding = treatment.finding
    return {
        "of": patient,
        "label": finding.label,
        "confidence": finding.confidence,
        "evidence": finding.evidence,
        "param": treatment.param,
        "from": treatment.old,
        "to": treatment.new,
    }
