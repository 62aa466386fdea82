"""Several workers on this machine, each a process of its own.

The driver alone reads and writes the study: workers send their reports through a pipe and go on when the
answer says that it is on record. A worker that dies takes its trial's step with it and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait

from tunewell.errors import SettingError, TunewellError
from tunewell.run import RunEnded, Train
from tunewell.runners.base import Observer, Order, Outcome, Reply, SavedState
from tunewell.runners.driver import Driver
from tunewell.runners.worker import KEPT_TRIALS, Worker
from tunewell.study import Study
from tunewell.trial import Step

_THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_PATIENCE_S = 5.0
"""How long a worker may take to end in order."""


def run_processes(
    study: Study,
    train: Train,
    *,
    workers: int,
    keep: int = KEPT_TRIALS,
    checkpoint_every: int = 0,
    observer: Observer | None = None,
) -> bool:
    """Train until the study is over, in `workers` processes; True, or False if it was interrupted and can be resumed.

    keep: how many paused trials each worker keeps in memory.
    checkpoint_every: epochs between checkpoints of what a training tracks; 0: only where it pauses or ends.

    Raises:
        SettingError: the training function cannot be sent to another process.
        RepeatedFailure: trials keep failing with one and the same error.
    """
    driver = Driver(study, observer, checkpoint_every=checkpoint_every)
    pool = _WorkerPool(driver, _portable(train), workers, keep)
    try:
        with pool.driver.interruptible():
            pool.run()
    finally:
        pool.close()
        study.close()
    return not pool.driver.interrupted


# What a worker says; the driver's answer to each is a value, or an error to be raised.


@dataclass(frozen=True, slots=True)
class _Learnt:
    trial: int
    max_epochs: int


@dataclass(frozen=True, slots=True)
class _Reported:
    trial: int
    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Retrained:
    trial: int
    epochs: int


@dataclass(frozen=True, slots=True)
class _Trained:
    """An epoch that nothing is reported of."""

    trial: int
    epoch: int


@dataclass(frozen=True, slots=True)
class _Saved:
    trial: int
    saved: SavedState | None


_Message = _Learnt | _Reported | _Retrained | _Trained | _Saved | Outcome


@dataclass(slots=True)
class _Process:
    """The driver's end of one worker."""

    process: multiprocessing.process.BaseProcess
    connection: Connection
    step: Step | None = None
    """What it trains now."""
    waiting: deque[Step] = field(default_factory=deque)
    """Steps of trials that only it can go on with."""
    hosts: set[int] = field(default_factory=set)
    """Trials that are paused in its memory."""

    def send(self, message: object) -> None:
        # if it has died, the end of its pipe says so when it is read
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)


