"""A transaction of a store in an SQL database: statements by name, and what takes several of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from tunewell.commands import Command
from tunewell.errors import StepTaken, TrialEnded, TrialNotFound
from tunewell.stores import rows
from tunewell.stores.base import StudyContents
from tunewell.stores.command_rows import encoded
from tunewell.stores.database import Cursor
from tunewell.trial import Event, TrialState

ROWS = 10_000
"""So many rows are handed to the driver at a time."""


class Transaction:
    """A transaction, which runs statements by name."""

    __slots__ = ("_cursor", "_texts")

    def __init__(self, cursor: Cursor, texts: Mapping[str, str]) -> None:
        self._cursor, self._texts = cursor, texts

    def run(self, statement: str, values: Mapping[str, object]) -> int:
        """Run a statement, and return how many rows it wrote."""
        self._cursor.execute(self._texts[statement], values)
        return self._cursor.rowcount

    def row(self, statement: str, values: Mapping[str, object]) -> tuple[Any, ...] | None:
        """Run a statement, and return its only row, if there is one."""
        self._cursor.execute(self._texts[statement], values)
        # all, because a statement that writes is not done before its last row is fetched
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found[0] if found else None

    def rows(self, statement: str, values: Mapping[str, object]) -> Iterator[tuple[Any, ...]]:
        """Run a statement, and return its rows, as they come: the next statement ends them."""
        self._cursor.execute(self._texts[statement], values)
        return iter(self._cursor)

    def each(self, statement: str, values: Iterable[Mapping[str, object]]) -> None:
        """Run a statement for each of many rows."""
        waiting = iter(values)
        while part := list(islice(waiting, ROWS)):  # a driver that waits for rows holds locks meanwhile
            self._cursor.executemany(self._texts[statement], part)

    def fill(self, study_id: int, contents: StudyContents, *, revision: int) -> None:
        """Write what happened in a study that has nothing but its own row; `revision`: that of the row so far."""
        key = {"study_id": study_id}
        sessions: dict[int, int] = {}
        for session in contents.sessions:
            row = self.row("begin_session", {"study": study_id, "newest": None, **rows.SESSIONS.values(session)})
            assert row is not None  # an insert with RETURNING has a row, and nobody has been quicker
            sessions[session.id] = int(row[0])
        self.run("drop_spaces", {"study": study_id})
        self.each("add_space", ({**key, **rows.SPACES.values(one)} for one in contents.spaces))
        # the trials' is before all reports', so that who reads some of the changes knows whose they are
        now = {**key, "revision": revision + 1}
        of = sessions.get  # of one that is not on record nothing is known: it is gone
        self.each(
            "add_trial",
            ({**now, **rows.TRIALS.values(replace(one, session=of(one.session, 0)))} for one in contents.trials),
        )
        self.each("add_step", ({**key, **asdict(one), "session": of(one.session, 0)} for one in contents.steps))
        n_reports = 0

        def measured() -> Iterator[Mapping[str, object]]:
            nonlocal n_reports
            for n_reports, (report, value) in enumerate(contents.reports, 1):
                # a revision of its own, so that they can be read in parts
                at = revision + 1 + n_reports
                yield {"study_id": study_id, "revision": at, "value": value, **rows.REPORTS.values(report)}

        self.each("add_report", measured())
        self.each("add_event", ({**now, **rows.EVENTS.values(one)} for one in contents.events))
        self.each("add_checkpoint", ({**key, **rows.CHECKPOINTS.values(one)} for one in contents.checkpoints))
        self.each("add_settled_command", ({**now, **rows.COMMANDS.values(encoded(one))} for one in contents.commands))
        progress = {
            "revision": revision + 2 + n_reports,
            "n_steps": len(contents.steps),
            "n_spaces": len(contents.spaces),
            "seconds": contents.seconds,
        }
        self.run("set_progress", {"study": study_id, **progress})

    def settle(self, study_id: int, revision: int, done: Command | None, event: Event | None) -> bool:
        """Note what came of a command, if one is given, and append an event; False if it was taken up already."""
        key = {"study": study_id, "study_id": study_id, "revision": revision}
        if done is not None and not self.run("settle_command", {**key, "command": done.id, **_came_of(done)}):
            return False
        if event is not None:
            self.run("add_event", {**key, **rows.EVENTS.values(event)})
        return True

    def write_if_allowed(self, statement: str, values: Mapping[str, Any]) -> None:
        """Run what writes only to a trial in a certain state, or session; say why if it is in another."""
        if not self.run(statement, values):
            state = self.check_trial(values)
            if state == TrialState.RUNNING and "by_session" in values:
                raise StepTaken(values["trial"])
            raise TrialEnded(values["trial"], state)

    def check_is_recorded(self, values: Mapping[str, Any]) -> None:
        """Check that a trial, which there must be, was trained by no session."""
        row = self.row("session_of", values)
        if row is None or row[0]:
            raise TrialEnded(values["trial"], self.check_trial(values))

    def check_trial(self, values: Mapping[str, Any]) -> str:
        """Return the state of a trial, which there must be."""
        row = self.row("state", values)
        if row is None:
            raise TrialNotFound(values["trial"], self.n_trials(values))
        return str(row[0])

    def n_trials(self, values: Mapping[str, object]) -> int:
        """Return how many trials the study has."""
        row = self.row("last_trial", values)
        return 0 if row is None or row[0] is None else int(row[0]) + 1


def _came_of(done: Command) -> dict[str, object]:
    row = rows.COMMANDS.values(encoded(done))
    return {name: row[name] for name in ("taken_at", "epoch", "data", "refused")}
