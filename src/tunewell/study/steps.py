"""A step of a study: what its trial is when it begins, what was expected of it, and what becomes of the trial."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tunewell.analysis.decisions import DECIDED, decisions, recent_gain, since_extended
from tunewell.stores import Session, Store, StudyRecord
from tunewell.study.log import Log
from tunewell.trial import Event, Resume, Start, Trial, TrialState


def begun(answer: Start | Resume, trials: Sequence[Trial], session: Session, study_seed: int) -> Trial:
    """Return the trial of a scheduler's answer, as it is while its step runs.

    Of what the scheduler wrote, the reasons do not stay with the trial: they are an event.
    """
    note = {name: value for name, value in answer.note.items() if name != "why"}
    if isinstance(answer, Resume):
        known = trials[answer.trial]
        note = {**known.note, **note}
        return replace(known, state=TrialState.RUNNING, until=answer.until, session=session.id, note=note)
    number = len(trials)
    return Trial(
        number=number,
        params=answer.params,
        state=TrialState.RUNNING,
        epochs=0,
        until=answer.until,
        seed=trial_seed(study_seed, number),
        started_at=time.time(),
        note=note,
        session=session.id,
    )


@dataclass(slots=True)
class Progress:
    """The progress of a step that this process gave out."""

    until: int
    epoch: int
    measured: bool
    """The trial has reported the study's metric."""
    infinite_at: int | None
    """The first epoch at which that was not finite."""
    session: int
    """In which it was given out."""
    is_twin: bool
    """The trial shows what a change does, and is over with this step."""

    def outcome(self, metric: str, error: str | None, *, over: bool) -> tuple[TrialState, int, str | None]:
        """Return the trial's state after its step, the epochs it has trained, and why it ended."""
        if error is not None:
            return TrialState.FAILED, self.epoch, error
        if self.infinite_at is not None:
            return TrialState.STOPPED, self.epoch, f"{metric} was not finite at epoch {self.infinite_at}"
        # epochs that nobody reported were trained all the same
        return TrialState.COMPLETE if over else TrialState.PAUSED, self.until, None


@dataclass(frozen=True, slots=True)
class _Given:
    """A step that a model gave out."""

    epochs: int
    gain: float


class ExpectedGains:
    """The gains that the scheduler's model expected of the steps, kept so as not to read all events at each step."""

    __slots__ = ("_given", "_store", "_study", "_version")

    def __init__(self, store: Store, study: StudyRecord) -> None:
        self._store, self._study = store, study
        self._version = 0
        self._given: list[_Given] = []

    def note(self, trial: Trial, epoch: int, why: object) -> None:
        """Put on record what was expected of a step that begins with an epoch, if the scheduler says so."""
        if not isinstance(why, Mapping):
            return
        data = {"until": trial.until, **why}
        self._store.add_event(self._study.id, Event(DECIDED, time.time(), trial.number, epoch, data=data))
        self._given.append(_Given(trial.until - epoch + 1, why.get("gain", math.inf)))

    def gain(self, log: Log) -> float:
        """Return the largest gain of the last five trainings' worth of steps; infinite if today's space has fewer."""
        version = len(log.versions.spaces)
        if version != self._version:
            events = since_extended(self._store.events(self._study.id))
            known = decisions(events, maximize=self._study.direction == "maximize")
            self._version, self._given = version, [_Given(decision.epochs, decision.gain) for decision in known]
        return recent_gain(self._given, log.max_epochs or 1)


def trial_seed(study_seed: int, trial: int) -> int:
    """Return 31 bits, a seed for every framework; the third key keeps it apart from the search's own draws."""
    return int(np.random.SeedSequence([study_seed, trial, 1]).generate_state(1)[0] >> 1)
