"""What holds for all tests."""

import json
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

# before NumPy is imported: on small matrices, threads of BLAS that fight for a busy machine cost tens of times the work
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import pytest
from hypothesis import HealthCheck, settings

# time limits fail what is right on a busy machine
settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=200)  # of `make slow`
settings.load_profile("quick")

# contracts are written as tests and live in the package, where pytest would not explain a failed assert
pytest.register_assert_rewrite("tunewell.testing")


def pytest_collection_modifyitems(items):
    """The whole way in small comes first: when it fails, all else is a detail."""
    items.sort(key=lambda item: item.path.name != "test_tiny.py")


really_spawned = multiprocessing.get_context
IMPORTED = ["pytest", "scipy.stats", "tunewell.runners.processes", "tunewell.stores.sql", "tunewell.testing.stores"]


@pytest.fixture(scope="session", autouse=True)
def _forked():
    """Worker processes begin as forks of one that has imported all, where they would be spawned.

    They are as much on their own, and know as little of this process; but most of what a spawned one costs is imports.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        yield
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(IMPORTED)

    def get_context(method=None):
        return really_spawned("forkserver" if method == "spawn" else method)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiprocessing, "get_context", get_context)
        yield


@pytest.fixture
def spawned(monkeypatch):
    """Lets worker processes be spawned after all, as users' are: with the environment of the moment."""
    monkeypatch.setattr(multiprocessing, "get_context", really_spawned)


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of our own."""
    from tunewell.testing.postgresql import PostgresServer, find_binaries

    if find_binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("there is no PostgreSQL server, which must not go unnoticed here")
        pytest.skip("NOT TESTED: PostgreSQL, of which there is no server; install Debian's package postgresql")
    pytest.importorskip("psycopg")
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres):
    """A database with nothing in it."""
    import psycopg

    schema = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url()) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return postgres.url(schema=schema)


class Preloaded:
    """Begins processes of `python -m tunewell` with everything imported: see `preloaded.py`."""

    def __init__(self):
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("preloaded.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._begun = queue.SimpleQueue()
        self._ended = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        for line in self._server.stdout:
            kind, pid, *code = json.loads(line)
            if kind == "begun":
                self._ended[pid] = queue.SimpleQueue()
                self._begun.put(pid)
            else:
                self._ended[pid].put(*code)

    def begin(self, *arguments, said, **environment):
        """Begin one in the working directory; what it says goes to two files of the folder `said`."""
        paths = {name: said / f"{name}-{uuid.uuid4().hex}" for name in ("stdout", "stderr")}
        process = {
            "arguments": arguments,
            "folder": str(Path.cwd()),
            "environment": {**os.environ, **environment},
            **{name: str(path) for name, path in paths.items()},
        }
        with self._lock:
            self._server.stdin.write(json.dumps(process) + "\n")
            self._server.stdin.flush()
            pid = self._begun.get(timeout=60)
        return Process(pid, self._ended[pid], *paths.values())

    def end(self):
        self._server.stdin.close()
        self._server.wait()
        self._thread.join()
        self._server.stdout.close()


class Process:
    """Does for such a process what `subprocess.Popen` does for one of our own."""

    def __init__(self, pid, ended, stdout, stderr):
        self.pid = pid
        self.returncode = None
        self._ended, self._said = ended, (stdout, stderr)

    def wait(self, timeout=None):
        if self.returncode is None:
            try:
                self.returncode = self._ended.get(timeout=timeout)
            except queue.Empty:
                raise subprocess.TimeoutExpired("tunewell", timeout) from None
        return self.returncode

    def communicate(self, timeout=None):
        self.wait(timeout)
        return tuple(path.read_text() if path.exists() else "" for path in self._said)

    def poll(self):
        try:
            return self.wait(timeout=0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


@pytest.fixture(scope="session")
def preloaded():
    server = Preloaded()
    yield server
    server.end()


@pytest.fixture
def begin(preloaded, tmp_path_factory):
    """Begins a process of `python -m tunewell ARGUMENTS` in the working directory, with these environment variables."""
    said, begun = tmp_path_factory.mktemp("said"), []

    def begin(*arguments, **environment):
        begun.append(preloaded.begin(*arguments, said=said, **environment))
        return begun[-1]

    yield begin
    for process in begun:  # of a test that has failed
        process.kill()
