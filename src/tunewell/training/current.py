"""The run of the code that calls: a trial's, where one trains, or the one of a script.

    run = tw.current_run(learning_rate=0.01)

In a script that `tunewell tune -- python train.py` runs, it is the trial that the process is; in one that `python`
runs, a run with no tuner, which nothing pauses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from tunewell.space.values import Value
from tunewell.training.client import params
from tunewell.training.run import Run
from tunewell.training.socket_channel import SocketChannel

_inside: ContextVar[Run | None] = ContextVar("run", default=None)
_of_process: list[Run] = []


def current_run(**defaults: Value) -> Run:
    """Return the run of the training that calls; in a script, the same one at each call.

    Args:
        defaults: values of parameters that no tuner gives, by name.

    Example:
        >>> run = tw.current_run(learning_rate=0.01)
        >>> run.params.learning_rate  # the trial's under `tunewell tune -- python train.py`
        0.01
    """
    run = _inside.get()
    if run is not None:
        return run
    if not _of_process:
        _of_process.append(_run_of_process({**defaults, **params()}))
    return _of_process[0]


@contextmanager
def as_current(run: Run) -> Iterator[None]:
    """Let a run be the current one of the code inside."""
    token = _inside.set(run)
    try:
        yield
    finally:
        with suppress(ValueError):  # a generator that is left may be closed by another thread
            _inside.reset(token)


def _run_of_process(values: dict[str, Value]) -> Run:
    address = os.environ.get("TUNEWELL_SOCKET")
    seed, trial = int(os.environ.get("TUNEWELL_SEED", "0")), int(os.environ.get("TUNEWELL_TRIAL", "0"))
    channel = None if address is None else SocketChannel(address, values)
    return Run(values, seed=seed, trial=trial, channel=channel)
