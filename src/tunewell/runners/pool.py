"""Many workers, each in a process of its own, wherever that is: who trains what, and what becomes of those that die.

The driver alone reads and writes the study: workers send their reports and go on when the answer says that it is on
record. A worker that dies takes its trial's step with it and nothing else.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tunewell.errors import TunewellError
from tunewell.runners.base import LOOK_AGAIN_S, Assignment, SavedState, StepResult
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.worker import Worker
from tunewell.study.directive import Directive
from tunewell.training.run import RunEnded, Train
from tunewell.trial import Step

PATIENCE_S = 5.0
"""How long a worker may take to end in order."""
_LOOK_S = 1.0
_LOOK_AT_LIMITS_S = 0.1
"""Looked at no more often than that, however much is reported: memory is found among all processes that run."""


# What a worker sends; the driver's answer to each is a value, or an error to be raised.


@dataclass(frozen=True, slots=True)
class ReadyMessage:
    """A worker's message that it can be given a step."""


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


Message = ReadyMessage | MaxEpochsMessage | ReportMessage | RetrainedMessage | PollMessage | SavedMessage | StepResult


class WorkerGone(Exception):
    """A worker has died."""

    def __init__(self, how: str, *, killed_externally: bool) -> None:
        """Describe its end; `how`: as far as is known; `killed_externally`: what it trained need not be why."""
        super().__init__(how)
        self.how, self.killed_externally = how, killed_externally


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
        """End it at once; its death is heard of by `receive`."""
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
    is_ready: bool = False
    step: Step | None = None
    """What it trains now."""
    since: float = 0.0
    """When that began, by the monotonic clock."""
    memory_before: int = 0
    """Bytes that it held then."""
    waiting: deque[Step] = field(default_factory=deque)
    """Steps of trials that only it can go on with."""
    hosts: set[int] = field(default_factory=set)
    """Trials that are paused in its memory."""
    killed_for: tuple[str, str] | None = None
    """What limit its trial exceeded: the kind of error, and the error."""


