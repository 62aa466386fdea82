"""A PostgreSQL database, held by many processes and machines: how it is reached, and what its errors mean.

All that is PostgreSQL's own is here. A process has one connection, which its threads share in turn. Whoever writes to
a study first updates its row, and so takes the row's lock: writers of one study take turns, those of two do not meet.

A write is on the server's disk before its method returns, but the row's lock is not kept for that long: the write is
committed without waiting for the disk, and what is waited for is an empty transaction behind it, whose record in the
server's log comes after the write's. So those who write to one study wait for the disk together, not one by one.
"""

from __future__ import annotations

import codecs
import math
import os
import re
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from tunewell.errors import MissingExtra, SettingError, StoreError
from tunewell.stores import migrations, schema
from tunewell.stores.database import CommitUncertain, ConnectionLost, check_version, no_store, some
from tunewell.stores.decision_lock import LockTimeout
from tunewell.stores.redaction import redacted, redacted_url

if TYPE_CHECKING:
    import psycopg

    _Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
    _Cursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]

PATIENCE_S = 60.0
"""How long a server that does not answer is waited for."""
_CONNECT_S = 10
_RECONNECT_S = 3
"""How long one try to connect may take: the first, and one to a server that was there and may be about to restart."""
_LOOK_AGAIN_S = 0.05, 0.25
_YIELD_S = 0.005
_LOCK_FOR_MIGRATIONS = 0x74756E65  # any number, the same in every process
_DECISION_LOCKS = 0x74756E66
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WAIT_FOR_LOCK_MS = 200

# it stands alone among the functions that write to the log: every role may call it, unless its right was taken away
_MAY_EMIT = """
    SELECT bool_or(has_function_privilege(oid, 'EXECUTE')) FROM pg_proc
    WHERE proname = 'pg_logical_emit_message' AND proargtypes[2] = 'text'::regtype
"""


