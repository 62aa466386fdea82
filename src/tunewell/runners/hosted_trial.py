"""A trial in a worker's hands: one that is hosted elsewhere, or its training function in a thread of this process.

A training function is an ordinary loop; what lets it pause is that its thread waits inside `run.epochs`.
"""

from __future__ import annotations

import contextvars
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol, TypeVar, runtime_checkable

from tunewell import checkpoint
from tunewell.checkpoint.folder import file_in
from tunewell.errors import CheckpointError, ReportError, TunewellError
from tunewell.runners.base import Assignment, Coordinator, SavedState, StepResult
from tunewell.runners.signals import Call, TrialSignals, add_advice
from tunewell.runners.thread_settings import ThreadSettings
from tunewell.space.values import Value
from tunewell.study.directive import Directive, Move
from tunewell.training.current import as_current
from tunewell.training.function import returned_report
from tunewell.training.loggers import end_runs, open_runs
from tunewell.training.process_state import ProcessState
from tunewell.training.run import Run, RunEnded, Train
from tunewell.training.unwinding import is_ours, is_unwinding, leave_behind

_Answer = TypeVar("_Answer")
PATIENCE_S = 10.0
"""How long a trial may take to unwind."""
_EPOCHS_PAST_END = 2
"""For so many of its epochs may a trial that has caught its end compute on; it may be about to end by itself."""
_NEVER = threading.Semaphore(0)


class HostedTrial(Protocol):
    """A trial in a worker's hands, in a thread or elsewhere, that trains or waits."""

    epoch: int
    """The last epoch done."""
    changes: ProcessState
    """What it has changed of the worker's process, while it waits."""

    def in_force(self) -> AbstractContextManager[None]:
        """Return what holds, in the main thread, while it trains."""
        ...

    def go_on(self, assignment: Assignment) -> None:
        """Let it train until it pauses or ends, and put its result into the queue."""
        ...

    def look(self) -> None:
        """Let go of it, with a result, if it has caught its end and computes on for too long; for one that trains."""
        ...

    def end_soon(self) -> None:
        """Let it begin to end, if that need not be waited for."""
        ...

    def give_up(self, *, patience_s: float = PATIENCE_S) -> None:
        """Unwind it; the code after the user's loop does not run. Wait for that so long."""
        ...


Results = SimpleQueue[StepResult | Call]
"""Where hosted trials put what came of their steps."""


@runtime_checkable
class HostingTrain(Protocol):
    """A training function that says itself where its trials are hosted."""

    def host(self, coordinator: Coordinator, assignment: Assignment, results: Results) -> HostedTrial:
        """Return the trial of an assignment, which has not begun."""
        ...


