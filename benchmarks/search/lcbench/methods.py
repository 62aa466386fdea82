"""The methods by name, and what each needs to be installed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module, metadata
from pathlib import Path

from problem import DEFAULT, EPOCHS, SPACE
from simulation import Job, Method

import tunewell as tw
from tunewell.samplers import GridSampler


class Tunewell:
    """A study by ask and tell. Its budget is twice the `trainings` that are measured: no end is in sight."""

    def __init__(self, seed: int, trainings: int, space: tw.Space = SPACE, **settings: object) -> None:
        self.study = tw.Study(
            space, metric="val_accuracy", max_epochs=EPOCHS, budget=2 * trainings, seed=seed, **settings
        )

    def next(self) -> Job | None:
        step = self.study.ask()
        if step is None or step.wait:
            return None
        return Job(step.trial, dict(zip(SPACE.names, step.params.values(), strict=True)), step.epochs)

    def report(self, trial: int, epoch: int, accuracy: float) -> bool:
        return self.study.report(trial, epoch, val_accuracy=accuracy)

    def done(self, trial: int) -> None:
        self.study.tell(trial)


class WholeTrainings(Tunewell):
    """The same with no curves: a trial trains to its end, and only its best epoch is known."""

    def __init__(self, seed: int, trainings: int) -> None:
        self.study = tw.Study(SPACE, metric="val_accuracy", max_epochs=1, budget=2 * trainings, seed=seed)
        self._best: dict[int, float] = {}

    def next(self) -> Job | None:
        job = super().next()
        return None if job is None else Job(job.trial, job.setting, range(1, EPOCHS + 1))

    def report(self, trial: int, epoch: int, accuracy: float) -> bool:
        self._best[trial] = max(self._best.get(trial, 0.0), accuracy)
        return epoch < EPOCHS or self.study.report(trial, 1, val_accuracy=self._best[trial])


@dataclass(frozen=True, slots=True)
class Contestant:
    """A method that can be entered. `package`: what it needs, as the package registry names it."""

    package: str
    begin: Callable[[int, int], Method]
    """Of a seed, and of how many full trainings' worth of epochs are measured.

    Raises ImportError if something that it needs is not installed.
    """

    @property
    def version(self) -> str | None:
        """What a result is a result of; None if it is not installed."""
        if self.package == "tunewell":
            return f"tunewell {_sources()}"
        try:
            return f"{self.package} {metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            return None


@cache
def _sources() -> str:
    """A digest of the package: its version stays the same while it is worked on, its searches do not."""
    digest = hashlib.sha256()
    folder = Path(tw.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).parts[0] not in {"cli", "nn", "demo", "estimators", "runners", "adapters"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _ours(**settings: object) -> Contestant:
    return Contestant("tunewell", lambda seed, trainings: Tunewell(seed, trainings, **settings))


def _peer(package: str, module: str, name: str, **settings: object) -> Contestant:
    """One whose file is imported only when it is begun, since it may not be installed."""

    def begin(seed: int, _: int) -> Method:
        method: Method = getattr(import_module(f"peers.{module}"), name)(seed, **settings)
        return method

    return Contestant(package, begin)


def _optuna(**settings: object) -> Contestant:
    return _peer("optuna", "optuna", "Optuna", **settings)


def _syne_tune(**settings: object) -> Contestant:
    return _peer("syne-tune", "syne_tune", "SyneTune", **settings)


def _with_defaults(setting: Mapping[str, float]) -> tw.Space:
    return tw.Space({name: replace(param, default=setting[name]) for name, param in SPACE.params.items()})


WORST = {
    "batch_size": 512,
    "learning_rate": 1e-4,
    "momentum": 0.1,
    "weight_decay": 0.1,
    "num_layers": 1,
    "max_units": 64,
    "max_dropout": 1.0,
}
"""A default that nobody would give: each is at the end where networks learn least."""
RANDOM = "random search"
AUTO = "tunewell auto"
PAST = "tunewell auto, past studies"  # made by transfer.py: it needs to know which task it is on
# 32 settings, as many as there is time for: the rest at their defaults
GRID = GridSampler(
    {"learning_rate": 4, "batch_size": 2, "momentum": 2, "max_units": 2}
    | dict.fromkeys(("weight_decay", "num_layers", "max_dropout"), 1)
)
METHODS: dict[str, Contestant] = {
    AUTO: _ours(),
    "tunewell, no default": _ours(scheduler="freeze_thaw"),
    "tunewell, default in the worst corner": _ours(space=_with_defaults(WORST)),
    "tunewell, no tiers": _ours(space=tw.Space({name: replace(param, tier=2) for name, param in SPACE.params.items()})),
    # parameters of which it knows nothing by their names
    "tunewell, no products": _ours(space=tw.Space({f"x_{name}": param for name, param in SPACE.params.items()})),
    "tunewell, no curves": Contestant("tunewell", WholeTrainings),
    "tunewell asha": _ours(scheduler="asha", first=[DEFAULT]),
    "tunewell hyperband": _ours(scheduler="hyperband", sampler="random"),
    RANDOM: _ours(scheduler="full", sampler="random"),
    "grid search": _ours(scheduler="full", sampler=GRID),
    "Optuna TPE": _optuna(sampler="tpe"),
    "Optuna TPE, default first": _optuna(sampler="tpe", default=True),
    "Optuna TPE, Hyperband": _optuna(sampler="tpe", pruner="hyperband"),
    "Optuna TPE, halving from 6": _optuna(sampler="tpe", pruner="halving"),
    "Optuna TPE, median after 6": _optuna(sampler="tpe", pruner="median"),
    "Optuna TPE, median after 6, default first": _optuna(sampler="tpe", pruner="median", default=True),
    "Optuna GP": _optuna(sampler="gp"),
    "Optuna GP, default first": _optuna(sampler="gp", default=True),
    "SMAC3 multi-fidelity": _peer("smac", "smac", "multi_fidelity"),
    "Syne Tune ASHA": _syne_tune(scheduler="asha"),
    "Syne Tune BOHB": _syne_tune(scheduler="bohb"),
    "Syne Tune ASHA, CQR": _syne_tune(scheduler="cqr"),
    "Syne Tune BOHB, default first": _syne_tune(scheduler="bohb", default=True),
    "NePS PriorBand": _peer("neural-pipeline-search", "neps", "priorband"),
    "HEBO": _peer("HEBO", "hebo", "hebo"),
    "DEHB": _peer("DEHB", "dehb", "dehb"),
}
