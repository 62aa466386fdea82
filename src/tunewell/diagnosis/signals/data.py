"""Signals of the data's summary: scale, balance, and whether the two splits are alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals.summaries import TINY, log_ratio, number
from tunewell.diagnosis.signals.units import Units, class_counts


def data_signals(run: RunRecord, units: Units) -> dict[str, float]:  # noqa: ARG001  all groups are called alike
    """Measure inputs and labels."""
    train, val = _summary(run.data, "train_inputs"), _summary(run.data, "val_inputs")
    mean, std = number(train, "mean"), number(train, "std")
    spreads = number(run.data, "feature_std_min"), number(run.data, "feature_std_max")
    reach = max(abs(number(train, "min")), abs(number(train, "max")))
    counts, counts_val = class_counts(run.data, "class_counts_train"), class_counts(run.data, "class_counts_val")
    return {
        "inputs_offset": abs(mean) / max(std, TINY),
        "inputs_mean": abs(mean),
        "inputs_spread": log_ratio(std, 1.0),
        "inputs_reach": log_ratio(reach, 1.0),
        "inputs_feature_spreads": log_ratio(spreads[1], spreads[0]),
        "inputs_feature_most": log_ratio(spreads[1], 1.0),
        "inputs_feature_least": log_ratio(spreads[0], 1.0),
        "shift_mean": abs(number(val, "mean") - mean) / max(std, TINY),
        "shift_spread": abs(log_ratio(number(val, "std"), std)),
        "shift_reach": abs(log_ratio(_reach(val), _reach(train))),
        "class_ratio": log_ratio(float(counts.max()), float(counts.min())) if counts.size else math.nan,
        "class_majority": float(counts.max() / counts.sum()) if counts.size else math.nan,
        "class_rarest_share": float(counts.min() / counts.sum() * counts.size) if counts.size else math.nan,
        "class_shift": _distance(counts, counts_val),
    }


def _summary(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    summary = data.get(name)
    return summary if isinstance(summary, Mapping) else {}


def _reach(summary: Mapping[str, Any]) -> float:
    return number(summary, "max") - number(summary, "min")


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the total variation between two splits' shares of the classes: 0 if alike, 1 if none is shared."""
    if not one.size or one.size != other.size:
        return math.nan
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)