class ThreadTrial:
    """One trial's thread, and the channel between its run and the worker.

    Exactly one side moves at a time: the worker leaves it alone from `go_on` to its result, and the thread
    waits in `_pause` otherwise. So the fields need no lock; `give_up` alone may come at any time, and is final.
    """

    def __init__(
        self,
        train: Train,
        coordinator: Coordinator,
        assignment: Assignment,
        results: Results,
        *,
        alone: bool,
    ) -> None:
        self._train = train
        self._coordinator = coordinator
        self._assignment = assignment
        self._until = assignment.step.epochs.stop - 1
        self._on_record = assignment.step.epochs.start - 1
        """Epochs up to here are in the log already; when they are trained again, nothing is reported."""
        self._assignments: SimpleQueue[Assignment | None] = SimpleQueue()
        self._results = results
        self._alone = alone
        self._directive_at = 0
        """The epoch of the last directive."""
        self._saved: SavedState | None = None
        """The checkpoint that the last directive wanted."""
        self._refusal: TunewellError | None = None
        self._given_up = False
        self._is_over = threading.Event()
        """The training function has returned, or is let go of."""
        self._ending = threading.Lock()
        self._epoch_began = 0.0
        self._epoch_s = 0.0
        """The longest of its epochs, by the monotonic clock."""
        self._has_returned = False
        """The training function has."""
        self._caught_at: float | None = None
        """When its code was seen to have caught its end."""
        self._directive = Directive()
        """The answer to the last epoch."""
        self._set: dict[str, Value] = {}
        """Values that were set since the assignment came."""
        self.epoch: int = 0
        self.changes: ProcessState = ProcessState({})
        self._values: dict[str, Value] = dict(assignment.step.params)
        self._run = Run(self._values, seed=assignment.step.seed, trial=assignment.step.trial, channel=self)
        self._run.on_end_caught = self._abandon
        self._run.on_record = self._on_record
        self._run.study = Path(assignment.folder).name[:8] if assignment.folder else ""
        # it trains as it would in the thread that begins it
        self._settings = ThreadSettings.here()
        self._thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._run_thread,),
            name=f"trial-{assignment.step.trial}",
            daemon=True,
        )
        self._signals = TrialSignals(self._thread, results.put)
        self._runs_before: Mapping[str, object] = {}
        """Runs of loggers that are not the training's own."""
        self._run.on_end = self._end_runs

    def in_force(self) -> AbstractContextManager[None]:
        """Implement `HostedTrial.in_force`."""
        return self._signals.in_force()

    def go_on(self, assignment: Assignment) -> None:
        """Implement `HostedTrial.go_on`."""
        self._assignment, self._until = assignment, assignment.step.epochs.stop - 1
        self._set = {}  # the assignment has them
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._assignments.put(assignment)

    def look(self) -> None:
        """Implement `HostedTrial.look`."""
        if not self._run.is_ending or self._has_returned or is_unwinding(self._thread, RunEnded):
            self._caught_at = None
            return
        now = time.monotonic()
        if self._caught_at is None:
            self._caught_at = now
        if now - self._caught_at > max(PATIENCE_S, _EPOCHS_PAST_END * self._epoch_s) and self._end(computes_on=True):
            self.give_up(patience_s=0)
            self._warn_of_caught_end()

    def _warn_of_caught_end(self) -> None:
        warnings.warn(
            f"trial {self._run.trial} has caught the end of its training (a bare except:, say) and computes on; it is "
            "left behind with what it holds; write except Exception: in its place",
            RuntimeWarning,
            stacklevel=1,
        )

    def end_soon(self) -> None:
        """Do nothing: threads are unwound one by one, each with what it has changed of the process in force."""

    def give_up(self, *, patience_s: float = PATIENCE_S) -> None:
        """Implement `HostedTrial.give_up`."""
        self._given_up = True
        self._assignments.put(None)
        if not patience_s:
            leave_behind(self._thread, RunEnded)
        elif self._thread.ident is not None:
            is_over = self._is_over.wait(timeout=patience_s)
            if not is_over and not is_unwinding(self._thread, RunEnded):
                self._warn_of_caught_end()

    def _run_thread(self) -> None:
        with suppress(RunEnded):  # raised from another thread, it may come anywhere
            self._host()

    def _host(self) -> None:
        error = saved = None
        kinds: tuple[str, ...] = ()
        try:  # whatever goes wrong from here on is the trial's end: without one, the study would wait for ever
            if self._alone:
                checkpoint.seed_everything(self._run.seed)
            self._runs_before = open_runs()
            with suppress(RunEnded), self._settings.in_force(), as_current(self._run):
                try:
                    returned = self._train(self._run)
                finally:
                    self._has_returned = True
                self._report_returned(returned)
            if self._refusal is None and not self._given_up and self.epoch > self._on_record:
                with suppress(RunEnded):
                    saved = self._save() or self._saved_already()
        except SystemExit as stop:
            if stop.code:
                where = traceback.format_tb(stop.__traceback__)[1:]  # not this frame
                error = "".join([*where, f"the training function called sys.exit({stop.code!r})"])
        except BaseException as raised:  # noqa: BLE001  a failed trial is a result, kept as text
            kinds = tuple(kind.__name__ for kind in type(raised).__mro__)
            raised.__traceback__ = raised.__traceback__ and raised.__traceback__.tb_next  # not this frame
            add_advice(raised)
            error = "".join(traceback.format_exception(raised))
        try:
            self._end_runs(failed=error is not None)  # those that it has left open
        except Exception:  # noqa: BLE001  of a logger: it costs this trial, and no other
            error = error or traceback.format_exc()
        self._end(error, kinds, saved)

    def _end(
        self,
        error: str | None = None,
        kinds: Sequence[str] = (),
        saved: SavedState | None = None,
        *,
        computes_on: bool = False,
    ) -> bool:
        """Put the last result into the queue, unless nobody waits for it; False if it is over already."""
        with self._ending:
            if self._is_over.is_set():
                return False
            if not self._given_up:
                self._results.put(
                    StepResult(
                        self._run.trial,
                        self.epoch,
                        paused=False,
                        directive=self._directive,
                        error=error,
                        kinds=kinds,
                        refusal=self._refusal,
                        saved=saved,
                        computes_on=computes_on,
                    )
                )
            self._is_over.set()
            return True

    def _abandon(self) -> None:
        """Let the trial be over though its function goes on: it catches whatever is raised, so its thread waits."""
        threading.current_thread().name = f"left-behind-{self._run.trial}"  # it is no trial's any more
        if not self._end():
            _NEVER.acquire()
        try:
            warnings.warn(
                f"trial {self._run.trial} catches the end of its training again and again (a bare except:, say), so "
                "its thread is left behind with what it holds; write except Exception: in its place",
                RuntimeWarning,
                stacklevel=1,
            )
        finally:
            _NEVER.acquire()

    def _report_returned(self, returned: object) -> None:
        """Report what a training has returned that has reported nothing."""
        if self._run.reports or self._on_record or self._given_up:
            return
        metrics = returned_report(returned, self._assignment.metric)
        if metrics is not None:
            self._run.report(**metrics)

    def begin(self, run: Run, n_epochs: int | None) -> int:
        """Implement `Channel.begin`."""
        self._epoch_began = time.monotonic()
        if n_epochs is not None and self._assignment.max_epochs is None:
            self._until = self._ask(lambda: self._coordinator.learn_max_epochs(run.trial, n_epochs))
        if self._on_record == 0:
            return 0
        restored, unreadable = (run.state.epoch, None) if run.state.epoch else self._restore()
        if self._on_record > restored:
            self._ask(lambda: self._coordinator.retrained(run.trial, self._on_record - restored, unreadable))
        self.epoch = restored
        return restored

    def may_train(self, epoch: int) -> bool:
        """Implement `Channel.may_train`."""
        self._check_wanted()
        last = self._assignment.max_epochs
        if self._is_stopped or (last is not None and epoch > last):
            return False
        if self._directive_at != epoch - 1:  # nothing was reported of the last epoch, so no directive came back
            self._hear(lambda: self._coordinator.poll_commands(self._run.trial, epoch - 1))
        # without reports at every epoch the run itself says how far it is
        self.epoch = max(self.epoch, epoch - 1)
        self._obey()
        if self._is_stopped:
            return False
        if epoch > self._until or self._directive.move is Move.PAUSE:
            self._pause()
        self._epoch_began = time.monotonic()
        self._values.update({name: value for after, name, value in self._assignment.live if after < epoch})
        self._values.update(self._set)
        return True

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Implement `Channel.report`."""
        self._check_wanted()
        self._epoch_s = max(self._epoch_s, time.monotonic() - self._epoch_began)
        self.epoch = epoch
        if epoch > self._on_record:
            self._hear(lambda: self._coordinator.report(self._run.trial, epoch, metrics))
            self._directive_at = epoch

    def _hear(self, message: Callable[[], Directive]) -> None:
        """Take the coordinator's directive, which is obeyed when all of the epoch is done."""
        self._directive = self._ask(message)

    def _obey(self) -> None:
        """Do what the directive asks for, now that all of the epoch is done."""
        directive = self._directive
        self._set.update(directive.live)
        every = self._assignment.save_every
        if directive.save or (every and self.epoch > self._on_record and self.epoch % every == 0):
            saved = self._saved = self._save()
            if directive.save or saved is not None:
                self._ask(lambda: self._coordinator.saved(self._run.trial, saved))

    @property
    def _is_stopped(self) -> bool:
        return self._directive.move is Move.STOP

    def _check_wanted(self) -> None:
        if self._given_up:
            self._end_runs()
            raise RunEnded

    def _end_runs(self, *, failed: bool = False) -> None:
        """End the runs that the training has open with loggers, for which its unwinding would be a failure."""
        end_runs(self._runs_before, failed=failed)

    def _ask(self, message: Callable[[], _Answer]) -> _Answer:
        """Return the coordinator's answer; if it refuses, this training is over, and the study with it."""
        try:
            return message()
        except RunEnded:
            self._end_runs()
            raise
        except TunewellError as refusal:
            self._refusal = refusal
            refusal.add_note(_place_of_call())
            self._end_runs(failed=isinstance(refusal, ReportError))
            raise RunEnded from refusal

    def end(self) -> None:
        """Implement `Channel.end`: another process, which holds the state, may be gone once its training is over."""
        if self._run.state_holder is not None and self.epoch > self._on_record:
            self._saved = self._saved_already() or self._save()

    def _saved_already(self) -> SavedState | None:
        return self._saved if self._saved is not None and self._saved.epoch == self.epoch else None

    def _pause(self) -> None:
        inside = checkpoint.random_states() if self._alone else None
        interrupted = self.epoch < self._until
        saved = self._saved_already() or self._save()
        if self._run.on_pause is not None:  # a program that stands still writes no checkpoint
            self._run.on_pause()
        self._results.put(
            StepResult(
                self._run.trial,
                self.epoch,
                paused=True,
                interrupted=interrupted,
                directive=self._directive,
                saved=saved,
            )
        )
        if self._assignments.get() is None:
            self._end_runs()
            raise RunEnded
        if inside is not None:
            checkpoint.set_random_states(inside)
        self._directive = Directive()
        if self._run.on_resume is not None:
            self._run.on_resume()

    def _save(self) -> SavedState | None:
        if not self._run.has_state or self._assignment.folder is None:
            return None
        name = f"trial-{self._run.trial}-epoch-{self.epoch}.npz"
        try:
            size = self._run.checkpoint(Path(self._assignment.folder) / name)
        except CheckpointError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            self._refusal = error  # a full disk is no fault of this setting, and the next would fare no better
            raise RunEnded from error
        return SavedState(self.epoch, name, size)

    def _restore(self) -> tuple[int, str | None]:
        """Take up the newest checkpoint; return its epoch, 0 if there is none to be used, and why it cannot be read."""
        if not self._run.has_state or self._assignment.checkpoint is None or self._assignment.folder is None:
            if self._assignment.is_branch:
                raise CheckpointError(f"trial {self._run.trial} branched from a checkpoint, and has none to begin with")
            return 0, None
        try:
            return self._run.restore(file_in(Path(self._assignment.folder), self._assignment.checkpoint)), None
        except CheckpointError as error:
            if self._assignment.is_branch:  # it is another trial's beginning, which no seed brings back
                raise CheckpointError(
                    f"trial {self._run.trial} cannot begin as the one that it branched from, only from the beginning "
                    f"(epoch 0): {error}"
                ) from error
            return 0, str(error)  # damaged or gone: training again from the seed is slower, not wrong


def _place_of_call() -> str:
    """Return the line of the user's code from which this thread is in ours."""
    frame = sys._getframe(1)  # noqa: SLF001  nothing public gives the caller's line
    while frame.f_back is not None and is_ours(frame):
        frame = frame.f_back
    return f'  File "{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}'