class PostgresDatabase:
    """A tunewell database on a server, at the schema of today."""

    dialect: sa.Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy's

    def __init__(self, url: str, *, create: bool, read_only: bool = False) -> None:
        """Connect; make the tables, or bring them to the schema of today, if need be.

        Raises:
            StoreError: the server cannot be reached or refuses, the database is somebody else's or from a newer
                tunewell; or it has no tables of ours and `create` is False.
            SettingError: the URL cannot be used.
            MissingExtra: psycopg is not installed.
        """
        self.url: str = redacted_url(url)
        self.folder: Path = Path.cwd()
        self.lost: dict[str, set[int]] = {}
        # SQLAlchemy's users write the driver's name too
        self._address = f"postgresql://{url.partition('://')[2]}"
        self._lock = threading.RLock()
        self._timeout = LockTimeout()
        self._process = os.getpid()
        self._is_closed = self._was_reached = self._can_wait_apart = self._is_read_only = False
        self._awaited_at: float | None = None
        self._gave_up_at = -math.inf
        self._connection: _Connection | None = self._connect()
        self._was_reached = True
        try:
            self._prepare(create=create, read_only=read_only)
        except BaseException:
            self.close()
            raise

    @property
    def awaited_s(self) -> float:
        """Implement `Database.awaited_s`."""
        since = self._awaited_at
        return 0.0 if since is None else time.monotonic() - since

    @contextmanager
    def reading(self) -> Iterator[_Cursor]:
        """Implement `Database.reading`."""
        with self._transaction(_READ, "COMMIT") as cursor:
            yield cursor

    @contextmanager
    def writing(self) -> Iterator[_Cursor]:
        """Implement `Database.writing`."""
        if self._is_read_only:
            raise StoreError(f"{self.url} was opened to be read alone; open it again to write to it")
        begin, commit = "BEGIN ISOLATION LEVEL READ COMMITTED", "COMMIT"
        if self._can_wait_apart:
            begin += "; SET LOCAL synchronous_commit = off"
            # a transaction of its own, which waits for the disk as the server is set to
            commit += "; SELECT pg_logical_emit_message(true, 'tunewell', '')"
        with self._transaction(begin, commit) as cursor:
            yield cursor

    @contextmanager
    def decision_lock(self, study_id: int) -> Iterator[None]:
        """Implement `Database.decision_lock`: others wait for it no longer than their `LockTimeout` has it."""
        # the lock is the connection's: when that ends, the lock is free
        give_up = time.monotonic() + self._timeout.left_s()
        while not (held := self._wait_for_lock(study_id)) and time.monotonic() < give_up:
            time.sleep(_YIELD_S)  # or no other thread would get the connection meanwhile, to report
        if not held:
            self._timeout.lose()
        try:
            yield
        finally:
            if held:
                with suppress(StoreError), self.reading() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", (_DECISION_LOCKS, study_id))

    def _wait_for_lock(self, study_id: int) -> bool:
        """Wait for a while, in which no other thread can use the connection; True if this process has the lock."""
        import psycopg  # noqa: PLC0415  an extra

        with suppress(ConnectionLost), self.reading() as cursor:  # the next try waits for the server
            cursor.execute(f"SET LOCAL lock_timeout = {_WAIT_FOR_LOCK_MS}")
            with suppress(psycopg.errors.LockNotAvailable):
                cursor.execute("SELECT pg_advisory_lock(%s, %s)", (_DECISION_LOCKS, study_id))
                return True
        return False

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._is_closed = True
            self._hang_up()

    @contextmanager
    def _transaction(self, begin: str, commit: str) -> Iterator[_Cursor]:
        import psycopg  # noqa: PLC0415  an extra

        with self._lock:
            self._check_open()
            committing = False
            try:
                cursor = self._begin(begin)
                yield cursor
                committing = begin != _READ  # of what was only read, nothing can be in doubt
                cursor.execute(commit)
            except psycopg.OperationalError as error:
                if self._connection is None or self._connection.broken:
                    self._hang_up()
                    raise self._lost(error, committing=committing) from None
                self._undo()
                raise self._refused(error) from None
            except psycopg.DatabaseError as error:
                self._undo()
                if (error.sqlstate or "")[:2] not in _MENDS:
                    raise  # a mistake of ours
                raise self._refused(error) from None
            except BaseException:
                self._undo()
                raise

    def _lost(self, error: Exception, *, committing: bool) -> StoreError:
        if committing:
            return CommitUncertain(
                f"{self.url}: the connection was lost while a change was made, which may or may not be on "
                f"record ({self._message(error)}); resume when the server is back, and it will be seen"
            )
        return ConnectionLost(f"{self.url}: {self._message(error)}; nothing of the last change was written")

    def _refused(self, error: psycopg.Error) -> StoreError:
        state = error.sqlstate or ""
        mend = _MENDS.get(state) or _MENDS.get(state[:2], "mend that and resume")
        return StoreError(f"{self.url}: {self._message(error)}; {mend}")

    def _begin(self, begin: str) -> _Cursor:
        """Begin a transaction, on a new connection if the old one has broken since it was last used."""
        import psycopg  # noqa: PLC0415  an extra

        if self._connection is not None:
            try:
                cursor = self._connection.cursor()
                cursor.execute(begin)
            except psycopg.OperationalError:
                self._hang_up()
            else:
                return cursor
        self._connection = self._connect()
        cursor = self._connection.cursor()
        cursor.execute(begin)
        return cursor

    def _undo(self) -> None:
        import psycopg  # noqa: PLC0415  an extra

        if self._connection is not None:
            try:
                self._connection.execute("ROLLBACK")
            except psycopg.Error:
                self._hang_up()

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _close(connection, self._process)

    def _connect(self) -> _Connection:
        """Return a connection; a server that is away or starting is waited for, one that refuses is not."""
        try:
            import psycopg  # noqa: F401, PLC0415  an extra
        except ImportError:
            raise MissingExtra("psycopg", "postgresql", "a record in PostgreSQL") from None
        begun, (pause, longest) = time.monotonic(), _LOOK_AGAIN_S
        # a server that was reached before will be back; one that never was is more likely named wrongly, and one that
        # was waited for in vain just now is not waited for again, so that a study ends that cannot go on
        is_awaited = self._was_reached and begun > self._gave_up_at + PATIENCE_S
        give_up = begun + (PATIENCE_S if is_awaited else 0.0)
        self._awaited_at = begun if is_awaited else None
        try:
            while (connection := self._try_to_connect(give_up)) is None:
                time.sleep(pause)
                pause = min(longest, 2 * pause)
        except StoreError:
            if is_awaited:
                self._gave_up_at = time.monotonic()
            raise
        finally:
            self._awaited_at = None
        self._gave_up_at = -math.inf
        return connection

    def _try_to_connect(self, give_up: float) -> _Connection | None:
        """Return a connection; None if there is none and it is not yet time to give up."""
        import psycopg  # noqa: PLC0415  an extra

        try:
            connection = psycopg.connect(
                self._address,
                autocommit=True,  # transactions begin where we say so
                application_name="tunewell",
                client_encoding="UTF8",  # whatever the server's is: one in SQL_ASCII else sends no text but bytes
                connect_timeout=_RECONNECT_S if self._was_reached else _CONNECT_S,
                keepalives_idle=30,  # seconds; a server that has vanished without a word is noticed in a minute
                keepalives_interval=10,
                keepalives_count=3,
                tcp_user_timeout=round(1000 * PATIENCE_S),  # and so is one that vanishes while it is written to
            )
        except psycopg.ProgrammingError:
            # its text may quote what stood where the password should
            raise SettingError(
                f"{self.url} is no address of a PostgreSQL database; write postgresql://USER@HOST:PORT/DATABASE, "
                "with %40 for an @ in a password"
            ) from None
        except psycopg.OperationalError as error:
            if self._was_reached and _DROPPED.search(str(error)):
                raise StoreError(
                    f"{self.url} was dropped while it was in use ({self._message(error)}); restore it from a copy"
                ) from None
            if time.monotonic() <= give_up:
                return None
            resume = "; then resume: what was reported is on record" if self._was_reached else ""
            see = f"see that the server runs and lets you in{resume}"
            raise StoreError(f"{self.url} cannot be reached: {self._message(error)}; {see}") from None
        weakref.finalize(self, _close, connection, self._process)
        _spell_out(connection)
        return connection

    def _message(self, error: Exception) -> str:
        """Return what the server or its driver says, on one line and with no password in it."""
        return redacted(" ".join(str(error).split()), self._address)

    def _check_open(self) -> None:
        if os.getpid() != self._process:
            raise StoreError(
                f"{self.url} was opened by process {self._process}, of which this one ({os.getpid()}) is a fork, and "
                f"a connection does not survive that; start processes by 'spawn' and open the store in each"
            )
        if self._is_closed:
            raise StoreError(f"{self.url} is closed; open it again")

    def _prepare(self, *, create: bool, read_only: bool) -> None:
        with self.reading() as cursor:
            cursor.execute(_MAY_EMIT)
            self._can_wait_apart = cursor.fetchall() == [(True,)]
        with self.writing() as cursor:
            version = self._recognize(cursor, create=create)
        self._is_read_only = read_only
        if read_only and version < len(migrations.MIGRATIONS):
            raise StoreError(
                f"{self.url} is of an older tunewell, and is to be read alone; `tunewell list --store ...` mends that"
            )
        while version < len(migrations.MIGRATIONS):
            with self.writing() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_FOR_MIGRATIONS,))
                version = migrations.apply_next(cursor, self.dialect)

    def _recognize(self, cursor: _Cursor, *, create: bool) -> int:
        """Return the schema's version, 0 if there is nothing of ours; refuse tables of others under our names."""
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
        tables = {str(name) for (name,) in cursor.fetchall()}
        if migrations.VERSION_TABLE in tables:
            return check_version(migrations.version(cursor), self.url, tables)
        taken = sorted(tables & set(schema.metadata.tables))
        if taken:
            raise StoreError(
                f"{self.url} has tables of another program ({some(taken)}) under names that tunewell needs; "
                "name another database"
            )
        if not create:
            raise no_store(self.url)
        return 0


