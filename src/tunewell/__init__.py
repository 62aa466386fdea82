"""Finds the hyperparameters that hold a neural network back, and gets it where it should be in the fewest epochs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tunewell.analysis.decisions import Decision, Outlook
from tunewell.errors import MissingExtra, TunewellError
from tunewell.runners.execution import Ray
from tunewell.runners.tune import tune
from tunewell.samplers import FirstSampler, GridSampler, RandomSampler, SobolSampler
from tunewell.schedulers import AshaScheduler, FreezeThawScheduler, FullScheduler, HalvingScheduler, HyperbandScheduler
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

if TYPE_CHECKING:
    from tunewell import figures
    from tunewell.diagnosis import Finding, diagnose
    from tunewell.estimators import TunedClassifier, TunedRegressor, TunedSearchCV
    from tunewell.probing import lr_find, probe
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
    "tune",
    "watch",
    "weight_decay",
]
__version__ = "0.1.0"


_LAZY = {
    "Finding": ("tunewell.diagnosis", None),
    "TunedClassifier": ("tunewell.estimators", ("scikit-learn", "sklearn")),
    "TunedRegressor": ("tunewell.estimators", ("scikit-learn", "sklearn")),
    "TunedSearchCV": ("tunewell.estimators", ("scikit-learn", "sklearn")),
    "Watcher": ("tunewell.watching", None),
    "diagnose": ("tunewell.diagnosis", None),
    "lr_find": ("tunewell.probing", None),
    "probe": ("tunewell.probing", None),
    "watch": ("tunewell.watching", None),
}
"""Names that are slow to import: their module, and the package and the extra that they need, if any."""


def __getattr__(name: str) -> Any:
    """Return one of the names that are slow to import."""
    if name == "figures":
        return import_module("tunewell.figures")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, needed = _LAZY[name]
    try:
        return getattr(import_module(module), name)
    except ImportError:
        if needed is None:
            raise
        raise MissingExtra(*needed, name) from None
