"""One SQLite file, held by many processes at once: how it is opened, how transactions run, what its errors mean.

All that is SQLite's own is here. The file is in WAL mode, so that readers and the one writer do not wait for each
other; a process has one connection, which its threads share in turn.
"""

from __future__ import annotations

import os
import random
import re
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy.dialects import sqlite

from tunewell.errors import SettingError, StoreError
from tunewell.stores import migrations
from tunewell.stores.database import ConnectionLost, check_version, no_store, some
from tunewell.stores.decision_lock import DecisionLock
from tunewell.stores.salvage import DAMAGE, salvaged_file

BUSY_TIMEOUT_S = 60.0
"""How long a write waits for the writes of other processes."""
SYNCHRONOUS = ("normal", "full")
"""How much a power cut may take: the last moments, or nothing (then each write waits for the disk)."""

_NEEDED = (3, 35, 0)  # RETURNING
_FOLD_EVERY_S = 10.0
_LOOK_AT_LOG_EVERY_S = 0.05
_LOOK_AGAIN_S = 0.0001, 0.001
"""How soon one that waits looks again: about as long as a few transactions take."""
_chance = random.Random()  # noqa: S311  our own: the one that all share is the user's


class SqliteFile:
    """A tunewell database in a file, at the schema of today."""

    dialect = sqlite.dialect(paramstyle="named")
    awaited_s: float = 0.0
    """Implement `Database.awaited_s`: a file does not go away."""

    def __init__(self, path: Path, *, create: bool, synchronous: str, read_only: bool = False) -> None:
        """Open it; make it, or bring it to the schema of today, if need be.

        Raises:
            StoreError: it cannot be opened, is no tunewell database, or is from a newer tunewell; or there is none
                and `create` is False.
            SettingError: `synchronous` is not one of SYNCHRONOUS.
        """
        if synchronous not in SYNCHRONOUS:
            raise SettingError(f"synchronous must be {' or '.join(SYNCHRONOUS)}, got {synchronous!r}")
        self.path = path
        self.url: str = str(path)
        self._is_read_only = read_only
        self._lock = threading.RLock()
        self._process = os.getpid()
        _check_place(path, create=create)
        self._file = _real(path)
        self.folder: Path = self._file.parent
        self._decision_lock = DecisionLock(_beside(self._file, "-turn"))
        self._n_writes, self._fold_at = 0, 0.0
        # both are made by the first who writes, and stay while somebody has the file open
        self._file_identity = _Identity(self._file)
        self._log_identity = _Identity(_beside(self._file, "-wal"))
        self._look_at_log_at = 0.0
        self._loss: str | None = None
        """What became of the file, once it was found to be another."""
        self.lost: dict[str, set[int]] = {}
        self._damage: str | None = None
        """What is wrong with the file, once what can be read of it has taken its place."""
        with self._speaking():
            self._connection = _connect(self._file, create=create, read_only=read_only)
            self._let_go = weakref.finalize(self, _close, self._connection, self._process)
            try:
                self._prepare(create=create, synchronous=synchronous)
            except BaseException as error:
                if not create and _is_damage(error) and self._salvage(error):
                    return
                self.close()
                raise

    def reading(self) -> _Transaction:
        """Implement `Database.reading`."""
        # the first look takes the lock for reading, which only a file that is being recovered or closed refuses
        return _Transaction(self, ("BEGIN", "SELECT 1 FROM sqlite_master"), writes=False)

    def writing(self) -> _Transaction:
        """Implement `Database.writing`."""
        # IMMEDIATE takes the lock for writing at once: one that is requested half-way is refused rather than waited for
        return _Transaction(self, ("BEGIN IMMEDIATE",), writes=True)

    @contextmanager
    def decision_lock(self, study_id: int) -> Iterator[None]:  # noqa: ARG002  a file is seldom of more than one that runs
        """Implement `Database.decision_lock`: others wait for it no longer than their `LockTimeout` has it."""
        with self._decision_lock.held():
            yield

    def close(self) -> None:
        """Let go of the file; the last one to do so folds the log into it."""
        with self._lock:
            self._let_go()
            self._decision_lock.close(last=not _beside(self._file, "-wal").exists())

    def begin(self, statements: Sequence[str], *, writes: bool) -> sqlite3.Cursor:
        """Take the connection, begin a transaction, and return its cursor."""
        self._lock.acquire()
        try:
            self._check_open(writes=writes)
            cursor = self._connection.cursor()
            try:
                self._begin(cursor, statements)
            except BaseException:
                self._connection.rollback()
                raise
        except BaseException as error:
            try:
                if not writes and _is_damage(error) and self._salvage(error):
                    raise ConnectionLost(f"{self.path} is damaged; what can be read of it is read anew") from error
            finally:
                self._lock.release()
            self._explain(error)
            raise
        return cursor

    def end(self, cursor: sqlite3.Cursor, error: BaseException | None, *, writes: bool) -> None:
        """Commit, or undo what an error has left half done, and let go of the connection."""
        try:
            if error is not None:
                self._connection.rollback()  # which does nothing if the database has done it already
                if not writes and _is_damage(error) and self._salvage(error):
                    raise ConnectionLost(f"{self.path} is damaged; what can be read of it is read anew") from error
                self._explain(error)
                return
            try:
                cursor.execute("COMMIT")
            except BaseException as failure:
                self._connection.rollback()
                self._explain(failure)
                raise
            self._check_there()
            if writes:
                self._fold()
        finally:
            self._lock.release()

    def _begin(self, cursor: sqlite3.Cursor, statements: Sequence[str]) -> None:
        """Begin a transaction when other processes let us.

        SQLite's own way of waiting sleeps the longer the longer it has waited, so that of many some starve. Here all
        who wait look again as often, and each has the same chance.
        """
        give_up = 0.0
        while True:
            try:
                for statement in statements:
                    cursor.execute(statement)
            except sqlite3.OperationalError as error:
                self._connection.rollback()
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                now = time.monotonic()
                give_up = give_up or now + BUSY_TIMEOUT_S
                if now > give_up:
                    raise
                time.sleep(_chance.uniform(*_LOOK_AGAIN_S))
            else:
                return

    def _fold(self) -> None:
        """Write the log back to the file, from time to time: whoever deletes a killed study's log takes what is in it.

        SQLite by itself waits until there are four megabytes. Of the first writes half are in the file at least.
        """
        now = time.monotonic()
        self._n_writes += 1
        is_power_of_two = not self._n_writes & (self._n_writes - 1)
        if not is_power_of_two and now < self._fold_at:
            return
        self._fold_at = now + _FOLD_EVERY_S
        with suppress(sqlite3.Error):  # what was committed is safe in the log, and the next time will do
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _check_there(self) -> None:
        """Check that what was committed is in the file of this name, before anybody relies on it.

        Whoever deletes or replaces an open file leaves us one without a name, which is gone when we end.
        """
        if self._damage is not None:  # what is read is in memory
            return
        now, is_same = time.monotonic(), self._file_identity.is_same()
        if is_same and now > self._look_at_log_at:  # of the two it is the rarer accident, and each look takes its time
            self._look_at_log_at = now + _LOOK_AT_LOG_EVERY_S
            is_same = self._log_identity.is_same()
        if not is_same:
            path = self._log_identity.path if self._file_identity.is_same() else self._file_identity.path
            what = "replaced" if os.path.exists(path) else "deleted or moved"  # noqa: PTH110
            self._loss = f"{path} was {what} while it was in use; {self._save()}"
            raise StoreError(self._loss)

    def _save(self) -> str:
        """Write all that is on record to a new file, beside the one that is not there any more; say where it is."""
        for folder in (self.folder, Path(tempfile.gettempdir())):
            copy = folder / f"{self._file.stem}-saved-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.db"
            try:
                with copy.open("xb"), closing(sqlite3.connect(copy)) as saved:
                    self._connection.backup(saved)
            except FileExistsError:  # somebody else's
                continue
            except (OSError, sqlite3.Error):
                with suppress(OSError):  # a part of it is of no use
                    copy.unlink(missing_ok=True)
                continue
            return f"all that was on record is in {copy}: put it back in its place, and resume"
        return "and what was on record could not be saved"

    def _salvage(self, error: BaseException) -> bool:
        """Put what can be read of a damaged file in its place, in memory; False if nothing can, or it is there."""
        if self._damage is not None:
            return False
        try:
            copy, lost = salvaged_file(self._file, self._connection)
        except (*DAMAGE, OSError):
            return False
        self._damage = f"{self.path}: {error}; {_MENDS['SQLITE_CORRUPT']}"
        self.lost |= lost
        self._let_go()
        self._connection = copy
        self._let_go = weakref.finalize(self, _close, copy, self._process)
        return True

    def _check_open(self, *, writes: bool) -> None:
        if writes and self._is_read_only:
            raise StoreError(f"{self.path} was opened to be read alone; open it again to write to it")
        if writes and self._damage is not None:
            raise StoreError(f"{self._damage}; until then it is read, as far as that goes")
        if self._loss is not None:
            raise StoreError(self._loss)
        if os.getpid() != self._process:
            raise StoreError(
                f"{self.path} was opened by process {self._process}, of which this one ({os.getpid()}) is a fork, and "
                f"SQLite does not survive that; start processes by 'spawn' and open the store in each"
            )
        if not self._let_go.alive:
            raise StoreError(f"{self.path} is closed; open it again")

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turn what the database complains of into an error that names the file and the mend."""
        try:
            yield
        except DAMAGE as error:
            self._explain(error)
            raise

    def _explain(self, error: BaseException) -> None:
        """Raise an error that names the file and the mend, if this one is a complaint of the database."""
        if not isinstance(error, DAMAGE):
            return
        code = _code(error)
        if code in _MENDS:  # else it is a mistake of ours
            raise StoreError(f"{self.path}: {error}; {_MENDS[code]}") from error

    def _prepare(self, *, create: bool, synchronous: str) -> None:
        """Set up the connection and the tables."""
        cursor = self._connection.cursor()
        version, newest = self._recognize(cursor, create=create), len(migrations.MIGRATIONS)
        if self._is_read_only:
            if version < newest:
                self._read_a_copy()
            self._connection.execute("PRAGMA busy_timeout = 0")
            return
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        if create or version < newest or _may_write(self._file):  # a copy may be in another mode
            _use_wal(cursor)
        while version < newest:
            with self.writing() as cursor:
                version = migrations.apply_next(cursor, self.dialect)
        self._connection.execute("PRAGMA busy_timeout = 0")  # from here on `_begin` waits

    def _read_a_copy(self) -> None:
        """Put a copy at the schema of today in the place of a file of an older one, which stays as it is."""
        copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # a file that only this process has
        self._connection.backup(copy)
        self._let_go()
        self._connection = copy
        self._let_go = weakref.finalize(self, _close, copy, self._process)
        cursor = copy.cursor()
        cursor.execute("BEGIN")
        while migrations.apply_next(cursor, self.dialect) < len(migrations.MIGRATIONS):
            pass
        cursor.execute("COMMIT")

    def _recognize(self, cursor: sqlite3.Cursor, *, create: bool) -> int:
        """Return the file's schema, 0 if it is empty; refuse one that is not ours before anything is written to it."""
        tables = _tables(cursor)
        if not tables:
            if not create:
                raise no_store(self.url)
            return 0
        is_versioned = migrations.VERSION_TABLE in tables
        if not is_versioned and "studies" not in tables:
            raise StoreError(f"{self.path} is no tunewell database (it has tables {some(tables)}); name another file")
        return check_version(migrations.version(cursor) if is_versioned else 0, self.url, tables)


