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
from tunewell.run import RunEnded, Train
from tunewell.runners.base import LOOK_AGAIN_S, Order, Outcome, Reply, SavedState
from tunewell.runners.driver import Driver
from tunewell.runners.setup import Setup
from tunewell.runners.worker import Worker
from tunewell.trial import Step

PATIENCE_S = 5.0
"""How long a worker may take to end in order."""
_LOOK_S = 1.0
_LOOK_AT_LIMITS_S = 0.1
"""Looked at no more often than that, however much is reported: memory is found among all processes that run."""


# What a worker says; the driver's answer to each is a value, or an error to be raised.


@dataclass(frozen=True, slots=True)
class Ready:
    """It can be given a step."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """How many epochs a full training has."""

    trial: int
    max_epochs: int


@dataclass(frozen=True, slots=True)
class Reported:
    """What an epoch measured."""

    trial: int
    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Retrained:
    """So many epochs have to be trained a second time."""

    trial: int
    epochs: int


@dataclass(frozen=True, slots=True)
class Trained:
    """An epoch that nothing is reported of."""

    trial: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint was written, or could not be."""

    trial: int
    saved: SavedState | None


Message = Ready | Learnt | Reported | Retrained | Trained | Saved | Outcome


class WorkerGone(Exception):
    """A worker has died."""

    def __init__(self, how: str, *, innocent: bool) -> None:
        """`how`: what is known of its end; `innocent`: from outside, so that what it trained need not be why."""
        super().__init__(how)
        self.how, self.innocent = how, innocent


class Link(Protocol):
    """The driver's end of one worker."""

    def send(self, message: object) -> None:
        """An order, an answer, or None: that it should end. Nothing happens if it has died."""
        ...

    def receive(self) -> Message:
        """What it said, of a link that `House.wait` found ready. Raises WorkerGone."""
        ...

    def memory(self) -> int:
        """Bytes that it and its children hold."""
        ...

    def kill(self) -> None:
        """End it at once; its death is heard of by `receive`."""
        ...

    def close(self, patience_s: float) -> None:
        """It was told to end, or killed: wait for that, kill it if it takes too long, and let go of it."""
        ...


class House(Protocol):
    """Where workers live."""

    def open(self, number: int) -> Link:
        """A new worker, in place `number`, which says `Ready` when it is."""
        ...

    def wait(self, links: Collection[Link], timeout_s: float) -> Collection[Link]:
        """Those that have something to say, as soon as one has."""
        ...


