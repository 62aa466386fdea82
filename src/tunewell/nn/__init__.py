"""Dense networks from scratch, in NumPy, compiled where Numba is installed; they know nothing of tuning."""

from tunewell.nn.network import Network
from tunewell.nn.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from tunewell.nn.schedules import Constant, Cosine, Exponential, Schedule, Step, Warmup
from tunewell.nn.training import Trainer, fit

__all__ = [
    "SGD", "Adam", "AdamW", "Constant", "Cosine", "Exponential", "Network", "Optimizer", "RMSprop", "Schedule", "Step",
    "Trainer", "Warmup", "fit",
]  # fmt: skip
