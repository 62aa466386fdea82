"""Finds the hyperparameters that hold a neural network back, and gets it where it should be in the fewest epochs."""

from tunewell.budget import Budget
from tunewell.client import params, report
from tunewell.errors import TunewellError
from tunewell.reading import Best
from tunewell.run import Run
from tunewell.samplers import FirstSampler, GridSampler, RandomSampler, SobolSampler
from tunewell.schedulers import AshaScheduler, FullScheduler, HalvingScheduler, HyperbandScheduler
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
from tunewell.trial import Step, Trial, TrialState
from tunewell.tuning import tune

__all__ = [
    "AshaScheduler",
    "Best",
    "Budget",
    "Choice",
    "FirstSampler",
    "Float",
    "FullScheduler",
    "GridSampler",
    "HalvingScheduler",
    "HyperbandScheduler",
    "Int",
    "MemoryStore",
    "Params",
    "RandomSampler",
    "Run",
    "SobolSampler",
    "Space",
    "Step",
    "Study",
    "Trial",
    "TrialState",
    "TunewellError",
    "batch_size",
    "beta1",
    "beta2",
    "dropout",
    "hidden_units",
    "layers",
    "learning_rate",
    "lr_decay",
    "momentum",
    "open_store",
    "params",
    "report",
    "tune",
    "weight_decay",
]
__version__ = "0.1.0"
