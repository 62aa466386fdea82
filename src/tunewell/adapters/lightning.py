"""Lightning: a callback of its `Trainer`.

    from tunewell.adapters.lightning import TuneCallback

    trainer = lightning.Trainer(max_epochs=10, callbacks=[TuneCallback(run)])

A checkpoint holds the module, its optimizers and schedules, the trainer's progress and the states of other callbacks. A
trial waits, and is saved, where an epoch begins: then the one before is all done, validation and schedules too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunewell import checkpoint
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
        self._random_states: Mapping[str, Any] | None = None
        """Those of the checkpoint, until the first epoch begins."""
        self._is_granted = False
        """The next epoch is to be trained, and has not begun."""

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Go on from the trial's checkpoint, if it has one."""
        if not trainer.max_epochs or trainer.max_epochs < 0:
            raise ReportError("a tuned training needs its number of epochs: Trainer(max_epochs=10)")
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
        first = self._loop.begin(trainer.max_epochs)
        self._is_granted = first is not None
        self._random_states = checkpoint.random_states() if first is not None and first > 1 else None

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  as Lightning calls it
        """Wait while the trial is paused; end if no epoch is to follow."""
        if not self._is_granted and not self._loop.advance():
            raise StopIteration  # by which its loop ends in order
        self._is_granted = False
        if self._random_states is not None:  # the loader was begun since, which has drawn from them
            checkpoint.set_random_states(self._random_states)
            self._random_states = None

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  as Lightning calls it
        """Report."""
        rates = [group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups]
        self._loop.report({**({"lr": rates[0]} if rates else {}), **trainer.callback_metrics})

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002  as Lightning calls it
        """End the trial's loop, if its last epoch was trained."""
        if self._loop.epoch == trainer.max_epochs:
            self._loop.advance()
