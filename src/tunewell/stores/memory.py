"""Studies in this process's memory: gone when it ends. The plainest store, and the model for the others."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tunewell.errors import StudyExists, StudyNotFound, TrialEnded, TrialNotFound
from tunewell.stores.base import Changes, Session, StudyRecord
from tunewell.trial import Checkpoint, Event, Report, Trial, TrialState


@dataclass(slots=True)
class _Study:
    """One study's log."""

    record: StudyRecord
    revision: int = 0
    n_steps: int = 0
    trials: list[Trial] = field(default_factory=list)
    changed_at: list[int] = field(default_factory=list)
    """The revision of each trial's last change."""
    reports: list[Report] = field(default_factory=list)
    values: list[tuple[int, int, float]] = field(default_factory=list)
    valued_at: list[int] = field(default_factory=list)
    """The revision of each value."""
    events: list[Event] = field(default_factory=list)
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)
    sessions: list[int] = field(default_factory=list)

    def revise(self) -> int:
        self.revision += 1
        return self.revision

    def running(self, number: int) -> Trial:
        if not 0 <= number < len(self.trials):
            raise TrialNotFound(number, len(self.trials))
        trial = self.trials[number]
        if trial.state is not TrialState.RUNNING:
            raise TrialEnded(number, trial.state)
        return trial

    def set_trial(self, trial: Trial) -> None:
        if trial.number == len(self.trials):
            self.trials.append(trial)
            self.changed_at.append(0)
        self.trials[trial.number] = trial
        self.changed_at[trial.number] = self.revise()


class MemoryStore:
    """A `Store` in memory, for one process."""

    url = "memory"
    folder: Path | None = None

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._studies: dict[int, _Study] = {}
        self._sessions: dict[int, Session] = {}

    def add_study(self, study: StudyRecord) -> StudyRecord:
        """As `Store.add_study`."""
        with self._lock:
            if any(known.record.name == study.name for known in self._studies.values()):
                raise StudyExists(study.name, self.url)
            record = replace(study, id=len(self._studies) + 1)
            self._studies[record.id] = _Study(record)
            return record

    def study(self, name: str) -> StudyRecord:
        """As `Store.study`."""
        with self._lock:
            for known in self._studies.values():
                if known.record.name == name:
                    return known.record
            raise StudyNotFound(name, self.url, tuple(known.record.name for known in self._studies.values()))

    def studies(self) -> list[StudyRecord]:
        """As `Store.studies`."""
        with self._lock:
            return [known.record for known in self._studies.values()]

    def change_study(self, study_id: int, *, max_epochs: int | None = None, budget: str | None = None) -> None:
        """As `Store.change_study`."""
        with self._lock:
            study = self._studies[study_id]
            study.revise()
            if max_epochs is not None:
                study.record = replace(study.record, max_epochs=max_epochs)
            if budget is not None:
                study.record = replace(study.record, budget=budget)

    def begin_session(self, study_id: int, session: Session) -> int:
        """As `Store.begin_session`."""
        with self._lock:
            number = len(self._sessions) + 1
            self._sessions[number] = replace(session, id=number)
            self._studies[study_id].sessions.append(number)
            return number

    def end_session(self, session_id: int, at: float) -> None:
        """As `Store.end_session`."""
        with self._lock:
            self._sessions[session_id] = replace(self._sessions[session_id], ended_at=at)

    def sessions(self, study_id: int) -> list[Session]:
        """As `Store.sessions`."""
        with self._lock:
            return [self._sessions[number] for number in self._studies[study_id].sessions]

    def begin_step(self, study_id: int, step: int, trial: Trial) -> bool:
        """As `Store.begin_step`."""
        with self._lock:
            study = self._studies[study_id]
            if step != study.n_steps:
                return False
            study.n_steps += 1
            study.set_trial(trial)
            return True

    def revise_step(self, study_id: int, trial: int, *, session: int | None = None, until: int | None = None) -> None:
        """As `Store.revise_step`."""
        with self._lock:
            study = self._studies[study_id]
            known = study.running(trial)
            study.set_trial(
                replace(
                    known,
                    session=known.session if session is None else session,
                    until=known.until if until is None else until,
                )
            )

    def report(
        self, study_id: int, trial: int, epoch: int, metrics: Mapping[str, float], value: float | None, at: float
    ) -> None:
        """As `Store.report`."""
        with self._lock:
            study = self._studies[study_id]
            study.running(trial)
            study.reports.append(Report(trial, epoch, dict(metrics), at))
            revision = study.revise()
            if value is not None:
                study.values.append((trial, epoch, value))
                study.valued_at.append(revision)

    def end_step(
        self,
        study_id: int,
        trial: int,
        state: TrialState,
        epochs: int,
        *,
        reason: str | None = None,
        at: float | None = None,
    ) -> None:
        """As `Store.end_step`."""
        with self._lock:
            study = self._studies[study_id]
            study.set_trial(replace(study.running(trial), state=state, epochs=epochs, reason=reason, ended_at=at))

    def add_retrained(self, study_id: int, trial: int, epochs: int) -> None:
        """As `Store.add_retrained`."""
        with self._lock:
            study = self._studies[study_id]
            known = study.trials[trial]
            study.set_trial(replace(known, retrained=known.retrained + epochs))

    def add_event(self, study_id: int, event: Event) -> None:
        """As `Store.add_event`."""
        with self._lock:
            self._studies[study_id].events.append(event)

    def events(self, study_id: int, trial: int | None = None) -> list[Event]:
        """As `Store.events`."""
        with self._lock:
            return [event for event in self._studies[study_id].events if trial is None or event.trial == trial]

    def set_checkpoint(self, study_id: int, checkpoint: Checkpoint) -> None:
        """As `Store.set_checkpoint`."""
        with self._lock:
            self._studies[study_id].checkpoints[checkpoint.trial] = checkpoint

    def checkpoints(self, study_id: int) -> list[Checkpoint]:
        """As `Store.checkpoints`."""
        with self._lock:
            return list(self._studies[study_id].checkpoints.values())

    def changes(self, study_id: int, since: int) -> Changes:
        """As `Store.changes`."""
        with self._lock:
            study = self._studies[study_id]
            new = bisect_right(study.valued_at, since)
            return Changes(
                revision=study.revision,
                n_steps=study.n_steps,
                max_epochs=study.record.max_epochs,
                trials=[trial for trial, at in zip(study.trials, study.changed_at, strict=True) if at > since],
                values=np.array(study.values[new:], dtype=np.float64).reshape(-1, 3),
            )

    def reports(self, study_id: int, trial: int | None = None) -> list[Report]:
        """As `Store.reports`."""
        with self._lock:
            return [report for report in self._studies[study_id].reports if trial is None or report.trial == trial]

    def close(self) -> None:
        """As `Store.close`."""
