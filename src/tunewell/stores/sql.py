"""Studies in an SQL database: a method is a transaction, a record is a row.

Every writing transaction on a study first raises the study's revision and stamps the rows it writes with it; since
writers take turns from that moment on, revisions are in the order of the commits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from threading import get_ident
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tunewell.commands import Command
from tunewell.errors import SettingError, StepTaken, StoreError, StudyExists, StudyNotFound, TrialEnded, TrialNotFound
from tunewell.no_garbage import no_garbage
from tunewell.stores import rows
from tunewell.stores.base import (
    Changes,
    DamagedSpace,
    DamagedStudy,
    Session,
    SpaceVersion,
    StepRecord,
    StudyContents,
    StudyRecord,
)
from tunewell.stores.command_rows import decoded, encoded
from tunewell.stores.database import CommitUncertain, ConnectionLost, Database
from tunewell.stores.places import database_at
from tunewell.stores.statements import texts
from tunewell.stores.tolerant_rows import BEFORE_ALL, TolerantRows
from tunewell.stores.transaction import Transaction
from tunewell.trial import Checkpoint, Event, Report, Trial, TrialState

_Method = TypeVar("_Method", bound=Callable[..., Any])
_Record = TypeVar("_Record")
_TRIES = 5
_PART = 100_000
"""About so many reports are read at a time, so that memory does not grow with the study."""


def _retried_after(*errors: type[StoreError]) -> Callable[[_Method], _Method]:
    """Return a decorator of methods that begin anew after such errors; to begin waits for the server."""

    def decorate(method: _Method) -> _Method:
        @wraps(method)
        def retried(*args: Any, **named: Any) -> Any:
            for _ in range(_TRIES - 1):
                try:
                    return method(*args, **named)
                except errors:
                    continue
            return method(*args, **named)

        return cast("_Method", retried)

    return decorate


_retried = _retried_after(ConnectionLost)  # before anything was committed


class SqlStore:
    """A `Store` in an SQLite file or a PostgreSQL database, which many processes may hold at once.

    What a method did outlives the process that called it, however that ends. Of an SQLite file, a power cut may
    take the last moments with `synchronous="normal"`, the default; nothing with `"full"`, which waits for the disk at
    each write, as PostgreSQL does.
    """

    def __init__(
        self,
        url: str | Path,
        *,
        create: bool = True,
        synchronous: str | None = None,
        checkpoints: str | Path | None = None,
        read_only: bool = False,
    ) -> None:
        """Open a database, which is set up if need be.

        Args:
            url: a path, `sqlite:///path`, to which `?synchronous=full` may be added, or `postgresql://...`.
            create: make the file, or the tables, if there are none.
            synchronous: `normal` or `full`, of a file.
            checkpoints: a folder for the checkpoints of its studies; `TUNEWELL_CHECKPOINTS` if None, else the one
                that holds the file, or the working directory.
            read_only: change nothing of it, not even the schema of an older tunewell; `create` is False then.

        Raises:
            StoreError: it cannot be opened, is no tunewell database, or is from a newer tunewell; or there is none
                and `create` is False.
            SettingError: the URL or `synchronous` cannot be used.
            MissingExtra: a package that the database needs is not installed.
        """
        self._database: Database = database_at(
            url, create=create and not read_only, synchronous=synchronous, read_only=read_only
        )
        self.url: str = self._database.url
        self.spelled: str = str(url)
        """As it was given: with its password, only for a process of our own that is to open it too."""
        elsewhere = os.environ.get("TUNEWELL_CHECKPOINTS") or None if checkpoints is None else checkpoints
        if elsewhere is not None and not str(elsewhere).strip():
            raise SettingError(
                f"checkpoints need the name of a folder, got {elsewhere!r}; leave it out for the default"
            )
        self.folder: Path | None = Path(elsewhere).expanduser().absolute() if elsewhere else self._database.folder
        self._texts = texts(self._database.dialect)
        self._written_by = 0
        """The thread that is in the middle of a change to more than a report."""
        self.damaged: dict[str, set[int]] = self._database.lost
        """By what a record is called, the rows that could not be read and were left out."""
        self._rows = TolerantRows(self.damaged)

    @property
    def awaited_s(self) -> float:
        """For how many seconds a server that went away has been waited for; 0 if none is."""
        return self._database.awaited_s

    @_retried
    def add_study(self, study: StudyRecord) -> StudyRecord:
        """Implement `Store.add_study`."""
        with self._writing() as log:
            found = log.row("add_study", rows.STUDIES.values(study))
            if found is None:
                raise StudyExists(study.name, self.url)
            first = SpaceVersion(1, study.space, study.created_at)
            log.run("add_space", {"study_id": found[0], **rows.SPACES.values(first)})
            return replace(study, id=found[0])

    @_retried
    def study(self, name: str) -> StudyRecord:
        """Implement `Store.study`."""
        with self._reading() as log:
            row = log.row("study", {"name": rows.to_text(name)})
            if row is None:
                known = self._rows.studies(log)  # one whose name cannot be read has another
                found = next((one for one in known if one.name == name), None)
                if found is None:
                    raise StudyNotFound(name, self.url, tuple(one.name for one in known))
                return found
            return self._rows.study(log, row)

    @_retried
    def studies(self) -> list[StudyRecord]:
        """Implement `Store.studies`."""
        with self._reading() as log:
            return self._rows.studies(log)

    @_retried
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
        with self._revising(study_id) as (log, revision):
            if max_epochs is not None:
                log.run("set_max_epochs", {"study": study_id, "max_epochs": max_epochs})
            if budget is not None:
                log.run("set_budget", {"study": study_id, "budget": budget})
            if min_delta is not None:
                log.run("set_min_delta", {"study": study_id, "min_delta": min_delta})
            if is_paused is not None:
                log.run("set_is_paused", {"study": study_id, "is_paused": is_paused})
            log.settle(study_id, revision, None, event)

    @_retried
    def add_space(self, study_id: int, version: SpaceVersion) -> bool:
        """Implement `Store.add_space`."""
        key = {"study": study_id, "study_id": study_id}
        with self._writing() as log:
            if log.row("set_space", {**key, **rows.SPACES.values(version)}) is None:
                self._progress_of(log, study_id)  # there is such a study
                return False
            values = rows.SPACES.values(replace(version, first_trial=log.n_trials(key)))
            log.run("add_space", {**key, **values})
            return True

    @_retried
    def spaces(self, study_id: int) -> list[SpaceVersion]:
        """Implement `Store.spaces`."""
        with self._reading() as log:
            n_spaces = self._progress_of(log, study_id).n_spaces
            found = {
                one.number: one for one in self._rows.records(rows.SPACES, log.rows("spaces", {"study": study_id}))
            }
            for number in range(1, n_spaces + 1):
                if number not in found:
                    self.damaged.setdefault(rows.SPACES.name, set()).add(number)
            return [found.get(number) or DamagedSpace(number, {}, 0.0) for number in range(1, n_spaces + 1)]

    @_retried
    def begin_session(self, study_id: int, session: Session, *, newest: int | None = None) -> int | None:
        """Implement `Store.begin_session`."""
        with self._revising(study_id) as (log, _):
            row = log.row("begin_session", {"study": study_id, "newest": newest, **rows.SESSIONS.values(session)})
            return None if row is None else int(row[0])

    @_retried
    def end_session(self, session_id: int, at: float, *, seconds: float = 0.0) -> None:
        """Implement `Store.end_session`."""
        with self._writing() as log:
            if not log.run("end_session", {"session": session_id, "ended_at": at}):
                raise StoreError(f"{self.url} has no session whose id is {session_id}")
            log.run("raise_seconds", {"session": session_id, "seconds": seconds})

    @_retried
    def beat(self, session_id: int, *, seconds: float = 0.0) -> bool:
        """Implement `Store.beat`."""
        with self._writing() as log:
            if not log.run("beat", {"session": session_id}):
                return False
            log.run("raise_seconds", {"session": session_id, "seconds": seconds})
            return True

    @_retried
    def sessions(self, study_id: int) -> list[Session]:
        """Implement `Store.sessions`."""
        with self._reading() as log:
            return self._rows.records(rows.SESSIONS, log.rows("sessions", {"study": study_id}))

    @_retried
    def last_sign(self, session_id: int) -> float:
        """Implement `Store.last_sign`."""
        with self._reading() as log:
            row = log.row("last_sign", {"session": session_id})
            if row is None:
                raise StoreError(f"{self.url} has no session whose id is {session_id}")
            return max((float(time) for time in row if isinstance(time, int | float)), default=0.0)

    def decision_lock(self, study_id: int) -> AbstractContextManager[None]:
        """Implement `Store.decision_lock`."""
        return self._database.decision_lock(study_id)

    @_retried
    def begin_step(self, study_id: int, step: int, trial: Trial) -> bool:
        """Implement `Store.begin_step`."""
        with self._writing() as log:
            reserved = log.row("reserve_step", {"study": study_id, "step": step})
            if reserved is None:
                self._progress_of(log, study_id)  # there is such a study
                return False
            values = rows.TRIALS.values(replace(trial, state=TrialState.RUNNING))
            values |= {"study_id": study_id, "study": study_id, "trial": trial.number, "revision": reserved[0]}
            if trial.number == log.n_trials(values):
                log.run("add_trial", values)
            elif not log.run("resume_trial", values):
                raise TrialEnded(trial.number, log.check_trial(values))
            log.run("add_step", values | {"number": step, "first": trial.epochs + 1, "at": time.time()})
            return True

    @_retried
    def revise_step(self, study_id: int, trial: int, *, until: int, max_epochs: int | None = None) -> None:
        """Implement `Store.revise_step`."""
        with self._revising(study_id) as (log, revision):
            key = {"study": study_id, "trial": trial, "until": until, "revision": revision}
            log.write_if_allowed("revise_step", key)
            log.run("set_until_of_step", key)
            if max_epochs is not None:
                log.run("set_max_epochs", {"study": study_id, "max_epochs": max_epochs})

    @_retried
    def take_step(self, study_id: int, trial: int, *, of: int, session: int) -> bool:
        """Implement `Store.take_step`."""
        with self._revising(study_id) as (log, revision):
            key = {"study": study_id, "trial": trial, "of": of, "session": session, "revision": revision}
            if log.run("take_step", key):
                return True
            log.check_trial(key)
            return False

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
        values = {
            "study": study_id,
            "trial": trial,
            "epoch": epoch,
            "value": None if value is None else float(value),
            "metrics": rows.metrics_to_json(metrics),
            "at": at,
            "by_session": session,
            "seconds": seconds,
        }
        try:
            return self._report(values)
        except CommitUncertain:  # it may be there: a look is taken, and no report is lost or there twice
            return self._report_once(values)

    @_retried
    def _report(self, values: dict[str, Any]) -> int:
        with self._database.writing() as cursor:  # no more around it: a report must cost little
            log = Transaction(cursor, self._texts)
            revision, n_waiting = self._revise_and_look(log, values)
            log.write_if_allowed("report", values | {"revision": revision})
            return n_waiting

    @_retried_after(ConnectionLost, CommitUncertain)
    def _report_once(self, values: dict[str, Any]) -> int:
        with self._writing() as log:
            revision, n_waiting = self._revise_and_look(log, values)  # with the study's row, so after the first try
            if log.row("is_reported", values) is None:
                log.write_if_allowed("report", values | {"revision": revision})
            return n_waiting

    def _revise_and_look(self, log: Transaction, values: Mapping[str, Any]) -> tuple[int, int]:
        """Raise the study's revision; return it, and how many commands wait."""
        row = log.row("revise_and_look", values)
        if row is None:
            raise self._no_study(values["study"])
        return int(row[0]), int(row[1])

    @_retried
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
        with self._revising(study_id) as (log, revision):
            log.write_if_allowed(
                "end_step",
                {
                    "study": study_id,
                    "trial": trial,
                    "state": str(state),
                    "epochs": epochs,
                    "reason": None if reason is None else rows.to_text(reason),
                    "ended_at": at,
                    "revision": revision,
                    "by_session": session,
                },
            )
            if max_epochs is not None:
                log.run("set_max_epochs", {"study": study_id, "max_epochs": max_epochs})

    @_retried
    def add_retrained(self, study_id: int, trial: int, epochs: int) -> None:
        """Implement `Store.add_retrained`."""
        with self._revising(study_id) as (log, revision):
            key = {"study": study_id, "trial": trial}
            log.check_trial(key)
            log.run("add_retrained", {**key, "more": epochs, "revision": revision})

    @_retried
    def add_event(self, study_id: int, event: Event) -> None:
        """Implement `Store.add_event`."""
        with self._revising(study_id) as (log, revision):
            if event.trial is not None:
                log.check_trial({"study": study_id, "trial": event.trial})
            log.run("add_event", {"study_id": study_id, "revision": revision, **rows.EVENTS.values(event)})

    @_retried
    def events(self, study_id: int, trial: int | None = None) -> list[Event]:
        """Implement `Store.events`."""
        statement = "events" if trial is None else "events_of_trial"
        with self._reading() as log:
            return self._rows.records(rows.EVENTS, log.rows(statement, {"study": study_id, "trial": trial}))

    @_retried
    def study_events(self, study_id: int, kind: str) -> list[Event]:
        """Implement `Store.study_events`."""
        with self._reading() as log:
            return self._rows.records(rows.EVENTS, log.rows("study_events", {"study": study_id, "kind": kind}))

    @_retried
    def add_checkpoint(self, study_id: int, checkpoint: Checkpoint, *, session: int | None = None) -> None:
        """Implement `Store.add_checkpoint`."""
        with self._revising(study_id) as (log, _):
            key = {"study": study_id, "trial": checkpoint.trial, "by_session": session}
            log.check_trial(key)
            if log.row("is_held", key) is None:
                raise StepTaken(checkpoint.trial)
            log.run("add_checkpoint", {"study_id": study_id, **rows.CHECKPOINTS.values(checkpoint)})

    @_retried
    def drop_checkpoint(self, study_id: int, trial: int, epoch: int) -> None:
        """Implement `Store.drop_checkpoint`."""
        with self._revising(study_id) as (log, _):
            log.run("drop_checkpoint", {"study": study_id, "trial": trial, "of_epoch": epoch})

    @_retried
    def add_command(self, study_id: int, command: Command) -> Command:
        """Implement `Store.add_command`."""
        with self._revising(study_id) as (log, revision):
            state = TrialState(log.check_trial({"study": study_id, "trial": command.trial}))
            if state.ended and not command.is_for_ended_trials:
                raise TrialEnded(command.trial, state)
            row = log.row(
                "add_command", {"study_id": study_id, "revision": revision, **rows.COMMANDS.values(encoded(command))}
            )
            assert row is not None  # an insert with RETURNING has a row
            return replace(command, id=row[0])

    @_retried
    def settle_command(self, study_id: int, done: Command, event: Event | None = None) -> bool:
        """Implement `Store.settle_command`."""
        with self._revising(study_id) as (log, revision):
            return log.settle(study_id, revision, done, event)

    @_retried
    def commands(self, study_id: int, *, waiting: bool = False, since: int = 0) -> list[Command]:
        """Implement `Store.commands`."""
        statement, key = (
            "waiting_commands" if waiting else "commands",
            {"study": study_id, "since": since or BEFORE_ALL},
        )
        with self._reading() as log:
            return list(self._rows.commands(self._rows.records(rows.COMMANDS, log.rows(statement, key))))

    @_retried
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
        with self._revising(study_id) as (log, revision):
            key = {"study": study_id, "trial": trial, "revision": revision}
            known = log.check_trial(key)
            if known not in (TrialState.PAUSED, TrialState.HELD):
                raise TrialEnded(trial, known)
            if not log.settle(study_id, revision, done, event):
                return False
            if state is not None:
                log.run("steer_trial", {**key, "state": str(state), "reason": reason, "ended_at": at})
            return True

    @_retried
    def reopen_trial(self, study_id: int, trial: int, epochs: int) -> None:
        """Implement `Store.reopen_trial`."""
        with self._revising(study_id) as (log, revision):
            values = {"state": str(TrialState.PAUSED), "epochs": epochs, "reason": None, "ended_at": None}
            log.write_if_allowed("reopen_trial", {"study": study_id, "trial": trial, "revision": revision, **values})

    @_retried
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
        with self._revising(study_id) as (log, revision):
            key = {"study": study_id, "study_id": study_id, "trial": trial.number, "revision": revision}
            if trial.number != log.n_trials(key):
                raise TrialEnded(trial.number, log.check_trial(key))
            if not log.settle(study_id, revision, done, None):
                return False
            log.run("add_trial", {**key, **rows.TRIALS.values(trial)})
            log.settle(study_id, revision, None, event)  # it may be of the trial itself
            if checkpoint is not None:
                log.run("add_checkpoint", {"study_id": study_id, **rows.CHECKPOINTS.values(checkpoint)})
            if stopped is not None and done is not None:
                state = {"state": str(TrialState.STOPPED), "reason": stopped, "ended_at": done.taken_at}
                log.write_if_allowed("steer_trial", {**key, **state, "trial": done.trial})
            return True

    @_retried
    def checkpoints(self, study_id: int) -> list[Checkpoint]:
        """Implement `Store.checkpoints`."""
        with self._reading() as log:
            return self._rows.records(rows.CHECKPOINTS, log.rows("checkpoints", {"study": study_id}))

    @_retried
    def changes(self, study_id: int, since: int) -> Changes:
        """Implement `Store.changes`."""
        key = {"study": study_id, "since": since or BEFORE_ALL}
        with self._reading() as log:
            progress = self._progress_of(log, study_id)
            with no_garbage():
                trials = list(self._rows.trials(log.rows("new_trials", key)))
            if not since and (lost := self._rows.last_lost(log, study_id, trials)) is not None:
                trials.append(lost)
            reached = [(trial, epoch) for trial, epoch in log.rows("reached", key) if type(epoch) is int]
        return replace(progress, trials=trials, reached=reached)

    def values(self, study_id: int, since: int, until: int) -> Iterator[NDArray[np.float64]]:
        """Implement `Store.values`."""
        while since < until:
            part, since = self._part(study_id, since, until)
            if len(part):
                yield part

    @_retried
    def _part(self, study_id: int, since: int, until: int) -> tuple[NDArray[np.float64], int]:
        """Return values after a revision, and the revision up to which these are all."""
        key = {"study": study_id, "since": since or BEFORE_ALL, "until": until}
        with self._reading() as log:
            row = log.row("part", {**key, "limit": _PART}) if until - since > _PART else None
            last = until if row is None else int(row[0])
            values = self._rows.numbers(log, "values", {**key, "until": last})
        return values[(values[:, 0] >= 0) & (values[:, 1] >= 1)], last

    @_retried
    def reports(self, study_id: int, trial: int | None = None) -> list[Report]:
        """Implement `Store.reports`."""
        statement = "reports" if trial is None else "reports_of_trial"
        with self._reading() as log:
            return self._rows.records(rows.REPORTS, log.rows(statement, {"study": study_id, "trial": trial}))

    @_retried
    def contents(self, study_id: int) -> StudyContents:
        """Implement `Store.contents`."""
        key = {"study": study_id}
        everything = {**key, "since": BEFORE_ALL}
        with self._reading() as log:
            row = log.row("study_by_id", key)
            if row is None:
                raise self._no_study(study_id)
            record, progress = self._rows.study(log, row), self._progress_of(log, study_id)
            n_reports = log.row("n_measured", {**key, "until": progress.revision})
            assert n_reports is not None  # it is of a count alone
            with no_garbage():
                found = StudyContents(
                    record=record,
                    spaces=_sound(rows.SPACES, log.rows("spaces", key)),
                    sessions=_sound(rows.SESSIONS, log.rows("sessions", key)),
                    trials=_sound(rows.TRIALS, log.rows("new_trials", everything)),
                    steps=_steps(log.rows("steps", key)),
                    reports=_Measured(self, study_id, progress.revision, n_reports[0]),
                    n_reports=n_reports[0],
                    events=_sound(rows.EVENTS, log.rows("events", key)),
                    checkpoints=_sound(rows.CHECKPOINTS, log.rows("checkpoints", key)),
                    commands=[decoded(row) for row in _sound(rows.COMMANDS, log.rows("commands", everything))],
                    seconds=progress.seconds,
                    revision=progress.revision,
                )
        numbers = [trial.number for trial in found.trials]
        is_whole = numbers == list(range(len(numbers))) and len(found.spaces) == progress.n_spaces
        if self.damaged or not is_whole or isinstance(record, DamagedStudy):
            raise self._is_damaged(record.name)
        return found

    def measured(self, study_id: int, until: int, n: int) -> Iterator[tuple[Report, float | None]]:
        """Yield the n reports up to a revision, oldest first, each with the study's metric in it.

        Raises:
            StoreError: one of them cannot be read, or is there no more.
        """
        since, after = BEFORE_ALL, -1
        while n > 0:
            part, since, after = self._measured(study_id, since, until, after)
            if self.damaged or not part:
                raise self._is_damaged(str(study_id))
            yield from part
            n -= len(part)

    @_retried
    def _measured(
        self, study_id: int, since: int, until: int, after: int
    ) -> tuple[list[tuple[Report, float | None]], int, int]:
        """Return some reports after one, which a revision and an id name, with those of the last of them."""
        key = {"study": study_id, "since": since, "until": until, "after": after, "limit": _PART}
        found: list[tuple[Report, float | None]] = []
        with self._reading() as log, no_garbage():
            for *row, value, revision, number in log.rows("measured", key):
                if not isinstance(value, int | float | None):
                    raise rows.damaged("report", TypeError(f"value holds {type(value).__name__}"))
                found.append((rows.REPORTS.record(tuple(row)), None if value is None else float(value)))
                since, after = revision, number
        return found, since, after

    @_retried
    def add_contents(self, contents: StudyContents) -> StudyRecord:
        """Implement `Store.add_contents`."""
        record, contents = contents.record, self._apart(contents)
        with self._writing() as log:
            row = log.row("name_of_uuid", {"uuid": record.uuid})
            found = None if row is not None else log.row("add_study", rows.STUDIES.values(record))
            if found is None:
                raise StudyExists(record.name if row is None else str(row[0]), self.url)
            log.fill(found[0], contents, revision=0)
            return replace(record, id=found[0])

    @_retried
    def replace_contents(self, study_id: int, contents: StudyContents) -> bool:
        """Implement `Store.replace_contents`."""
        key, contents = {"study": study_id}, self._apart(contents)
        with self._writing() as log:
            row = log.row("lock_study", key)
            if row is None:
                raise self._no_study(study_id)
            if row[0] != contents.revision:
                return False
            for table in ("reports", "steps", "events", "checkpoints", "commands", "trials", "sessions", "spaces"):
                log.run(f"drop_{table}", key)
            log.run("set_contents", {**rows.STUDIES.values(contents.record), **key})
            log.fill(study_id, contents, revision=row[0])
            return True

    def _apart(self, contents: StudyContents) -> StudyContents:
        """Return contents that can be read while this store is written to: its own are read before."""
        is_own = isinstance(contents.reports, _Measured) and contents.reports.store is self
        return replace(contents, reports=list(contents.reports)) if is_own else contents

    def _is_damaged(self, study: str) -> StoreError:
        lost = ", ".join(self.damaged)
        what = f" (rows of {lost})" if lost else ""
        return StoreError(f"study {study!r} in {self.url} is damaged{what}; restore the record from a copy")

    @_retried
    def new_reports(self, study_id: int, since: int, until: int) -> list[Report]:
        """Implement `Store.new_reports`."""
        key = {"study": study_id, "since": since or BEFORE_ALL, "until": until}
        with self._reading() as log, no_garbage():
            return self._rows.records(rows.REPORTS, log.rows("new_reports", key))

    @_retried
    def add_recorded(
        self,
        study_id: int,
        trials: Sequence[Trial],
        reports: Sequence[tuple[Report, float | None]] = (),
        events: Sequence[Event] = (),
    ) -> None:
        """Implement `Store.add_recorded`."""
        with self._revising(study_id) as (log, revision):
            key = {"study": study_id, "study_id": study_id, "revision": revision}
            new, n_trials = [], log.n_trials(key)
            for trial in trials:
                values = {**key, **rows.TRIALS.values(trial), "trial": trial.number}
                if trial.number > n_trials:
                    raise TrialNotFound(trial.number, n_trials)
                if trial.number == n_trials:
                    new.append(values)
                    n_trials += 1
                else:
                    log.check_is_recorded(values)
                    log.run("renew_trial", values)
            log.each("add_trial", new)
            log.each(
                "add_report",
                (
                    {
                        **key,
                        "trial": one.trial,
                        "epoch": one.epoch,
                        "at": one.at,
                        "value": value,
                        "metrics": rows.metrics_to_json(one.metrics),
                    }
                    for one, value in reports
                ),
            )
            log.each("add_event", [{**key, **rows.EVENTS.values(event)} for event in events])

    def close(self) -> None:
        """Implement `Store.close`."""
        self._database.close()

    @contextmanager
    def _revising(self, study_id: int) -> Iterator[tuple[Transaction, int]]:
        """Run the block in a writing transaction on a study; yield that and the study's new revision."""
        with self._writing() as log:
            row = log.row("revise", {"study": study_id})
            if row is None:
                raise self._no_study(study_id)
            yield log, row[0]

    @contextmanager
    def _writing(self) -> Iterator[Transaction]:
        with self._database.writing() as cursor:
            self._written_by = get_ident()
            try:
                yield Transaction(cursor, self._texts)
            finally:
                self._written_by = 0

    @contextmanager
    def _reading(self) -> Iterator[Transaction]:
        # there is one connection: the end of what is read would be the end of what is written
        assert self._written_by != get_ident(), "contents of a store are read before they are written to it"
        with self._database.reading() as cursor:
            yield Transaction(cursor, self._texts)

    def _progress_of(self, log: Transaction, study_id: int) -> Changes:
        """Return how far a study has come, without its trials."""
        progress = self._rows.progress(log, study_id)
        if progress is None:
            raise self._no_study(study_id)
        return progress

    def _no_study(self, study_id: int) -> StoreError:
        return StoreError(f"{self.url} has no study whose id is {study_id}")


class _Measured:
    """The reports of a study up to a revision, read anew by each iteration."""

    def __init__(self, store: SqlStore, study_id: int, until: int, n: int) -> None:
        self.store, self._study_id, self._until, self._n = store, study_id, until, n

    def __iter__(self) -> Iterator[tuple[Report, float | None]]:
        return self.store.measured(self._study_id, self._until, self._n)


def _sound(kind: rows.Rows[_Record], found: Iterable[tuple[Any, ...]]) -> list[_Record]:
    """Return the records of the rows. Raises DamagedRow."""
    return [kind.record(row) for row in found]


def _steps(found: Iterable[tuple[Any, ...]]) -> list[StepRecord]:
    """Return the steps of the rows. Raises DamagedRow."""
    known = []
    for row in found:
        if not all(type(number) is int for number in row[:-1]) or not isinstance(row[-1], int | float):
            raise rows.damaged("step", TypeError(f"it is {row!r}"))
        known.append(StepRecord(*row))
    return known
