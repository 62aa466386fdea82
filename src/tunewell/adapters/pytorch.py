"""PyTorch, with a loop that is written out; also one that torchrun runs on several ranks.

    from tunewell.adapters.pytorch import report, tuned

    for epoch in tuned(range(10), model=model, optimizer=optimizer, scheduler=scheduler):
        ...
        report(val_loss=val_loss)

In a training function it is the same as `run.track(...)`, `run.epochs(10)` and `run.report(...)`. Of several ranks each
makes these calls, once `init_process_group` has been called; rank 0 alone reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunewell.adapters.loop import follow, report
from tunewell.adapters.ranks import join_ranks
from tunewell.training.current import current_run
from tunewell.training.run import Run

__all__ = ["report", "tuned"]


def tuned(epochs: range | int, run: Run | None = None, /, **tracked: Any) -> Iterator[int]:
    """Yield the epochs of a range that are to be trained: later ones after a resume, fewer if the trial is stopped.

    Args:
        epochs: the range of a full training, or how many epochs it has, from 0.
        run: the trial; the current one if None.
        tracked: what a checkpoint holds: models, optimizers, schedules, data.
    """
    run = current_run() if run is None else run
    join_ranks(run)
    return follow(epochs, run, tracked)
