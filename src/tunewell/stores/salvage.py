"""The rows of a damaged SQLite file that can still be read, in a database in memory with the tables of today.

A page that was overwritten, or is gone, takes the rows that were on it; those before and after it are found by their
rowids. Tables and columns that are missing are empty.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from tunewell.stores import rows, schema

_BY_INDEX = {"trials": "trials_by_revision", "reports": "reports_by_trial", "events": "events_by_trial"}
"""Of tables that grow, an index that has all rowids, from which it is known what is lost."""
_RECORDS = {
    schema.studies.name: rows.STUDIES.name,
    schema.spaces.name: rows.SPACES.name,
    schema.sessions.name: rows.SESSIONS.name,
    schema.trials.name: rows.TRIALS.name,
    schema.reports.name: rows.REPORTS.name,
    schema.events.name: rows.EVENTS.name,
    schema.checkpoints.name: rows.CHECKPOINTS.name,
    schema.commands.name: rows.COMMANDS.name,
    schema.steps.name: "step",
}
"""What a row of each table is called."""
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""The latter is of Python, where a complaint of SQLite repeats a name that is no text any more."""
_HEADER = 100
_LARGEST_PAGE = 2**16
_Row = tuple[object, ...]


def salvaged_file(file: Path, damaged: sqlite3.Connection) -> tuple[sqlite3.Connection, dict[str, set[int]]]:
    """Return a database in memory with the rows that can be read, and the rowids of the others by what a row is called.

    Args:
        file: that is damaged; it is not written to.
        damaged: a connection to it.

    Raises:
        sqlite3.DatabaseError, UnicodeDecodeError: not even the names of the tables can be read.
    """
    try:
        copy, lost = _salvaged(damaged)
    except DAMAGE:
        # it is shorter than it says, or its log is another's
        with closing(sqlite3.connect(":memory:")) as alone:
            alone.deserialize(_whole(file.read_bytes()))
            copy, lost = _salvaged(alone)
    return copy, lost or {"page": {0}}


def _whole(content: bytes) -> bytes:
    """Return the content of a file that was cut off as one that says so: with the pages that are there, and no log."""
    size = int.from_bytes(content[16:18], "big")
    size = _LARGEST_PAGE if size == 1 else size  # which two bytes do not hold
    if not content.startswith(b"SQLite format 3\0") or len(content) < _HEADER or not size:
        raise sqlite3.DatabaseError("it has no header")
    n_pages = -(-len(content) // size)
    missing = bytes(size * n_pages - len(content))
    return content[:18] + b"\1\1" + content[20:28] + n_pages.to_bytes(4, "big") + content[32:] + missing


def _salvaged(damaged: sqlite3.Connection) -> tuple[sqlite3.Connection, dict[str, set[int]]]:
    damaged.text_factory = lambda text: text.decode(errors="replace")
    there = {str(name) for (name,) in damaged.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    lost: dict[str, set[int]] = {}
    for table in schema.metadata.sorted_tables:
        columns = [column.name for column in table.columns]
        # without constraints: a row of which a part is missing says so when it is read
        copy.execute(f"CREATE TABLE {table.name} (rowid_ INTEGER PRIMARY KEY, {', '.join(map(_quoted, columns))})")
        if table.name not in there:
            lost[_RECORDS[table.name]] = {0}
            continue
        known = {str(row[1]) for row in damaged.execute(f"PRAGMA table_info({table.name})")}
        found, gone = _rows(damaged, table, [_selected(table, name, known) for name in columns])
        marks = ", ".join("?" * (len(columns) + 1))
        copy.executemany(f"INSERT INTO {table.name} VALUES ({marks})", found.values())  # noqa: S608  our own names
        if gone:
            lost[_RECORDS[table.name]] = gone
    return copy, lost


def _rows(damaged: sqlite3.Connection, table: sa.Table, columns: Sequence[str]) -> tuple[dict[int, _Row], set[int]]:
    """Return the rows by rowid, each with that in front, and the rowids of those that are lost."""
    # not by an index, which may be damaged where the table is not
    query = f"SELECT rowid, {', '.join(columns)} FROM {table.name} NOT INDEXED"  # noqa: S608  our own names
    found: dict[int, _Row] = {}
    if _read(damaged, f"{query} ORDER BY rowid", (), found):
        return found, set()
    last = max(found, default=0)
    _read(damaged, f"{query} ORDER BY rowid DESC", (), found)
    after = min((rowid for rowid in found if rowid > last), default=last + 1)
    between: Sequence[int] = range(last + 1, after)
    if (index := _BY_INDEX.get(table.name)) is not None:
        known: dict[int, _Row] = {}
        if _read(damaged, f"SELECT rowid FROM {table.name} INDEXED BY {index} ORDER BY rowid", (), known):  # noqa: S608
            between = [rowid for rowid in sorted(known) if rowid not in found]
    lost = set(_unreadable(damaged, f"{query} WHERE rowid BETWEEN ? AND ? ORDER BY rowid", between, found))
    return found, (lost - found.keys()) or {0}


def _unreadable(
    damaged: sqlite3.Connection, query: str, rowids: Sequence[int], found: dict[int, _Row]
) -> Iterator[int]:
    """Read the rows with these rowids, by halves; yield the rowids of those that cannot be read."""
    if not rowids or _read(damaged, query, (rowids[0], rowids[-1]), found):
        return
    if len(rowids) == 1:
        yield rowids[0]
        return
    half = len(rowids) // 2
    yield from _unreadable(damaged, query, rowids[:half], found)
    yield from _unreadable(damaged, query, rowids[half:], found)


def _read(damaged: sqlite3.Connection, query: str, values: Sequence[int], found: dict[int, _Row]) -> bool:
    """Read rows as far as that goes; return True if these are all."""
    try:
        for row in damaged.execute(query, values):
            found.setdefault(row[0], row)
    except (*DAMAGE, OverflowError):
        return False
    return True


def _selected(table: sa.Table, name: str, known: set[str]) -> str:
    """Return what is selected as a column; where it is missing, something by which the rows are found all the same."""
    if name in known:
        return _quoted(name)
    return "rowid" if name == "id" else "1" if name == "revision" and table is not schema.studies else "NULL"


def _quoted(name: str) -> str:
    return f'"{name}"'
