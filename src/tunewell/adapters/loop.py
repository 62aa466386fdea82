"""The loop of a training that is written out: the range that it goes over, wrapped.

from tunewell.adapters.loop import report, tuned

for epoch in tuned(range(10), model=model, optimizer=optimizer):
    ...
    report(val_loss=val_loss)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunewell.errors import ReportError
from tunewell.training.current import as_current, current_run
from tunewell.training.run import Run


def tuned(epochs: range | int, run: Run | None = None, /, **tracked: Any) -> Iterator[int]:
    """Yield the epochs of a range that are to be trained: later ones after a resume, fewer if the trial is stopped.

    Args:
        epochs: the range of a full training, or how many epochs it has, from 0.
        run: the trial; the current one if None.
        tracked: what a checkpoint holds: models, optimizers, schedules, data.
    """
    return follow(epochs, current_run() if run is None else run, tracked)


def follow(epochs: range | int, run: Run, tracked: dict[str, Any]) -> Iterator[int]:
    """Yield the epochs of a range as a run has it; the run is the current one of the code in the loop."""
    numbers = range(epochs) if isinstance(epochs, int) else epochs
    with as_current(run):
        if tracked:
            run.track(**tracked)
        for number in run.epochs(len(numbers)):
            yield numbers[number - 1]


def report(**metrics: float) -> None:
    """Report what the epoch of the loop measured.

    Raises:
        ReportError: there is no loop, or a value is no number.
    """
    run = current_run()
    if not run.has_begun:
        raise ReportError("report(...) belongs inside a loop: for epoch in tuned(range(10), model=model): ...")
    run.report(**metrics)