@dataclass(slots=True)
class _Place:
    """A worker, or its successor, as the driver knows it."""

    link: Link
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

    def __init__(self, driver: Driver, house: House, setup: Setup) -> None:
        self.driver = driver
        self._house = house
        self._setup = setup
        self._places: list[_Place] = []
        self._trained_s: dict[int, float] = {}
        """How long each trial has trained so far, in its last try."""
        self._grown: dict[int, int] = {}
        """Bytes that each trial has added to its worker so far."""
        self._looked = 0.0
        """When the limits were looked at last, by the monotonic clock."""

    def run(self) -> None:
        """Until there is nothing to train any more."""
        self._places = [_Place(self._house.open(number)) for number in range(self._setup.workers)]
        look_s = _LOOK_S if self._setup.trial_memory is None else _LOOK_AT_LIMITS_S
        while True:
            nothing_now = False
            for place in self._places:
                if place.is_ready and place.step is None and not nothing_now:
                    nothing_now = not self._assign(place)
            heard = [place.link for place in self._places if place.step is not None or not place.is_ready]
            training = any(place.step is not None for place in self._places)
            if not training and nothing_now:
                step = self.driver.next_step()
                if step is None:
                    return
                if step.wait:
                    time.sleep(LOOK_AGAIN_S)  # another process has steps of this study in progress
                else:
                    self._give(self._home(step.trial, next(place for place in self._places if place.is_ready)), step)
                continue
            ready = self._house.wait(heard, LOOK_AGAIN_S if nothing_now else look_s)
            for number, place in enumerate(self._places):
                if place.link in ready and not self._listen(place):
                    self._places[number] = _Place(self._house.open(number), waiting=place.waiting)
            self._hold_to_limits()

    def close(self) -> None:
        """End all workers: in order if they are idle, at once if they are not."""
        for place in self._places:
            if place.is_ready and place.step is None:
                place.link.send(None)
            else:
                place.link.kill()
        deadline = time.monotonic() + PATIENCE_S
        for place in self._places:
            place.link.close(max(0.1, deadline - time.monotonic()))

    def _assign(self, place: _Place) -> bool:
        """Find a step for an idle worker; False if there is none now.

        A trial goes on where it is paused, unless its checkpoint can travel.
        """
        if place.waiting:
            self._give(place, place.waiting.popleft())
            return True
        while (step := self.driver.next_step()) is not None and not step.wait:
            home = self._home(step.trial, place)
            if home is place or home.step is None or self.driver.has_checkpoint(step.trial):
                target = place if home.step is not None else home
                if target is not home:
                    home.hosts.discard(step.trial)
                self._give(target, step)
                if target is place:
                    return True
            else:
                home.waiting.append(step)
        return False

    def _home(self, trial: int, otherwise: _Place) -> _Place:
        """Where the trial is paused in memory."""
        return next((place for place in self._places if trial in place.hosts), otherwise)

    def _give(self, place: _Place, step: Step) -> None:
        place.step, place.since = step, time.monotonic()
        if self._setup.trial_memory is not None:
            place.memory_before = place.link.memory()
        place.link.send(self.driver.order(step))

    def _listen(self, place: _Place) -> bool:
        """Take one message of a worker; False if it has died."""
        try:
            message = place.link.receive()
        except WorkerGone as end:
            self._take_leave_of(place, end)
            return False
        match message:
            case Ready():
                place.is_ready = True
            case Outcome():
                self._count(place)
                place.step = None
                if message.parked:
                    place.hosts.add(message.trial)
                else:
                    place.hosts.discard(message.trial)
                self._settle(message)
                if place.killed_for is not None:  # it was through just before: no fault of what it would train next
                    self._take_leave_of(place, WorkerGone("was killed", innocent=False))
                    return False
            case _:
                place.link.send(self._answer(message))
        return True

    def _answer(self, message: Learnt | Reported | Retrained | Trained | Saved) -> object:
        try:
            match message:
                case Learnt():
                    return self.driver.learn_max_epochs(message.trial, message.max_epochs)
                case Reported():
                    return self.driver.report(message.trial, message.epoch, message.metrics)
                case Retrained():
                    self.driver.retrained(message.trial, message.epochs)
                    return None
                case Trained():
                    return self.driver.verdict(message.trial, message.epoch)
                case Saved():
                    self.driver.saved(message.trial, message.saved)
                    return None
        except TunewellError as refusal:
            return refusal

    def _take_leave_of(self, place: _Place, end: WorkerGone) -> None:
        place.link.close(PATIENCE_S)
        self.driver.lost(place.hosts)
        if place.step is None:
            if place.is_ready:
                return  # it was idle; its successor knows nothing of what it hosted
            raise TunewellError(f"a worker {end.how} before it could train anything; see what it wrote to stderr")
        if self.driver.interrupted:
            return  # its step stays in progress, and a resumed study gives the rest of it out first
        trial = place.step.trial
        self._count(place)
        if place.killed_for is not None:
            kind, error = place.killed_for
            self._settle(Outcome(trial, 0, parked=False, error=error, kinds=(kind,)))
        else:
            error = f"its worker process {end.how}"
            self._settle(Outcome(trial, 0, parked=False, error=error, kinds=("WorkerDied",), innocent=end.innocent))

    def _settle(self, outcome: Outcome) -> None:
        if outcome.error is not None:  # if it is tried again, what it may take is all there again
            self._trained_s.pop(outcome.trial, None)
            self._grown.pop(outcome.trial, None)
        self.driver.settle(outcome)

    def _count(self, place: _Place) -> None:
        """Add what the step that ends took to what its trial has taken so far."""
        assert place.step is not None  # it had one
        trial = place.step.trial
        self._trained_s[trial] = self._trained_s.get(trial, 0.0) + time.monotonic() - place.since
        if self._setup.trial_memory is not None and place.killed_for is None:
            self._grown[trial] = self._memory_of(place)

    def _memory_of(self, place: _Place) -> int:
        assert place.step is not None  # it has one
        return self._grown.get(place.step.trial, 0) + max(0, place.link.memory() - place.memory_before)

    def _hold_to_limits(self) -> None:
        """End the workers whose trials exceed what a trial may take."""
        timeout, memory = self._setup.trial_timeout, self._setup.trial_memory
        now = time.monotonic()
        if now - self._looked < _LOOK_AT_LIMITS_S:
            return
        self._looked = now
        for place in self._places:
            if place.step is None or place.killed_for is not None:
                continue
            trial = place.step.trial
            if timeout is not None:
                took = self._trained_s.get(trial, 0.0) + now - place.since
                if took > timeout:
                    place.killed_for = "TrialTimeout", f"it trained for more than {timeout:g} seconds (trial_timeout)"
            if memory is not None and self._memory_of(place) > memory:
                place.killed_for = "TrialMemory", f"it took more than {memory / 2**20:.0f} MiB of memory (trial_memory)"
            if place.killed_for is not None:
                place.link.kill()


class DriverGone(Exception):
    """The driver is gone, and with it the need for the worker."""


@dataclass(frozen=True, slots=True)
class Line:
    """The worker's end: how it says something, and how it hears."""

    say: Callable[[Message], None]
    hear: Callable[[], object]
    """Both raise `DriverGone`."""


def serve(line: Line, train: Train | bytes, setup: Setup) -> None:
    """A worker, from its start to its end."""
    function: Train = pickle.loads(train) if isinstance(train, bytes) else train  # noqa: S301  from our own parent
    share = None if setup.memory is None else setup.memory // setup.workers
    worker = Worker(function, _Remote(line), keep=setup.keep, memory=share)
    try:
        line.say(Ready())
        while (order := line.hear()) is not None:
            assert isinstance(order, Order)
            line.say(worker.work(order))
    except DriverGone:
        pass
    worker.close()


class _Remote:
    """The desk at the other end of the line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def learn_max_epochs(self, trial: int, n: int) -> int:
        until = self._ask(Learnt(trial, n))
        assert isinstance(until, int)
        return until

    def report(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> Reply:
        reply = self._ask(Reported(trial, epoch, metrics))
        assert isinstance(reply, Reply)
        return reply

    def verdict(self, trial: int, epoch: int) -> Reply:
        reply = self._ask(Trained(trial, epoch))
        assert isinstance(reply, Reply)
        return reply

    def saved(self, trial: int, saved: SavedState | None) -> None:
        self._ask(Saved(trial, saved))

    def retrained(self, trial: int, epochs: int) -> None:
        self._ask(Retrained(trial, epochs))

    def _ask(self, message: Message) -> object:
        try:
            self._line.say(message)
            answer = self._line.hear()
        except DriverGone:
            raise RunEnded from None
        if isinstance(answer, TunewellError):
            raise answer
        return answer
