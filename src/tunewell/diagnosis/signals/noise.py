"""Signals of a run's noise: from epoch to epoch, and from step to step."""

from __future__ import annotations

import math

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals.summaries import TINY, end, finite, highest, log_ratio, mean, ratio, start
from tunewell.diagnosis.signals.units import Units

_SWING = 0.03  # AutoTrainer's zeta: accuracies that differ by less are not called a swing


def noise_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Measure the noise of the curves by epoch, in their later half."""
    later = slice(len(run) // 2, None)
    loss, val = run["train_loss"][later] / units.guess_loss, run["val_loss"][later] / units.guess_loss
    fit, accuracy = run["train_accuracy"], run["val_accuracy"]
    last = end(accuracy)
    chance_noise = math.sqrt(max(last * (1 - last), 1e-3) / run.n_val) if run.n_val > 0 else math.nan
    return {
        "loss_noise": roughness(loss),
        "loss_noise_relative": ratio(roughness(loss), abs(mean(loss)) + TINY),
        "loss_rises_share": _rises(run["train_loss"][later]),
        "loss_rises_share_all": _rises(run["train_loss"]),
        "accuracy_noise": roughness(fit[later]),
        "val_noise": roughness(accuracy[later]),
        "val_noise_to_chance": ratio(roughness(accuracy[later]), chance_noise),
        "val_loss_noise": roughness(val),
        "val_loss_noise_relative": ratio(roughness(val), abs(mean(val)) + TINY),
        "val_to_train_noise": log_ratio(roughness(accuracy[later]) + 1e-3, roughness(fit[later]) + 1e-3),
        "val_swings": _swings(accuracy),
        "accuracy_swings": _swings(fit),
        "val_worst_fall": _worst_fall(accuracy),
        "accuracy_worst_fall": _worst_fall(fit),
        "loss_worst_rise": _worst_fall(-run["train_loss"] / units.guess_loss),
    }


def step_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Measure the loss by step: at the very start, in its first steps, and at the end."""
    losses = run.step_losses / units.guess_loss
    known = finite(losses)
    first = start(losses)
    early = known[1 : max(6, len(known) // 20)]
    late = known[len(known) * 3 // 4 :]
    return {
        "step_first": first,
        "step_first_off": abs(math.log10(first)) if first > 0 else math.nan,
        "step_early_peak": ratio(highest(early), first),
        "step_peak": ratio(highest(known), first),
        "step_peak_late": ratio(highest(late), float(np.median(late))) if late.size else math.nan,
        "step_noise": _step_noise(late),
        "step_noise_relative": ratio(_step_noise(late), float(np.mean(late))) if late.size else math.nan,
        "step_noise_early": _step_noise(known[: max(8, len(known) // 5)]),
        "step_broken_share": float(np.mean(~np.isfinite(losses))) if len(losses) else math.nan,
        "step_last_to_first": ratio(mean(late), first),
        "step_constant": float(np.ptp(known) < 1e-6) if known.size else math.nan,
        "step_gain_first_tenth": ratio(
            first - float(np.mean(known[len(known) // 12 : max(len(known) // 8, len(known) // 12 + 1)])),
            first - float(known.min()) + TINY,
        )
        if len(known) >= 12
        else math.nan,
    }


def roughness(values: Floats) -> float:
    """Return the standard deviation about a straight line through neighbours: what is no trend.

    Of independent errors with deviation s, x[i-1] - 2 x[i] + x[i+1] has deviation sqrt(6) s.
    """
    known = finite(values)
    if len(known) < 3:
        return math.nan
    return float(np.sqrt(np.mean(np.diff(known, 2) ** 2) / 6))


def _step_noise(values: Floats) -> float:
    """Return the deviation about neighbours, by the median, so that one spike counts little."""
    if len(values) < 4:
        return math.nan
    return float(np.median(np.abs(np.diff(values, 2))) / (0.6745 * math.sqrt(6)))


def _rises(values: Floats) -> float:
    known = finite(values)
    return float(np.mean(np.diff(known) > 0)) if len(known) > 1 else math.nan


def _swings(accuracy: Floats) -> float:
    """Return the share of epochs at which accuracy turns by more than `_SWING` (AutoTrainer's oscillation)."""
    known = finite(accuracy)
    if len(known) < 4:
        return math.nan
    turns = [known[0]]
    for before, here, after in zip(known, known[1:], known[2:], strict=False):
        if (here - before) * (after - here) < 0:
            turns.append(here)
    return float(np.sum(np.abs(np.diff(turns)) >= _SWING) / len(known))


def _worst_fall(values: Floats) -> float:
    """Return the largest fall from one epoch to the next, after the first two."""
    known = finite(values)[1:]
    return float(max(0.0, -np.diff(known).min())) if len(known) > 1 else math.nan
