"""Finds the hyperparameters that hold a neural network back, and gets it where it should be in the fewest epochs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tunewell.errors import MissingExtra, TunewellError

if TYPE_CHECKING:
    from tunewell import figures
    from tunewell.analysis.decisions import Decision, Outlook
    from tunewell.diagnosis import Finding, diagnose
    from tunewell.estimators import TunedClassifier, TunedRegressor, TunedSearchCV
    from tunewell.probing import lr_find, probe, scale_check
    from tunewell.runners.execution import Ray
    from tunewell.runners.tune import tune
    from tunewell.samplers import FirstSampler, GridSampler, RandomSampler, SobolSampler
    from tunewell.schedulers import (
        AshaScheduler,
        FreezeThawScheduler,
        FullScheduler,
        HalvingScheduler,
        HyperbandScheduler,
        StagedScheduler,
    )
    from tunewell.space.params import Choice, Float, Int
    from tunewell.space.ready_made import (
        batch_size,
        beta1,
        beta2,
        dropout,
        hidden_units,
        layers,
        learning_rate,
        lr_decay,
        momentum,
        weight_decay,
    )
    from tunewell.space.space import Space
    from tunewell.space.values import Params
    from tunewell.stores import MemoryStore, open_store
    from tunewell.study import Study
    from tunewell.study.budget import Budget
    from tunewell.study.confirmation import confirmation
    from tunewell.study.confirmed import Confirmed, confirmed
    from tunewell.study.copied import Merged
    from tunewell.study.merging import merge
    from tunewell.study.reader import Best
    from tunewell.training.client import params, report
    from tunewell.training.current import current_run
    from tunewell.training.run import Run
    from tunewell.trial import Step, Trial, TrialState
    from tunewell.watching import Watcher, watch

__all__ = [
    "AshaScheduler",
    "Best",
    "Budget",
    "Choice",
    "Confirmed",
    "Decision",
    "Finding",
    "FirstSampler",
    "Float",
    "FreezeThawScheduler",
    "FullScheduler",
    "GridSampler",
    "HalvingScheduler",
    "HyperbandScheduler",
    "Int",
    "MemoryStore",
    "Merged",
    "Outlook",
    "Params",
    "RandomSampler",
    "Ray",
    "Run",
    "SobolSampler",
    "Space",
    "StagedScheduler",
    "Step",
    "Study",
    "Trial",
    "TrialState",
    "TunedClassifier",
    "TunedRegressor",
    "TunedSearchCV",
    "TunewellError",
    "Watcher",
    "batch_size",
    "beta1",
    "beta2",
    "confirmation",
    "confirmed",
    "current_run",
    "diagnose",
    "dropout",
    "figures",
    "hidden_units",
    "layers",
    "learning_rate",
    "lr_decay",
    "lr_find",
    "merge",
    "momentum",
    "open_store",
    "params",
    "probe",
    "report",
    "scale_check",
    "tune",
    "watch",
    "weight_decay",
]
__version__ = "0.1.0"

_NAMES_BY_MODULE = {
    "analysis.decisions": "Decision Outlook",
    "diagnosis": "Finding diagnose",
    "estimators": "TunedClassifier TunedRegressor TunedSearchCV",
    "probing": "lr_find probe scale_check",
    "runners.execution": "Ray",
    "runners.tune": "tune",
    "samplers": "FirstSampler GridSampler RandomSampler SobolSampler",
    "schedulers": "AshaScheduler FreezeThawScheduler FullScheduler HalvingScheduler HyperbandScheduler StagedScheduler",
    "space.params": "Choice Float Int",
    "space.ready_made": "batch_size beta1 beta2 dropout hidden_units layers learning_rate lr_decay momentum "
    "weight_decay",
    "space.space": "Space",
    "space.values": "Params",
    "stores": "MemoryStore open_store",
    "study": "Study",
    "study.budget": "Budget",
    "study.confirmation": "confirmation",
    "study.confirmed": "Confirmed confirmed",
    "study.copied": "Merged",
    "study.merging": "merge",
    "study.reader": "Best",
    "training.client": "params report",
    "training.current": "current_run",
    "training.run": "Run",
    "trial": "Step Trial TrialState",
    "watching": "Watcher watch",
}
"""What `__all__` names beside errors and `figures`: imported when first used, so that `import tunewell` is quick."""

_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

_NEED_EXTRAS = {"estimators": ("scikit-learn", "sklearn")}
"""Modules that need a package that the core does not: the package, and the extra that brings it."""


def __getattr__(name: str) -> Any:
    """Return one of the names of `__all__`, and keep it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "figures":
        return import_module("tunewell.figures")
    module = _MODULES[name]
    try:
        value = getattr(import_module(f"tunewell.{module}"), name)
    except ImportError:
        if module not in _NEED_EXTRAS:
            raise
        raise MissingExtra(*_NEED_EXTRAS[module], name) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
