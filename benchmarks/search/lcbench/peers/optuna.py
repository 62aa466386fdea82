"""Optuna (Akiba et al., 2019): a trial trains to its end unless it is pruned."""

from __future__ import annotations

import warnings

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.trial import TrialState
from problem import AXES, DEFAULT, EPOCHS
from simulation import Job

SAMPLERS: dict[str, type[BaseSampler]] = {"tpe": TPESampler, "gp": GPSampler}
FLOOR = 6
PRUNERS = {
    None: NopPruner,
    "median": lambda: MedianPruner(n_warmup_steps=FLOOR),
    "halving": lambda: SuccessiveHalvingPruner(min_resource=FLOOR),
    "hyperband": HyperbandPruner,
}


class Optuna:
    """A study by ask and tell. `default`: whether the default setting is enqueued first."""

    def __init__(self, seed: int, *, sampler: str, pruner: str | None = None, default: bool = False) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        pruning: BasePruner = PRUNERS[pruner]()
        self._study = optuna.create_study(direction="maximize", sampler=SAMPLERS[sampler](seed=seed), pruner=pruning)
        if default:
            self._study.enqueue_trial(DEFAULT)
        self._trials: dict[int, optuna.Trial] = {}
        self._best: dict[int, float] = {}
        self._epoch: dict[int, int] = {}

    def next(self) -> Job:
        trial = self._study.ask()
        setting = {
            axis.name: trial.suggest_int(axis.name, int(axis.low), int(axis.high), log=axis.log)
            if axis.whole
            else trial.suggest_float(axis.name, axis.low, axis.high, log=axis.log)
            for axis in AXES
        }
        self._trials[trial.number] = trial
        return Job(trial.number, setting, range(1, EPOCHS + 1))

    def report(self, trial: int, epoch: int, accuracy: float) -> bool:
        self._best[trial] = max(self._best.get(trial, 0.0), accuracy)
        self._epoch[trial] = epoch
        self._trials[trial].report(accuracy, epoch)
        return not self._trials[trial].should_prune()

    def done(self, trial: int) -> None:
        own = self._trials.pop(trial)
        if self._epoch[trial] < EPOCHS:
            self._study.tell(own, state=TrialState.PRUNED)
        else:
            self._study.tell(own, self._best[trial])
