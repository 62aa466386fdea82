"""Rules about size, regularization and batches: bias against variance (Ng, Machine Learning Yearning)."""

from __future__ import annotations

import math

from tunewell.diagnosis.rules.rule import Sign, both, either, known_or, lasting_error, ramp
from tunewell.diagnosis.rules.wording import (
    at_the_end,
    baseline,
    best_known,
    classes,
    counted,
    course,
    figure,
    last_known,
    named,
    percent,
    reached,
    training_error,
)
from tunewell.diagnosis.signals import Signals


def training_error_stays(s: Signals) -> Sign:
    """Detect a high, flat training error and no higher validation error: avoidable bias (Ng, chapters 20 to 27)."""
    return Sign(
        both(
            lasting_error(s, 0.04, 0.2) if s.units.baseline != "first" else math.nan,  # what can be reached is unknown
            ramp(s.gap, 0.15, 0.05),
            ramp(abs(s["loss_gain_late_of_left"]), 0.1, 0.02),
        ),
        f"{at_the_end(s, 'train_accuracy')}{f' ({baseline(s)})' if s.run.by_loss else ''} and has levelled off; "
        f"{at_the_end(s, 'val_accuracy')}, no further away",
        "train_accuracy",
        last_known(s.run, "train_accuracy")[0],
    )


def narrow_network(s: Signals) -> Sign:
    """Detect a layer with fewer units than it takes to tell the classes apart, or no hidden layer."""
    narrow = ramp(s["narrowest_to_classes"], 1.5, 0.5)
    tells = (
        "there is no hidden layer" if s["linear"] == 1 else f"its narrowest layer has {counted(s['narrowest'], 'unit')}"
    )
    return Sign(
        both(either(narrow, ramp(s["linear"], 0, 1), ramp(s["narrowest"], 8, 2)), ramp(s["error_last"], 0.03, 0.15)),
        f"{tells} for {classes(s)}, with {training_error(s)} that stays",
    )


def validation_loss_rises(s: Signals) -> Sign:
    """Detect a validation loss that rises while training loss falls (tuning playbook; UMLAUT)."""
    (best_at, best), (end_at, end) = best_known(s.run, "val_loss"), last_known(s.run, "val_loss")
    return Sign(
        both(ramp(s["val_loss_rise_ratio"], 0.03, 0.2), ramp(s["val_loss_best_at"], 0.9, 0.5), ramp(s.gap, 0.0, 0.08)),
        f"{named(s.run, 'val_loss')} had its least, {figure(best)}, at epoch {best_at:g} and is {figure(end)} at epoch "
        f"{end_at:g}, while training loss is {figure(last_known(s.run, 'train_loss')[1])}",
        "val_loss",
        best_at,
    )


def wide_gap(s: Signals) -> Sign:
    """Detect training accuracy far above validation's (AutoTrainer: 0.1, or 0.07 where training is above 0.9)."""
    return Sign(
        ramp(s.gap, 0.05, 0.2),
        f"{at_the_end(s, 'train_accuracy')}, {at_the_end(s, 'val_accuracy')}",
        "val_accuracy",
        last_known(s.run, "val_accuracy")[0],
    )


def more_weights_than_rows(s: Signals) -> Sign:
    """Detect many more weights than rows, so that rows can be learnt by heart (Zhang et al., 2017)."""
    return Sign(
        both(ramp(s["parameters_per_row"], 0.5, 2.0), ramp(s.gap, 0.03, 0.12)),
        f"{figure(10 ** s['parameters_per_row'])} weights for each of {counted(s['rows'], 'training row')}, and "
        + (
            f"{at_the_end(s, 'train_accuracy')}, {at_the_end(s, 'val_accuracy')}"
            if s.run.by_loss
            else f"a gap of {percent(s['gap'])} between training and validation accuracy (above chance)"
        ),
    )


def strong_dropout(s: Signals) -> Sign:
    """Detect dropout of more units than are kept, and lasting training error (Srivastava et al., 2014: 0.5 at most)."""
    return Sign(
        both(ramp(s["dropout"], 0.4, 0.65), lasting_error(s, 0.03, 0.12)),
        f"dropout {s['dropout']:.2g} with {training_error(s)}",
    )


