"""What every runner does with a study, wherever its workers are: turn steps into orders and outcomes into tells."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from tunewell.errors import ReportError
from tunewell.runners.base import NullObserver, Observer, Order, Outcome, SavedState, Verdict
from tunewell.study import Study
from tunewell.trial import Step


class Driver:
    """The study's side of one or more workers. It is the `Desk` of a worker in the same process.

    Trials that train side by side report from threads of their own; the lock lets the observer hear one at a time.
    """

    def __init__(self, study: Study, observer: Observer | None = None) -> None:
        """`observer` is told what happens."""
        self.study = study
        self.interrupted = False
        self._observer = NullObserver() if observer is None else observer
        self._folder = study.checkpoint_folder
        self._saved = {saved.trial: saved.path for saved in study.store.checkpoints(study.record.id)}
        self._seen: set[int] = set()
        self._lock = threading.RLock()

    def next_step(self) -> Step | None:
        """As `Study.ask`; None also when the study was interrupted or its time is over."""
        if self.interrupted or self.study.out_of_time:
            return None
        with self._lock:
            step = self.study.ask()
            if step is not None and not step.wait:
                self._observer.on_step(self.study, step)
            return step

    def order(self, step: Step) -> Order:
        """The order that carries out a step."""
        folder = None if self._folder is None else str(self._folder)
        return Order(step, self.study.max_epochs, folder, self._saved.get(step.trial))

    def has_checkpoint(self, trial: int) -> bool:
        """Whether the trial can go on in another worker without being trained again."""
        return trial in self._saved

    def settle(self, outcome: Outcome) -> None:
        """Record what became of an order.

        Raises:
            TunewellError: the study refused a report, so that no further trial can do better.
        """
        if outcome.refusal is not None:
            if isinstance(outcome.refusal, ReportError):
                self.study.tell(outcome.trial, error=str(outcome.refusal))
            raise outcome.refusal
        if outcome.saved is not None:
            self._record_checkpoint(outcome.trial, outcome.saved)
        self._seen.add(outcome.trial)
        if outcome.interrupted:
            return  # its step stays in progress, and a resumed study gives the rest of it out first
        with self._lock:
            self.study.tell(outcome.trial, error=outcome.error, ended=not outcome.parked)
            self._observer.on_told(self.study, outcome.trial)

    def learn_max_epochs(self, trial: int, n: int) -> int:
        """Of `Desk`."""
        return self.study.learn_max_epochs(n, trial)

    def report(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> Verdict:
        """Of `Desk`."""
        with self._lock:
            go = self.study.report(trial, epoch, **metrics)
            self._observer.on_report(self.study, trial, epoch, metrics)
        if not go:
            return Verdict.END
        return self.verdict()

    def retrained(self, trial: int, epochs: int) -> None:
        """Of `Desk`. What a crash or an interruption lost is on record, but the search does not pay for it."""
        self.study.add_retrained(trial, epochs, charged=trial in self._seen)

    def verdict(self) -> Verdict:
        """Of `Desk`."""
        return Verdict.PARK if self._stopping() else Verdict.GO

    def lost(self, trials: Collection[int]) -> None:
        """A worker has died with these trials in its memory: to train them again is no cost of the search."""
        self._seen.difference_update(trials)

    def _stopping(self) -> bool:
        return self.interrupted or self.study.out_of_time

    def _record_checkpoint(self, trial: int, saved: SavedState) -> None:
        assert self._folder is not None  # else no order would have named a place to save to
        before = self._saved.get(trial)
        self.study.add_checkpoint(trial, saved.epoch, saved.path, saved.size)
        self._saved[trial] = saved.path
        if before is not None and before != saved.path:
            (self._folder / before).unlink(missing_ok=True)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, Ctrl-C and SIGTERM let running epochs finish and be recorded; a second one ends at once."""
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
