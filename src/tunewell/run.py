"""The user's side of a trial: a training function gets a `Run` and nothing else of tunewell.

The same function runs with no tuner, `train(Run(space.defaults()))`: then nothing pauses it, and its reports
are kept in `run.reports`. Under a worker, the run's `Channel` says after each epoch whether to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from tunewell import checkpoint
from tunewell.errors import ReportError
from tunewell.space.values import Params, Value


class RunEnded(BaseException):
    """Unwinds a training function whose trial is over; no `except Exception` of the user's catches it."""


class Channel(Protocol):
    """What stands between a run and whoever decides about it."""

    def begin(self, run: Run, n_epochs: int | None) -> int:
        """The run's loop is about to start, with everything tracked; answers the last epoch that is done already.

        n_epochs: how many the training function says a full training has; None if it does not say.
        """
        ...

    def may_train(self, epoch: int) -> bool:
        """Block while the trial is paused; False if the trial is to end in order. May raise RunEnded."""
        ...

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Record it; returns when it is safe."""
        ...


class Run:
    """One trial, as its training function sees it."""

    def __init__(
        self, params: Mapping[str, Value], *, seed: int = 0, trial: int = 0, channel: Channel | None = None
    ) -> None:
        """A run of its own, with no tuner, unless a `channel` is given."""
        self.params = Params(params)
        """The setting; a live parameter shows the value that was steered last."""
        self.seed = seed
        """Draw the training's randomness from this, and the same trial can be trained again."""
        self.trial = trial
        self.rng = np.random.default_rng(seed)
        """A generator seeded with `seed`, part of every checkpoint."""
        self.reports: list[dict[str, float]] = []
        """What was reported in this process, by epoch: `{"epoch": 1, "val_loss": 0.4}`."""
        self.tracked: dict[str, object] = {}
        """What `track` was given."""
        self.on_pause: Callable[[], None] | None = None
        """Is called in the trial's thread before it waits, for what must wait with it (a program, say)."""
        self.on_resume: Callable[[], None] | None = None
        """Is called when the trial goes on."""
        self._channel: Channel = _Alone() if channel is None else channel
        self._epoch = 0  # the last epoch done; inside the loop, the current one
        self._n_epochs: int | None = None
        self._begun = False
        self._in_loop = False

    def epochs(self, n: int) -> Iterator[int]:
        """1, 2, ... n: waits while the trial is paused, ends when it is stopped, starts later after a resume.

        n: how many epochs a full training has.
        """
        if n < 1:
            raise ReportError(f"run.epochs(n) needs n of at least 1, got {n!r}")
        if self._begun:
            raise ReportError("run.epochs(...) may be looped over once in a trial, and before any report outside it")
        self._begin(n)
        self._in_loop = True
        while self._epoch < n and self._channel.may_train(self._epoch + 1):
            self._epoch += 1
            yield self._epoch
        self._in_loop = False

    def report(self, **metrics: float) -> None:
        """Record what the current epoch measured, once an epoch; returns when it is safe on record.

        In a training function with no `run.epochs` loop, each report ends an epoch: it waits here while the
        trial is paused.

        Raises:
            ReportError: a value is no number, or the epoch was reported already.
        """
        values = {name: _number(name, value) for name, value in metrics.items()}
        if not values:
            raise ReportError("run.report() got no metric; name at least one: run.report(val_loss=...)")
        if not self._in_loop:
            if self._begun and self._n_epochs is not None:
                raise ReportError("run.report(...) after the run.epochs(...) loop belongs to no epoch; report inside it")
            if not self._begun:
                self._begin(None)
            self._epoch += 1
        elif self.reports and self.reports[-1]["epoch"] == self._epoch:
            raise ReportError(f"epoch {self._epoch} is reported already; give all metrics of an epoch in one report")
        self.reports.append({"epoch": self._epoch, **values})
        self._channel.report(self._epoch, values)
        if not self._in_loop and not self._channel.may_train(self._epoch + 1):
            raise RunEnded

    def track(self, **objects: object) -> None:
        """Name what a checkpoint holds: models, optimizers, schedules, generators, arrays, plain data.

        Call it before the first epoch. Anything with `state_dict` and `load_state_dict` will do, as will
        arrays, dictionaries, lists and objects made of those.

        Raises:
            CheckpointError: an object cannot be saved and filled again.
        """
        checkpoint.capture(objects)  # fails here, before any training, rather than at the first pause
        self.tracked.update(objects)

    def checkpoint(self, path: str | Path) -> int:
        """Write what is tracked, the random states and the epoch to a file, whole or not at all; answers its bytes."""
        state = {
            "epoch": self._epoch,
            "objects": checkpoint.capture({**self.tracked, "tunewell.rng": self.rng}),
            "random": checkpoint.random_states(),
        }
        return checkpoint.write(Path(path), state)

    def restore(self, path: str | Path) -> int:
        """Fill what is tracked from a file; the next epoch is the one after its epoch, which is answered.

        Raises:
            CheckpointError: the file is damaged, or holds other objects than are tracked.
        """
        state = checkpoint.read(Path(path))
        checkpoint.refill({**self.tracked, "tunewell.rng": self.rng}, state["objects"])
        checkpoint.set_random_states(state["random"])
        self._epoch = int(state["epoch"])
        return self._epoch

    def _begin(self, n: int | None) -> None:
        self._begun = True
        self._n_epochs = n
        self._epoch = max(self._epoch, self._channel.begin(self, n))


class _Alone:
    """The channel of a run with no tuner: nothing ever waits."""

    def begin(self, run: Run, n_epochs: int | None) -> int:
        return 0

    def may_train(self, epoch: int) -> bool:
        return True

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        pass


def _number(name: str, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]  # NumPy scalars, 0-d arrays and tensors convert too
    except (TypeError, ValueError):
        raise ReportError(f"metric {name!r} must be a number, got {value!r}; reduce it first (mean, item)") from None
    return number
