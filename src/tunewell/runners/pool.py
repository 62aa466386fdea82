"""Many workers, each in a process of its own, wherever that is: who trains what, and what becomes of those that die.

The driver alone reads and writes the study: workers send their reports and go on when the answer says that it is on
record. A worker that dies takes its trial's step with it and nothing else.
"""

from __future__ import annotations

import pickle
import time
import traceback
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from tunewell.errors import ScriptError, SettingError, TrainingTraceback, TunewellError, last_line
from tunewell.runners.base import LOOK_AGAIN_S, Assignment, Coordinator, SavedState, StepResult
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.roster import Roster
from tunewell.runners.thread_settings import ThreadSettings
from tunewell.runners.worker import Worker
from tunewell.study.directive import Directive
from tunewell.training.run import RunEnded, Train
from tunewell.training.script import LoadedTrain
from tunewell.trial import Step

PATIENCE_S = 30.0
"""How long a worker may take to end in order: its paused trainings are unwound, and loggers send what they hold."""
_LOOK_S = 1.0
_LOOK_AT_LIMITS_S = 0.1
"""Looked at no more often than that, however much is reported: memory is found among all processes that run."""


# What a worker sends; the driver's answer to each is a value, or an error to be raised.


@dataclass(frozen=True, slots=True)
class ReadyMessage:
    """A worker's message that it can be given a step."""


@dataclass(frozen=True, slots=True)
class CannotLoadMessage:
    """A worker's message that it has no training function: what was raised on loading it."""

    error: str


@dataclass(frozen=True, slots=True)
class MaxEpochsMessage:
    """The number of epochs of a full training."""

    trial: int
    max_epochs: int


@dataclass(frozen=True, slots=True)
class ReportMessage:
    """The metrics that an epoch measured."""

    trial: int
    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RetrainedMessage:
    """The number of epochs that have to be trained a second time."""

    trial: int
    epochs: int
    unreadable: str | None


@dataclass(frozen=True, slots=True)
class PollMessage:
    """An epoch that nothing is reported of."""

    trial: int
    epoch: int


@dataclass(frozen=True, slots=True)
class SavedMessage:
    """A checkpoint that was written; None if there was nothing to write."""

    trial: int
    saved: SavedState | None


Message = (
    ReadyMessage
    | CannotLoadMessage
    | MaxEpochsMessage
    | ReportMessage
    | RetrainedMessage
    | PollMessage
    | SavedMessage
    | StepResult
)


class WorkerGone(Exception):
    """A worker has died."""

    def __init__(self, how: str, *, killed_externally: bool) -> None:
        """Describe its end; `how`: as far as is known; `killed_externally`: what it trained need not be why."""
        super().__init__(how)
        self.how = how
        self.killed_externally = killed_externally


class WorkerHandle(Protocol):
    """The driver's end of one worker."""

    def send(self, message: object) -> None:
        """Send an assignment, an answer, or None: that it should end. Nothing happens if it has died."""
        ...

    def receive(self) -> Message:
        """Return its next message, once `WorkerPlacement.wait` found it ready. Raises WorkerGone."""
        ...

    def memory(self) -> int:
        """Return the bytes that it and its children hold."""
        ...

    def kill(self) -> None:
        """End it at once, and what it has started, also if it has ended; its death is heard of by `receive`."""
        ...

    def close(self, patience_s: float) -> None:
        """Wait for one that was sent None, or killed, to end; kill it if that takes too long, and let go of it."""
        ...


class WorkerPlacement(Protocol):
    """A place where workers live."""

    def open(self, number: int) -> WorkerHandle:
        """Start a new worker in slot `number`, which sends `ReadyMessage` when it is ready."""
        ...

    def wait(self, handles: Collection[WorkerHandle], timeout_s: float) -> Collection[WorkerHandle]:
        """Return those that have sent something, as soon as one has."""
        ...


@dataclass(slots=True)
class _Slot:
    """A worker, or its successor, as the driver knows it."""

    handle: WorkerHandle
    since: float = 0.0
    """When its step began, by the monotonic clock."""
    memory_before: int = 0
    """Bytes that it held then."""
    killed_for: tuple[str, str] | None = None
    """What limit its trial exceeded: the kind of error, and the error."""


