"""The methods that are compared on replayed tasks, each with the default setting first where it can be told of one."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import optuna
from simulation import Job, Method

import tunewell as tw

DEFAULT = "default"


class Tunewell:
    """A study by ask and tell. Its budget is twice the `trainings` that are measured: no end is in sight."""

    def __init__(
        self, seed: int, space: tw.Space, metric: str, epochs: int, trainings: int, **settings: object
    ) -> None:
        self._metric, self._sign = metric, -1 if metric == "val_loss" else 1
        self.study = tw.Study(space, metric=metric, max_epochs=epochs, budget=2 * trainings, seed=seed, **settings)

    def next(self) -> Job | None:
        step = self.study.ask()
        if step is None or step.wait:
            return None
        return Job(step.trial, dict(step.params), step.epochs)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        return self.study.report(trial, epoch, **{self._metric: self._sign * value})

    def done(self, trial: int) -> None:
        self.study.tell(trial)


class Optuna:
    """A study by ask and tell, with the default setting enqueued."""

    def __init__(
        self,
        seed: int,
        space: tw.Space,
        _: str,
        epochs: int,
        __: int,
        *,
        sampler: str,
        pruner: bool,
        default: bool = True,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        samplers = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}
        # a floor of an eighth of a training is where a user who knows the curves would put it
        prunes = (
            optuna.pruners.MedianPruner(n_warmup_steps=max(1, epochs // 8)) if pruner else optuna.pruners.NopPruner()
        )
        self._study = optuna.create_study(direction="maximize", sampler=samplers[sampler](seed=seed), pruner=prunes)
        self._space, self._epochs = space, epochs
        self._trials: dict[int, optuna.Trial] = {}
        self._seen: dict[int, list[float]] = {}
        if default:
            known = space.defaults()
            self._study.enqueue_trial({n: 1 - v if space.params[n].scale == "log1m" else v for n, v in known.items()})

    def next(self) -> Job:
        trial = self._study.ask()
        self._trials[trial.number], self._seen[trial.number] = trial, []
        setting = {name: self._suggested(trial, name) for name in self._space.names}
        return Job(trial.number, setting, range(1, self._epochs + 1))

    def _suggested(self, trial: optuna.Trial, name: str) -> float:
        """On our scale: evenly in log(1 - value) is evenly in the logarithm of what is left to 1."""
        p = self._space.params[name]
        if isinstance(p, tw.Int):
            return trial.suggest_int(name, p.low, p.high, log=p.scale == "log")
        if p.scale == "log1m":
            return 1 - trial.suggest_float(name, 1 - p.high, 1 - p.low, log=True)
        return trial.suggest_float(name, p.low, p.high, log=p.scale == "log")

    def report(self, trial: int, epoch: int, value: float) -> bool:
        if math.isnan(value):
            return False
        self._seen[trial].append(value)
        self._trials[trial].report(value, epoch)
        return not self._trials[trial].should_prune()

    def done(self, trial: int) -> None:
        own, seen = self._trials.pop(trial), self._seen.pop(trial)
        if len(seen) == self._epochs:
            self._study.tell(own, max(seen))
        elif seen:
            self._study.tell(own, state=optuna.trial.TrialState.PRUNED)
        else:
            self._study.tell(own, state=optuna.trial.TrialState.FAIL)


Begin = Callable[[int, tw.Space, str, int, int], Method]


def _ours(**settings: object) -> Begin:
    return lambda *given: Tunewell(*given, **settings)


def _first(**settings: object) -> Begin:
    """With the default setting among the first, where a scheduler does not begin with it by itself."""
    return lambda seed, space, *given: Tunewell(seed, space, *given, first=[dict(space.defaults())], **settings)


def _optuna(**settings: object) -> Begin:
    return lambda *given: Optuna(*given, **settings)


AUTO = "tunewell auto"
METHODS: dict[str, Begin] = {
    AUTO: _ours(),
    "default straight on, then random": _first(scheduler="full", sampler="random"),
    "Optuna TPE, median": _optuna(sampler="tpe", pruner=True),
    "Optuna GP": _optuna(sampler="gp", pruner=False),
    "random search": _ours(scheduler="full", sampler="random"),
}
