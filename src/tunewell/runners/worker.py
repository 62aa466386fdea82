"""A host of trials, each in a thread of its own or elsewhere, of which as many move as were begun.

A paused trial keeps its model, its optimizer and its slot in the loop with no checkpoint written by anybody,
and going on is to let it run. When more than `keep` trials wait, the one that has waited longest is given
up: it lives on as its checkpoint if it tracks anything, and otherwise is trained again from its seed.
"""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from queue import Empty, SimpleQueue

from tunewell import checkpoint
from tunewell.runners.base import Assignment, Coordinator, StepResult
from tunewell.runners.execution import KEPT_TRIALS
from tunewell.runners.hosted_trial import HostedTrial, HostingTrain, Results, ThreadTrial
from tunewell.runners.memory import available, memory_held
from tunewell.training.loggers import open_runs
from tunewell.training.process_state import ProcessState
from tunewell.training.run import Train

SHARE_OF_AVAILABLE = 0.5
"""What paused trials may take of the memory that is available when a worker begins."""
_SIGNALS_SEEN_S = 0.1
"""The main thread looks for signals so often: one that comes just before it waits does not end the wait."""


class Worker:
    """A worker, which executes assigned steps: one at a time by `work`, or several by `begin` and `wait`.

    Its methods are called from one thread.
    """

    def __init__(
        self,
        train: Train,
        coordinator: Coordinator,
        *,
        keep: int = KEPT_TRIALS,
        memory: int | None = None,
        workers: int = 1,
        alone: bool = True,
        shared: bool = True,
    ) -> None:
        """Begin with no trials.

        keep: how many paused trials stay in memory.
        memory: bytes that this process may hold while it keeps more than the trial that it trains; if None, paused
            trials may take half of the memory that is available now.
        workers: how many share that.
        alone: one trial moves at a time, and has the process's random states to itself; where several move, those
            states belong to nobody and are left alone.
        shared: the process hosts more than one trial.
        """
        self._train = train
        self._coordinator = coordinator
        self._keep = keep
        self._memory = memory
        self._share = SHARE_OF_AVAILABLE * available() / workers
        """Bytes that paused trials may take where no memory is given."""
        self._before: tuple[int, float] | None = None
        """The bytes that this process held, and those that were available, when the first trial paused."""
        self._has_warned = False
        self._alone = alone
        self._shared = shared
        self._moving: dict[int, HostedTrial] = {}
        self._paused: OrderedDict[int, HostedTrial] = OrderedDict()
        self._results: Results = SimpleQueue()

    @property
    def n_moving(self) -> int:
        """The number of trials that train, or wait for their result to be taken."""
        return len(self._moving)

    def work(self, assignment: Assignment) -> StepResult:
        """Train a trial through its step's epochs; return when it is paused or over."""
        hosted = self._hosted(assignment)
        # the trial has what the process has once to itself while it moves
        outside, random_states = ProcessState.here(), checkpoint.random_states()
        runs = open_runs()
        hosted.changes.put_in_force()
        try:
            with hosted.in_force():
                hosted.go_on(assignment)
                while (result := self._next_result(_SIGNALS_SEEN_S)) is None:
                    pass
        finally:
            hosted.changes = ProcessState.here().since(outside)
            outside.restore()
            checkpoint.set_random_states(random_states)
        if result.paused and self._shared:
            _warn_of_runs(runs)
        self._give_up_superfluous()
        return result

    def begin(self, assignment: Assignment) -> None:
        """Let a trial train through its step's epochs; `wait` returns its result."""
        self._hosted(assignment).go_on(assignment)

    def _hosted(self, assignment: Assignment) -> HostedTrial:
        """Return the trial of an assignment, one of those that move from now on."""
        trial = assignment.step.trial
        hosted = self._paused.pop(trial, None)
        if hosted is not None and hosted.epoch != assignment.step.epochs.start - 1:
            _give_up(hosted)  # it went on elsewhere
            hosted = None
        if hosted is None and isinstance(self._train, HostingTrain):
            hosted = self._train.host(self._coordinator, assignment, self._results)
        elif hosted is None:
            hosted = ThreadTrial(
                self._train, weakref.proxy(self._coordinator), assignment, self._results, alone=self._alone
            )
        self._moving[trial] = hosted
        return hosted

    def wait(self, timeout_s: float) -> StepResult | None:
        """Return the result of the first trial that pauses or is over; None if none does in time."""
        result = self._next_result(timeout_s)
        self._give_up_superfluous()
        return result

    def _next_result(self, timeout_s: float) -> StepResult | None:
        for hosted in self._moving.values():
            hosted.look()
        try:
            while callable(result := self._results.get(timeout=timeout_s)):
                result()
        except Empty:
            return None
        hosted = self._moving.pop(result.trial)
        if result.paused:
            self._paused[result.trial] = hosted
        return result

    def _give_up_superfluous(self) -> None:
        while self._paused and (len(self._paused) > self._keep or self._holds_too_much()):
            _give_up(self._paused.popitem(last=False)[1])

    def _holds_too_much(self) -> bool:
        if self._memory is not None:
            return memory_held() > self._memory
        if self._before is None:
            self._before = memory_held(), available()
        held, free = self._before
        # what is available is known at once; to find what processes hold takes its time
        if free - available() <= self._share or memory_held() - held <= self._share:
            return False
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"paused trials take more than {self._share / 2**30:.1f} GiB, half of the memory that was free; those "
                "that wait longest are given up and go on from a checkpoint or, if they track nothing, are trained "
                "again (--memory, or memory=, sets another bound)",
                RuntimeWarning,
                stacklevel=2,
            )
        return True

    def forget(self, trial: int) -> None:
        """Let go of a paused trial, which goes on elsewhere or never."""
        hosted = self._paused.pop(trial, None)
        if hosted is not None:
            _give_up(hosted)

    def close(self) -> None:
        """Let go of all; nobody waits for what still moves, which ends at its next line and is heard of no more."""
        for hosted in self._moving.values():
            hosted.give_up(patience_s=0)
        for hosted in self._paused.values():
            hosted.end_soon()
        for trial in list(self._paused):
            self.forget(trial)


def _warn_of_runs(before: Mapping[str, object]) -> None:
    """Warn where a paused trial has a run open with a logger for the whole process."""
    for name, run in open_runs().items():
        if run is not before.get(name):
            warnings.warn(
                f"the next trials log to the run that a paused one has open with {name}; --isolate, or isolate=True, "
                "keeps them apart",
                RuntimeWarning,
                stacklevel=2,
            )


def _give_up(hosted: HostedTrial) -> None:
    """Unwind a paused trial, with what it has changed of the process in force until it is over."""
    outside = ProcessState.here()
    hosted.changes.put_in_force()
    hosted.give_up()
    outside.restore()
