"""Lightning: a callback of its `Trainer`.

    from tunewell.adapters.lightning import TuneCallback

    trainer = lightning.Trainer(max_epochs=10, callbacks=[TuneCallback(run)])

A checkpoint holds the module, its optimizers and schedules, the trainer's progress and the states of other callbacks. A
trial waits, and is saved, where an epoch begins: then the one before is all done, validation and schedules too.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from tunewell.adapters.callbacks import CallbackLoop
from tunewell.adapters.ranks import join_ranks
from tunewell.errors import ReportError
from tunewell.training.run import Run

if TYPE_CHECKING or "pytorch_lightning" not in sys.modules:
    from lightning.pytorch import Callback
else:  # by the name of old
    from pytorch_lightning import Callback


class _Progress:
    """The progress of a trainer's loops: its epoch and its steps."""

    def __init__(self, fit_loop: Any) -> None:
        self._fit_loop = fit_loop

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = self._fit_loop.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._fit_loop.load_state_dict(state)
        self._fit_loop.restarting = False  # it was saved between two epochs, so nothing is left of one
        for loop in (self._fit_loop, self._fit_loop.epoch_loop):
            loop.on_iteration_done()
        for progress in (self._fit_loop.epoch_progress.total, self._fit_loop.epoch_progress.current):
            progress.ready = progress.completed  # as if the next had not been announced


class TuneCallback(Callback):  # type: ignore[misc]  # it is not installed everywhere
    """Reports each epoch of `fit`, pauses and ends with the trial, and follows its live learning rate."""

    def __init__(self, run: Run | None = None) -> None:
        """Follow a run; the current one if None."""
        super().__init__()
        self._loop = CallbackLoop(run)
        self._every = 1
        """So many epochs of the trainer's are one of the trial's: it ends with a validation."""
        self._n_epochs = 0
        self._is_granted = False
        """The next epoch is to be trained, and has not begun."""
        self._rates: dict[str, float] | None = None
        """Those in force in an epoch that is done and not reported."""
        self._has_validated = False
        self._names_before: set[str] = set()
        self._of_validation: set[str] = set()
        """The names of what validation logs."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Go on from the trial's checkpoint, if it has one."""
        self._every = trainer.check_val_every_n_epoch or 1 if trainer.enable_validation else 1
        self._n_epochs = _n_epochs(trainer) // self._every
        if self._n_epochs == 0:
            raise ReportError(
                f"{_n_epochs(trainer)} epochs end before the first validation; give "
                f"Trainer(max_epochs=...) at least check_val_every_n_epoch={self._every}"
            )
        run = self._loop.run
        join_ranks(run)
        others = [one for one in trainer.callbacks if one is not self]
        run.track(
            model=pl_module,
            optimizers=list(trainer.optimizers),
            schedulers=[config.scheduler for config in trainer.lr_scheduler_configs],
            progress=_Progress(trainer.fit_loop),
            callbacks=others,
            precision=trainer.precision_plugin,
        )
        first = self._loop.begin(self._n_epochs)
        self._is_granted = first is not None

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  as Lightning calls it
        """Report the epoch before; wait while the trial is paused; end if no epoch is to follow."""
        done = trainer.current_epoch
        if done % self._every:
            return
        self._report(trainer)
        if done // self._every == self._n_epochs:
            return  # a few more epochs, which no validation follows
        if not self._is_granted and not self._loop.advance():
            raise StopIteration  # by which its loop ends in order
        self._is_granted = False

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  as Lightning calls it
        """Take note of what is logged already."""
        self._names_before = set(trainer.callback_metrics)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  as Lightning calls it
        """Take note of what validation logs: the trainer shows it until the next one, also in epochs without one."""
        self._of_validation |= set(trainer.callback_metrics) - self._names_before
        self._has_validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  as Lightning calls it
        """Take note of the rate in force; what the module logs in its own hook of this name comes after it."""
        rates = [group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self._rates = {"lr": rates[0]} if rates else {}

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  as Lightning calls it
        """Report the last epoch; end the trial's loop, if it has no other."""
        if trainer.current_epoch % self._every == 0:
            self._report(trainer)
        if self._loop.epoch == self._n_epochs:
            self._loop.advance()

    def _report(self, trainer: Any) -> None:
        """Report an epoch that is done, if it has not been."""
        if self._rates is None:
            return
        stale = set() if self._has_validated else self._of_validation
        logged = {name: value for name, value in trainer.callback_metrics.items() if name not in stale}
        rates, self._rates, self._has_validated = self._rates, None, False
        self._loop.report({**rates, **logged})


def _n_epochs(trainer: Any) -> int:
    """Return how many epochs a full training has.

    Raises:
        ReportError: it has no end that is known.
    """
    ends = [trainer.max_epochs] if trainer.max_epochs and trainer.max_epochs > 0 else []
    steps = trainer.num_training_batches / trainer.accumulate_grad_batches
    if trainer.max_steps > 0 and math.isfinite(steps):
        ends.append(math.ceil(trainer.max_steps / math.ceil(steps)))
    if not ends:
        raise ReportError("a tuned training needs its number of epochs: Trainer(max_epochs=10)")
    return int(min(ends))
