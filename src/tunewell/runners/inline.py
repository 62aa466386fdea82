"""One worker in this process: nothing to set up, and a debugger works."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tunewell.runners.base import LOOK_AGAIN_S, Controller, Observer
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.worker import Worker
from tunewell.study import Study
from tunewell.training.run import Train


def run_inline(
    study: Study,
    train: Train,
    execution: Execution | None = None,
    observer: Observer | None = None,
    controllers: Sequence[Controller] = (),
) -> bool:
    """Train until the study is over; True, or False if it was interrupted and can be resumed.

    Raises:
        RepeatedFailure: trials keep failing with one and the same error.
    """
    execution = execution or Execution()
    driver = Driver(study, execution, observer, controllers)
    worker = Worker(train, driver, keep=execution.keep)
    try:
        with driver.interruptible():
            while (step := driver.next_step()) is not None:
                if step.wait:
                    time.sleep(LOOK_AGAIN_S)
                else:
                    driver.settle(worker.work(driver.assignment(step)))
    finally:
        worker.close()
        study.close()
    return not driver.interrupted