class Pool:
    """The workers of a driver: they are given steps and heard, replaced when they die, and held to limits."""

    def __init__(self, driver: Driver, placement: WorkerPlacement, execution: Execution) -> None:
        self.driver = driver
        self._placement = placement
        self._execution = execution
        self._roster = Roster(execution.workers)
        self._slots: list[_Slot] = []
        self._is_over = False
        """The driver has no other step, unless one that is in progress brings it."""
        self._trained_s: dict[int, float] = {}
        """How long each trial has trained so far, in its last try."""
        self._grown: dict[int, int] = {}
        """Bytes that each trial has added to its worker so far."""
        self._looked = 0.0
        """When the limits were looked at last, by the monotonic clock."""

    def run(self) -> None:
        """Train until there is nothing to train any more."""
        self._slots = [_Slot(self._placement.open(number)) for number in range(self._execution.workers)]
        look_s = _LOOK_S if self._execution.trial_memory is None else _LOOK_AT_LIMITS_S
        while True:
            if self.driver.is_stopping:
                self._put_back_waiting()
            for number, step in self._roster.fill(self._next_step, self.driver.has_checkpoint):
                self._give(number, step)
            if self._is_over and not self._roster.n_training:
                return
            # an idle worker may be given something as soon as others, or another process, have reported
            self._listen(LOOK_AGAIN_S if self._roster.has_idle else look_s)
            self._hold_to_limits()

    def _put_back_waiting(self) -> None:
        for step in self._roster.drop_waiting():
            self.driver.put_back(step.trial)

    def _next_step(self) -> Step | None:
        step = self.driver.next_step()
        self._is_over = step is None
        return step

    def _listen(self, timeout_s: float) -> None:
        """Take one message of each worker that has sent one, or wait for so long."""
        places = self._roster.places
        heard = [slot.handle for slot, place in zip(self._slots, places, strict=True) if not place.is_idle]
        if not heard:
            time.sleep(timeout_s)  # another process has steps of this study in progress
            return
        ready = self._placement.wait(heard, timeout_s)
        for number, slot in enumerate(self._slots):
            if slot.handle in ready and not self._take_message(number, slot):
                self._slots[number] = _Slot(self._placement.open(number))

    def close(self) -> None:
        """End all workers: in order if they are idle, at once if they are not."""
        for slot, place in zip(self._slots, self._roster.places, strict=False):
            if place.is_idle:
                slot.handle.send(None)
            else:
                slot.handle.kill()
        deadline = time.monotonic() + PATIENCE_S
        for slot in self._slots:
            slot.handle.close(max(0.1, deadline - time.monotonic()))
            if self.driver.interrupted:  # what trials have left behind is not to outlive Ctrl-C
                slot.handle.kill()

    def _give(self, number: int, step: Step) -> None:
        slot = self._slots[number]
        slot.since = time.monotonic()
        if self._execution.trial_memory is not None:
            slot.memory_before = slot.handle.memory()
        slot.handle.send(self.driver.assignment(step))

    def _take_message(self, number: int, slot: _Slot) -> bool:
        """Take one message of a worker; return False if it has died."""
        try:
            message = slot.handle.receive()
        except WorkerGone as end:
            self._handle_worker_exit(number, slot, end)
            return False
        match message:
            case ReadyMessage():
                self._roster.begin(number)
            case CannotLoadMessage():
                raise SettingError(
                    f"the training function cannot be loaded in a worker process: {last_line(message.error)}; define "
                    "it at the top level of a file, outside of any if, or use workers=1, or threads=True"
                ) from TrainingTraceback.of(message.error)
            case StepResult():
                self._count(slot, message.trial)
                self._roster.end_step(number, paused=message.paused)
                self._settle(message)
                if message.computes_on:
                    slot.handle.kill()
                # else it was through just before it was killed: no fault of what it would train next
                if message.computes_on or slot.killed_for is not None:
                    self._handle_worker_exit(number, slot, WorkerGone("was killed", killed_externally=False))
                    return False
            case _:
                slot.handle.send(answer(self.driver, message))
        return True

    def _handle_worker_exit(self, number: int, slot: _Slot, end: WorkerGone) -> None:
        slot.handle.close(PATIENCE_S)
        lost = self._roster.lose(number)
        if lost.step is None:
            if lost.is_ready:
                return  # it was idle; its successor knows nothing of what it hosted
            raise TunewellError(f"a worker {end.how} before it could train anything; see what it wrote to stderr")
        if self.driver.interrupted:
            return  # its step stays in progress, and a resumed study gives the rest of it out first
        trial = lost.step.trial
        self._count(slot, trial)
        if slot.killed_for is not None:
            kind, error = slot.killed_for
            self._settle(StepResult(trial, 0, paused=False, error=error, kinds=(kind,)))
        else:
            error = f"its worker process {end.how}"
            self._settle(
                StepResult(
                    trial, 0, paused=False, error=error, kinds=("WorkerDied",), killed_externally=end.killed_externally
                )
            )

    def _settle(self, result: StepResult) -> None:
        if result.error is not None:  # if it is tried again, what it may take is all there again
            self._trained_s.pop(result.trial, None)
            self._grown.pop(result.trial, None)
        self.driver.settle(result)

    def _count(self, slot: _Slot, trial: int) -> None:
        """Add what the step that ends took to what its trial has taken so far."""
        self._trained_s[trial] = self._trained_s.get(trial, 0.0) + time.monotonic() - slot.since
        if self._execution.trial_memory is not None and slot.killed_for is None:
            self._grown[trial] = self._memory_of(slot, trial)

    def _memory_of(self, slot: _Slot, trial: int) -> int:
        return self._grown.get(trial, 0) + max(0, slot.handle.memory() - slot.memory_before)

    def _hold_to_limits(self) -> None:
        """End the workers whose trials exceed what a trial may take."""
        timeout, memory = self._execution.trial_timeout, self._execution.trial_memory
        now = time.monotonic()
        if now - self._looked < _LOOK_AT_LIMITS_S:
            return
        self._looked = now
        for slot, place in zip(self._slots, self._roster.places, strict=True):
            if place.step is None or slot.killed_for is not None:
                continue
            trial = place.step.trial
            if timeout is not None:
                took = self._trained_s.get(trial, 0.0) + now - slot.since
                if took > timeout:
                    slot.killed_for = "TrialTimeout", f"it trained for more than {timeout:g} seconds (trial_timeout)"
            if memory is not None and self._memory_of(slot, trial) > memory:
                slot.killed_for = "TrialMemory", f"it took more than {memory / 2**20:.0f} MiB of memory (trial_memory)"
            if slot.killed_for is not None:
                slot.handle.kill()


