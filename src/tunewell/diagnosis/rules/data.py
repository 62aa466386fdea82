"""Rules about the data and the loss: what no hyperparameter mends."""

from __future__ import annotations

import math

import numpy as np

from tunewell.diagnosis.record import RunRecord
from tunewell.diagnosis.rules.base import (
    Sign,
    both,
    chance,
    classes,
    course,
    either,
    figure,
    known_or,
    last,
    named,
    percent,
    ramp,
    reached,
)
from tunewell.diagnosis.signals import Signals


def inputs_off_scale(s: Signals) -> Sign:
    """Inputs far from mean 0 and spread 1 (UMLAUT; TheDeepChecker; LeCun et al., 1998)."""
    return Sign(
        either(ramp(s["inputs_offset"], 1.5, 4.0), ramp(abs(s["inputs_spread"]), 0.7, 1.3)),
        f"inputs have mean {figure(s['inputs_mean'])} and spread {figure(10 ** s['inputs_spread'])}; "
        f"0 and 1 is what networks digest",
    )


def features_of_unlike_scale(s: Signals) -> Sign:
    """Features whose spreads differ by orders of magnitude (TheDeepChecker)."""
    return Sign(
        ramp(s["inputs_feature_spreads"], 1.5, 3.0),
        f"one feature spreads {figure(10 ** s['inputs_feature_spreads'])} times as far as another",
    )


def validation_at_chance(s: Signals) -> Sign:
    """Training rows are learnt and validation stays at chance or below (Zhang et al., 2017)."""
    return Sign(
        both(ramp(s["val_accuracy_best"], 0.3, 0.08), ramp(s["gap"], 0.15, 0.4)),
        f"validation accuracy is {reached(s, 'val_accuracy')}, where chance is {chance(s)}, with a "
        f"training accuracy of {reached(s, 'train_accuracy')}",
        "val_accuracy",
        last(s.run, "val_accuracy")[0],
    )


def below_chance(s: Signals) -> Sign:
    """Validation is worse than chance: classes are numbered differently in the two splits."""
    return Sign(
        both(ramp(s["val_accuracy_last"], -0.02, -0.12), ramp(s["gap"], 0.1, 0.3)),
        f"validation accuracy is {reached(s, 'val_accuracy')}, below chance, {chance(s)}",
        "val_accuracy",
        last(s.run, "val_accuracy")[0],
    )


def sure_and_wrong(s: Signals) -> Sign:
    """Validation loss climbs far above that of knowing nothing: answers are sure, and the labels deny them."""
    return Sign(
        both(ramp(s["val_loss_last"], 1.1, 2.0), ramp(s["loss_last"], 0.9, 0.6)),
        f"{named(s.run, 'val_loss')} is {figure(last(s.run, 'val_loss')[1])}, knowing nothing would cost "
        f"{s.units.guess_loss:.3g}; training loss is {figure(last(s.run, 'train_loss')[1])}",
        "val_loss",
        last(s.run, "val_loss")[0],
    )


def learnt_by_heart(s: Signals) -> Sign:
    """Validation peaks early and training goes on slowly: clean rows come first (Arpit et al., 2017)."""
    return Sign(
        both(
            ramp(s["error_last"], 0.08, 0.25),
            ramp(s["val_error_last"], 0.15, 0.35),
            ramp(s["val_loss_rise"], 0.02, 0.2),
        ),
        f"training accuracy is only {reached(s, 'train_accuracy')} and {course(s.run, 'val_loss')}",
        "val_loss",
        last(s.run, "val_loss")[0],
    )


def loss_below_zero(s: Signals) -> Sign:
    """A cross entropy cannot be negative: NLL was given probabilities in place of their logarithms."""
    return Sign(
        s["negative_loss"],
        f"the loss went below zero, to {figure(_least_loss(s.run))}, which no cross entropy can",
        "train_loss",
        last(s.run, "train_loss")[0],
    )


def _least_loss(run: RunRecord) -> float:
    """Of training, validation and single steps."""
    return float(np.nanmin(np.concatenate([run["train_loss"], run["val_loss"], run.step_losses, [0.0]])))


def loss_has_a_floor(s: Signals) -> Sign:
    """Loss cannot fall below what outputs squeezed into [0, 1] allow: ln(e + K - 1) - 1 (UMLAUT; NeuraLint)."""
    floor = math.log(math.e + s.units.n_classes - 1) - 1
    return Sign(
        both(ramp(abs(s["squeezed_by_softmax"]), 0.08, 0.02), ramp(s["loss_for_accuracy"], 0.05, 0.3)),
        f"training loss is {figure(last(s.run, 'train_loss')[1])} with {_right(s)}: "
        f"outputs squeezed into [0, 1] before the loss cannot get below {floor:.3g}",
        "train_loss",
        last(s.run, "train_loss")[0],
    )


