"""The plain data that a record is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.training.rows import scale_of, spreads_of


def plain(value: Any) -> Any:
    """Return the same as JSON has it: None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def data_summary(inputs: Mapping[str, NDArray[Any]], class_counts: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Summarize the rows that are evaluated: the scale of their inputs, and how many there are of each class.

    Args:
        inputs: of `train` and `val`, as far as there are any; whole numbers are no measurements, and have no scale.
        class_counts: of the same, those whose targets are classes.
    """
    floats = {name: values for name, values in inputs.items() if np.issubdtype(values.dtype, np.floating)}
    summary: dict[str, Any] = {
        f"{name}_inputs": scale for name, values in floats.items() if (scale := scale_of(values))
    }
    summary |= {f"class_counts_{name}": list(counts) for name, counts in class_counts.items() if counts}
    spreads = spreads_of(floats["train"]) if "train" in floats else None
    if spreads is not None:
        summary |= {"feature_std_min": float(spreads.min()), "feature_std_max": float(spreads.max())}
    return summary
