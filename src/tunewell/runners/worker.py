"""Hosts trials, each in a thread of its own, of which one moves at a time.

A training function is an ordinary loop; what lets it pause is that its thread waits inside `run.epochs`. So a
paused trial keeps its model, its optimizer and its place in the loop with no checkpoint written by anybody,
and going on is to let the thread run. When more than `keep` trials wait, the one that has waited longest is given
up: it lives on as its checkpoint if it tracks anything, and otherwise is trained again from its seed.
"""

from __future__ import annotations

import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from tunewell import checkpoint
from tunewell.errors import CheckpointError, TunewellError
from tunewell.run import Run, RunEnded
from tunewell.runners.base import Desk, Order, Outcome, SavedState, Train, Verdict

_Answer = TypeVar("_Answer")

KEPT_TRIALS = 64
"""Paused trials that a worker keeps in memory by default."""


class Worker:
    """Trains what it is ordered to, one order at a time."""

    def __init__(self, train: Train, desk: Desk, *, keep: int = KEPT_TRIALS) -> None:
        """`keep`: how many paused trials stay in memory."""
        self._train = train
        self._desk = desk
        self._keep = keep
        self._parked: OrderedDict[int, _Hosted] = OrderedDict()

    def work(self, order: Order) -> Outcome:
        """Train a trial through its step's epochs; returns when it is parked or over."""
        trial = order.step.trial
        hosted = self._parked.pop(trial, None)
        if hosted is not None and hosted.epoch != order.step.epochs.start - 1:
            hosted.give_up()  # it went on elsewhere
            hosted = None
        if hosted is None:
            hosted = _Hosted(self._train, self._desk, order)
        outcome = hosted.go_on(order)
        if outcome.parked:
            self._parked[trial] = hosted
            while len(self._parked) > self._keep:
                self._parked.popitem(last=False)[1].give_up()
        return outcome

    def forget(self, trial: int) -> None:
        """Let go of a paused trial, which goes on elsewhere or never."""
        hosted = self._parked.pop(trial, None)
        if hosted is not None:
            hosted.give_up()

    def close(self) -> None:
        """Let go of all."""
        for trial in list(self._parked):
            self.forget(trial)


class _Hosted:
    """One trial's thread, and the channel between its run and the worker.

    Exactly one side moves at a time: the worker waits in `go_on` while the thread trains, and the
    thread waits in `_park` otherwise. So the fields need no lock.
    """

    def __init__(self, train: Train, desk: Desk, order: Order) -> None:
        self._train = train
        self._desk = desk
        self._order = order
        self._until = order.step.epochs.stop - 1
        self._on_record = order.step.epochs.start - 1
        """Epochs up to here are in the log already; when they are trained again, nobody is told."""
        self._verdict = Verdict.GO
        self._orders: SimpleQueue[Order | None] = SimpleQueue()
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._refusal: TunewellError | None = None
        self._given_up = False
        self.epoch = 0
        self._run = Run(order.step.params, seed=order.step.seed, trial=order.step.trial, channel=self)
        self._thread: threading.Thread | None = None

    # --- the worker's side

    def go_on(self, order: Order) -> Outcome:
        """Let the thread train until it parks or ends."""
        self._order, self._until = order, order.step.epochs.stop - 1
        # the trial has the process's random states to itself while it moves
        outside = checkpoint.random_states()
        if self._thread is None:
            self._thread = threading.Thread(target=self._host, name=f"trial-{order.step.trial}", daemon=True)
            self._thread.start()
        else:
            self._orders.put(order)
        outcome = self._outcomes.get()
        checkpoint.set_random_states(outside)
        return outcome

    def give_up(self) -> None:
        """Unwind the thread; the code after the user's loop does not run."""
        self._given_up = True
        self._orders.put(None)
        if self._thread is not None:
            self._thread.join(timeout=10)

    # --- the thread's side

    def _host(self) -> None:
        checkpoint.seed_everything(self._run.seed)
        error = None
        try:
            self._train(self._run)
        except RunEnded:
            pass
        except SystemExit as stop:
            error = f"the training function called sys.exit({stop.code!r})" if stop.code else None
        except Exception as raised:  # noqa: BLE001  a failed trial is a result, kept as text
            raised.__traceback__ = raised.__traceback__ and raised.__traceback__.tb_next  # not this frame
            error = "".join(traceback.format_exception(raised))
        ended_in_order = error is None and self._refusal is None and not self._given_up
        saved = self._save() if ended_in_order and self.epoch > self._on_record else None
        self._outcomes.put(
            Outcome(self._run.trial, self.epoch, parked=False, error=error, refusal=self._refusal, saved=saved)
        )

    def begin(self, run: Run, n_epochs: int | None) -> int:
        """Of `Channel`: the loop is about to start."""
        if n_epochs is not None and self._order.max_epochs is None:
            self._until = self._heard(lambda: self._desk.learn_max_epochs(run.trial, n_epochs))
        if self._on_record == 0:
            return 0
        restored = self._restore()
        if self._on_record > restored:
            self._heard(lambda: self._desk.retrained(run.trial, self._on_record - restored))
        self.epoch = restored
        return restored

    def may_train(self, epoch: int) -> bool:
        """Of `Channel`: block while paused."""
        last = self._order.max_epochs
        if self._verdict is Verdict.END or (last is not None and epoch > last):
            return False
        # without reports at every epoch the run itself says how far it is
        self.epoch = max(self.epoch, epoch - 1)
        if epoch > self._until or self._verdict is Verdict.PARK:
            self._park()
        return True

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Of `Channel`: pass it on."""
        self.epoch = epoch
        if epoch > self._on_record:
            self._verdict = self._heard(lambda: self._desk.report(self._run.trial, epoch, metrics))

    def _heard(self, message: Callable[[], _Answer]) -> _Answer:
        """What the desk answers; if it refuses, this training is over, and the study with it."""
        try:
            return message()
        except TunewellError as refusal:
            self._refusal = refusal
            raise RunEnded from refusal

    def _park(self) -> None:
        if self._run.on_pause is not None:
            self._run.on_pause()
        inside = checkpoint.random_states()
        interrupted = self.epoch < self._until
        self._outcomes.put(
            Outcome(self._run.trial, self.epoch, parked=True, interrupted=interrupted, saved=self._save())
        )
        if self._orders.get() is None:
            raise RunEnded
        checkpoint.set_random_states(inside)
        self._verdict = Verdict.GO
        if self._run.on_resume is not None:
            self._run.on_resume()

    def _save(self) -> SavedState | None:
        if not self._run.tracked or self._order.folder is None:
            return None
        name = f"trial-{self._run.trial}-epoch-{self.epoch}.npz"
        size = self._run.checkpoint(Path(self._order.folder) / name)
        return SavedState(self.epoch, name, size)

    def _restore(self) -> int:
        """Take up the newest checkpoint; answers its epoch, 0 if there is none to be used."""
        if not self._run.tracked or self._order.checkpoint is None or self._order.folder is None:
            return 0
        try:
            return self._run.restore(Path(self._order.folder) / self._order.checkpoint)
        except CheckpointError:
            return 0  # damaged or gone: training again from the seed is slower, not wrong
