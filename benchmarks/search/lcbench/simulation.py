"""A search in simulated time: how good is the best seen, after each epoch that is spent?

Every epoch takes as long as any other. At each tick of the clock, all workers that are free are given something to do,
by what has been reported until then; then each busy worker trains one epoch, and reports it. A worker that has to wait
idles, which costs time but no epochs. A trial that goes on starts where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

Setting = Mapping[str, object]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to train: a trial, through these epochs, the first of which is 1 for a new trial."""

    trial: int
    setting: Setting
    epochs: range


class Method(Protocol):
    """A search under way."""

    def next(self) -> Job | None:
        """What a free worker trains; None if it has to wait, or if nothing is left to be tried."""
        ...

    def report(self, trial: int, epoch: int, accuracy: float) -> bool:
        """Whether the trial goes on."""
        ...

    def done(self, trial: int) -> None:
        """Its job is over: it was trained to the end, or did not go on."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search came to. `best`: the best accuracy seen, (epochs,). `seconds`: of processor time, the method's own.

    `longest`: that of the decision, with all that it was told since the one before, which took the most.
    `idle`: the share of the workers' time that they spent waiting.
    """

    best: np.ndarray
    trials: int
    decisions: int
    seconds: float
    idle: float
    longest: float


class _Timed:
    """A method whose processor time is counted."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self.seconds = self.longest = self._since = 0.0
        self.decisions = 0

    def next(self) -> Job | None:
        job = self._count(self._method.next)
        self.longest, self._since = max(self.longest, self.seconds - self._since), self.seconds
        self.decisions += job is not None
        return job

    def report(self, trial: int, epoch: int, accuracy: float) -> bool:
        return self._count(self._method.report, trial, epoch, accuracy)

    def done(self, trial: int) -> None:
        self._count(self._method.done, trial)

    def _count(self, call: Callable[..., T], *arguments: object) -> T:
        start = time.process_time()
        answer = call(*arguments)
        self.seconds += time.process_time() - start
        return answer


def simulate(
    method: Method,
    curve: Callable[[Setting], np.ndarray],
    *,
    epochs: int,
    workers: int = 1,
    truth: Callable[[Setting], np.ndarray] | None = None,
) -> Outcome:
    """Spend so many epochs.

    `curve`: the accuracies of a setting by epoch, (at least as many as are asked for,); or what else is better the more
    it is. `truth`: the same without noise, where reports have some: what looks best is judged by it.

    A search that has nothing left to try, with all workers idle, is over: what it had found is what it ends with.
    """
    timed = _Timed(method)
    curves: dict[int, np.ndarray] = {}
    true: dict[int, np.ndarray] = {}
    at_work: list[tuple[Job, int] | None] = [None] * workers  # a job, and the epoch that is next
    best, highest, now = np.zeros(epochs), -np.inf, -np.inf
    spent = ticks = 0
    while spent < epochs:
        for worker in range(workers):
            if at_work[worker] is None and (job := timed.next()) is not None:
                if job.trial not in curves:
                    curves[job.trial] = true[job.trial] = curve(job.setting)
                    if truth is not None:
                        true[job.trial] = truth(job.setting)
                at_work[worker] = job, job.epochs.start
        busy = [worker for worker in range(workers) if at_work[worker] is not None]
        if not busy:
            break
        ticks += 1
        for worker in busy[: epochs - spent]:
            job, epoch = at_work[worker]
            accuracy = float(curves[job.trial][epoch - 1])
            if accuracy > highest:
                highest, now = accuracy, float(true[job.trial][epoch - 1])
            best[spent] = now
            spent += 1
            goes_on = timed.report(job.trial, epoch, accuracy)
            at_work[worker] = job, epoch + 1
            if not goes_on or epoch == job.epochs[-1]:
                timed.done(job.trial)
                at_work[worker] = None
    best[spent:] = now
    idle = 1 - spent / (ticks * workers) if ticks else 0.0
    return Outcome(best, len(curves), timed.decisions, timed.seconds, max(0.0, idle), timed.longest)