class _WorkerPool:
    """The workers, and which trial is paused in which."""

    def __init__(self, driver: Driver, train: Train | bytes, workers: int, keep: int) -> None:
        self.driver = driver
        self._train = train
        self._keep = keep
        self._n = workers
        self._workers: list[_Process] = []

    def run(self) -> None:
        """Until there is nothing to train any more."""
        self._workers = [self._spawn() for _ in range(self._n)]
        while True:
            for worker in self._workers:
                if worker.step is None:
                    self._assign(worker)
            busy = [worker for worker in self._workers if worker.step is not None]
            if not busy:
                step = self.driver.next_step()
                if step is None:
                    return
                if step.wait:
                    time.sleep(0.1)  # another process has steps of this study in progress
                    continue
                self._give(self._workers[0], step)
                continue
            ready = set(wait([worker.connection for worker in busy], timeout=1.0))
            for number, worker in enumerate(self._workers):
                if worker.connection in ready and not self._listen(worker):
                    self._workers[number] = self._spawn(worker.waiting)

    def close(self) -> None:
        """End all workers: in order if they are idle, at once if they are not."""
        for worker in self._workers:
            if worker.step is None:
                worker.send(None)
            else:
                worker.process.terminate()
        deadline = time.monotonic() + _PATIENCE_S
        for worker in self._workers:
            worker.process.join(max(0.1, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()

    def _assign(self, worker: _Process) -> None:
        """Find a step for an idle worker. A trial goes on where it is paused, unless its checkpoint can travel."""
        if worker.waiting:
            self._give(worker, worker.waiting.popleft())
            return
        while (step := self.driver.next_step()) is not None and not step.wait:
            home = next((other for other in self._workers if step.trial in other.hosts), worker)
            if home is worker or home.step is None or self.driver.has_checkpoint(step.trial):
                target = worker if home.step is not None else home
                if target is not home:
                    home.hosts.discard(step.trial)
                self._give(target, step)
                if target is worker:
                    return
            else:
                home.waiting.append(step)

    def _give(self, worker: _Process, step: Step) -> None:
        worker.step = step
        worker.send(self.driver.order(step))

    def _listen(self, worker: _Process) -> bool:
        """Take one message of a worker; False if it has died."""
        try:
            message: _Message = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            self._take_leave_of(worker)
            return False
        if isinstance(message, Outcome):
            worker.step = None
            if message.parked:
                worker.hosts.add(message.trial)
            else:
                worker.hosts.discard(message.trial)
            self.driver.settle(message)
        else:
            worker.send(self._answer(message))
        return True

    def _answer(self, message: _Learnt | _Reported | _Retrained | _Trained | _Saved) -> object:
        try:
            match message:
                case _Learnt():
                    return self.driver.learn_max_epochs(message.trial, message.max_epochs)
                case _Reported():
                    return self.driver.report(message.trial, message.epoch, message.metrics)
                case _Retrained():
                    self.driver.retrained(message.trial, message.epochs)
                    return None
                case _Trained():
                    return self.driver.verdict(message.trial, message.epoch)
                case _Saved():
                    self.driver.saved(message.trial, message.saved)
                    return None
        except TunewellError as refusal:
            return refusal

    def _take_leave_of(self, worker: _Process) -> None:
        worker.process.join(_PATIENCE_S)
        worker.connection.close()
        assert worker.step is not None  # only busy workers are listened to
        self.driver.lost(worker.hosts)
        if self.driver.interrupted:
            return  # its step stays in progress, and a resumed study gives the rest of it out first
        self.driver.settle(
            Outcome(worker.step.trial, 0, parked=False, error=f"its worker process {_end_of(worker.process)}")
        )

    def _spawn(self, waiting: deque[Step] | None = None) -> _Process:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._train, self._keep), name="tunewell-worker")
        with _threads_shared(self._n), _ctrl_c_ignored():
            process.start()
        theirs.close()
        return _Process(process, ours, waiting=waiting or deque())


def _serve(connection: Connection, train: Train | bytes, keep: int) -> None:
    """A worker process, from its start to its end."""
    function: Train = pickle.loads(train) if isinstance(train, bytes) else train  # noqa: S301  from our own parent
    worker = Worker(function, _Remote(connection), keep=keep)
    try:
        while (order := connection.recv()) is not None:
            assert isinstance(order, Order)
            connection.send(worker.work(order))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the driver is gone, and with it the need for this process
    worker.close()


class _Remote:
    """The desk at the other end of the pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def learn_max_epochs(self, trial: int, n: int) -> int:
        until = self._ask(_Learnt(trial, n))
        assert isinstance(until, int)
        return until

    def report(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> Reply:
        reply = self._ask(_Reported(trial, epoch, metrics))
        assert isinstance(reply, Reply)
        return reply

    def verdict(self, trial: int, epoch: int) -> Reply:
        reply = self._ask(_Trained(trial, epoch))
        assert isinstance(reply, Reply)
        return reply

    def saved(self, trial: int, saved: SavedState | None) -> None:
        self._ask(_Saved(trial, saved))

    def retrained(self, trial: int, epochs: int) -> None:
        self._ask(_Retrained(trial, epochs))

    def _ask(self, message: _Message) -> object:
        try:
            self._connection.send(message)
            answer = self._connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise RunEnded from None
        if isinstance(answer, TunewellError):
            raise answer
        return answer


def _portable(train: Train) -> Train | bytes:
    """The training function in a form that another process can load."""
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


@contextmanager
def _threads_shared(workers: int) -> Iterator[None]:
    """Inside, new processes divide the cores among their BLAS and OpenMP threads, unless the user has set a number."""
    share = str(max(1, (os.cpu_count() or 1) // workers))
    ours = [name for name in _THREAD_SETTINGS if name not in os.environ]
    os.environ.update(dict.fromkeys(ours, share))
    try:
        yield
    finally:
        for name in ours:
            del os.environ[name]


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Inside, new processes ignore Ctrl-C from their first moment: the driver decides what it means."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say so
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _end_of(process: multiprocessing.process.BaseProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
