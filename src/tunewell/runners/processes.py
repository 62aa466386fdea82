"""Workers on this machine, each a spawned process, reached through a pipe."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType

from tunewell.display.notebook import in_marimo
from tunewell.errors import SettingError
from tunewell.runners.base import Controller, Observer
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.memory import resident
from tunewell.runners.pool import DriverGone, Message, Pool, WorkerConnection, WorkerGone, WorkerHandle, serve
from tunewell.runners.thread_settings import ThreadSettings
from tunewell.study import Study
from tunewell.training.process_tree import Guard, kill_rest, kill_tree, new_mark
from tunewell.training.run import Train
from tunewell.training.script import script_folders_left_out

_THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_SAFE_PATH = "PYTHONSAFEPATH"
"""With it, a worker that was not sent its path yet finds no module in this folder, which may hold a `random.py`."""
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP) if sys.platform != "win32" else ()
"""Signals that a process gets from others: somebody, or a system that runs out of memory."""
_GLANCE_S = 0.01
"""How long to wait between looks whether a process has ended."""


def run_processes(
    study: Study,
    train: Train,
    execution: Execution | None = None,
    observer: Observer | None = None,
    controllers: Sequence[Controller] = (),
) -> bool:
    """Train until the study is over, in processes of their own; True, or False if it was interrupted.

    Raises:
        SettingError: the training function cannot be sent to another process.
        RepeatedFailure: trials keep failing with one and the same error.
    """
    execution = execution or Execution()
    driver = Driver(study, execution, observer, controllers)
    thread_settings = ThreadSettings.here().for_process(other_devices=bool(execution.gpus))
    function = portable(train)
    as_bytes = function if isinstance(function, bytes) else pickle.dumps(function)
    pool = Pool(driver, Processes(as_bytes, execution, thread_settings), execution)
    try:
        with driver.interruptible():
            pool.run()
    finally:
        pool.close()
        study.close()
    return not driver.interrupted


@dataclass(frozen=True, slots=True)
class Processes:
    """Spawned processes of this machine."""

    train: Train | bytes
    execution: Execution
    thread_settings: ThreadSettings
    imports_main: bool = True
    """Each imports the script that runs here, as `multiprocessing` has it: `train` may be found there by name."""

    def open(self, number: int) -> _Process:
        """Implement `WorkerPlacement.open`."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        start_method = multiprocessing.get_start_method(allow_none=True)
        mark = new_mark()
        only_for_it = {} if _SAFE_PATH in os.environ else {_SAFE_PATH: "1"}
        process = context.Process(
            target=_serve,
            args=(theirs, self.train, self.execution, self.thread_settings, start_method, tuple(only_for_it), mark),
            name=f"tunewell-{number}",
        )
        gpus = self.execution.gpus
        device = {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}
        guard = Guard(mark) if os.name == "posix" else None
        variables = _threads_each(self.execution.workers) | device | only_for_it
        main = _no_file_of_a_prompt() if self.imports_main else _main_hidden()
        with _environment(variables), _ctrl_c_ignored(), script_folders_left_out(), main:
            process.start()
        multiprocessing.set_start_method(start_method, force=True)  # which to start one has settled for good
        theirs.close()
        assert process.pid is not None  # it has started
        if guard is not None:
            guard.watch(process.pid)
        return _Process(process, process.pid, ours, guard, mark)

    def wait(self, handles: Collection[WorkerHandle], timeout_s: float) -> Collection[WorkerHandle]:
        """Implement `WorkerPlacement.wait`."""
        processes = [handle for handle in handles if isinstance(handle, _Process)]
        spoke = wait([process.connection for process in processes], timeout=timeout_s)
        # the end of its pipe does not tell of one that has died: what its training has forked may hold the other end
        return [process for process in processes if process.connection in spoke or process.has_died]


