"""Studies in this process's memory: gone when it ends. The plainest store, and the model for the others."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunewell.commands import Command
from tunewell.errors import StepTaken, StoreError, StudyExists, StudyNotFound, TrialEnded, TrialNotFound
from tunewell.space.values import Params
from tunewell.stores.base import BECOMES, Changes, Session, SpaceVersion, StepRecord, StudyContents, StudyRecord
from tunewell.stores.command_rows import decoded, encoded
from tunewell.stores.rows import copied
from tunewell.trial import Checkpoint, Event, Report, Trial, TrialState


@dataclass(slots=True)
class _Study:
    """One study's log."""

    record: StudyRecord
    decision_lock: threading.RLock = field(default_factory=threading.RLock)
    revision: int = 0
    steps: list[StepRecord] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    """The trial of each change of one, oldest first."""
    changed_at: list[int] = field(default_factory=list)
    """The revision of each of these."""
    reports: list[Report] = field(default_factory=list)
    measured: list[float | None] = field(default_factory=list)
    """The metric in each report."""
    reported_at: list[int] = field(default_factory=list)
    """The revision of each report."""
    in_progress: set[int] = field(default_factory=set)
    """The trials that run."""
    reached: dict[int, int] = field(default_factory=dict)
    """The highest epoch that each trial has reported."""
    values: list[tuple[int, int, float]] = field(default_factory=list)
    valued_at: list[int] = field(default_factory=list)
    """The revision of each value."""
    events: list[Event] = field(default_factory=list)
    checkpoints: dict[tuple[int, int], Checkpoint] = field(default_factory=dict)
    """By trial and epoch."""
    commands: list[Command] = field(default_factory=list)
    commanded_at: list[int] = field(default_factory=list)
    """The revision of the last change of each command."""
    n_waiting: int = 0
    seconds: float = 0.0
    sessions: list[int] = field(default_factory=list)
    spaces: list[SpaceVersion] = field(default_factory=list)

    def revise(self) -> int:
        self.revision += 1
        return self.revision

    def trial(self, number: int, state: TrialState | None = None) -> Trial:
        """Return that trial, which must be in that state."""
        if not 0 <= number < len(self.trials):
            raise TrialNotFound(number, len(self.trials))
        trial = self.trials[number]
        if state not in (None, trial.state):
            raise TrialEnded(number, trial.state)
        return trial

    def running(self, number: int, session: int | None) -> Trial:
        """Return that trial, which must be running, in that session if one is named."""
        trial = self.trial(number, TrialState.RUNNING)
        if session not in (None, trial.session):
            raise StepTaken(number)
        return trial

    def learn(self, max_epochs: int | None) -> None:
        """Take note of how many epochs a full training has, if it is given."""
        if max_epochs is not None:
            self.record = replace(self.record, max_epochs=max_epochs)

    def set_trial(self, trial: Trial) -> None:
        self.trials[trial.number : trial.number + 1] = [trial]
        (self.in_progress.add if trial.state is TrialState.RUNNING else self.in_progress.discard)(trial.number)
        self.changed.append(trial.number)
        self.changed_at.append(self.revise())

    def add_report(self, report: Report, value: float | None) -> None:
        """Add a report, with the study's metric in it."""
        self.reports.append(report)
        self.measured.append(value)
        self.reached[report.trial] = max(report.epoch, self.reached.get(report.trial, report.epoch))
        revision = self.revise()
        self.reported_at.append(revision)
        if value is not None:
            self.values.append((report.trial, report.epoch, value))
            self.valued_at.append(revision)

    def in_a_step(self, changed: Collection[int]) -> list[int]:
        """Return the trials that run, and those that are to train again what they have reported, by number."""
        again = {n for n in changed if self.trials[n].epochs < min(self.reached.get(n, 0), self.trials[n].until)}
        return sorted(self.in_progress | again)

    def resting(self, number: int) -> Trial:
        """Return that trial, which must be paused or held."""
        trial = self.trial(number)
        if trial.state not in (TrialState.PAUSED, TrialState.HELD):
            raise TrialEnded(number, trial.state)
        return trial

    def settle(self, done: Command | None, event: Event | None) -> bool:
        """Note what came of a command, if one is given, and append an event; False if it was taken up already."""
        if done is not None:
            known = self.commands[done.id - 1]
            if known.taken_at is not None:
                return False
            self.n_waiting -= 1
            self.commands[done.id - 1] = replace(
                _copy_of_command(done), trial=known.trial, at=known.at, by=known.by, why=known.why
            )
            self.commanded_at[done.id - 1] = self.revision + 1  # of the change that this is a part of
        if event is not None:
            self.events.append(_copy_of_event(event))
        return True