class Pool:
    """The workers, and which trial is paused in which."""

    def __init__(self, driver: Driver, placement: WorkerPlacement, execution: Execution) -> None:
        self.driver = driver
        self._placement = placement
        self._execution = execution
        self._slots: list[_Slot] = []
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
            nothing_now = False
            for slot in self._slots:
                # where the driver has nothing now, a step may still wait for just this worker
                if slot.is_ready and slot.step is None and (slot.waiting or not nothing_now):
                    nothing_now = not self._assign(slot) or nothing_now
            heard = [slot.handle for slot in self._slots if slot.step is not None or not slot.is_ready]
            training = any(slot.step is not None for slot in self._slots)
            if not training and nothing_now:
                step = self.driver.next_step()
                if step is None:
                    return
                if step.wait:
                    time.sleep(LOOK_AGAIN_S)  # another process has steps of this study in progress
                else:
                    self._give(self._home(step.trial, next(slot for slot in self._slots if slot.is_ready)), step)
                continue
            ready = self._placement.wait(heard, LOOK_AGAIN_S if nothing_now else look_s)
            for number, slot in enumerate(self._slots):
                if slot.handle in ready and not self._listen(slot):
                    self._slots[number] = _Slot(self._placement.open(number), waiting=slot.waiting)
            self._hold_to_limits()

    def close(self) -> None:
        """End all workers: in order if they are idle, at once if they are not."""
        for slot in self._slots:
            if slot.is_ready and slot.step is None:
                slot.handle.send(None)
            else:
                slot.handle.kill()
        deadline = time.monotonic() + PATIENCE_S
        for slot in self._slots:
            slot.handle.close(max(0.1, deadline - time.monotonic()))

    def _assign(self, slot: _Slot) -> bool:
        """Find a step for an idle worker; False if there is none now.

        A trial goes on where it is paused, unless its checkpoint can travel.
        """
        if slot.waiting:
            self._give(slot, slot.waiting.popleft())
            return True
        while (step := self.driver.next_step()) is not None and not step.wait:
            home = self._home(step.trial, slot)
            if home is slot or home.step is None or self.driver.has_checkpoint(step.trial):
                target = slot if home.step is not None else home
                if target is not home:
                    home.hosts.discard(step.trial)
                self._give(target, step)
                if target is slot:
                    return True
            else:
                home.waiting.append(step)
        return False

    def _home(self, trial: int, otherwise: _Slot) -> _Slot:
        """Return the slot in whose memory the trial is paused, if there is one."""
        return next((slot for slot in self._slots if trial in slot.hosts), otherwise)

    def _give(self, slot: _Slot, step: Step) -> None:
        slot.step, slot.since = step, time.monotonic()
        if self._execution.trial_memory is not None:
            slot.memory_before = slot.handle.memory()
        slot.handle.send(self.driver.assignment(step))

    def _listen(self, slot: _Slot) -> bool:
        """Take one message of a worker; False if it has died."""
        try:
            message = slot.handle.receive()
        except WorkerGone as end:
            self._handle_worker_exit(slot, end)
            return False
        match message:
            case ReadyMessage():
                slot.is_ready = True
            case StepResult():
                self._count(slot)
                slot.step = None
                if message.paused:
                    slot.hosts.add(message.trial)
                else:
                    slot.hosts.discard(message.trial)
                self._settle(message)
                if slot.killed_for is not None:  # it was through just before: no fault of what it would train next
                    self._handle_worker_exit(slot, WorkerGone("was killed", killed_externally=False))
                    return False
            case _:
                slot.handle.send(self._answer(message))
        return True

    def _answer(
        self, message: MaxEpochsMessage | ReportMessage | RetrainedMessage | PollMessage | SavedMessage
    ) -> object:
        try:
            match message:
                case MaxEpochsMessage():
                    return self.driver.learn_max_epochs(message.trial, message.max_epochs)
                case ReportMessage():
                    return self.driver.report(message.trial, message.epoch, message.metrics)
                case RetrainedMessage():
                    self.driver.retrained(message.trial, message.epochs)
                    return None
                case PollMessage():
                    return self.driver.poll_commands(message.trial, message.epoch)
                case SavedMessage():
                    self.driver.saved(message.trial, message.saved)
                    return None
        except TunewellError as refusal:
            return refusal

    def _handle_worker_exit(self, slot: _Slot, end: WorkerGone) -> None:
        slot.handle.close(PATIENCE_S)
        self.driver.lost(slot.hosts)
        if slot.step is None:
            if slot.is_ready:
                return  # it was idle; its successor knows nothing of what it hosted
            raise TunewellError(f"a worker {end.how} before it could train anything; see what it wrote to stderr")
        if self.driver.interrupted:
            return  # its step stays in progress, and a resumed study gives the rest of it out first
        trial = slot.step.trial
        self._count(slot)
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

    def _count(self, slot: _Slot) -> None:
        """Add what the step that ends took to what its trial has taken so far."""
        assert slot.step is not None  # it had one
        trial = slot.step.trial
        self._trained_s[trial] = self._trained_s.get(trial, 0.0) + time.monotonic() - slot.since
        if self._execution.trial_memory is not None and slot.killed_for is None:
            self._grown[trial] = self._memory_of(slot)

    def _memory_of(self, slot: _Slot) -> int:
        assert slot.step is not None  # it has one
        return self._grown.get(slot.step.trial, 0) + max(0, slot.handle.memory() - slot.memory_before)

    def _hold_to_limits(self) -> None:
        """End the workers whose trials exceed what a trial may take."""
        timeout, memory = self._execution.trial_timeout, self._execution.trial_memory
        now = time.monotonic()
        if now - self._looked < _LOOK_AT_LIMITS_S:
            return
        self._looked = now
        for slot in self._slots:
            if slot.step is None or slot.killed_for is not None:
                continue
            trial = slot.step.trial
            if timeout is not None:
                took = self._trained_s.get(trial, 0.0) + now - slot.since
                if took > timeout:
                    slot.killed_for = "TrialTimeout", f"it trained for more than {timeout:g} seconds (trial_timeout)"
            if memory is not None and self._memory_of(slot) > memory:
                slot.killed_for = "TrialMemory", f"it took more than {memory / 2**20:.0f} MiB of memory (trial_memory)"
            if slot.killed_for is not None:
                slot.handle.kill()


class DriverGone(Exception):
    """The driver is gone, and with it the need for the worker."""


@dataclass(frozen=True, slots=True)
class WorkerConnection:
    """The worker's end of the connection to the driver."""

    send: Callable[[Message], None]
    receive: Callable[[], object]
    """Both raise `DriverGone`."""


def serve(connection: WorkerConnection, train: Train | bytes, execution: Execution) -> None:
    """Run a worker, from its start to its end."""
    function: Train = pickle.loads(train) if isinstance(train, bytes) else train  # noqa: S301  from our own parent
    share = None if execution.memory is None else execution.memory // execution.workers
    worker = Worker(function, _Remote(connection), keep=execution.keep, memory=share)
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

    def retrained(self, trial: int, epochs: int) -> None:
        self._ask(RetrainedMessage(trial, epochs))

    def _ask(self, message: Message) -> object:
        try:
            self._connection.send(message)
            answer = self._connection.receive()
        except DriverGone:
            raise RunEnded from None
        if isinstance(answer, TunewellError):
            raise answer
        return answer
