"""A PostgreSQL server of one's own, for tests and benchmarks: on loopback, in a temporary folder, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

USER = "tunewell"
PASSWORD = "open @ sesame/1"  # noqa: S105  of a server that only tests see; it has what a URL must escape


def find_binaries() -> Path | None:
    """Find the folder with `initdb` and `pg_ctl`; None if PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    # Debian leaves it off the PATH
    found = [on_path] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(found[-1]).resolve().parent if found else None


class PostgresServer:
    """A server that can be stopped, killed and started again."""

    def __init__(self, *, durable: bool = False) -> None:
        """Set it up and start it.

        durable: a commit waits for the disk, as it does where data matter.
        """
        binaries = find_binaries()
        if binaries is None:
            raise FileNotFoundError("there is no PostgreSQL server here; install Debian's package postgresql")
        self._binaries = binaries
        # the server refuses to be root's; Debian's package brings a user
        self._as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._folder = Path(tempfile.mkdtemp(prefix="tunewell-postgresql-"))
        if self._as_user:
            shutil.chown(self._folder, "postgres")
        self._port = _free_port()
        self._options = f"-h 127.0.0.1 -p {self._port} -k {self._folder} -c max_connections=120"
        if not durable:
            self._options += " -c fsync=off"
        secret = self._folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run("initdb", "--pgdata", str(self._data), "--username", USER, "--pwfile", str(secret), "--auth=md5")
        self.start()

    def url(self, *, schema: str | None = None, host: str = "127.0.0.1") -> str:
        """Return its address, with the password; `schema`: tables are looked for there."""
        options = f"?options={quote(f'-csearch_path={schema}')}" if schema else ""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@{host}:{self._port}/postgres{options}"

    def new_database(self, name: str, *, encoding: str = "UTF8") -> str:
        """Make a database, whose text is in an encoding, and return its address."""
        import psycopg  # noqa: PLC0415  an extra

        with psycopg.connect(self.url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE \"{name}\" ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        return self.url().replace("/postgres", f"/{name}")

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        self._run(
            "pg_ctl", "--pgdata", str(self._data), "-w", "-l", str(self._folder / "log"), "-o", self._options, "start"
        )

    def stop(self, how: str = "immediate") -> None:
        """Stop it: `fast` in order, `immediate` as if by a crash."""
        self._run("pg_ctl", "--pgdata", str(self._data), "-w", "-m", how, "stop")

    def remove(self) -> None:
        """Stop it and delete all it has."""
        with suppress(subprocess.CalledProcessError):  # it was stopped already
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603  our own words
            [*self._as_user, str(self._binaries / program), *arguments],
            check=True,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