def answer(
    coordinator: Coordinator, message: MaxEpochsMessage | ReportMessage | RetrainedMessage | PollMessage | SavedMessage
) -> object:
    """Return what the coordinator has to a worker's message: a value, or an error to be raised there."""
    try:
        match message:
            case MaxEpochsMessage():
                return coordinator.learn_max_epochs(message.trial, message.max_epochs)
            case ReportMessage():
                return coordinator.report(message.trial, message.epoch, message.metrics)
            case RetrainedMessage():
                coordinator.retrained(message.trial, message.epochs, message.unreadable)
                return None
            case PollMessage():
                return coordinator.poll_commands(message.trial, message.epoch)
            case SavedMessage():
                coordinator.saved(message.trial, message.saved)
                return None
    except TunewellError as refusal:
        return refusal


class DriverGone(Exception):
    """The driver is gone, and with it the need for the worker."""


@dataclass(frozen=True, slots=True)
class WorkerConnection:
    """The worker's end of the connection to the driver."""

    send: Callable[[Message], None]
    receive: Callable[[], object]
    """Both raise `DriverGone`."""


def serve(
    connection: WorkerConnection, train: Train | bytes, execution: Execution, thread_settings: ThreadSettings
) -> None:
    """Run a worker, from its start to its end.

    thread_settings: those of the thread that tunes, which each training has too.
    """
    try:
        function: Train = pickle.loads(train) if isinstance(train, bytes) else train  # noqa: S301  from our own parent
    except Exception:  # noqa: BLE001  its objects' own, from their __setstate__, or from a module that it needs
        with suppress(DriverGone):
            connection.send(CannotLoadMessage(traceback.format_exc()))
        return
    if isinstance(function, LoadedTrain):
        with suppress(ScriptError):  # which is raised again, as the first trial's failure
            function.load()  # in this thread, so that what the file sets for its thread holds for all trials
    with thread_settings.in_force():
        _work(connection, function, execution)


def _work(connection: WorkerConnection, function: Train, execution: Execution) -> None:
    """Train what the driver assigns, until it says that there is no more."""
    share = None if execution.memory is None else execution.memory // execution.workers
    remote, shared = _Remote(connection), not execution.isolate
    worker = Worker(function, remote, keep=execution.keep, memory=share, workers=execution.workers, shared=shared)
    try:
        connection.send(ReadyMessage())
        while (assignment := connection.receive()) is not None:
            assert isinstance(assignment, Assignment)
            connection.send(worker.work(assignment))
    except DriverGone:
        pass
    worker.close()


class _Remote:
    """The coordinator at the other end of the connection."""

    def __init__(self, connection: WorkerConnection) -> None:
        self._connection = connection

    def learn_max_epochs(self, trial: int, n: int) -> int:
        until = self._ask(MaxEpochsMessage(trial, n))
        assert isinstance(until, int)
        return until

    def report(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> Directive:
        directive = self._ask(ReportMessage(trial, epoch, metrics))
        assert isinstance(directive, Directive)
        return directive

    def poll_commands(self, trial: int, epoch: int) -> Directive:
        directive = self._ask(PollMessage(trial, epoch))
        assert isinstance(directive, Directive)
        return directive

    def saved(self, trial: int, saved: SavedState | None) -> None:
        self._ask(SavedMessage(trial, saved))

    def retrained(self, trial: int, epochs: int, unreadable: str | None) -> None:
        self._ask(RetrainedMessage(trial, epochs, unreadable))

    def _ask(self, message: Message) -> object:
        try:
            self._connection.send(message)
            answer = self._connection.receive()
        except DriverGone:
            raise RunEnded from None
        if isinstance(answer, TunewellError):
            raise answer
        return answer