def better_without_dropout(s: Signals) -> Sign:
    """Detect rows that evaluation mode classifies far better, or validation better than training."""
    lead = known_or(s["eval_lead"], s["val_lead"])
    compared = "training rows in evaluation mode" if not math.isnan(s["eval_lead"]) else "validation rows"
    return Sign(
        both(ramp(lead, 0.03, 0.15), ramp(known_or(s["dropout"], 0.5), 0.2, 0.5)),
        f"{compared} are classified better than training rows in training mode, by {percent(lead)} above chance",
        "train_accuracy",
        last_known(s.run, "train_accuracy")[0],
    )


def strong_decay(s: Signals) -> Sign:
    """Detect a decay that makes weights forget within the run (Loshchilov & Hutter, 2019)."""
    decay = s["weight_decay"]
    optimizer = s.run.config.get("optimizer", "optimizer unknown")
    strong = ramp(math.log10(decay), -2.3, -1.0) if decay > 0 else 0 * decay
    if optimizer == "adamw":
        strong = ramp(math.log10(decay), -0.7, 0.7) if decay > 0 else 0 * decay
    return Sign(
        both(strong, lasting_error(s, 0.02, 0.1)),
        f"weight decay {figure(decay)} ({optimizer}) with {training_error(s)}",
    )


def weights_shrink(s: Signals) -> Sign:
    """Detect a norm of the weights that falls during training, where learning makes it grow."""
    return Sign(
        ramp(s["weights_growth"], -0.05, -0.4),
        f"the norm of the weights fell to {percent(10 ** s['weights_growth'])} of what it was after the first epoch",
    )


def few_updates(s: Signals) -> Sign:
    """Detect four steps an epoch or fewer."""
    return Sign(
        ramp(s["steps_per_epoch"], 8, 3),
        f"batches of {counted(s['batch'], 'row')} make {counted(s['steps_per_epoch'], 'step')} an epoch, "
        f"{s['steps']:.0f} in all",
    )


def batch_above_noise_scale(s: Signals) -> Sign:
    """Detect a batch far above the gradient noise scale, where rows add nothing (McCandlish et al., 2018)."""
    return Sign(
        ramp(s["noise_scale_to_batch"], -0.7, -1.7),
        f"batches of {counted(s['batch'], 'row')}; the gradient noise scale is {figure(10 ** s['noise_scale'])} rows",
    )


def tiny_batch(s: Signals) -> Sign:
    """Detect batches of a few rows, at the learning rate of larger ones."""
    return Sign(
        ramp(s["batch"], 8, 3),
        f"batches of {counted(s['batch'], 'row')}{_noise(s)}",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def batch_below_noise_scale(s: Signals) -> Sign:
    """Detect a batch far below the gradient noise scale, and an unsettled loss (McCandlish et al., 2018)."""
    return Sign(
        both(ramp(s["noise_scale_to_batch"], 0.8, 2.0), ramp(s["loss_noise_relative"], 0.02, 0.1)),
        f"batches of {counted(s['batch'], 'row')}; the gradient noise scale is {figure(10 ** s['noise_scale'])} rows"
        f"{_noise(s)}",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def _noise(s: Signals) -> str:
    noise = s["loss_noise_relative"]
    return "" if math.isnan(noise) else f", and training loss jumps by {percent(noise)} from epoch to epoch"


def nothing_left_to_gain(s: Signals) -> Sign:
    """Detect a loss that has levelled off, with splits that agree and little error, or all of it shared."""
    return Sign(
        both(
            ramp(abs(s.gap), 0.15, 0.03),
            ramp(s["loss_gain_late_of_left"], 0.25, 0.05),
            ramp(s["val_loss_last"], 0.8, 0.2) if s.run.by_loss else ramp(s["val_error_last"], 0.5, 0.05),
        ),
        f"{course(s.run, 'val_loss')}; "
        + (
            f"{at_the_end(s, 'train_accuracy')}, and both have levelled off"
            if s.run.by_loss
            else f"training and validation accuracy are {reached(s, 'train_accuracy')} and "
            f"{reached(s, 'val_accuracy')}, and both have levelled off"
        ),
        "val_loss",
        last_known(s.run, "val_loss")[0],
    )
