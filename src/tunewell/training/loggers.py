"""Experiment loggers: libraries that keep a run open for a whole process, or a thread, outside of a training's hands.

Two trainings that take turns in one process would share such a run. And where tunewell ends a training, by an exception
that unwinds it, they would take that for a failure: so its runs are ended in order just before.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _Logger:
    """A library whose open run can be found, and ended from outside."""

    active: Callable[[Any], object | None]
    """The run that is open in this thread, given the module."""
    end: Callable[[Any, bool], object]
    """Ends that run, given the module and whether its training has failed."""


def _end_clearml(clearml: Any, failed: bool) -> None:  # noqa: FBT001  as _Logger has it
    task = clearml.Task.current_task()
    if failed:
        task.mark_failed()
    task.close()


_LOGGERS: Mapping[str, _Logger] = {
    "clearml": _Logger(lambda clearml: clearml.Task.current_task(), _end_clearml),
    "comet_ml": _Logger(lambda comet: comet.get_running_experiment(), lambda comet, _: comet.end()),
    "mlflow": _Logger(
        lambda mlflow: mlflow.active_run(), lambda mlflow, failed: mlflow.end_run("FAILED" if failed else "FINISHED")
    ),
    "swanlab": _Logger(
        lambda swanlab: swanlab.get_run(), lambda swanlab, failed: swanlab.finish("crashed" if failed else "success")
    ),
    "trackio": _Logger(lambda trackio: trackio.context_vars.current_run.get(), lambda trackio, _: trackio.finish()),
    "wandb": _Logger(lambda wandb: wandb.run, lambda wandb, failed: wandb.finish(exit_code=int(failed))),
}
_DEEPEST = 20
"""So many runs of a thread may be open, one in another."""
_WRITERS = ("tensorboardX", "torch.utils.tensorboard")
"""Modules of writers, each an object of its training's, that hold back what they have written last."""

LOGGERS = (
    *_LOGGERS,
    *_WRITERS,
    "aim",
    "dvclive",
    "lightning.pytorch.loggers",
    "neptune",
    "pytorch_lightning.loggers",
    "tensorflow.summary",
)
"""Modules whose import says that a training keeps a log of its own."""


def end_runs(before: Mapping[str, object] | None = None, *, failed: bool = False) -> None:
    """End the runs that a training has opened; from its thread.

    Args:
        before: those that were open when it began, which are not its own.
        failed: it has raised an error, and does not just train no further.
    """
    for name in open_runs():
        for _ in range(_DEEPEST):
            run = _active(name)
            if run is None or run is (before or {}).get(name):
                break
            with suppress(Exception):  # it cannot be ended: there is no more to do about it
                _LOGGERS[name].end(sys.modules[name], failed)
    _flush_writers()


def open_runs() -> dict[str, object]:
    """Return the runs that are open in this thread, by their library."""
    runs = {name: _active(name) for name in _LOGGERS}
    return {name: run for name, run in runs.items() if run is not None}


def _active(name: str) -> object | None:
    module = sys.modules.get(name)
    if module is None:
        return None
    with suppress(Exception):  # another version of it, say
        return _LOGGERS[name].active(module)
    return None


def _flush_writers() -> None:
    """Have all writers of this process write what they hold back, which they may have no other occasion for."""
    kinds = tuple(kind for name in _WRITERS if (kind := getattr(sys.modules.get(name), "SummaryWriter", None)))
    if not kinds:
        return
    # by their types: `isinstance` runs the code of objects that give themselves for another class
    for writer in [one for one in gc.get_objects() if issubclass(type(one), kinds)]:
        with suppress(Exception):
            writer.flush()
