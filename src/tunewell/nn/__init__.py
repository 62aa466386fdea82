"""Dense networks from scratch, in NumPy, compiled where Numba is installed; they know nothing of tuning.

The operations, each beside its gradient, are in `tunewell.nn.ops`; those that a reader would compare with a
textbook are here too.
"""

from tunewell.nn.network import Network
from tunewell.nn.ops import (
    batch_norm_backward,
    batch_norm_evaluate,
    batch_norm_forward,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
    squared_error,
)
from tunewell.nn.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from tunewell.nn.schedules import Constant, Cosine, Exponential, Schedule, Step, Warmup
from tunewell.nn.training import Trainer, fit

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Exponential",
    "Network",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "Step",
    "Trainer",
    "Warmup",
    "batch_norm_backward",
    "batch_norm_evaluate",
    "batch_norm_forward",
    "fit",
    "sigmoid_cross_entropy",
    "softmax",
    "softmax_cross_entropy",
    "squared_error",
]
