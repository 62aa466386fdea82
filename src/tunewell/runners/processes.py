"""Workers on this machine, each a spawned process, reached through a pipe."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from tunewell.errors import SettingError
from tunewell.runners.base import Controller, Observer
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.memory import resident
from tunewell.runners.pool import DriverGone, Message, Pool, WorkerConnection, WorkerGone, WorkerHandle, serve
from tunewell.study import Study
from tunewell.training.run import Train

_THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP) if sys.platform != "win32" else ()
"""Signals that a process gets from others: somebody, or a system that runs out of memory."""


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
    pool = Pool(driver, _Processes(portable(train), execution), execution)
    try:
        with driver.interruptible():
            pool.run()
    finally:
        pool.close()
        study.close()
    return not driver.interrupted


@dataclass(frozen=True, slots=True)
class _Processes:
    """Spawned processes of this machine."""

    train: Train | bytes
    execution: Execution

    def open(self, number: int) -> _Process:
        """Implement `WorkerPlacement.open`."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.train, self.execution), name=f"tunewell-{number}")
        gpus = self.execution.gpus
        device = {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}
        with _environment(_threads_each(self.execution.workers) | device), _ctrl_c_ignored():
            process.start()
        theirs.close()
        return _Process(process, ours)

    def wait(self, handles: Collection[WorkerHandle], timeout_s: float) -> Collection[WorkerHandle]:
        """Implement `WorkerPlacement.wait`."""
        by_pipe = {handle.connection: handle for handle in handles if isinstance(handle, _Process)}
        return [by_pipe[pipe] for pipe in wait(list(by_pipe), timeout=timeout_s) if isinstance(pipe, Connection)]


class _Process:
    """The driver's end of one worker's pipe."""

    def __init__(self, process: multiprocessing.process.BaseProcess, connection: Connection) -> None:
        self.connection = connection
        self._process = process

    def send(self, message: object) -> None:
        """Implement `WorkerHandle.send`."""
        # if it has died, the end of its pipe says so when it is read
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def receive(self) -> Message:
        """Implement `WorkerHandle.receive`."""
        try:
            message: Message = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join(5.0)
            code = self._process.exitcode
            raise WorkerGone(_in_words(code), killed_externally=code is not None and -code in _FROM_OUTSIDE) from None
        return message

    def memory(self) -> int:
        """Implement `WorkerHandle.memory`."""
        return resident(self._process.pid or 0)

    def kill(self) -> None:
        """Implement `WorkerHandle.kill`."""
        self._process.kill()

    def close(self, patience_s: float) -> None:
        """Implement `WorkerHandle.close`."""
        self._process.join(patience_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


def _serve(connection: Connection, train: Train | bytes, execution: Execution) -> None:
    """Run a worker process, from its start to its end."""

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

    serve(WorkerConnection(send, receive), train, execution)


def portable(train: Train) -> Train | bytes:
    """Return the training function in a form that another process can load."""
    main = sys.modules["__main__"]
    in_notebook = getattr(train, "__module__", None) == "__main__" and not hasattr(main, "__file__")
    try:
        if not in_notebook:
            pickle.dumps(train)
            return train
    except (pickle.PicklingError, AttributeError, TypeError):
        pass
    try:
        import cloudpickle  # noqa: PLC0415  an extra
    except ImportError:
        raise SettingError(
            "the training function cannot be sent to worker processes: define it at the top level of a file, "
            "or pip install 'tunewell[notebook]', or use workers=1"
        ) from None
    return bytes(cloudpickle.dumps(train))


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


def _in_words(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
