"""The driver, which every runner has: it turns a study's steps into assignments, and their results into records."""

from __future__ import annotations

import math
import signal
import threading
import warnings
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from tunewell.commands import Branch, Rewind
from tunewell.commands import Checkpoint as WriteCheckpoint
from tunewell.display.formatting import counted
from tunewell.errors import ReportError, StepTaken, last_line
from tunewell.runners.base import Assignment, Controller, NullObserver, Observer, SavedState, StepResult
from tunewell.runners.deadline import KeptFree
from tunewell.runners.execution import Execution
from tunewell.study import Study
from tunewell.study.aims import Aims
from tunewell.study.directive import Directive, Move
from tunewell.study.front import Frontier
from tunewell.trial import RETRIED, Checkpoint, Step, TrialState


class Driver:
    """The study's side of one or more workers. It is the `Coordinator` of a worker in the same process.

    Trials that train side by side report from threads of their own; the lock lets the observer hear one at a time.
    """

    def __init__(
        self,
        study: Study,
        execution: Execution,
        observer: Observer | None = None,
        controllers: Sequence[Controller] = (),
    ) -> None:
        """Prepare to run a study; `observer` watches what happens, `controllers` act on it, in order."""
        self._execution = execution
        self._again: deque[int] = deque()
        """Trials whose steps are to be given out once more."""
        self.study = study
        self.interrupted = False
        self._observer = NullObserver() if observer is None else observer
        self._controllers = tuple(controllers)
        self._folder = study.checkpoint_folder
        self._saved = self._checkpoints()
        self._best: float | None = None
        """The best value so far, as far as this process knows, where less is better."""
        self._knows_best = False
        self._frontier: Frontier | None = None
        """It is looked up among all trials, which takes its time where there are many."""
        self._untracked: set[int] = set()
        """Trials that had nothing to save."""
        self._at: dict[int, int] = {}
        """The epoch at which each trial paused here."""
        self._kept_free = KeptFree(execution.seeds_to_confirm, execution.workers)
        self._lock = threading.RLock()

    @property
    def is_stopping(self) -> bool:
        """No step is given out any more, and trainings pause at their next report."""
        return self.interrupted or self.study.out_of_time or self.is_late

    @property
    def is_late(self) -> bool:
        """The deadline has come, but for the time that a confirmation needs."""
        deadline = self._execution.deadline
        return deadline is not None and deadline.left_s <= self._kept_free.seconds(self.study.reader, deadline)

    def next_step(self) -> Step | None:
        """Return what `Study.ask` does; None also when the study was interrupted or its time is over."""
        if self.is_stopping:
            return None
        with self._lock:
            step = self._once_more() or self.study.ask()
            if step is not None and not step.wait:
                self._look_up_best()
                self._observer.on_step(self.study.reader, step)
                for controller in self._controllers:
                    controller.on_step(self.study, step)
            return step

    def _look_up_best(self) -> None:
        """Find the best value on record, unless it is known, or nothing can be saved."""
        if self._knows_best or self._folder is None:
            return
        best, self._knows_best = self.study.best_so_far, True
        self._best = None if best is None else self._less_is_better(best.value)

    def _once_more(self) -> Step | None:
        """Return a step to be given out once more, if there is one."""
        while self._again:
            trial = self._again.popleft()
            try:
                return self.study.again(trial)
            except StepTaken:
                self._let_go(trial)
        return None

    def assignment(self, step: Step) -> Assignment:
        """Return the assignment that carries out a step."""
        folder = None if self._folder is None else str(self._folder)
        is_branch = bool(self.study.trials[step.trial].parent_epoch)  # what branched at the beginning has a seed
        if self._at.get(step.trial, 0) != step.epochs.start - 1:  # what it has trained so far, it has trained elsewhere
            self._saved |= self._checkpoints()
        return Assignment(
            step,
            self.study.max_epochs,
            folder,
            self._saved.get(step.trial),
            live=self.study.live(step.trial),
            save_every=self._execution.checkpoint_every,
            is_branch=is_branch,
            metric=self.study.metric,
        )

    def has_checkpoint(self, trial: int) -> bool:
        """Return True if the trial can go on in another worker without being trained again."""
        return trial in self._saved

    def settle(self, result: StepResult) -> None:
        """Record what became of an assignment.

        Raises:
            TunewellError: the study refused a report, so that no further trial can do better.
        """
        if isinstance(result.refusal, StepTaken):
            self._let_go(result.trial)
            return
        if result.refusal is not None:
            if isinstance(result.refusal, ReportError):
                self.study.tell(result.trial, error=str(result.refusal))
            raise result.refusal
        if result.error is not None and self._tries_again(result):
            return
        try:
            self._settle(result)
        except StepTaken:
            self._let_go(result.trial)

    def _tries_again(self, result: StepResult) -> bool:
        """Return True if another try may mend it; then the step is given out again, and the record says why."""
        events = self.study.events(result.trial)
        tries = [event for event in events if event.kind == RETRIED and event.by == "tunewell"]  # or by hand
        by_chance = sum(bool(event.data.get("innocent")) for event in tries)
        if result.killed_externally and by_chance < TRIES_AFTER_EXTERNAL_KILL:
            why = {"innocent": True}
        elif set(result.kinds) & set(self._execution.retry_on) and len(tries) - by_chance < self._execution.retries:
            why = {}
        else:
            return False
        owed = self.study.steering.owed(result.trial)
        if owed.move is not Move.CONTINUE:  # to be tried again, it would train on in spite of a command
            with self._lock:
                self.study.tell(result.trial, held=owed.held, stopped=owed.reason)
                self._at.pop(result.trial, None)
                self._end_step(result.trial)
            return True
        error = last_line(result.error or "")
        self.study.add_event(RETRIED, trial=result.trial, error=error, **why)
        self._at.pop(result.trial, None)
        self._again.append(result.trial)
        return True

    def _let_go(self, trial: int) -> None:
        """Let go of a trial that another process has taken up."""
        self._at.pop(trial, None)
        self._end_step(trial)

    def _end_step(self, trial: int) -> None:
        """Notify all who watch that a trial's step is done."""
        self._observer.on_step_end(self.study.reader, trial)
        for controller in self._controllers:
            controller.on_step_end(self.study, trial)

    def _settle(self, result: StepResult) -> None:
        if result.saved is not None:
            self._record_checkpoint(result.trial, result.saved)
            self.study.steering.checkpoint_written(result.trial, result.saved.epoch)
        self._at[result.trial] = result.epoch
        directive = result.directive
        held = result.paused and directive.move is Move.PAUSE and directive.held
        stopped = directive.reason if directive.move is Move.STOP else None
        if result.interrupted and not held:
            self.put_back(result.trial)
            return
        with self._lock:
            state = self.study.tell(
                result.trial, error=result.error, ended=not result.paused, held=held, stopped=stopped
            )
            if state in (TrialState.FAILED, TrialState.STOPPED):
                self._knows_best = False  # it may have been of this trial
                if self._frontier is not None:
                    self._frontier.drop(result.trial)
            self._end_step(result.trial)

    def put_back(self, trial: int) -> None:
        """Leave the rest of a step for later.

        An interrupted study has it in progress, and gives it out first when it is resumed. One whose time is over may
        never be: there the trial pauses.
        """
        if self.interrupted:
            return
        with self._lock:
            self.study.put_back(trial)
            self._end_step(trial)

    def learn_max_epochs(self, trial: int, n: int) -> int:
        """Implement `Coordinator.learn_max_epochs`."""
        return self.study.learn_max_epochs(n, trial)

    def report(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> Directive:
        """Implement `Coordinator.report`."""
        with self._lock:
            reported = self.study.record_report(trial, epoch, metrics)
            self._observer.on_report(self.study.reader, trial, epoch, metrics)
            for controller in self._controllers:
                controller.on_report(self.study, trial, epoch, metrics)
            # nobody looks for commands where the report has found none
            looks = reported.commands_wait or bool(self._controllers)
            directive = self.poll_commands(trial, epoch) if looks else self._interrupting(Directive())
            if self._is_to_be_kept(trial, metrics):
                directive = replace(directive, save=True)
        return directive if reported.is_finite else directive.stopping()

    def _is_to_be_kept(self, trial: int, metrics: Mapping[str, float]) -> bool:
        """Return True if a report is the best of the study so far, and the state that reached it can be saved."""
        if self._folder is None:
            return False
        aims = self.study.aims
        if aims.are_several or aims.limits:
            return self._front_so_far(aims).add(trial, metrics) and trial not in self._untracked
        value = self._less_is_better(metrics.get(self.study.metric, math.nan))
        if not math.isfinite(value) or not (self._best is None or value < self._best):
            return False
        self._best = value
        return trial not in self._untracked

    def _front_so_far(self, aims: Aims) -> Frontier:
        if self._frontier is None:
            self._frontier = Frontier(aims)
            for point in self.study.front():
                self._frontier.add(point.trial, point.values)
        return self._frontier

    def _less_is_better(self, value: float) -> float:
        return -value if self.study.maximize else value

    def saved(self, trial: int, saved: SavedState | None) -> None:
        """Implement `Coordinator.saved`."""
        with self._lock:
            if saved is None:
                self._untracked.add(trial)
            else:
                self._record_checkpoint(trial, saved)
            self.study.steering.checkpoint_written(trial, None if saved is None else saved.epoch)

    def retrained(self, trial: int, epochs: int, unreadable: str | None) -> None:
        """Implement `Coordinator.retrained`."""
        if unreadable is not None:
            again = f"trial {trial} trains {counted(epochs, 'epoch')} again"
            warnings.warn(f"{again}, since its checkpoint cannot be used: {unreadable}", RuntimeWarning, stacklevel=2)
        self.study.add_retrained(trial, epochs, unreadable=unreadable)

    def poll_commands(self, trial: int, epoch: int) -> Directive:
        """Implement `Coordinator.poll_commands`."""
        with self._lock:
            return self._interrupting(self.study.steering.poll(trial, epoch))

    def _interrupting(self, directive: Directive) -> Directive:
        return directive.pausing() if self.is_stopping else directive

    def _record_checkpoint(self, trial: int, saved: SavedState) -> None:
        self.study.add_checkpoint(trial, saved.epoch, saved.path, saved.size)
        self._saved[trial] = saved.path
        kept = self.study.checkpoints(trial)
        for checkpoint in superfluous(
            kept, self.study.best_of(trial), self._requested(trial), self._execution.checkpoint_every
        ):
            self.study.drop_checkpoint(checkpoint)

    def _checkpoints(self) -> dict[int, str]:
        """Return, by trial, the path of its newest checkpoint."""
        return {saved.trial: saved.path for saved in self.study.checkpoints()}

    def _requested(self, trial: int) -> set[int]:
        """Return the epochs of checkpoints that were requested, or from which a branch or a rewind went on."""
        found = set()
        for command in self.study.commands(trial):
            if command.is_done and command.epoch is not None:
                match action := command.action:
                    case WriteCheckpoint():
                        found.add(command.epoch)
                    case Branch() | Rewind():
                        found.add(command.epoch if action.epoch is None else action.epoch)
        return found

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let running epochs finish and be recorded on Ctrl-C or SIGTERM inside; a second one ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread gets signals
            return

        def interrupt(_signal: int, _frame: FrameType | None) -> None:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True

        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


TRIES_AFTER_EXTERNAL_KILL = 2
"""So often is a trial taken up again whose worker was ended from outside; then it may be the trial after all, which
takes so much memory that the system ends whoever trains it."""
KEPT_BYTES = 2**30
"""How much of a trial's checkpoints is kept, where they are written every so many epochs."""


def superfluous(
    kept: Sequence[Checkpoint], best: tuple[int, float] | None, requested: Collection[int], every: int
) -> list[Checkpoint]:
    """Return those of a trial's checkpoints that go.

    If none is written in between: all but the newest, the one of the best report and those that were requested or
    branched from. Else the oldest beyond `KEPT_BYTES`, but for these and the one nearest to the best report.
    """
    newest = max(one.epoch for one in kept)
    safe = {newest, *requested}
    if not every:
        safe |= {best[0]} if best is not None else set()
        return [one for one in kept if one.epoch not in safe]
    if best is not None:
        safe.add(min((one.epoch for one in kept), key=lambda epoch: abs(epoch - best[0])))
    size, going = sum(one.size for one in kept), []
    for one in sorted(kept, key=lambda one: one.epoch):
        if size > KEPT_BYTES and one.epoch not in safe:
            going.append(one)
            size -= one.size
    return going
