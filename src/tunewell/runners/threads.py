"""Several trials at a time in this process, each in its thread: for small models whose training releases the GIL.

A compiled loop, PyTorch or NumPy's BLAS lets other threads run while it computes, and then threads cost less than
processes: nothing is loaded twice, nothing is sent, and a paused trial goes on in any slot. One `Worker` hosts all
trials; this thread gives each slot a step as soon as the slot's last one is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

from threadpoolctl import threadpool_limits

from tunewell import checkpoint
from tunewell.errors import TunewellError
from tunewell.runners.base import LOOK_AGAIN_S, Controller, Observer
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.worker import Worker
from tunewell.study import Study
from tunewell.training.run import Train

_LOOK_S = 1.0
"""How often to look whether a trial computes on beyond its end."""


def run_threads(
    study: Study,
    train: Train,
    execution: Execution | None = None,
    observer: Observer | None = None,
    controllers: Sequence[Controller] = (),
) -> bool:
    """Train until the study is over, several trials at a time; True, or False if it was interrupted.

    Where several train at a time they share the random states that a process has once (those of `random`,
    `numpy.random` and PyTorch), so only what draws from `run.rng`, or from generators seeded with `run.seed`,
    can be trained again to the same curve.

    Raises:
        RepeatedFailure: trials keep failing with one and the same error.
    """
    execution = execution or Execution(threads=True)
    driver = Driver(study, execution, observer, controllers)
    alone = execution.workers == 1
    worker = Worker(train, driver, keep=execution.keep, alone=alone)
    with _random_states_kept():
        try:
            # else each trial's products are spread over all cores, and the trials wait for each other there
            with driver.interruptible(), nullcontext() if alone else threadpool_limits(1, user_api="blas"):
                _train_all(driver, worker, execution.workers)
        finally:
            worker.close()
            study.close()
    return not driver.interrupted


def _train_all(driver: Driver, worker: Worker, slots: int) -> None:
    try:
        while (soon := _fill(driver, worker, slots)) or worker.n_moving:
            _settle_next(driver, worker, LOOK_AGAIN_S if soon else _LOOK_S)
    except Exception:
        # threads cannot be ended from outside, so the other trials are brought in as by Ctrl-C: parked at their next
        # report, and on record
        driver.interrupted = True
        while worker.n_moving:
            with suppress(TunewellError):  # the first error is the one to tell
                _settle_next(driver, worker, _LOOK_S)
        raise


def _fill(driver: Driver, worker: Worker, slots: int) -> bool:
    """Give each free slot a step; True if there is none for one now, but there may be soon."""
    while worker.n_moving < slots:
        step = driver.next_step()
        if step is None or step.wait:
            return step is not None
        worker.begin(driver.assignment(step))
    return False


def _settle_next(driver: Driver, worker: Worker, timeout_s: float) -> None:
    result = worker.wait(timeout_s)
    if result is not None:
        driver.settle(result)


@contextmanager
def _random_states_kept() -> Iterator[None]:
    """Keep the user's own random states as they were, whatever trainings draw inside."""
    outside = checkpoint.random_states()
    try:
        yield
    finally:
        checkpoint.set_random_states(outside)
