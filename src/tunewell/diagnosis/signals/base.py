"""The units that signals are in, and means and ends of curves that have gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.record import RunRecord

_MAX_CLASSES = 1000  # the largest number of classes that a loss at the start is taken to speak of
_MOST = 1e30
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Units:
    """What "nothing learnt" looks like on this run's data."""

    n_classes: float
    """As told, else as the loss at the start suggests."""
    guess_loss: float
    """ln(classes), in nats: the loss of a classifier that gives every class the same probability."""
    chance: float
    """The accuracy of naming a class at random."""
    majority: float
    """The share of the largest class in validation (else training) rows; chance if the counts are not known."""
    told: bool
    """Whether the record says how many classes there are."""

    @classmethod
    def of(cls, run: RunRecord) -> Units:
        """From the record's class counts, its number of classes, or the loss of the first step or epoch."""
        counts = class_counts(run.data, "class_counts_val")
        if not counts.size:
            counts = class_counts(run.data, "class_counts_train")
        n_classes = run.n_classes
        if math.isnan(n_classes) and counts.size:
            n_classes = float(counts.size)
        told = not math.isnan(n_classes)
        if not told:
            n_classes = _classes_by_loss(run)
        n_classes = max(n_classes, 2.0)
        majority = float(counts.max() / counts.sum()) if counts.size and counts.sum() > 0 else 1 / n_classes
        return cls(n_classes, math.log(n_classes), 1 / n_classes, majority, told)

    def accuracy(self, values: Floats) -> Floats:
        """Accuracies from 0, chance, to 1; below 0 where they are worse than chance."""
        scaled: Floats = (values - self.chance) / (1 - self.chance)
        return scaled


def _classes_by_loss(run: RunRecord) -> float:
    """exp(loss at the start): what a sound classifier begins with; a network that began badly misleads it."""
    for losses in (run.step_losses[:1], run["train_loss"][:1], run["val_loss"][:1]):
        known = losses[np.isfinite(losses)]
        if known.size and 0 < known[0] < math.log(_MAX_CLASSES):
            return float(max(2, round(math.exp(known[0]))))
    return 2.0


def class_counts(data: Mapping[str, Any], name: str) -> Floats:
    """(K,); a list, or a mapping from class to count; empty if there is none."""
    told = data.get(name)
    values = list(told.values()) if isinstance(told, Mapping) else told
    try:
        counts = np.asarray(values if values is not None else [], dtype=float).ravel()
    except (TypeError, ValueError):
        return np.empty(0)
    return counts if np.isfinite(counts).all() and (counts >= 0).all() and counts.sum() > 0 else np.empty(0)


def finite(values: Floats) -> Floats:
    """Those that are known."""
    known: Floats = values[np.isfinite(values)]
    return known


def mean(values: Floats) -> float:
    """Of those that are known; NaN if none is."""
    known = finite(values)
    return float(known.mean()) if known.size else math.nan


def lowest(values: Floats) -> float:
    """The least that is known."""
    return float(np.min(finite(values), initial=math.inf)) if finite(values).size else math.nan


def highest(values: Floats) -> float:
    """The greatest that is known."""
    return float(np.max(finite(values), initial=-math.inf)) if finite(values).size else math.nan


def median(values: Floats) -> float:
    """Of those that are known."""
    known = finite(values)
    return float(np.median(known)) if known.size else math.nan


def start(values: Floats) -> float:
    """The first that is known."""
    known = finite(values)
    return float(known[0]) if known.size else math.nan


def end(values: Floats) -> float:
    """The mean of the last tenth of what is known."""
    known = finite(values)
    return float(known[-max(1, round(len(known) / 10)) :].mean()) if known.size else math.nan


def at_share(values: Floats, share: float) -> float:
    """The value when this share of the epochs had passed."""
    known = finite(values)
    return float(known[min(len(known) - 1, int(share * len(known)))]) if known.size else math.nan


def place(values: Floats, *, of_lowest: bool) -> float:
    """When the best was: 0 at the first epoch, 1 at the last."""
    known = finite(values)
    if len(known) < 2:
        return math.nan
    best = known.argmin() if of_lowest else known.argmax()
    return float(best) / (len(known) - 1)


def log_ratio(above: float, below: float) -> float:
    """log10(above / below), within 12 decades; NaN where either is negative or not known."""
    if not (above >= 0 and below >= 0) or (above == 0 and below == 0):
        return math.nan
    return math.log10(max(above, TINY) / max(below, TINY))


def ratio(above: float, below: float) -> float:
    """Above / below; NaN where that says nothing."""
    return above / below if below and math.isfinite(below) else math.nan


def ratios(above: Floats, below: Floats) -> Floats:
    """Element by element; NaN where that says nothing."""
    answer: Floats = np.divide(above, below, out=np.full(len(above), np.nan), where=np.isfinite(below) & (below != 0))
    return answer


def gap_halfway(fit: Floats, accuracy: Floats) -> float:
    """Training minus validation accuracy at the epoch when training had half of the best it ever had."""
    known = np.isfinite(fit) & np.isfinite(accuracy)
    if not known.any():
        return math.nan
    fit, accuracy = fit[known], accuracy[known]
    here = int(np.argmax(fit >= fit.max() / 2))
    return float(fit[here] - accuracy[here])


def number(config: Mapping[str, Any], name: str) -> float:
    """A number of the configuration; a boolean counts as 0 or 1; NaN if it is absent or something else."""
    value = config.get(name)
    if isinstance(value, int | float) and math.isfinite(value):
        return max(-_MOST, min(_MOST, float(value)))
    return math.nan
