"""Signals of the curves of loss and accuracy: where they begin and end, how far apart they are, how they move."""

from __future__ import annotations

import math

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals.estimates import loss_of
from tunewell.diagnosis.signals.summaries import (
    TINY,
    at_share,
    end,
    finite,
    gap_halfway,
    highest,
    log_ratio,
    lowest,
    mean,
    place,
    ratio,
    start,
)
from tunewell.diagnosis.signals.units import Units


def curve_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Measure where the training curves begin and end."""
    loss, accuracy = run["train_loss"] / units.guess_loss, units.accuracy(run["train_accuracy"])
    last = end(loss)
    broken = run.broken["train_loss"] | run.broken["val_loss"]
    return {
        "epochs": float(len(run)),
        "classes": units.n_classes,
        "broken_share": float(broken.mean()),
        "ends_broken": float(broken[-1]),
        "loss_first": start(loss),
        "loss_last": last,
        "loss_best": lowest(loss),
        "loss_best_at": place(loss, of_lowest=True),
        "loss_rise": last - lowest(loss),
        "loss_peak": highest(loss),
        "accuracy_first": start(accuracy),
        "accuracy_last": end(accuracy),
        "accuracy_best": highest(accuracy),
        "accuracy_fall": highest(accuracy) - end(accuracy),
        "error_last": 1 - end(run["train_accuracy"]),
        "negative_loss": _negative(run),
    }


def agreement_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Measure how well loss and accuracy fit each other."""
    return {
        "loss_for_accuracy": _excess(end(run["train_loss"]), end(run["train_accuracy"]), units),
        "best_loss_for_accuracy": _excess(lowest(run["train_loss"]), highest(run["train_accuracy"]), units),
        "squeezed_by_softmax": _off_floor(run, units, low=0.0),
        "squeezed_by_tanh": _off_floor(run, units, low=-1.0),
        "loss_minus_probability": abs(end(run["train_loss"]) + end(run["train_accuracy"])),
        "val_loss_for_accuracy": _excess(end(run["val_loss"]), end(run["val_accuracy"]), units),
    }


def validation_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Compare validation with training, from the first epoch to the last."""
    train, val = run["train_loss"] / units.guess_loss, run["val_loss"] / units.guess_loss
    fit, accuracy = units.accuracy(run["train_accuracy"]), units.accuracy(run["val_accuracy"])
    later = slice(len(run) // 2, None)
    lead = accuracy - fit
    n_val = run.n_val
    last = end(run["val_accuracy"])
    spread = math.sqrt(max(last * (1 - last), 0.01) / n_val) if n_val > 0 and not math.isnan(last) else math.nan
    return {
        "val_loss_first": start(val),
        "val_loss_last": end(val),
        "val_loss_best": lowest(val),
        "val_loss_best_at": place(val, of_lowest=True),
        "val_loss_rise": end(val) - lowest(val),
        "val_loss_rise_ratio": log_ratio(end(val), lowest(val)),
        "val_loss_peak": highest(val),
        "val_accuracy_first": start(accuracy),
        "val_accuracy_last": end(accuracy),
        "val_accuracy_best": highest(accuracy),
        "val_accuracy_best_at": place(accuracy, of_lowest=False),
        "val_accuracy_fall": highest(accuracy) - end(accuracy),
        "val_error_last": 1 - last,
        "val_against_majority": last - units.majority,
        "gap": -end(lead),
        "gap_first": -start(lead),
        "gap_early": -mean(lead[: max(2, len(run) // 4)]),
        "gap_growth": -end(lead) + start(lead),
        "gap_halfway": gap_halfway(fit, accuracy),
        "val_follows": _follows(fit, accuracy),
        "gap_in_spreads": ratio(-end(run["val_accuracy"] - run["train_accuracy"]), spread),
        "loss_gap": end(val - train),
        "loss_gap_first": start(val - train),
        "loss_gap_early": mean((val - train)[: max(2, len(run) // 4)]),
        "loss_ratio": log_ratio(end(val), end(train)),
        "val_lead": mean(lead[later]),
        "val_leads_share": mean(np.where(np.isfinite(lead), (lead > 0.01).astype(float), np.nan)[later]),
        "val_loss_below_share": mean(np.where(np.isfinite(val - train), (val < train).astype(float), np.nan)[later]),
    }


def progress_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Measure how fast the curves still move, in shares of what they have gained and of what is left."""
    loss, val = run["train_loss"] / units.guess_loss, run["val_loss"] / units.guess_loss
    fit, accuracy = units.accuracy(run["train_accuracy"]), units.accuracy(run["val_accuracy"])
    gained = max(start(loss), 1.0) - lowest(loss)
    return {
        "loss_gain": gained,
        "loss_gain_late": _late_gain(loss),
        "loss_gain_late_share": ratio(_late_gain(loss), gained),
        "loss_gain_late_of_left": ratio(_late_gain(loss), max(end(loss), TINY)),
        "loss_half_ratio": ratio(at_share(loss, 0.5) - end(loss), max(start(loss) - end(loss), TINY)),
        "loss_first_quarter_share": ratio(start(loss) - at_share(loss, 0.25), max(start(loss) - lowest(loss), TINY)),
        "val_loss_gain_late": _late_gain(val),
        "val_loss_gain_late_of_left": ratio(_late_gain(val), max(end(val), TINY)),
        "accuracy_gain_late": -_late_gain(fit),
        "accuracy_gain_late_of_left": ratio(-_late_gain(fit), max(1 - end(fit), 0.01)),
        "val_accuracy_gain_late": -_late_gain(accuracy),
        "val_accuracy_gain_late_of_left": ratio(-_late_gain(accuracy), max(1 - end(accuracy), 0.01)),
        "val_accuracy_gain_second_half": end(accuracy) - at_share(accuracy, 0.5),
        "flat_share": _flat_share(loss),
        "curvature": _curvature(loss),
    }


