"""Rules about the data and the loss: what no hyperparameter mends."""

from __future__ import annotations

import math

import numpy as np

from tunewell.diagnosis.rules.rule import Sign, both, either, known_or, ramp
from tunewell.diagnosis.rules.wording import (
    baseline,
    chance,
    classes,
    counted,
    course,
    figure,
    last_known,
    named,
    percent,
    reached,
)
from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals import Signals
from tunewell.logs.scores import SCORES, task_of_loss


def inputs_off_scale(s: Signals) -> Sign:
    """Detect inputs far from mean 0 and spread 1 (UMLAUT; TheDeepChecker; LeCun et al., 1998)."""
    return Sign(
        either(ramp(s["inputs_offset"], 1.5, 4.0), ramp(abs(s["inputs_spread"]), 0.7, 1.3)),
        f"inputs have mean {figure(s['inputs_mean'])} and spread {figure(10 ** s['inputs_spread'])}; "
        f"0 and 1 is what networks digest",
    )


def features_of_unlike_scale(s: Signals) -> Sign:
    """Detect features whose spreads differ by orders of magnitude (TheDeepChecker)."""
    return Sign(
        ramp(s["inputs_feature_spreads"], 1.5, 3.0),
        f"one feature spreads {figure(10 ** s['inputs_feature_spreads'])} times as far as another",
    )


def validation_at_chance(s: Signals) -> Sign:
    """Detect validation at chance or below while training rows are learnt (Zhang et al., 2017)."""
    return Sign(
        both(ramp(s["val_accuracy_best"], 0.3, 0.08), ramp(s["gap"], 0.15, 0.4)),
        f"validation accuracy is {reached(s, 'val_accuracy')}, where chance is {chance(s)}, with a "
        f"training accuracy of {reached(s, 'train_accuracy')}",
        "val_accuracy",
        last_known(s.run, "val_accuracy")[0],
    )


def below_chance(s: Signals) -> Sign:
    """Detect validation worse than chance: classes are numbered differently in the two splits."""
    return Sign(
        both(ramp(s["val_accuracy_last"], -0.02, -0.12), ramp(s["gap"], 0.1, 0.3)),
        f"validation accuracy is {reached(s, 'val_accuracy')}, below chance, {chance(s)}",
        "val_accuracy",
        last_known(s.run, "val_accuracy")[0],
    )


def sure_and_wrong(s: Signals) -> Sign:
    """Detect a validation loss far above that of knowing nothing: the labels deny confident predictions."""
    return Sign(
        both(ramp(s["val_loss_last"], 1.1, 2.0), ramp(s["loss_last"], 0.9, 0.6)),
        f"{named(s.run, 'val_loss')} is {figure(last_known(s.run, 'val_loss')[1])}, and {baseline(s)}; training "
        f"loss is {figure(last_known(s.run, 'train_loss')[1])}",
        "val_loss",
        last_known(s.run, "val_loss")[0],
    )


def learnt_by_heart(s: Signals) -> Sign:
    """Detect validation that peaks early while training goes on slowly: clean rows first (Arpit et al., 2017)."""
    return Sign(
        both(
            ramp(s["error_last"], 0.08, 0.25),
            ramp(s["val_error_last"], 0.15, 0.35),
            ramp(s["val_loss_rise"], 0.02, 0.2),
        ),
        f"training accuracy is only {reached(s, 'train_accuracy')} and {course(s.run, 'val_loss')}",
        "val_loss",
        last_known(s.run, "val_loss")[0],
    )


