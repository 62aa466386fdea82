"""The random states that a process has once: Python's, NumPy's old one, and PyTorch's if it is imported.

A training function may draw from any of them, so a trial that is paused, or goes on from a checkpoint, needs its own.
"""

# NumPy's global generator is what this module is about
# ruff: noqa: NPY002

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewell.checkpoint import pytorch


def random_states() -> dict[str, Any]:
    """Return a snapshot of the states, which `checkpoint.write` can write."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": pytorch.random_states(),
    }


def set_random_states(states: Mapping[str, Any]) -> None:
    """Restore a snapshot."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    pytorch.set_random_states(states["torch"])


def seed_everything(seed: int) -> None:
    """Seed all of them. What is imported only afterwards has its own seed.

    seed: from 0 to 2**32 - 1.
    """
    random.seed(seed)
    np.random.seed(seed)
    pytorch.seed(seed)
