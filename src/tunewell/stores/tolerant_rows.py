"""Records of rows that may be damaged: what cannot be read is left out, and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tunewell.commands import Command
from tunewell.errors import StoreError
from tunewell.no_garbage import no_garbage
from tunewell.stores import rows
from tunewell.stores.base import Changes, DamagedStudy, StudyRecord
from tunewell.stores.command_rows import CommandRow, decoded
from tunewell.stores.transaction import Transaction
from tunewell.trial import OPEN_END, Trial, damaged_trial

_Record = TypeVar("_Record")
BEFORE_ALL, AFTER_ALL = -(2**62), 2**62
"""Revisions before and after all that is on record."""
_ROWS = 10_000
"""So many rows of trials are read at a time."""
_MOST_SPACES = 1_000
"""A study whose space, as its row has it, was extended as often is damaged."""


class TolerantRows:
    """The records of a database."""

    def __init__(self, damaged: dict[str, set[int]]) -> None:
        """Add to `damaged`, by what a record is called, the rows that cannot be read."""
        self._damaged = damaged

    def progress(self, log: Transaction, study_id: int) -> Changes | None:
        """Return how far a study has come, without its trials; None if it is not there."""
        row = log.row("progress", {"study": study_id})
        if row is None and not log.n_trials({"study": study_id}):
            return None
        if row is None or not _is_progress(row):
            self._damaged.setdefault(rows.STUDIES.name, set()).add(study_id)
            counted = log.row("progress_by_rows", {"study": study_id})
            assert counted is not None  # it is of counts alone
            row = (AFTER_ALL, counted[0], None, max(1, counted[1]), counted[2], 0.0, "", False, None)
        revision, n_steps, max_epochs, n_spaces, n_waiting, seconds, budget, is_paused, _ = row
        return Changes(revision, n_steps, max_epochs, (), (), n_spaces, n_waiting, seconds, budget, bool(is_paused))

    def studies(self, log: Transaction) -> list[StudyRecord]:
        """Return all studies, oldest first, then those whose rows are lost and whose trials are not."""
        known = [self.study(log, row) for row in list(log.rows("studies", {}))]
        lost = [study_id for (study_id,) in log.rows("lost_studies", {}) if isinstance(study_id, int)]
        return known + [self._damaged_study({"id": study_id}) for study_id in lost]

    def study(self, log: Transaction, row: tuple[Any, ...]) -> StudyRecord:
        """Return the study of a row; of one that is damaged, what can be read."""
        study_id = row[rows.STUDIES.columns.index("id")]
        progress = log.row("progress", {"study": study_id})
        try:
            found = rows.STUDIES.record(row)
            if found.name and found.seed >= 0 and (progress is None or _is_progress(progress)):
                return found
        except rows.DamagedRow:
            pass
        readable = rows.STUDIES.readable(row)
        return self._damaged_study({"id": study_id} | {name: value for name, value in readable.items() if value != ""})

    def _damaged_study(self, readable: dict[str, Any]) -> DamagedStudy:
        """Return a study of which only this can be read."""
        study_id = readable["id"]
        self._damaged.setdefault(rows.STUDIES.name, set()).add(study_id)
        unread: dict[str, Any] = {"name": f"study-{study_id}", "uuid": f"damaged-{study_id}", "max_epochs": None}
        unread |= {"metric": "", "direction": "", "budget": "", "space": {}, "scheduler": {}}
        unread |= {"seed": 0, "created_at": 0.0}
        return DamagedStudy(**(unread | readable | {"seed": max(0, readable.get("seed", 0))}))

    def records(self, kind: rows.Rows[_Record], found: Iterator[tuple[Any, ...]]) -> list[_Record]:
        """Return the records of the rows, without those that are damaged, which are counted."""
        records = []
        for row in found:
            try:
                records.append(kind.record(row))
            except rows.DamagedRow:
                # of a row that is read again the count stays: it is the same
                self._damaged.setdefault(kind.name, set()).add(hash(row))
        return records

    def trials(self, found: Iterator[tuple[Any, ...]]) -> Iterator[Trial]:
        """Yield the trials of rows, many at a time; where one is damaged, one by one."""
        while part := list(islice(found, _ROWS)):
            try:
                trials = rows.TRIALS.records(part)
            except rows.DamagedRow:
                trials = []
            if trials and all(map(_is_sound, trials)):
                yield from trials
            else:
                yield from (trial for row in part if (trial := self._trial(row)) is not None)

    def _trial(self, row: tuple[Any, ...]) -> Trial | None:
        """Return the trial of a row; in place of one that is damaged, one that failed: others have numbers.

        None if it has no number itself.
        """
        try:
            trial = rows.TRIALS.record(row)
            if _is_sound(trial):
                return trial
        except rows.DamagedRow:
            pass
        found = rows.TRIALS.readable(row)
        self._damaged.setdefault(rows.TRIALS.name, set()).add(hash(row))
        number = found.get("number", -1)
        return damaged_trial(number, found.get("params", {})) if 0 <= number < OPEN_END else None

    def last_lost(self, log: Transaction, study_id: int, trials: list[Trial]) -> Trial | None:
        """Return what stands in the place of the last trial, if it is gone and its reports are not."""
        row = log.row("last_reported", {"study": study_id})
        last = trials[-1].number if trials else -1
        if row is None or type(row[0]) is not int or not last < row[0] < OPEN_END:
            return None
        self._damaged.setdefault(rows.TRIALS.name, set()).add(row[0])
        return damaged_trial(row[0])

    def commands(self, found: list[CommandRow]) -> Iterator[Command]:
        """Yield the commands of rows, without those that are damaged, which are counted."""
        for row in found:
            try:
                yield decoded(row)
            except StoreError:
                self._damaged.setdefault(rows.COMMANDS.name, set()).add(row.id)

    def numbers(self, log: Transaction, statement: str, key: Mapping[str, object]) -> NDArray[np.float64]:
        """Return (m, 3): rows of numbers alone, the first two whole; without those that are damaged."""
        with no_garbage(), suppress(ValueError, TypeError, OverflowError):
            found = log.rows(statement, key)
            values = np.fromiter(chain.from_iterable(found), dtype=np.float64).reshape(-1, 3)
            if (values[:, :2] == np.rint(values[:, :2])).all():
                return values
        return np.fromiter(chain.from_iterable(self._sound(log.rows(statement, key))), dtype=np.float64).reshape(-1, 3)

    def _sound(self, found: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows that are of numbers alone, without those that are damaged, which are counted."""
        for row in found:
            trial, epoch, value = row
            if type(trial) is int and type(epoch) is int and isinstance(value, int | float):
                yield row
            else:
                self._damaged.setdefault(rows.REPORTS.name, set()).add(hash(row))


def _is_sound(trial: Trial) -> bool:
    """Return False for a trial whose number, or parent, cannot be what was written."""
    return 0 <= trial.number < OPEN_END and (trial.parent is None or 0 <= trial.parent < trial.number)


def _is_progress(row: tuple[Any, ...]) -> bool:
    """Return False for a study whose counts cannot be what was written."""
    revision, n_steps, max_epochs, n_spaces, n_waiting, seconds, budget, _, last_revision = row
    if not all(type(number) is int and number >= 0 for number in (revision, n_steps, n_spaces, n_waiting)):
        return False
    has_epochs = max_epochs is None or (type(max_epochs) is int and 0 < max_epochs <= OPEN_END)
    is_last = type(last_revision) is not int or last_revision <= revision
    are_plain = isinstance(seconds, int | float) and isinstance(budget, str)
    return has_epochs and is_last and n_spaces <= _MOST_SPACES and are_plain
