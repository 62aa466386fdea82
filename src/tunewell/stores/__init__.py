"""Stores of all that is known: the log of each study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tunewell.errors import SettingError
from tunewell.stores.base import (
    Changes,
    DamagedSpace,
    DamagedStudy,
    Session,
    SpaceVersion,
    StepRecord,
    Store,
    StudyContents,
    StudyRecord,
)
from tunewell.stores.memory import MemoryStore

if TYPE_CHECKING:
    from tunewell.stores.sql import SqlStore

__all__ = [
    "Changes",
    "DamagedSpace",
    "DamagedStudy",
    "MemoryStore",
    "Session",
    "SpaceVersion",
    "SqlStore",
    "StepRecord",
    "Store",
    "StudyContents",
    "StudyRecord",
    "default_store",
    "open_store",
]

DEFAULT_STORE = "tunewell.db"
IN_MEMORY = ("memory", ":memory:")
"""The names of a store that ends with its process, in which no other finds a study."""


def default_store() -> str:
    """Return where records go by default: `TUNEWELL_STORE`, else `tunewell.db` in the working directory."""
    return os.environ.get("TUNEWELL_STORE") or DEFAULT_STORE


def open_store(
    url: str | Path, *, create: bool = True, checkpoints: str | Path | None = None, read_only: bool = False
) -> Store:
    """Return the store that a URL or path names: `memory`, `tunewell.db`, `sqlite:///tunewell.db?synchronous=full`.

    Args:
        url: a file of the name `memory` is `./memory`.
        create: make the file if there is none.
        checkpoints: a folder for the checkpoints of its studies, such as one that several machines share;
            `TUNEWELL_CHECKPOINTS` if None, else the one that holds the file, or the working directory.
        read_only: change nothing of it, not even a file of an older tunewell, which is else brought to the schema of
            today; and make none.

    Raises:
        StoreError: it cannot be opened, is no tunewell database, or is from a newer tunewell; or there is none and
            `create` is False.
        SettingError: no store can be kept at such a URL.

    Example:
        >>> with tw.open_store("runs.db") as store:
        ...     study = tw.Study({"rate": tw.Float(0.0, 1.0)}, metric="loss", max_epochs=1, name="first", store=store)
        >>> tw.Study.open("runs.db", "first").space.names
        ('rate',)
    """
    if not str(url).strip():
        raise SettingError(f"a store needs the name of a file or a URL, got {url!r}; leave it out for the default")
    if url in IN_MEMORY:
        return MemoryStore()
    return _sql_store()(url, create=create and not read_only, checkpoints=checkpoints, read_only=read_only)


def __getattr__(name: str) -> object:
    if name == "SqlStore":
        return _sql_store()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _sql_store() -> type[SqlStore]:
    from tunewell.stores.sql import SqlStore  # noqa: PLC0415  SQLAlchemy takes a third of a second to import

    return SqlStore
