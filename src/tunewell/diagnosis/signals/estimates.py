"""Estimates of curves that a run did not report, from those that it did report.

Some loops log no accuracy, others no loss. A classifier that is as sure as it is right, and errs evenly, has at an
accuracy of a the loss H(a) = -a ln a - (1 - a) ln((1 - a) / (classes - 1)). Real ones are off by some points, which
matters less than not to know whether training error is a tenth or a half.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals.units import Units

_PAIRS = (("train_loss", "train_accuracy"), ("val_loss", "val_accuracy"))
_LEAST_ERROR = 1e-4


def with_estimates(run: RunRecord, units: Units) -> RunRecord:
    """Return the run with an estimate of each loss and accuracy of which only the other was reported."""
    if run.by_loss:
        return run
    errors = np.linspace(_LEAST_ERROR, 1 - units.chance, 400)
    losses = loss_of(1 - errors, units.n_classes)
    found = {}
    for loss, accuracy in _PAIRS:
        if not _reported(run, accuracy) and _reported(run, loss):
            found[accuracy] = 1 - _through(run[loss], losses, errors)
        elif not _reported(run, loss) and _reported(run, accuracy):
            found[loss] = _through(1 - run[accuracy], errors, losses)
    return replace(run, curves={**run.curves, **found}, estimated=frozenset(found)) if found else run


def loss_of(accuracy: Floats, n_classes: float) -> Floats:
    """Return H(a), above: what a classifier of this accuracy loses that is as sure as it is right."""
    loss: Floats = -accuracy * np.log(accuracy) - (1 - accuracy) * np.log((1 - accuracy) / (n_classes - 1))
    return loss


def _reported(run: RunRecord, name: str) -> bool:
    return bool((np.isfinite(run[name]) | run.broken[name]).any())


def _through(values: Floats, known: Floats, wanted: Floats) -> Floats:
    """Return what stands beside each value in a table, clipped to its ends; NaN stays."""
    found: Floats = np.where(np.isfinite(values), np.interp(values, known, wanted), math.nan)
    return found
