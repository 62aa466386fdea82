"""The database that a URL names."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from tunewell.errors import SettingError
from tunewell.stores.database import Database
from tunewell.stores.redaction import redacted_url
from tunewell.stores.sqlite import SqliteFile


def database_at(url: str | Path, *, create: bool, synchronous: str | None, read_only: bool = False) -> Database:
    """Open the database at a path or a URL. Arguments and errors are those of `SqlStore`."""
    if isinstance(url, Path) or "://" not in url or url.startswith("file:"):
        return SqliteFile(_path(url), create=create, synchronous=synchronous or "normal", read_only=read_only)
    scheme = url.partition("://")[0]  # the rest of a URL may hold a password, and is not repeated
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        if synchronous is not None:
            raise SettingError(
                "synchronous is for SQLite files; PostgreSQL waits for its disk unless its server is set not to"
            )
        from tunewell.stores.postgresql import PostgresDatabase  # noqa: PLC0415  its driver is an extra

        return PostgresDatabase(url, create=create, read_only=read_only)
    if scheme != "sqlite":
        raise SettingError(
            f"no record can be kept in {scheme + '://'!r}; name a file, sqlite:///FILE, postgresql://... or 'memory'"
        )
    parsed = sa.make_url(url)
    if not parsed.database or parsed.host:
        raise SettingError(
            f"{redacted_url(url)!r} names no file; write sqlite:///FILE, with a fourth slash if it begins with one"
        )
    options = dict(parsed.query)
    given = str(options.pop("synchronous", "normal"))
    if options:
        raise SettingError(
            f"{redacted_url(url)!r} has an unknown option {next(iter(options))!r}; there is synchronous=normal or full"
        )
    return SqliteFile(_path(parsed.database), create=create, synchronous=synchronous or given, read_only=read_only)


def _path(name: str | Path) -> Path:
    """Return the path that is named, with a home that no shell has filled in, as in a variable."""
    if str(name).startswith("file:"):
        raise SettingError(f"{str(name)!r} is no name of a store; write the path alone, or sqlite:///FILE")
    try:
        return Path(name).expanduser()
    except RuntimeError as error:  # of nobody who is known here
        raise SettingError(f"{str(name)!r} leads to no folder ({error}); name another file") from error
