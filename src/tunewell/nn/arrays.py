"""The types of the engine's arrays and numbers."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
"""float32 or float64."""
Scalar: TypeAlias = float | np.floating[Any]
"""A number of any precision; where it matters, that of the arrays beside it."""
