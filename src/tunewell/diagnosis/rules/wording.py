"""The wording of evidence: numbers, shares and curves of a run, as the sentences of the rules have them."""

from __future__ import annotations

import math

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals import Signals

IN_WORDS = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy",
}


def figure(value: float) -> str:
    """Format a number with three digits."""
    return "an unknown number" if math.isnan(value) else f"{value:.3g}"


def percent(share: float) -> str:
    """Format a share."""
    return "an unknown share" if math.isnan(share) else f"{100 * share:.3g} %"


def best_known(run: RunRecord, name: str, *, highest: bool = False) -> tuple[float, float]:
    """Return the epoch and the value of a curve's best; NaN if it has none."""
    values: Floats = run[name]
    if not np.isfinite(values).any():
        return math.nan, math.nan
    here = int(np.nanargmax(values) if highest else np.nanargmin(values))
    return float(run.epoch[here]), float(values[here])


def last_known(run: RunRecord, name: str) -> tuple[float, float]:
    """Return the epoch and the value of the last that is known of a curve."""
    known = np.flatnonzero(np.isfinite(run[name]))
    return (float(run.epoch[known[-1]]), float(run[name][known[-1]])) if known.size else (math.nan, math.nan)


def first_known(run: RunRecord, name: str) -> tuple[float, float]:
    """Return the epoch and the value of the first that is known of a curve."""
    known = np.flatnonzero(np.isfinite(run[name]))
    return (float(run.epoch[known[0]]), float(run[name][known[0]])) if known.size else (math.nan, math.nan)


def named(run: RunRecord, name: str) -> str:
    """Name a curve in words, with where it comes from if it was not measured."""
    if name not in run.estimated:
        return IN_WORDS[name]
    return f"{IN_WORDS[name]} (as the {'loss' if name.endswith('accuracy') else 'accuracy'} has it)"


def course(run: RunRecord, name: str) -> str:
    """Format `training loss went from 2.3 at epoch 1 to 0.31 at epoch 12`."""
    (begin, before), (end, after) = first_known(run, name), last_known(run, name)
    if math.isnan(before):
        return f"{named(run, name)} was never finite"
    if begin == end:
        return f"{named(run, name)} was {before:.3g} at epoch {begin:g}"
    if before == after:
        return f"{named(run, name)} was {before:.6g} at epoch {begin:g} and at epoch {end:g}"
    digits = 3 if f"{before:.3g}" != f"{after:.3g}" else 6
    return f"{named(run, name)} went from {before:.{digits}g} at epoch {begin:g} to {after:.{digits}g} at epoch {end:g}"


def counted(number: float, what: str) -> str:
    """Format `1 epoch`, `20 epochs`."""
    digits = f"{number:.0f}"
    return f"{digits} {what if digits == '1' else f'{what}s'}"


def classes(s: Signals) -> str:
    """Format `10 classes`."""
    return f"{s.units.n_classes:.0f} classes{'' if s.units.classes_known else ' (by the first loss)'}"


def chance(s: Signals) -> str:
    """Format `10 %`, the accuracy of naming a class at random."""
    return f"{percent(s.units.chance)}{'' if s.units.classes_known else ' (by the first loss)'}"


def baseline(s: Signals) -> str:
    """Format `knowing nothing costs 2.3`, or what else the losses of the run are measured against."""
    costs = {"classes": "knowing nothing costs", "variance": "predicting the mean costs", "first": "the first was"}
    return f"{costs[s.units.baseline]} {s.units.guess_loss:.3g}"


def at_the_end(s: Signals, name: str) -> str:
    """Format `training accuracy is 92.5 %`, or `training loss is 0.31` of a run that has no accuracy."""
    if s.run.by_loss:
        name = name.replace("accuracy", "loss")
        return f"{IN_WORDS[name]} is {figure(last_known(s.run, name)[1])}"
    return f"{IN_WORDS[name]} is {reached(s, name)}"


def reached(s: Signals, name: str) -> str:
    """Format `92.5 %`, the last that is known of an accuracy."""
    share = percent(last_known(s.run, name)[1])
    return f"about {share} (as the loss has it)" if name in s.run.estimated else share


def training_error(s: Signals) -> str:
    """Format `a training error of 7.5 %`, at the end; of a run that has no accuracy, `a training loss of 0.31`."""
    if s.run.by_loss:
        return f"a training loss of {figure(last_known(s.run, 'train_loss')[1])} ({baseline(s)})"
    share = percent(s["error_last"])
    is_estimated = "train_accuracy" in s.run.estimated
    return f"a training error of {f'about {share} (as the loss has it)' if is_estimated else share}"


def rate_in_words(run: RunRecord) -> str:
    """Format ` with learning rate 0.8`, or nothing if it is not known."""
    rate = run.config.get("lr")
    if not isinstance(rate, int | float):
        known = run["lr"][np.isfinite(run["lr"])]
        rate = float(known.max()) if known.size else None
    return "" if rate is None else f" with learning rate {rate:.3g}"
