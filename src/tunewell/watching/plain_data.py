"""The plain data that a record is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from tunewell.training.rows import spreads_of
from tunewell.watching.evaluation import Rows


def plain(value: Any) -> Any:
    """Return the same as JSON has it: None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def data_summary(train: Rows | None, val: Rows | None) -> dict[str, Any]:
    """Summarize the rows that are evaluated: the scale of their inputs, and how many there are of each class."""
    summary: dict[str, Any] = {}
    for name, rows in (("train", train), ("val", val)):
        if rows is not None and rows.inputs.is_floating_point():
            summary[f"{name}_inputs"] = _scale(rows.inputs)
        if rows is not None and rows.class_counts:
            summary[f"class_counts_{name}"] = list(rows.class_counts)
    if train is not None and train.inputs.is_floating_point() and len(train.inputs) > 1:
        spreads = spreads_of(train.inputs.float().numpy(force=True))
        if spreads is not None:
            summary |= {"feature_std_min": float(spreads.min()), "feature_std_max": float(spreads.max())}
    return summary


def _scale(inputs: Any) -> dict[str, float]:
    values = inputs.float()
    return {
        "mean": float(values.mean()),
        "std": float(torch.std(values, correction=0)),
        "min": float(values.min()),
        "max": float(values.max()),
    }