def _spell_out(connection: _Connection) -> None:
    """Let the connection spell out characters that the server's encoding lacks, which else refuses the whole change."""
    from psycopg.types.string import StrDumperUnknown  # noqa: PLC0415  an extra

    found = _codec(connection.info.parameter_status("server_encoding") or "UTF8")
    if found is None:
        return
    codec = found

    class Spelled(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.encode(codec, "backslashreplace").decode(codec))

    connection.adapters.register_dumper(str, Spelled)


def _codec(encoding: str) -> str | None:
    """Return Python's codec of a server's encoding, ASCII if it has none; None for those that take every character."""
    if encoding in ("UTF8", "SQL_ASCII"):
        return None
    name = re.sub(r"^WIN(?=\d)", "cp", encoding).replace("KOI8", "KOI8_")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "ascii"


def _close(connection: _Connection, process: int) -> None:
    if os.getpid() == process:  # a forked child must not say goodbye on its parent's connection
        connection.close()


_DROPPED = re.compile(r'database "[^"]*" does not exist')
_NOT_AS_MADE = "it is no longer as tunewell made it; restore the record from a copy"
_MENDS = {
    "42P01": _NOT_AS_MADE,
    "42703": _NOT_AS_MADE,
    "3F": "make the schema that search_path names, or name another",
    "25": "the server takes no changes (a standby, or set to read only); name the primary",
    "42": "the role may lack the right to it; GRANT it, or name another database",
    "53": "the server has run out of something (disk, memory, connections); mend that and resume",
    "57": "the server was told to end it; resume when it is back",
    "58": "the server's disk or system fails; mend that and resume",
}
"""What to do about each class of trouble that is not of our making, by its SQLSTATE or how that begins."""
