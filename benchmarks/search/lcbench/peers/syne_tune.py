"""Syne Tune (Salinas et al., 2022): ASHA with stopping, and model-based searches within it.

Its own tuner drives the schedulers by the calls below; rungs are at epochs 6 and 18.
"""

from __future__ import annotations

import datetime as dt
import logging

from problem import AXES, DEFAULT, EPOCHS
from simulation import Job
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import lograndint, loguniform, randint, uniform
from syne_tune.optimizer import baselines
from syne_tune.optimizer.scheduler import SchedulerDecision

SCHEDULERS = {"asha": baselines.ASHA, "bohb": baselines.BOHB, "cqr": baselines.ASHACQR}
FLOOR = 6


class SyneTune:
    """A scheduler. `default`: whether the default setting is tried first."""

    def __init__(self, seed: int, *, scheduler: str, default: bool = False) -> None:
        logging.getLogger("syne_tune").setLevel(logging.ERROR)
        space = {
            axis.name: (lograndint if axis.log else randint)(int(axis.low), int(axis.high))
            if axis.whole
            else (loguniform if axis.log else uniform)(axis.low, axis.high)
            for axis in AXES
        }
        self._scheduler = SCHEDULERS[scheduler](
            space,
            metric="accuracy",
            time_attr="epoch",
            max_t=EPOCHS,
            do_minimize=False,
            random_seed=seed,
            grace_period=FLOOR,
            points_to_evaluate=[DEFAULT] if default else None,
        )
        self._trials: dict[int, Trial] = {}

    def next(self) -> Job:
        setting = self._scheduler.suggest().config
        trial = Trial(len(self._trials), setting, dt.datetime.now(tz=dt.UTC))
        self._trials[trial.trial_id] = trial
        self._scheduler.on_trial_add(trial)
        return Job(trial.trial_id, setting, range(1, EPOCHS + 1))

    def report(self, trial: int, epoch: int, accuracy: float) -> bool:
        result = {"accuracy": accuracy, "epoch": epoch}
        return self._scheduler.on_trial_result(self._trials[trial], result) == SchedulerDecision.CONTINUE

    def done(self, trial: int) -> None:
        self._scheduler.on_trial_remove(self._trials[trial])