def _negative(run: RunRecord) -> float:
    """Return 1 if a loss was ever below zero, by more than rounding."""
    known = finite(np.concatenate([run["train_loss"], run["val_loss"], run.step_losses]))
    return float(known.min() < -1e-3) if known.size else math.nan


def _excess(loss: float, accuracy: float, units: Units) -> float:
    """Return log10 of the loss over that of a classifier of this accuracy that is as sure as it is right.

    Squeezed outputs lose more; overconfident ones do too.
    """
    if math.isnan(loss) or math.isnan(accuracy) or loss <= 0:
        return math.nan
    right = loss_of(np.array(min(max(accuracy, 0.002), 0.998)), units.n_classes)
    return log_ratio(loss, float(right))


def _off_floor(run: RunRecord, units: Units, *, low: float) -> float:
    """Return how far the loss is from that of outputs in [low, 1] at this accuracy, in units of ln(classes).

    If the outputs are squeezed, one is 1 and all others are `low`: a row that is right costs
    ln(e + (K - 1) e^low) - 1, and one that is wrong 1 - low more.
    """
    loss, accuracy = end(run["train_loss"]), end(run["train_accuracy"])
    floor = math.log(math.e + (units.n_classes - 1) * math.exp(low)) - 1
    return (loss - floor - (1 - accuracy) * (1 - low)) / units.guess_loss


def _follows(fit: Floats, accuracy: Floats) -> float:
    """Return what validation gained for each point of training accuracy, from half of the fit on to all of it.

    About 0 where rows are learnt by heart; near 1 where what is learnt holds for validation rows, or is about them.
    """
    known = np.isfinite(fit) & np.isfinite(accuracy)
    if known.sum() < 3:
        return math.nan
    fit, accuracy = fit[known], accuracy[known]
    here = int(np.argmax(fit >= fit.min() + (fit.max() - fit.min()) / 2))
    gained = end(fit) - fit[here]
    return float((end(accuracy) - accuracy[here]) / gained) if gained > 0.03 else math.nan


def _late_gain(curve: Floats) -> float:
    """Return by how much the last quarter is below the one before."""
    known = finite(curve)
    n = len(known) // 4
    if n == 0:
        return float(known[-2] - known[-1]) if len(known) > 1 else math.nan
    return float(known[-2 * n : -n].mean() - known[-n:].mean())


def _flat_share(curve: Floats) -> float:
    """Return the share of epochs at the end in which the loss came within 2 % of all that it ever gained."""
    known = finite(curve)
    if len(known) < 3:
        return math.nan
    best, first = known.min(), known[0]
    near = known <= best + 0.02 * max(first - best, TINY)
    return float(1 - int(near.argmax()) / len(known))


def _curvature(curve: Floats) -> float:
    """Return the second half's gain over the first's: 1 for a straight line, 0 for a curve that has levelled off."""
    known = finite(curve)
    if len(known) < 4:
        return math.nan
    middle = float(known[len(known) // 2])
    first, second = float(known[0]) - middle, middle - float(known[-1])
    return max(-3.0, min(3.0, second / first)) if first > 1e-4 else math.nan
