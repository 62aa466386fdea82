"""The units that signals are in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import MOST_CLASSES, RunRecord
from tunewell.diagnosis.signals.summaries import number

_MEAN_DEVIATION = 0.8  # of a normal distribution, in standard deviations


@dataclass(frozen=True, slots=True)
class Units:
    """Units in which "nothing learnt" is the same on every run's data."""

    n_classes: float
    """As the record has it, else as the loss at the start suggests; NaN for a run that is judged by its loss."""
    guess_loss: float
    """ln(classes), in nats: the loss of a classifier that gives every class the same probability.

    Of a run that is judged by its loss alone, the variance of the targets if that is known, else the first loss.
    """
    chance: float
    """The accuracy of naming a class at random."""
    majority: float
    """The share of the largest class in validation (else training) rows; chance if the counts are not known."""
    classes_known: bool
    """True if the record has the number of classes."""
    baseline: str = "classes"
    """Where `guess_loss` is from: `classes`, `variance` or `first`, the first loss of the run."""

    @classmethod
    def of(cls, run: RunRecord) -> Units:
        """Derive the units from class counts, the number of classes, or the loss of the first step or epoch."""
        if run.by_loss:
            return cls._of_losses(run)
        counts = class_counts(run.data, "class_counts_val")
        if not counts.size:
            counts = class_counts(run.data, "class_counts_train")
        n_classes = run.n_classes
        if math.isnan(n_classes) and counts.size:
            n_classes = float(counts.size)
        is_known = not math.isnan(n_classes)
        if not is_known:
            n_classes = _classes_by_loss(run)
        n_classes = max(n_classes, 2.0)
        majority = float(counts.max() / counts.sum()) if counts.size and counts.sum() > 0 else 1 / n_classes
        return cls(n_classes, math.log(n_classes), 1 / n_classes, majority, is_known)

    @classmethod
    def _of_losses(cls, run: RunRecord) -> Units:
        """Derive the unit of the loss of a run that has no accuracy, and maybe no classes."""
        known, unknown = run.n_classes, math.nan
        if run.task != "regression" and not math.isnan(known):
            return cls(known, math.log(known), unknown, unknown, classes_known=True)
        of_targets = _guess_by_variance(run)
        if of_targets > 0:
            return cls(unknown, of_targets, unknown, unknown, classes_known=False, baseline="variance")
        losses = [losses[np.isfinite(losses)] for losses in (run["train_loss"], run["val_loss"])]
        first = next((abs(float(known[0])) for known in losses if known.size and known[0] != 0), 1.0)
        return cls(unknown, first, unknown, unknown, classes_known=False, baseline="first")

    def accuracy(self, values: Floats) -> Floats:
        """Scale accuracies from 0, chance, to 1; below 0 where they are worse than chance."""
        scaled: Floats = (values - self.chance) / (1 - self.chance)
        return scaled


def _guess_by_variance(run: RunRecord) -> float:
    """Return the loss of predicting the mean, from the variance of the targets; NaN if that is not known."""
    variance = number(run.config, "target_variance")
    for split in ("val", "train"):
        errors, explained = run.scores.get(f"{split}_mse"), run.scores.get(f"{split}_r2")
        if math.isnan(variance) and errors is not None and explained is not None:
            whole = (errors / (1 - explained))[explained < 0.999]  # R² is one minus the error over the variance
            variance = float(np.median(whole[np.isfinite(whole)])) if np.isfinite(whole).any() else math.nan
    loss = str(run.config.get("loss", "mse"))
    if "rmse" in loss or "root" in loss:
        return math.sqrt(variance) if variance > 0 else math.nan
    if any(word in loss for word in ("mae", "l1", "abs")):
        return _MEAN_DEVIATION * math.sqrt(variance) if variance > 0 else math.nan
    return variance


def _classes_by_loss(run: RunRecord) -> float:
    """Estimate the classes as exp(loss at the start); a network that began badly misleads it."""
    for losses in (run.step_losses[:1], run["train_loss"][:1], run["val_loss"][:1]):
        known = losses[np.isfinite(losses)]
        if known.size and 0 < known[0] < math.log(MOST_CLASSES):
            return float(max(2, round(math.exp(known[0]))))
    return 2.0


def class_counts(data: Mapping[str, Any], name: str) -> Floats:
    """Return the counts (K,) of a list or of a mapping from class to count; empty if there are none."""
    counted = data.get(name)
    values = list(counted.values()) if isinstance(counted, Mapping) else counted
    try:
        counts = np.asarray(values if values is not None else [], dtype=float).ravel()
    except (TypeError, ValueError):
        return np.empty(0)
    return counts if np.isfinite(counts).all() and (counts >= 0).all() and counts.sum() > 0 else np.empty(0)
