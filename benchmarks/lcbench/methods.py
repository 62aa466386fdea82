"""The methods, behind one small adapter: which trial trains next, and until when."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import optuna
from surrogate import EPOCHS, SPACE

import tunewell as tw

optuna.logging.set_verbosity(optuna.logging.ERROR)
Job = tuple[object, Mapping[str, object], int, int]
"""A trial, its setting, and the first and last epoch to train."""


class Method(Protocol):
    """A search under way."""

    def next(self) -> Job | None:
        """What a free worker trains; None if it has to wait."""
        ...

    def report(self, trial: object, epoch: int, accuracy: float) -> bool:
        """Whether the trial goes on."""
        ...

    def done(self, trial: object) -> None:
        """Its job is over."""
        ...


class Tunewell:
    """A study by ask and tell."""

    def __init__(self, seed: int, trainings: int, **settings: object) -> None:
        self._study = tw.Study(
            SPACE, metric="val_accuracy", max_epochs=EPOCHS, budget=2 * trainings, seed=seed, **settings
        )

    def next(self) -> Job | None:
        step = self._study.ask()
        return None if step is None or step.wait else (step.trial, step.params, step.epochs.start, step.epochs[-1])

    def report(self, trial: object, epoch: int, accuracy: float) -> bool:
        return self._study.report(trial, epoch, val_accuracy=accuracy)

    def done(self, trial: object) -> None:
        self._study.tell(trial)


class Optuna:
    """A study of Optuna's: a trial trains to its end unless it is pruned."""

    def __init__(
        self,
        seed: int,
        *,
        sampler: Callable[[int], optuna.samplers.BaseSampler],
        pruner: Callable[[], optuna.pruners.BasePruner] = optuna.pruners.NopPruner,
        default: bool = False,
    ) -> None:
        self._study = optuna.create_study(direction="maximize", sampler=sampler(seed), pruner=pruner())
        if default:
            self._study.enqueue_trial(dict(SPACE.defaults()))
        self._best: dict[int, float] = {}

    def next(self) -> Job:
        trial = self._study.ask()
        setting = {
            "batch_size": trial.suggest_int("batch_size", 16, 512, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "momentum": trial.suggest_float("momentum", 0.1, 0.99),
            "weight_decay": trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True),
            "num_layers": trial.suggest_int("num_layers", 1, 5),
            "max_units": trial.suggest_int("max_units", 64, 1024, log=True),
            "max_dropout": trial.suggest_float("max_dropout", 0.0, 1.0),
        }
        return trial, setting, 1, EPOCHS

    def report(self, trial: object, epoch: int, accuracy: float) -> bool:
        assert isinstance(trial, optuna.Trial)
        self._best[trial.number] = max(self._best.get(trial.number, 0.0), accuracy)
        trial.report(accuracy, epoch)
        return not trial.should_prune()

    def done(self, trial: object) -> None:
        assert isinstance(trial, optuna.Trial)
        pruned = len(trial.study.trials[trial.number].intermediate_values) < EPOCHS
        if pruned:
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            self._study.tell(trial, self._best[trial.number])


def _tpe(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.TPESampler(seed=seed)


def _median() -> optuna.pruners.BasePruner:
    return optuna.pruners.MedianPruner(n_warmup_steps=6)


METHODS: dict[str, Callable[[int, int], Method]] = {
    "tunewell auto": Tunewell,
    "tunewell freeze_thaw": lambda seed, n: Tunewell(seed, n, scheduler="freeze_thaw", first=[SPACE.defaults()]),
    "tunewell random": lambda seed, n: Tunewell(seed, n, scheduler="full", sampler="random"),
    "tunewell hyperband": lambda seed, n: Tunewell(seed, n, scheduler="hyperband", sampler="random"),
    "Optuna TPE": lambda seed, _: Optuna(seed, sampler=_tpe),
    "Optuna TPE, default first": lambda seed, _: Optuna(seed, sampler=_tpe, default=True),
    "Optuna TPE, Hyperband": lambda seed, _: Optuna(seed, sampler=_tpe, pruner=optuna.pruners.HyperbandPruner),
    "Optuna TPE, median after 6": lambda seed, _: Optuna(seed, sampler=_tpe, pruner=_median),
}


class Timed:
    """A method whose decisions are timed."""

    def __init__(self, method: Method) -> None:
        self.method = method
        self.seconds = 0.0
        self.decisions = 0

    def next(self) -> Job | None:
        start = time.process_time()
        job = self.method.next()
        self.seconds += time.process_time() - start
        self.decisions += job is not None
        return job
