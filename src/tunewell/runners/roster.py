"""The roster of workers: who trains which step. It touches no worker and no record, so it can be tried out whole.

A trial that is paused in a worker's memory goes on there, unless its checkpoint can travel. While that worker is busy
the step waits for it, and the others look for another. What must hold is that nobody idles while a step waits that it
could train; tests explore every order of events for a few workers and trials.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tunewell.trial import Step


@dataclass(slots=True)
class Place:
    """A worker's place, which its successor takes over if it dies."""

    is_ready: bool = False
    """It can be given a step once it is done with the one that it has."""
    step: Step | None = None
    """The one that it trains."""
    waiting: deque[Step] = field(default_factory=deque)
    """Steps of trials that are paused in its memory, to be trained after this one."""
    hosts: set[int] = field(default_factory=set)
    """Trials that are paused in its memory."""

    @property
    def is_idle(self) -> bool:
        """It is ready, and has nothing to do."""
        return self.is_ready and self.step is None


class Roster:
    """The workers by number, with what they train and what waits for them."""

    def __init__(self, n_workers: int) -> None:
        """Begin with workers of which none is ready."""
        self.places: list[Place] = [Place() for _ in range(n_workers)]
        self._homeless: deque[Step] = deque()
        """Steps that waited for a worker which has died."""

    def fill(
        self, next_step: Callable[[], Step | None], can_travel: Callable[[int], bool]
    ) -> Iterator[tuple[int, Step]]:
        """Give every idle worker a step, as long as there is one.

        Args:
            next_step: of the study: a step, one that says to wait, or None when there will be no other.
            can_travel: says of a trial that another worker can go on with it from its checkpoint.

        Yields:
            A worker's number, and its step.
        """
        for number, place in enumerate(self.places):
            if place.is_idle and (place.waiting or self._homeless):
                yield self._give(number, place.waiting.popleft() if place.waiting else self._homeless.popleft())
        while (idle := self._idle()) is not None:
            step = next_step()
            if step is None or step.wait:
                return
            home = self._home(step.trial)
            if home is None or self.places[home].is_idle:
                yield self._give(idle if home is None else home, step)
            elif can_travel(step.trial):
                self.places[home].hosts.discard(step.trial)
                yield self._give(idle, step)
            else:
                self.places[home].waiting.append(step)

    @property
    def n_training(self) -> int:
        """The number of workers that train."""
        return sum(place.step is not None for place in self.places)

    @property
    def has_idle(self) -> bool:
        """True if a worker has nothing to do."""
        return self._idle() is not None

    def begin(self, number: int) -> None:
        """Take note that a worker is ready."""
        self.places[number].is_ready = True

    def end_step(self, number: int, *, paused: bool) -> None:
        """Take note that a worker is done with its step; paused: it keeps the trial in memory."""
        place = self.places[number]
        assert place.step is not None  # it had one
        (place.hosts.add if paused else place.hosts.discard)(place.step.trial)
        place.step = None

    def lose(self, number: int) -> Place:
        """Take note that a worker has died, and return what it was; its successor is not ready yet."""
        lost, self.places[number] = self.places[number], Place()
        self._homeless.extend(lost.waiting)
        return lost

    def drop_waiting(self) -> list[Step]:
        """Return the steps that wait for a worker, which none will train."""
        dropped = list(self._homeless)
        self._homeless.clear()
        for place in self.places:
            dropped.extend(place.waiting)
            place.waiting.clear()
        return dropped

    def _give(self, number: int, step: Step) -> tuple[int, Step]:
        self.places[number].step = step
        return number, step

    def _idle(self) -> int | None:
        return next((number for number, place in enumerate(self.places) if place.is_idle), None)

    def _home(self, trial: int) -> int | None:
        """Return the worker in whose memory a trial is paused, if there is one."""
        return next((number for number, place in enumerate(self.places) if trial in place.hosts), None)
