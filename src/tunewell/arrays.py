"""The array types that all rooms share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Real numbers; shapes are in the docstrings."""

Integers = NDArray[np.int64]
"""Whole numbers, such as rows and epochs."""
