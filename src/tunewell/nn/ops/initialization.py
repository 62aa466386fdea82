"""First weights, (n_in, n_out): large enough for signals to get through, small enough not to saturate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def he(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """Draw normal weights of variance 2 / n_in, for ReLU (He et al., 2015)."""
    return rng.normal(0.0, math.sqrt(2 / n_in), size=(n_in, n_out))


def xavier(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """Draw normal weights of variance 2 / (n_in + n_out), for tanh and sigmoid (Glorot & Bengio, 2010)."""
    return rng.normal(0.0, math.sqrt(2 / (n_in + n_out)), size=(n_in, n_out))


def zeros(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:  # noqa: ARG001  all are called alike
    """Return zeros, which keep the units of a hidden layer the same: for the last layer, or to show just that."""
    return np.zeros((n_in, n_out))