def loss_above_its_accuracy(s: Signals) -> Sign:
    """Loss is far above what this accuracy costs a classifier that is as sure as it is right."""
    return Sign(
        both(ramp(s["best_loss_for_accuracy"], 0.15, 0.5), ramp(s["loss_noise_relative"], 0.2, 0.05)),
        f"training loss is {figure(last(s.run, 'train_loss')[1])} with {_right(s)}, "
        f"{figure(10 ** s['loss_for_accuracy'])} times what a classifier pays that is as sure as it is right",
        "train_loss",
        last(s.run, "train_loss")[0],
    )


def classes_unequal(s: Signals) -> Sign:
    """The largest class has ten times the rows of the smallest (SageMaker, ClassImbalance)."""
    return Sign(
        ramp(s["class_ratio"], 0.6, 1.2),
        f"the largest class has {figure(10 ** s['class_ratio'])} times the rows of the smallest, "
        f"{percent(s['class_majority'])} of all",
    )


def rare_classes_missed(s: Signals) -> Sign:
    """Mean recall is far below accuracy."""
    return Sign(
        ramp(s["balanced_shortfall"], 0.04, 0.15),
        f"validation accuracy is {reached(s, 'val_accuracy')} but the mean recall of the classes "
        f"{percent(last(s.run, 'val_balanced_accuracy')[1])}",
        "val_accuracy",
        last(s.run, "val_accuracy")[0],
    )


def begins_above_chance(s: Signals) -> Sign:
    """Accuracy is high from the first epoch and hardly rises: the share of the largest class."""
    return Sign(
        both(ramp(s["val_accuracy_first"], 0.5, 0.75), ramp(abs(s["val_accuracy_gain_second_half"]), 0.05, 0.005)),
        f"{course(s.run, 'val_accuracy')}, with {classes(s)}",
        "val_accuracy",
        float(s.run.epoch[0]),
    )


def validation_leads(s: Signals) -> Sign:
    """Validation is better than training, and neither dropout nor the running mean of an epoch explains it."""
    plain = ramp(known_or(s["dropout"], 0.1), 0.3, 0.05)
    lead = -s["eval_gap"] if s.known("eval_gap") else s["val_lead"]
    return Sign(
        both(ramp(lead, -0.01, 0.04), plain),
        f"validation accuracy is {reached(s, 'val_accuracy')}, training accuracy {reached(s, 'train_accuracy')}",
        "val_accuracy",
        last(s.run, "val_accuracy")[0],
    )


def no_gap_where_one_must_be(s: Signals) -> Sign:
    """Many weights, few rows, rows learnt by heart, and no gap: validation rows are among the training rows."""
    return Sign(
        both(
            ramp(s["parameters_per_row"], 0.0, 1.3),
            ramp(s["rows_per_class"], 150, 40),
            ramp(s["gap"], 0.06, 0.0),
            ramp(s["val_error_last"], 0.1, 0.01),
        ),
        f"{figure(10 ** s['parameters_per_row'])} weights for each of {s['rows']:.0f} rows, yet validation accuracy "
        f"({reached(s, 'val_accuracy')}) is as good as training accuracy",
        "val_accuracy",
        last(s.run, "val_accuracy")[0],
    )


def validation_follows_memory(s: Signals) -> Sign:
    """Validation gains with every row that is learnt by heart (Zhang et al., 2017: new rows would gain nothing)."""
    return Sign(
        both(
            ramp(s["parameters_per_row"], 0.0, 1.3),
            ramp(s["loss_last"], 0.2, 0.03),
            ramp(s["val_follows"], 0.5, 0.9),
            ramp(s["gap_early"], 0.15, 0.0),
            ramp(s["rows_per_class"], 400, 150),
        ),
        f"each point of training accuracy brought {figure(s['val_follows'])} points of validation accuracy to the very "
        f"end, with {figure(10 ** s['parameters_per_row'])} weights for each of {s['rows']:.0f} rows",
        "val_accuracy",
        last(s.run, "val_accuracy")[0],
    )


def splits_differ(s: Signals) -> Sign:
    """Mean or spread of the inputs, or the shares of the classes, differ between the splits (Ng, chapters 40 to 43)."""
    return Sign(
        either(ramp(s["shift_mean"], 0.15, 0.5), ramp(s["shift_spread"], 0.06, 0.2), ramp(s["class_shift"], 0.15, 0.4)),
        f"the mean of the inputs differs between training and validation by {figure(s['shift_mean'])} spreads, "
        f"the spread by a factor of {figure(10 ** s['shift_spread'])}, the shares of the classes by "
        f"{percent(s['class_shift'])}",
    )


def gap_from_the_start(s: Signals) -> Sign:
    """Validation is poor from the first epochs on, while training rows are classified well by the same code."""
    early = either(s["eval_gap_early"], s["gap_early"])
    return Sign(
        both(ramp(early, 0.05, 0.2), ramp(s["gap"], 0.08, 0.25)),
        f"validation accuracy was behind training accuracy by {percent(early)} (above chance) in the first quarter "
        f"already, and is {reached(s, 'val_accuracy')} now",
        "val_accuracy",
        float(s.run.epoch[0]),
    )


def _right(s: Signals) -> str:
    """`81 % right`, of the training rows."""
    return f"{reached(s, 'train_accuracy')} right"
