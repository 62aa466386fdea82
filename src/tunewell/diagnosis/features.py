"""What the model is given of a run: every signal and every rule's strength, under fixed names."""

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
"""What says by itself only what kind of problem it is; rules put it to use."""


def features(signals: Signals, signs: Mapping[str, Sign]) -> dict[str, float]:
    """The numbers by name; NaN where the record does not tell."""
    seen = {f"rule: {rule.name}": signs[rule.name].strength for rule in RULES}
    return {name: value for name, value in signals.items() if name not in _CONTEXT} | seen


def strengths(signs: Mapping[str, Sign]) -> Floats:
    """(K,): the strength of the plainest sign of each cause, 0 if none is seen; 0 for `healthy`, which is no cause."""
    plainest = dict.fromkeys(LABELS, 0.0)
    for rule in RULES:
        strength = signs[rule.name].strength
        if rule.label != "healthy" and strength > plainest[rule.label]:
            plainest[rule.label] = strength
    return np.array([plainest[label] for label in LABELS])


def row(named: Mapping[str, float], names: tuple[str, ...]) -> Floats:
    """(len(names),) float64, in the order of the names; NaN for a name that is not there.

    Values are held within a million and kept to single precision, as thresholds are stored.
    """
    values = np.array([named.get(name, math.nan) for name in names])
    held: Floats = np.clip(values, -_LIMIT, _LIMIT).astype(np.float32).astype(np.float64)
    return held