class _Transaction:
    """A transaction of a file; a class, since one that is a generator costs a report as much as its statements."""

    __slots__ = ("_cursor", "_file", "_statements", "_writes")

    def __init__(self, file: SqliteFile, statements: Sequence[str], *, writes: bool) -> None:
        self._file, self._statements, self._writes = file, statements, writes

    def __enter__(self) -> sqlite3.Cursor:
        """Begin it."""
        self._cursor = self._file.begin(self._statements, writes=self._writes)
        return self._cursor

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """End it."""
        self._file.end(self._cursor, error, writes=self._writes)


class _Identity:
    """A file that is to be the same for as long as it is in use."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._known: tuple[int, int] | None = None

    def is_same(self) -> bool:
        """Return False once the path leads to another file than at the first look that found one, or to none."""
        try:
            found = os.stat(self.path)  # noqa: PTH116  at each commit, and a Path takes twice as long
        except OSError:
            return self._known is None
        self._known = self._known or (found.st_dev, found.st_ino)
        return self._known == (found.st_dev, found.st_ino)


def _connect(path: Path, *, create: bool, read_only: bool) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < _NEEDED:
        needed = ".".join(map(str, _NEEDED))
        raise StoreError(f"tunewell needs SQLite {needed} or newer, this Python has {sqlite3.sqlite_version}")
    mode = "rwc" if create else "rw"
    if not create and not os.access(path.parent, os.W_OK) and not _beside(path, "-wal").exists():
        mode = "ro&immutable=1"  # a record on a medium that nobody can write to: there is nothing to lock
    elif read_only and _has_log(path):
        mode = "ro"  # else the last who closes it folds the log into it
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,  # transactions begin where we say so
        check_same_thread=False,  # the lock sees to that
    )


def _real(path: Path) -> Path:
    """Return the file that a path leads to: what belongs to it lies beside it, by whichever link it is named.

    Raises:
        StoreError: a file that SQLite keeps beside it is a link, through which another file would be written.
    """
    try:
        file = path.resolve()
        links = [beside for suffix in ("-wal", "-shm", "-journal") if (beside := _beside(file, suffix)).is_symlink()]
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{path} leads to no file ({error}); name another file") from error
    if links:
        raise StoreError(f"{links[0]} is a link, and what it leads to would be written over; delete the link")
    return file


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(f"{file.name}{suffix}")


def _has_log(path: Path) -> bool:
    """Return True if there is a log with something in it."""
    try:
        return _beside(path, "-wal").stat().st_size > 0
    except OSError:
        return False


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _close(connection: sqlite3.Connection, process: int) -> None:
    if os.getpid() == process:  # a forked child must not touch its parent's connection
        connection.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Set the file's journal mode, which alone of all statements does not wait for other processes by itself."""
    give_up = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            # fetched, or the statement would go on holding a lock
            cursor.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _tables(cursor: sqlite3.Cursor) -> list[str]:
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
    return sorted(str(name) for (name,) in cursor.fetchall())