class MemoryStore:
    """A `Store` in memory, for one process. What it keeps and what it gives are copies.

    Example:
        >>> store = tw.MemoryStore()
        >>> study = tw.Study({"rate": tw.Float(0.0, 1.0)}, metric="val_loss", max_epochs=3, name="first", store=store)
        >>> tw.Study.open(store, "first").record.metric
        'val_loss'
    """

    url = "memory"
    folder: Path | None = None

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._studies: dict[int, _Study] = {}
        self._sessions: dict[int, Session] = {}

    def add_study(self, study: StudyRecord) -> StudyRecord:
        """Implement `Store.add_study`."""
        with self._lock:
            if any(known.record.name == study.name for known in self._studies.values()):
                raise StudyExists(study.name, self.url)
            record = replace(study, id=len(self._studies) + 1)
            first = _copy_of_space(SpaceVersion(1, record.space, record.created_at))
            self._studies[record.id] = _Study(_copy_of_study(record), spaces=[first])
            return record

    def study(self, name: str) -> StudyRecord:
        """Implement `Store.study`."""
        with self._lock:
            for known in self._studies.values():
                if known.record.name == name:
                    return _copy_of_study(known.record)
            raise StudyNotFound(name, self.url, tuple(known.record.name for known in self._studies.values()))

    def studies(self) -> list[StudyRecord]:
        """Implement `Store.studies`."""
        with self._lock:
            return [_copy_of_study(known.record) for known in self._studies.values()]

    def change_study(
        self,
        study_id: int,
        *,
        max_epochs: int | None = None,
        budget: str | None = None,
        min_delta: float | None = None,
        is_paused: bool | None = None,
        event: Event | None = None,
    ) -> None:
        """Implement `Store.change_study`."""
        with self._lock:
            study = self._study(study_id)
            study.revise()
            if max_epochs is not None:
                study.record = replace(study.record, max_epochs=max_epochs)
            if budget is not None:
                study.record = replace(study.record, budget=budget)
            if min_delta is not None:
                study.record = replace(study.record, min_delta=min_delta)
            if is_paused is not None:
                study.record = replace(study.record, is_paused=is_paused)
            study.settle(None, event)

    def add_space(self, study_id: int, version: SpaceVersion) -> bool:
        """Implement `Store.add_space`."""
        with self._lock:
            study = self._study(study_id)
            if version.number != len(study.spaces) + 1:
                return False
            version = _copy_of_space(replace(version, first_trial=len(study.trials)))
            study.spaces.append(version)
            study.record = replace(study.record, space=version.space)
            study.revise()
            return True

    def spaces(self, study_id: int) -> list[SpaceVersion]:
        """Implement `Store.spaces`."""
        with self._lock:
            return [_copy_of_space(version) for version in self._study(study_id).spaces]

    def begin_session(self, study_id: int, session: Session, *, newest: int | None = None) -> int | None:
        """Implement `Store.begin_session`."""
        with self._lock:
            study = self._study(study_id)
            study.revise()
            if newest not in (None, max(study.sessions, default=0)):
                return None
            number = len(self._sessions) + 1
            self._sessions[number] = replace(session, id=number, versions=dict(session.versions))
            study.sessions.append(number)
            return number

    def end_session(self, session_id: int, at: float, *, seconds: float = 0.0) -> None:
        """Implement `Store.end_session`."""
        with self._lock:
            if session_id not in self._sessions:
                raise StoreError(f"{self.url} has no session whose id is {session_id}")
            self._sessions[session_id] = replace(self._sessions[session_id], ended_at=at)
            self._raise_seconds(session_id, seconds)

    def beat(self, session_id: int, *, seconds: float = 0.0) -> bool:
        """Implement `Store.beat`."""
        with self._lock:
            known = self._sessions.get(session_id)
            if known is None or known.ended_at is not None:
                return False
            self._sessions[session_id] = replace(known, beats=known.beats + 1)
            self._raise_seconds(session_id, seconds)
            return True

    def sessions(self, study_id: int) -> list[Session]:
        """Implement `Store.sessions`."""
        with self._lock:
            found = (self._sessions[number] for number in self._study(study_id).sessions)
            return [replace(session, versions=dict(session.versions)) for session in found]

    def last_sign(self, session_id: int) -> float:
        """Implement `Store.last_sign`."""
        with self._lock:
            if session_id not in self._sessions:
                raise StoreError(f"{self.url} has no session whose id is {session_id}")
            times = [self._sessions[session_id].started_at]
            for study in self._studies.values():
                own = {trial.number: trial for trial in study.trials if trial.session == session_id}
                times += [trial.ended_at or trial.started_at for trial in own.values()]
                times += [report.at for report in study.reports if report.trial in own]
            return max(times)

    @contextmanager
    def decision_lock(self, study_id: int) -> Iterator[None]:
        """Implement `Store.decision_lock`."""
        with self._study(study_id).decision_lock:
            yield

    def begin_step(self, study_id: int, step: int, trial: Trial) -> bool:
        """Implement `Store.begin_step`."""
        with self._lock:
            study = self._study(study_id)
            if step != len(study.steps):
                return False
            if trial.number == len(study.trials):
                begun = replace(_copy_of_trial(trial), state=TrialState.RUNNING)
            else:
                paused = study.trial(trial.number, TrialState.PAUSED)
                begun = replace(
                    paused,
                    state=TrialState.RUNNING,
                    until=trial.until,
                    session=trial.session,
                    note=copied(trial.note),
                )
            until, session = begun.until, begun.session
            study.steps.append(StepRecord(step, trial.number, trial.epochs + 1, until, session, time.time()))
            study.set_trial(begun)
            return True

    def revise_step(self, study_id: int, trial: int, *, until: int, max_epochs: int | None = None) -> None:
        """Implement `Store.revise_step`."""
        with self._lock:
            study = self._study(study_id)
            study.set_trial(replace(study.trial(trial, TrialState.RUNNING), until=until))
            last = next((one.number for one in reversed(study.steps) if one.trial == trial), None)
            if last is not None:
                study.steps[last] = replace(study.steps[last], until=until)
            study.learn(max_epochs)

    def take_step(self, study_id: int, trial: int, *, of: int, session: int) -> bool:
        """Implement `Store.take_step`."""
        with self._lock:
            study = self._study(study_id)
            known = study.trial(trial)
            if (known.state, known.session) != (TrialState.RUNNING, of):
                study.revise()
                return False
            study.set_trial(replace(known, session=session))
            return True

    def report(
        self,
        study_id: int,
        trial: int,
        epoch: int,
        metrics: Mapping[str, float],
        value: float | None,
        at: float,
        *,
        session: int | None = None,
        seconds: float = 0.0,
    ) -> int:
        """Implement `Store.report`."""
        with self._lock:
            study = self._study(study_id)
            study.running(trial, session)
            study.seconds = max(study.seconds, seconds)
            study.add_report(
                Report(trial, epoch, {name: float(v) for name, v in metrics.items()}, at),
                None if value is None else float(value),
            )
            return study.n_waiting + study.record.is_paused

    def end_step(
        self,
        study_id: int,
        trial: int,
        state: TrialState,
        epochs: int,
        *,
        reason: str | None = None,
        at: float | None = None,
        session: int | None = None,
        max_epochs: int | None = None,
    ) -> None:
        """Implement `Store.end_step`."""
        with self._lock:
            study = self._study(study_id)
            known = study.running(trial, session)
            study.set_trial(replace(known, state=state, epochs=epochs, reason=reason, ended_at=at))
            study.learn(max_epochs)

    def add_retrained(self, study_id: int, trial: int, epochs: int) -> None:
        """Implement `Store.add_retrained`."""
        with self._lock:
            study = self._study(study_id)
            known = study.trial(trial)
            study.set_trial(replace(known, retrained=known.retrained + epochs))

    def add_event(self, study_id: int, event: Event) -> None:
        """Implement `Store.add_event`."""
        with self._lock:
            study = self._study(study_id)
            if event.trial is not None:
                study.trial(event.trial)
            study.events.append(_copy_of_event(event))
            study.revise()

    def events(self, study_id: int, trial: int | None = None) -> list[Event]:
        """Implement `Store.events`."""
        with self._lock:
            events = self._study(study_id).events
            return [_copy_of_event(event) for event in events if trial is None or event.trial == trial]

    def study_events(self, study_id: int, kind: str) -> list[Event]:
        """Implement `Store.study_events`."""
        with self._lock:
            events = self._study(study_id).events
            return [_copy_of_event(event) for event in events if event.trial is None and event.kind == kind]

    def add_checkpoint(self, study_id: int, checkpoint: Checkpoint, *, session: int | None = None) -> None:
        """Implement `Store.add_checkpoint`."""
        with self._lock:
            study = self._study(study_id)
            if session not in (None, study.trial(checkpoint.trial).session):
                raise StepTaken(checkpoint.trial)
            study.checkpoints[checkpoint.trial, checkpoint.epoch] = checkpoint
            study.revise()

    def drop_checkpoint(self, study_id: int, trial: int, epoch: int) -> None:
        """Implement `Store.drop_checkpoint`."""
        with self._lock:
            study = self._study(study_id)
            study.checkpoints.pop((trial, epoch), None)
            study.revise()

    def checkpoints(self, study_id: int) -> list[Checkpoint]:
        """Implement `Store.checkpoints`."""
        with self._lock:
            return [checkpoint for _, checkpoint in sorted(self._study(study_id).checkpoints.items())]

    def add_command(self, study_id: int, command: Command) -> Command:
        """Implement `Store.add_command`."""
        with self._lock:
            study = self._study(study_id)
            state = study.trial(command.trial).state
            if state.ended and not command.is_for_ended_trials:
                raise TrialEnded(command.trial, state)
            kept = replace(_copy_of_command(command), id=len(study.commands) + 1)
            study.commands.append(kept)
            study.n_waiting += kept.taken_at is None
            study.commanded_at.append(study.revise())
            return replace(command, id=kept.id)

    def settle_command(self, study_id: int, done: Command, event: Event | None = None) -> bool:
        """Implement `Store.settle_command`."""
        with self._lock:
            study = self._study(study_id)
            is_settled = study.settle(done, event)
            study.revise()
            return is_settled

    def commands(self, study_id: int, *, waiting: bool = False, since: int = 0) -> list[Command]:
        """Implement `Store.commands`."""
        with self._lock:
            study = self._study(study_id)
            known = zip(study.commands, study.commanded_at, strict=True)
            return [_copy_of_command(c) for c, at in known if at > since and (c.taken_at is None or not waiting)]

    def steer_trial(
        self,
        study_id: int,
        trial: int,
        state: TrialState | None,
        *,
        reason: str | None = None,
        at: float | None = None,
        done: Command | None = None,
        event: Event | None = None,
    ) -> bool:
        """Implement `Store.steer_trial`."""
        with self._lock:
            study = self._study(study_id)
            known = study.resting(trial)
            is_settled = study.settle(done, event)
            if state is None or not is_settled:
                study.revise()
            else:
                study.set_trial(replace(known, state=state, reason=reason, ended_at=at))
            return is_settled

    def reopen_trial(self, study_id: int, trial: int, epochs: int) -> None:
        """Implement `Store.reopen_trial`."""
        with self._lock:
            study = self._study(study_id)
            known = study.trial(trial, TrialState.FAILED)
            study.set_trial(replace(known, state=TrialState.PAUSED, epochs=epochs, reason=None, ended_at=None))

    def add_branch(
        self,
        study_id: int,
        trial: Trial,
        checkpoint: Checkpoint | None = None,
        *,
        done: Command | None = None,
        event: Event | None = None,
        stopped: str | None = None,
    ) -> bool:
        """Implement `Store.add_branch`."""
        with self._lock:
            study = self._study(study_id)
            if trial.number != len(study.trials):
                raise TrialEnded(trial.number, study.trial(trial.number).state)
            parent = study.resting(done.trial) if stopped is not None and done is not None else None
            if not study.settle(done, event):
                return False
            study.set_trial(_copy_of_trial(trial))
            if checkpoint is not None:
                study.checkpoints[checkpoint.trial, checkpoint.epoch] = checkpoint
            if parent is not None and done is not None:
                study.set_trial(replace(parent, state=TrialState.STOPPED, reason=stopped, ended_at=done.taken_at))
            return True

    def changes(self, study_id: int, since: int) -> Changes:
        """Implement `Store.changes`."""
        with self._lock:
            study = self._study(study_id)
            changed = set(study.changed[bisect_right(study.changed_at, since) :])
            return Changes(
                revision=study.revision,
                n_steps=len(study.steps),
                max_epochs=study.record.max_epochs,
                trials=[_copy_of_trial(study.trials[number]) for number in sorted(changed)],
                reached=[(n, study.reached[n]) for n in study.in_a_step(changed) if n in study.reached],
                n_spaces=len(study.spaces),
                n_waiting=study.n_waiting,
                seconds=study.seconds,
                budget=study.record.budget,
                is_paused=study.record.is_paused,
            )

    def values(self, study_id: int, since: int, until: int) -> Iterator[NDArray[np.float64]]:
        """Implement `Store.values`."""
        with self._lock:
            study = self._study(study_id)
            values = study.values[bisect_right(study.valued_at, since) : bisect_right(study.valued_at, until)]
        if values:
            yield np.array(values, dtype=np.float64)

    def reports(self, study_id: int, trial: int | None = None) -> list[Report]:
        """Implement `Store.reports`."""
        with self._lock:
            reports = self._study(study_id).reports
            return [replace(r, metrics=dict(r.metrics)) for r in reports if trial is None or r.trial == trial]

    def contents(self, study_id: int) -> StudyContents:
        """Implement `Store.contents`."""
        with self._lock:
            study = self._study(study_id)
            return StudyContents(
                record=_copy_of_study(study.record),
                spaces=self.spaces(study_id),
                sessions=self.sessions(study_id),
                trials=[_copy_of_trial(trial) for trial in study.trials],
                steps=list(study.steps),
                reports=list(zip(self.reports(study_id), study.measured, strict=True)),
                n_reports=len(study.reports),
                events=self.events(study_id),
                checkpoints=self.checkpoints(study_id),
                commands=self.commands(study_id),
                seconds=study.seconds,
                revision=study.revision,
            )

    def add_contents(self, contents: StudyContents) -> StudyRecord:
        """Implement `Store.add_contents`."""
        with self._lock:
            for known in self._studies.values():
                if known.record.uuid == contents.record.uuid or known.record.name == contents.record.name:
                    raise StudyExists(known.record.name, self.url)
            filled = self._filled(contents)
            record = self.add_study(contents.record)
            filled.record = replace(filled.record, id=record.id)
            self._studies[record.id] = filled
            return record

    def replace_contents(self, study_id: int, contents: StudyContents) -> bool:
        """Implement `Store.replace_contents`."""
        with self._lock:
            known = self._study(study_id)
            if known.revision != contents.revision:
                return False
            filled = self._filled(contents, revision=known.revision)
            filled.record = replace(filled.record, id=study_id, name=known.record.name, uuid=known.record.uuid)
            filled.decision_lock = known.decision_lock
            self._studies[study_id] = filled
            return True

    def _filled(self, contents: StudyContents, *, revision: int = 0) -> _Study:
        """Return a study in which all that has happened, with sessions that have ids of this store's own."""
        reports = list(contents.reports)
        study = _Study(_copy_of_study(contents.record), revision=revision, seconds=contents.seconds)
        study.spaces = [_copy_of_space(version) for version in contents.spaces]
        sessions: dict[int, int] = {}
        for session in contents.sessions:
            sessions[session.id] = number = len(self._sessions) + 1
            self._sessions[number] = replace(session, id=number, versions=dict(session.versions))
            study.sessions.append(number)
        of = sessions.get
        for trial in contents.trials:
            study.set_trial(_copy_of_trial(replace(trial, session=of(trial.session, 0))))
        study.steps = [replace(step, session=of(step.session, 0)) for step in contents.steps]
        for report, value in reports:
            study.add_report(replace(report, metrics=dict(report.metrics)), value)
        study.events = [_copy_of_event(event) for event in contents.events]
        study.checkpoints = {(one.trial, one.epoch): one for one in contents.checkpoints}
        commands = (_copy_of_command(command) for command in contents.commands)
        study.commands = [replace(command, id=number) for number, command in enumerate(commands, 1)]
        study.n_waiting = sum(command.taken_at is None for command in study.commands)
        study.commanded_at = [study.revise()] * len(study.commands)
        return study

    def new_reports(self, study_id: int, since: int, until: int) -> list[Report]:
        """Implement `Store.new_reports`."""
        with self._lock:
            study = self._study(study_id)
            first, last = bisect_right(study.reported_at, since), bisect_right(study.reported_at, until)
            return [replace(r, metrics=dict(r.metrics)) for r in study.reports[first:last]]

    def add_recorded(
        self,
        study_id: int,
        trials: Sequence[Trial],
        reports: Sequence[tuple[Report, float | None]] = (),
        events: Sequence[Event] = (),
    ) -> None:
        """Implement `Store.add_recorded`."""
        with self._lock:
            study = self._study(study_id)
            n_trials = len(study.trials)
            for trial in trials:
                if trial.number > n_trials:
                    raise TrialNotFound(trial.number, n_trials)
                if trial.number == n_trials:
                    n_trials += 1
                elif study.trials[trial.number].session:
                    raise TrialEnded(trial.number, study.trials[trial.number].state)
            for trial in trials:
                kept = _copy_of_trial(trial)
                if trial.number < len(study.trials):
                    known = study.trials[trial.number]
                    kept = replace(known, **{name: getattr(kept, name) for name in BECOMES})
                study.set_trial(kept)
            for report, value in reports:
                metrics = {name: float(v) for name, v in report.metrics.items()}
                study.add_report(replace(report, metrics=metrics), None if value is None else float(value))
            for event in events:
                study.settle(None, event)

    def close(self) -> None:
        """Implement `Store.close`."""

    def _raise_seconds(self, session_id: int, seconds: float) -> None:
        for study in self._studies.values():
            if session_id in study.sessions:
                study.seconds = max(study.seconds, seconds)

    def _study(self, study_id: int) -> _Study:
        if study_id not in self._studies:
            raise StoreError(f"{self.url} has no study whose id is {study_id}")
        return self._studies[study_id]


def _copy_of_study(study: StudyRecord) -> StudyRecord:
    return replace(study, space=copied(study.space), scheduler=copied(study.scheduler))


def _copy_of_space(version: SpaceVersion) -> SpaceVersion:
    return replace(version, space=copied(version.space), held=copied(version.held))


def _copy_of_trial(trial: Trial) -> Trial:
    return replace(trial, params=Params(copied(trial.params)), note=copied(trial.note))


def _copy_of_command(command: Command) -> Command:
    return decoded(replace(row := encoded(command), data=copied(row.data)))


def _copy_of_event(event: Event) -> Event:
    return replace(event, data=copied(event.data))
