"""The features of a run that the model votes on: every signal and every rule's strength, under fixed names."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.rules import RULES, Sign
from tunewell.diagnosis.signals import Signals

_LIMIT = 1e6
_CONTEXT = frozenset(
    ("rows", "epochs", "steps", "rate", "classes", "features_per_row", "layers", "clipped", "momentum", "adam")
)
"""Signals that by themselves only say what kind of problem it is; rules put them to use."""


def features(signals: Signals, signs: Mapping[str, Sign]) -> dict[str, float]:
    """Return the features by name; NaN where the record does not say."""
    seen = {f"rule: {rule.name}": signs[rule.name].strength for rule in RULES}
    return {name: value for name, value in signals.items() if name not in _CONTEXT} | seen


def strengths(signs: Mapping[str, Sign]) -> Floats:
    """Return the strength of the plainest sign of each cause, (K,): 0 if none is seen, and 0 for `healthy`."""
    plainest = dict.fromkeys(LABELS, 0.0)
    for rule in RULES:
        strength = signs[rule.name].strength
        if rule.label != "healthy" and strength > plainest[rule.label]:
            plainest[rule.label] = strength
    return np.array([plainest[label] for label in LABELS])


def feature_row(named: Mapping[str, float], names: tuple[str, ...]) -> Floats:
    """Return the values in the order of the names, (len(names),) float64; NaN for a name that is not there.

    Values are clipped to a million and kept to single precision, as thresholds are stored.
    """
    values = np.array([named.get(name, math.nan) for name in names])
    clipped: Floats = np.clip(values, -_LIMIT, _LIMIT).astype(np.float32).astype(np.float64)
    return clipped
