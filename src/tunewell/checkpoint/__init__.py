"""Checkpoints: the state of a training as plain data, as a file, and the random states that belong to it."""

from tunewell.checkpoint.contents import kind_of, untracked
from tunewell.checkpoint.file import read, write
from tunewell.checkpoint.loading import load
from tunewell.checkpoint.randomness import random_states, seed_everything, set_random_states
from tunewell.checkpoint.state import capture, refill

__all__ = [
    "capture",
    "kind_of",
    "load",
    "random_states",
    "read",
    "refill",
    "seed_everything",
    "set_random_states",
    "untracked",
    "write",
]
