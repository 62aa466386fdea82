"""One worker in this process: nothing to set up, and a debugger works."""

from __future__ import annotations

import time

from tunewell.run import Train
from tunewell.runners.base import LOOK_AGAIN_S, Observer
from tunewell.runners.driver import Driver
from tunewell.runners.worker import KEPT_TRIALS, Worker
from tunewell.study import Study


def run_inline(
    study: Study,
    train: Train,
    *,
    keep: int = KEPT_TRIALS,
    checkpoint_every: int = 0,
    observer: Observer | None = None,
) -> bool:
    """Train until the study is over; True, or False if it was interrupted and can be resumed.

    keep: how many paused trials stay in memory.
    checkpoint_every: epochs between checkpoints of what a training tracks; 0: only where it pauses or ends.

    Raises:
        RepeatedFailure: trials keep failing with one and the same error.
    """
    driver = Driver(study, observer, checkpoint_every=checkpoint_every)
    worker = Worker(train, driver, keep=keep)
    try:
        with driver.interruptible():
            while (step := driver.next_step()) is not None:
                if step.wait:
                    time.sleep(LOOK_AGAIN_S)
                else:
                    driver.settle(worker.work(driver.order(step)))
    finally:
        worker.close()
        study.close()
    return not driver.interrupted