def _check_place(path: Path, *, create: bool) -> None:
    try:
        is_folder, exists, has_folder = path.is_dir(), path.exists(), path.parent.is_dir()
    except OSError as error:  # a folder on the way may not be looked into, or the name is too long
        raise StoreError(f"{path}: {error.strerror}; name another file") from error
    if is_folder:
        raise StoreError(f"{path} is a folder; name a file in it, such as {path / 'tunewell.db'}")
    if not create and not exists:
        raise no_store(str(path))
    if not has_folder:
        raise StoreError(f"{path} has no folder to lie in; make {path.parent}, or name another file")


_NOT_AS_MADE = re.compile(
    r"Could not decode|no such (?:table|column)|duplicate column name|has no column named|unsupported file format"
)
"""Complaints of Python, of text that is none, and of SQLite, of tables or a header that somebody has changed."""


def _code(error: BaseException) -> str:
    """Return the name of the kind of trouble, as `_MENDS` has it."""
    if isinstance(error, UnicodeDecodeError) or _NOT_AS_MADE.match(str(error)):
        return "SQLITE_CORRUPT"
    return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])


def _is_damage(error: BaseException | None) -> bool:
    if isinstance(error, StoreError):  # it has been explained already
        error = error.__cause__
    return isinstance(error, DAMAGE) and _code(error) == "SQLITE_CORRUPT"


_MENDS = {
    "SQLITE_BUSY": f"another process has kept it locked for {BUSY_TIMEOUT_S:.0f} seconds; find it and end it",
    "SQLITE_CANTOPEN": "give yourself permission to write to its folder, or name another file",
    "SQLITE_CORRUPT": "restore it from a copy, or save what can be read with sqlite3's .recover",
    "SQLITE_FULL": "make room on the disk and resume; what was on record is safe",
    "SQLITE_IOERR": "the disk may be full, failing or gone; mend that and resume",
    "SQLITE_NOTADB": "it is no tunewell database; name another file",
    "SQLITE_PERM": "give yourself permission to write to it, or name another file",
    "SQLITE_PROTOCOL": "too many processes opened it at once; try again",
    "SQLITE_READONLY": "give yourself permission to write to it and its folder, or name another file",
}
"""What to do about each kind of trouble that is not of our making."""
