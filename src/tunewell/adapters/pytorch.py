"""PyTorch, with a loop that is written out.

    from tunewell.adapters.pytorch import report, tuned

    for epoch in tuned(range(10), model=model, optimizer=optimizer, scheduler=scheduler):
        ...
        report(val_loss=val_loss)

In a training function it is the same as `run.track(...)`, `run.epochs(10)` and `run.report(...)`.
"""

from __future__ import annotations

from tunewell.adapters.loop import report, tuned

__all__ = ["report", "tuned"]
