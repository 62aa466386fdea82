"""A short training outside of any study: a few epochs of a training function, for an experiment with it."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from tunewell import checkpoint
from tunewell.diagnosis.readers.names import curves_of
from tunewell.errors import ProbeFailed, TrainingTraceback
from tunewell.space.values import Value
from tunewell.training.current import as_current
from tunewell.training.function import returned_report
from tunewell.training.loggers import end_runs, open_runs
from tunewell.training.process_state import ProcessState
from tunewell.training.run import Change, OnRows, Run, RunEnded, Train


@dataclass(slots=True)
class EpochLimit:
    """A channel of a run that ends after an epoch, or when its loss is no number any more."""

    last: int
    max_epochs: int | None = None
    """The epochs of a full training, as the training function has it."""
    broken: bool = False

    def begin(self, run: Run, n_epochs: int | None) -> int:  # noqa: ARG002  of `Channel`
        """Implement `Channel.begin`."""
        self.max_epochs = n_epochs
        return 0

    def may_train(self, epoch: int) -> bool:
        """Implement `Channel.may_train`."""
        return epoch <= self.last and not self.broken

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002  of `Channel`
        """Implement `Channel.report`."""
        self.broken = any(math.isnan(value) for name, value in metrics.items() if name in _losses(metrics))

    def end(self) -> None:
        """Implement `Channel.end`."""


@dataclass(frozen=True, slots=True)
class ShortTraining:
    """The reports of a short training."""

    reports: list[dict[str, float]]
    """By epoch, fewer than requested if the loss broke or the code failed."""
    max_epochs: int | None
    n_rows: int | None
    """Of the arrays that `run.data` was given; None if it was not called."""
    error: str | None = None
    """The traceback, if the training function raised."""
    curves: Mapping[str, str] = field(init=False)
    """The reported number of each curve: `{"train_loss": "loss"}`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "curves", curves_of(dict.fromkeys(name for row in self.reports for name in row)))

    def curve(self, name: str) -> list[float]:
        """Return a curve by epoch; empty if it is not reported."""
        reported = self.curves.get(name, name)
        return [row[reported] for row in self.reports if reported in row]

    def first(self, name: str) -> float:
        """Return a curve's first number; NaN if it is not reported."""
        return next(iter(self.curve(name)), math.nan)

    def last(self, name: str) -> float:
        """Return a curve's last number; NaN if it is not reported, or ends in what is no finite number."""
        curve = self.curve(name)
        return curve[-1] if curve and math.isfinite(curve[-1]) else math.nan

    @property
    def is_broken(self) -> bool:
        """True if a loss was no finite number, or the code failed."""
        losses = [row[name] for row in self.reports for name in _losses(row)]
        return self.error is not None or not all(map(math.isfinite, losses))


def train_shortly(
    train: Train,
    params: Mapping[str, Value],
    *,
    seed: int,
    epochs: int,
    change: Change | None = None,
    metric: str | None = None,
    look: OnRows | None = None,
) -> ShortTraining:
    """Train a setting from its seed for so many epochs; this process's random states are as before.

    change: applied to the arrays that the function passes through `run.data`.
    look: called with these arrays, and those of validation, as they are.
    metric: what a number is that it returns, if it reports nothing; `val_loss` if None.
    """
    channel = EpochLimit(epochs)
    run = Run(params, seed=seed, channel=channel)
    run.on_data, run.on_rows = change, look
    return run_seeded(train, run, channel, metric or "val_loss")


def run_seeded(train: Train, run: Run, channel: EpochLimit, metric: str = "val_loss") -> ShortTraining:
    """Let a run train, with the process's random states seeded inside, and it and its loggers as before outside.

    metric: what a number is that it returns, if it reports nothing.
    """
    outside, random_states, runs = ProcessState.here(), checkpoint.random_states(), open_runs()
    run.on_end = partial(end_runs, runs)
    checkpoint.seed_everything(run.seed)
    error = None
    try:
        with suppress(RunEnded), as_current(run):
            returned = train(run)
            if not run.reports and (metrics := returned_report(returned, metric)) is not None:
                run.report(**metrics)
    except (Exception, SystemExit) as raised:  # noqa: BLE001  what their code raises is a result, kept as text
        if not (isinstance(raised, SystemExit) and not raised.code):  # which is an end in order
            error = "".join(traceback.format_exception(raised))
    finally:
        end_runs(runs, failed=error is not None)
        outside.restore()
        checkpoint.set_random_states(random_states)
    return ShortTraining(run.reports, channel.max_epochs, run.n_rows, error)


def checked(short: ShortTraining) -> ShortTraining:
    """Return the same, if the code went through and reported something.

    Raises:
        ProbeFailed: it did not.
    """
    if short.error is not None:
        raise ProbeFailed(short.error) from TrainingTraceback.of(short.error)
    if not short.reports:
        raise ProbeFailed("the training ended without a report; call run.report(...) after each epoch")
    return short


def _losses(metrics: Mapping[str, float]) -> list[str]:
    found = curves_of(metrics)
    return [found[name] for name in ("train_loss", "val_loss") if name in found]
