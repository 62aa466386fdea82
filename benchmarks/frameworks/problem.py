"""What all frameworks train on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tunewell.demo import digits

Predict = Callable[[np.ndarray], np.ndarray]
"""Returns ten numbers an image (N, 64), the highest of which is the digit's."""
EpochEnds = Callable[[], object]


@dataclass(frozen=True)
class Task:
    """Images (N, 64) and digits (N,) to train on."""

    x: np.ndarray
    y: np.ndarray
    rate: float
    epochs: int
    is_image: bool


def task(name: str) -> Task:
    """Return a task by name."""
    x, y = digits.part("train", 0)
    x, y = np.ascontiguousarray(x, np.float32), np.asarray(y, np.int64)
    return Task(x, y, 0.1, 30, is_image=False) if name == "digits" else Task(x, y, 0.05, 10, is_image=True)
