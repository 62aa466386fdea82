"""The interface of a database that a store in SQL needs, and the errors that are the same for every database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from tunewell.errors import StoreError
from tunewell.stores import migrations


class Cursor(Protocol):
    """The part of a driver's cursor that a transaction needs."""

    @property
    def rowcount(self) -> int:
        """The number of rows that the last statement wrote."""
        ...

    def execute(self, statement: str, values: Mapping[str, object], /) -> object:
        """Run a statement."""
        ...

    def executemany(self, statement: str, values: Sequence[Mapping[str, object]], /) -> object:
        """Run a statement once for each."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows of the result."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Return an iterator over the rows of the result, as they come."""
        ...


class Database(Protocol):
    """A database at the schema of today."""

    @property
    def dialect(self) -> sa.Dialect:
        """The dialect to which statements are compiled, with parameters by name."""
        ...

    url: str
    """As the user would name it, with no password in it."""

    folder: Path
    """Where what belongs to its studies lies, unless another folder is given."""

    lost: dict[str, set[int]]
    """By what a record is called, the rows of a damaged file that could not be read."""

    def reading(self) -> AbstractContextManager[Any]:
        """Run the block in a transaction that sees one moment of the database; yield its cursor."""
        ...

    def writing(self) -> AbstractContextManager[Any]:
        """Run the block in a transaction that is committed at the end, or undone by any error; yield its cursor."""
        ...

    def decision_lock(self, study_id: int) -> AbstractContextManager[None]:
        """Implement `Store.decision_lock`."""
        ...

    @property
    def awaited_s(self) -> float:
        """For how many seconds a server that went away has been waited for; 0 if none is."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class ConnectionLost(StoreError):
    """A connection ended in the middle of a transaction, of which nothing was committed: it can be tried again.

    A server went away, or what can be read of a damaged file has taken its place.
    """


class CommitUncertain(StoreError):
    """A server went away while a transaction was committed: it may or may not be on record."""


def check_version(version: int, place: str, tables: Collection[str]) -> int:
    """Return the schema's version, if this tunewell knows it and it can be that of these tables."""
    if version < 1 and "studies" in tables:
        raise StoreError(
            f"{place} does not say which schema it has (table {migrations.VERSION_TABLE}); restore it from a copy"
        )
    newest = len(migrations.MIGRATIONS)
    if version > newest:
        raise StoreError(
            f"{place} was written by a newer tunewell (schema {version}, this one knows {newest}); upgrade tunewell"
        )
    return version


def no_store(place: str) -> StoreError:
    """Return the error for a place where there is no store, and none is to be made."""
    return StoreError(f"no store at {place}; `tunewell tune` makes one")


def some(names: Sequence[str]) -> str:
    """Return the first few names, as text."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