def loss_below_zero(s: Signals) -> Sign:
    """Detect a negative loss, which no cross entropy is: NLL was given probabilities, not their logarithms."""
    return Sign(
        math.nan if s.run.by_loss and not _is_error(s.run) else s["negative_loss"],
        f"the loss went below zero, to {figure(_least_loss(s.run))}, which no "
        f"{'error in numbers' if s.run.by_loss else 'cross entropy'} can",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def _is_error(run: RunRecord) -> bool:
    """Return True if the loss is known to be an error in numbers, such as a square."""
    return task_of_loss(str(run.config.get("loss", ""))) == "regression" or any(
        SCORES[name.partition("_")[2]].is_loss for name in run.scores
    )


def _least_loss(run: RunRecord) -> float:
    """Return the least loss of training, validation and single steps."""
    return float(np.nanmin(np.concatenate([run["train_loss"], run["val_loss"], run.step_losses, [0.0]])))


def loss_has_a_floor(s: Signals) -> Sign:
    """Detect a loss at the floor of outputs squeezed into [0, 1], ln(e + K - 1) - 1 (UMLAUT; NeuraLint)."""
    floor = math.log(math.e + s.units.n_classes - 1) - 1
    return Sign(
        both(ramp(abs(s["squeezed_by_softmax"]), 0.08, 0.02), ramp(s["loss_for_accuracy"], 0.05, 0.3)),
        f"training loss is {figure(last_known(s.run, 'train_loss')[1])} with {_right(s)}: "
        f"outputs squeezed into [0, 1] before the loss cannot get below {floor:.3g}",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def loss_above_its_accuracy(s: Signals) -> Sign:
    """Detect a loss far above what this accuracy costs a classifier that is as sure as it is right."""
    return Sign(
        both(ramp(s["best_loss_for_accuracy"], 0.15, 0.5), ramp(s["loss_noise_relative"], 0.2, 0.05)),
        f"training loss is {figure(last_known(s.run, 'train_loss')[1])} with {_right(s)}, "
        f"{figure(10 ** s['loss_for_accuracy'])} times what a classifier pays that is as sure as it is right",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )


def classes_unequal(s: Signals) -> Sign:
    """Detect a largest class with ten times the rows of the smallest (SageMaker, ClassImbalance)."""
    return Sign(
        math.nan if s.run.task == "regression" else ramp(s["class_ratio"], 0.6, 1.2),
        f"the largest class has {figure(10 ** s['class_ratio'])} times the rows of the smallest, "
        f"{percent(s['class_majority'])} of all",
    )


def rare_classes_missed(s: Signals) -> Sign:
    """Detect a mean recall far below accuracy."""
    return Sign(
        ramp(s["balanced_shortfall"], 0.04, 0.15),
        f"validation accuracy is {reached(s, 'val_accuracy')} but the mean recall of the classes "
        f"{percent(last_known(s.run, 'val_balanced_accuracy')[1])}",
        "val_accuracy",
        last_known(s.run, "val_accuracy")[0],
    )


def begins_above_chance(s: Signals) -> Sign:
    """Detect an accuracy that is high from the start and hardly rises: the share of the largest class."""
    return Sign(
        both(ramp(s["val_accuracy_first"], 0.5, 0.75), ramp(abs(s["val_accuracy_gain_second_half"]), 0.05, 0.005)),
        f"{course(s.run, 'val_accuracy')}, with {classes(s)}",
        "val_accuracy",
        float(s.run.epoch[0]),
    )


def validation_leads(s: Signals) -> Sign:
    """Detect validation better than training, which neither dropout nor an epoch's running mean explains."""
    plain = ramp(known_or(s["dropout"], 0.1), 0.3, 0.05)
    lead = -s["eval_gap"] if s.known("eval_gap") else s["val_lead"]
    return Sign(
        both(ramp(lead, -0.01, 0.04), plain),
        f"validation accuracy is {reached(s, 'val_accuracy')}, training accuracy {reached(s, 'train_accuracy')}",
        "val_accuracy",
        last_known(s.run, "val_accuracy")[0],
    )


def no_gap_where_one_must_be(s: Signals) -> Sign:
    """Detect a missing gap with many weights, few rows and rows learnt by heart: a leak of training rows."""
    return Sign(
        both(
            ramp(s["parameters_per_row"], 0.0, 1.3),
            ramp(s["rows_per_class"], 150, 40),
            ramp(s["gap"], 0.06, 0.0),
            ramp(s["val_error_last"], 0.1, 0.01),
        ),
        f"{figure(10 ** s['parameters_per_row'])} weights for each of {counted(s['rows'], 'row')}, yet "
        f"validation accuracy ({reached(s, 'val_accuracy')}) is as good as training accuracy",
        "val_accuracy",
        last_known(s.run, "val_accuracy")[0],
    )


def validation_follows_memory(s: Signals) -> Sign:
    """Detect validation that gains with every row learnt by heart (Zhang et al., 2017: new rows gain nothing)."""
    return Sign(
        both(
            ramp(s["parameters_per_row"], 0.0, 1.3),
            ramp(s["loss_last"], 0.2, 0.03),
            ramp(s["val_follows"], 0.5, 0.9),
            ramp(s["gap_early"], 0.15, 0.0),
            ramp(s["rows_per_class"], 400, 150),
        ),
        f"each point of training accuracy brought {figure(s['val_follows'])} points of validation accuracy to the very "
        f"end, with {figure(10 ** s['parameters_per_row'])} weights for each of {counted(s['rows'], 'row')}",
        "val_accuracy",
        last_known(s.run, "val_accuracy")[0],
    )


def splits_differ(s: Signals) -> Sign:
    """Detect inputs or shares of the classes that differ between the splits (Ng, chapters 40 to 43)."""
    return Sign(
        either(ramp(s["shift_mean"], 0.15, 0.5), ramp(s["shift_spread"], 0.06, 0.2), ramp(s["class_shift"], 0.15, 0.4)),
        f"the mean of the inputs differs between training and validation by {figure(s['shift_mean'])} spreads, "
        f"the spread by a factor of {figure(10 ** s['shift_spread'])}"
        + ("" if math.isnan(s["class_shift"]) else f", the shares of the classes by {percent(s['class_shift'])}"),
    )


def gap_from_the_start(s: Signals) -> Sign:
    """Detect poor validation from the first epochs on, while the same code classifies training rows well."""
    early = either(s["eval_gap_early"], s["gap_early"])
    return Sign(
        both(ramp(early, 0.05, 0.2), ramp(s["gap"], 0.08, 0.25)),
        f"validation accuracy was behind training accuracy by {percent(early)} (above chance) in the first quarter "
        f"already, and is {reached(s, 'val_accuracy')} now",
        "val_accuracy",
        float(s.run.epoch[0]),
    )


def _right(s: Signals) -> str:
    """Return `81 % right`, of the training rows."""
    return f"{reached(s, 'train_accuracy')} right"