class _Process:
    """The driver's end of one worker's pipe."""

    def __init__(
        self,
        process: multiprocessing.process.BaseProcess,
        pid: int,
        connection: Connection,
        guard: Guard | None,
        mark: str,
    ) -> None:
        self.connection = connection
        self._process = process
        self._pid = pid
        self._guard = guard
        self._mark = mark
        """Of what it starts."""

    @property
    def has_died(self) -> bool:
        """The process itself is over, whoever holds its pipe."""
        return self._process.exitcode is not None

    def send(self, message: object) -> None:
        """Implement `WorkerHandle.send`."""
        # if it has died, the end of its pipe says so when it is read
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def receive(self) -> Message:
        """Implement `WorkerHandle.receive`."""
        if self.has_died:  # which is looked at before the pipe, where its last message may lie
            self._kill()
            if not self.connection.poll():
                raise self._gone()
        try:
            message: Message = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._join(5.0)
            self._kill()
            raise self._gone() from None
        return message

    def _gone(self) -> WorkerGone:
        code = self._process.exitcode
        return WorkerGone(_in_words(code), killed_externally=code is not None and -code in _FROM_OUTSIDE)

    def memory(self) -> int:
        """Implement `WorkerHandle.memory`."""
        return resident(self._pid)

    def kill(self) -> None:
        """Implement `WorkerHandle.kill`."""
        self._kill()

    def close(self, patience_s: float) -> None:
        """Implement `WorkerHandle.close`."""
        if not self._join(patience_s):
            self._kill()
            self._process.join()
        if self._guard is not None:
            self._guard.close()
        self.connection.close()

    def _kill(self) -> None:
        """End it, and what it has started, which goes on else when it has died itself."""
        if os.name != "posix":
            self._process.kill()
        elif self.has_died:
            kill_rest(self._pid, self._mark)
        else:
            kill_tree(self._pid, self._mark)

    def _join(self, patience_s: float) -> bool:
        """Wait for the process to end; return False if it does not in time.

        `multiprocessing` would wait for the end of another pipe, which forked processes hold as well.
        """
        give_up_at = time.monotonic() + patience_s
        while not self.has_died:
            if time.monotonic() > give_up_at:
                return False
            time.sleep(_GLANCE_S)
        return True


def _serve(
    connection: Connection,
    train: Train | bytes,
    execution: Execution,
    thread_settings: ThreadSettings,
    start_method: str | None,
    only_for_it: Collection[str],
    mark: str,
) -> None:
    """Run a worker process, from its start to its end."""
    if os.name == "posix":
        os.setpgid(0, 0)  # what its trainings start is in its group, and ends with it
    for name in only_for_it:
        os.environ.pop(name, None)  # it is not for what the training begins
    os.environ[mark] = "1"
    # how this process was started is now its own way to start others; the training's is that of the driver's process
    multiprocessing.set_start_method(start_method, force=True)

    def send(message: Message) -> None:
        try:
            connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            raise DriverGone from None

    def receive() -> object:
        try:
            return connection.recv()
        except (EOFError, ConnectionResetError):
            raise DriverGone from None

    serve(WorkerConnection(send, receive), train, execution, thread_settings)


def portable(train: Train) -> Train | bytes:
    """Return the training function in a form that another process can load."""
    in_a_cell = getattr(train, "__module__", None) == "__main__" and not _main_is_a_file()
    try:
        if not in_a_cell:
            pickle.dumps(train)
            return train
    except Exception as error:  # noqa: BLE001  its objects' own, from their __reduce__ or __getstate__
        cannot = str(error)
    else:
        cannot = "it was defined in a notebook, or at a prompt"
    try:
        import cloudpickle  # noqa: PLC0415  an extra
    except ImportError:
        raise SettingError(
            f"the training function cannot be sent to worker processes ({cannot}): define it at the top level of a "
            "file, or pip install 'tunewell[notebook]', or use workers=1"
        ) from None
    try:
        return bytes(cloudpickle.dumps(train))
    except Exception as error:  # as above
        why = " ".join(str(error).split())
        raise SettingError(
            f"the training function cannot be sent to worker processes: {type(error).__name__}: {why}; make such "
            "objects inside it, or use workers=1, or threads=True"
        ) from error


def _threads_each(workers: int) -> dict[str, str]:
    """Divide the cores among the workers' BLAS and OpenMP threads, where the user has set no number."""
    share = str(max(1, (os.cpu_count() or 1) // workers))
    return {name: share for name in _THREAD_SETTINGS if name not in os.environ}


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Set these variables for processes begun inside."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Keep `multiprocessing` from having processes that are begun inside import the script that runs."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Ignore Ctrl-C in processes begun inside, from their first moment: the driver decides what it means."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say so
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _main_is_a_file() -> bool:
    """Return True if another process that imports the main module has what it has."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return file is not None and Path(file).exists() and not in_marimo()  # whose cells are functions in their file


@contextmanager
def _no_file_of_a_prompt() -> Iterator[None]:
    """Let no process begun inside look for the file of a main module: there is none, or it has not what is needed."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is None or _main_is_a_file():
        yield
        return
    del main.__file__
    try:
        yield
    finally:
        main.__file__ = file


def _in_words(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
