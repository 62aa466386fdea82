"""Facts in how curves go: what turns, lags, starts far off, or never gets below its start, though it moves.

Most of them are of a loss without a unit, of which the forests know little: it is held against itself.
"""

from __future__ import annotations

import math

import numpy as np

from tunewell.diagnosis.rules.fact import NO_FACT, Fact
from tunewell.diagnosis.rules.rule import Sign, both, known_or, ramp
from tunewell.diagnosis.rules.wording import best_known, figure, last_known, percent
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.summaries import finite

_FEWEST = 4  # epochs
_TURNED = (0.15, 0.5)  # of all that validation had gained
_GOES_ON = (0.05, 0.15)  # of all that training gained, since then
_MOST_RISES = (0.5, 0.75)  # of the epochs since then


def validation_turns(s: Signals) -> Fact:
    """Detect a validation loss that turns and rises while training loss falls on (Prechelt, 1998), without accuracies.

    The forests know this of classes. A loss without a unit is held against itself: what it lost again of its gain.
    """
    train, val = s.run["train_loss"], s.run["val_loss"]
    known = np.isfinite(train) & np.isfinite(val)
    if not s.run.by_loss or known.sum() < _FEWEST or s["broken_share"] > 0:
        return NO_FACT
    train, val, epoch = train[known], val[known], s.run.epoch[known]
    least = int(np.argmin(val))
    since, gained = val[least:], float(val[0] - val[least])
    if least == 0 or since.size < 3 or not gained > 0 or not train[0] > train[-1]:
        return NO_FACT
    strength = both(
        ramp(float(val[-1] - val[least]) / gained, *_TURNED),
        ramp(float(train[least] - train[-1]) / float(train[0] - train.min()), *_GOES_ON),
        ramp(float(np.mean(np.diff(since) > 0)), *_MOST_RISES),
    )
    if not strength > 0:
        return NO_FACT
    sign = Sign(
        0.9 * strength,
        f"validation loss had its least, {figure(float(val[least]))}, at epoch {epoch[least]:g} and is "
        f"{figure(float(val[-1]))} at epoch {epoch[-1]:g}, while training loss fell on from "
        f"{figure(float(train[least]))} to {figure(float(train[-1]))}",
        "val_loss",
        float(epoch[least]),
    )
    return Fact(sign, {"overfitting": 10.0, "distribution_shift": 1.0}, refutes=strength)


_NO_GAIN = (0.04, 0.01)  # of the first validation loss
_TRAINS = (0.1, 0.25)  # of the first training loss


def validation_never_gains(s: Signals) -> Fact:
    """Detect a training loss that falls while validation's never gets below its first, without accuracies."""
    train, val = finite(s.run["train_loss"]), finite(s.run["val_loss"])
    if not s.run.by_loss or min(train.size, val.size) < _FEWEST or s["broken_share"] > 0:
        return NO_FACT
    if not (train[0] > 0 and val[0] > 0):
        return NO_FACT
    strength = both(
        ramp(1 - float(val.min() / val[0]), *_NO_GAIN),
        ramp(1 - float(train[-1] / train[0]), *_TRAINS),
        ramp(float(val[0] / train[-1]), 1.1, 1.3),  # else the first epoch learned all, and the rest is noise
    )
    if not strength > 0 or _has_learned_by_score(s):
        return NO_FACT
    epoch, last = last_known(s.run, "val_loss")
    sign = Sign(
        0.8 * strength,
        f"training loss went from {figure(float(train[0]))} to {figure(float(train[-1]))}, while validation loss began "
        f"at {figure(float(val[0]))}, was {figure(float(val.min()))} at its least and ends at {figure(last)}",
        "val_loss",
        epoch,
    )
    return Fact(
        sign,
        {"overfitting": 3.0, "labels_mismatched": 2.0, "distribution_shift": 2.0, "batchnorm_misuse": 0.7},
        refutes=strength,
    )


_LEARNED = (0.85, 0.95)  # of training rows
_BEHIND = (0.08, 0.2)
_FALLS = (0.7, 0.9)  # of the epochs
_COMES_LATE = (0.1, 0.3)  # of what validation accuracy gains, after training rows were learned


def validation_lags(s: Signals) -> Fact:
    """Detect validation that gets better on and on after training rows are learned (Ioffe & Szegedy, 2015).

    Nothing is learned any more, so it is what evaluation uses beside the weights that comes along: running statistics.
    A validation loss of rows learned by heart rises, and one of other inputs stays.
    """
    if s.run.by_loss or s.run.estimated or s["batch_norm"] == 0 or s["broken_share"] > 0:
        return NO_FACT
    fit, accuracy, loss = (s.run[name] for name in ("train_accuracy", "val_accuracy", "val_loss"))
    known = np.isfinite(fit) & np.isfinite(accuracy) & np.isfinite(loss)
    if known.sum() < 2 * _FEWEST:
        return NO_FACT
    fit, accuracy, loss = fit[known], accuracy[known], loss[known]
    learned = int(np.argmax(fit >= _LEARNED[0]))
    after = loss[learned:]
    if after.size < _FEWEST or fit[learned] < _LEARNED[0]:
        return NO_FACT
    late = float(accuracy[-1] - accuracy[learned]) / max(float(np.ptp(accuracy)), 1e-9)
    strength = both(
        ramp(float(fit[-1]), *_LEARNED),
        ramp(float(fit[learned] - accuracy[learned]), *_BEHIND),
        ramp(float(fit[-1] - accuracy[-1]), 0.5 * _BEHIND[0], 0.5 * _BEHIND[1]),
        ramp(float(np.mean(np.diff(after) < 0)), *_FALLS),
        ramp(late, *_COMES_LATE),
        ramp(float(1 - after[-1] / after[0]), 0.05, 0.15) if after[0] > 0 else 0.0,
    )
    if not strength > 0:
        return NO_FACT
    at = float(s.run.epoch[known][learned])
    sign = Sign(
        (0.8 if s["batch_norm"] > 0 else 0.5) * strength,
        f"training accuracy was {percent(float(fit[learned]))} at epoch {at:g}, where validation accuracy was "
        f"{percent(float(accuracy[learned]))}; since then validation comes up at nearly each epoch, to "
        f"{percent(float(accuracy[-1]))}, with nothing left to learn on training rows",
        "val_accuracy",
        at,
    )
    return Fact(sign, {"batchnorm_misuse": 10.0, "distribution_shift": 1.0, "overfitting": 1.0}, refutes=strength)


_MORE_THAN_A_GUESS = (1.3, 2.0)  # times the loss of a guess
_KNOWS = (0.1, 0.25)  # of what there is above chance
_FORGETS = (0.06, 0.15)


def loss_holds_a_penalty(s: Signals) -> Fact:
    """Detect a loss that was far above a guess while rows were distinguished, and that fell as accuracy fell (Keras).

    Only what does not depend on the rows can be so large there and come down so: the weights themselves.
    """
    train, right = s.run["train_loss"], s.run["train_accuracy"]
    known = np.isfinite(train) & np.isfinite(right)
    if s.run.by_loss or s.run.estimated & {"train_loss", "train_accuracy"} or known.sum() < _FEWEST:
        return NO_FACT
    train, right, epoch = train[known], right[known], s.run.epoch[known]
    # no loss tells the classes here; the least accuracy does, as that of a guess
    n = s.units.n_classes if s.units.classes_known else min(max(2.0, 1 / max(float(right.min()), 1e-3)), 1000.0)
    loss, accuracy = train / math.log(n), (right - 1 / n) / (1 - 1 / n)
    # the first loss may be that of a bad start; at the best accuracy it is of what was learned
    best = int(np.argmax(accuracy))
    strength = both(
        ramp(float(loss[best]), *_MORE_THAN_A_GUESS),
        ramp(float(accuracy[best]), *_KNOWS),
        ramp(float(accuracy[best] - accuracy[-1]), *_FORGETS),
        ramp(float(1 - loss[-1] / loss[best]), 0.1, 0.4),
    )
    if not strength > 0 or s["weight_decay"] == 0:
        return NO_FACT
    sign = Sign(
        0.8 * strength,
        f"training loss was {figure(float(train[best]))} at epoch {epoch[best]:g}, with {percent(float(right[best]))} "
        f"right, and is {figure(float(train[-1]))} with {percent(float(right[-1]))}: a part of it is not of the rows, "
        "and falls at their cost, as a penalty of the weights does",
        "train_loss",
        float(epoch[best]),
    )
    return Fact(sign, {"weight_decay_too_high": 1.0}, refutes=strength)


_DECADES = (2.5, 4.0)  # that a loss came down by
_STILL_FALLS = (0.05, 0.15)  # decades in the last quarter
_LARGE = (1.0, 10.0)


def outputs_begin_huge(s: Signals) -> Fact:
    """Detect an error in numbers that comes down by decades and still does: it is outputs that were huge.

    A usual step moves an output towards huge targets by little. What falls by decades is what the network had itself.
    """
    losses = finite(s.run["train_loss"])
    if not s.run.by_loss or losses.size < _FEWEST or losses.min() <= 0 or s["broken_share"] > 0:
        return NO_FACT
    shown = np.log10(losses)
    n = max(1, len(shown) // 4)
    strength = both(
        ramp(float(shown[0] - shown[-1]), *_DECADES),
        ramp(float(shown[-1 - n] - shown[-1]), *_STILL_FALLS),
        ramp(float(losses[-1]), *_LARGE),
    )
    if not strength > 0:
        return NO_FACT
    epoch, last = last_known(s.run, "train_loss")
    sign = Sign(
        0.7 * strength,
        f"training loss was {figure(float(losses[0]))} at first and is {figure(last)} after {len(s.run)} epochs, "
        f"{figure(float(losses[0] / losses[-1]))} times less, and still falls: the outputs themselves were huge",
        "train_loss",
        epoch,
    )
    return Fact(
        sign,
        {
            "exploding_gradients": 4.0 if s["recurrent"] == 1 else 1.5,
            "bad_initialisation": 3.0,
            "unnormalised_inputs": 2.0 if s["recurrent"] == 1 else 3.0,
            "lr_too_high": 2.0 if s["rate_to_usual"] > 0.5 else 0.5,
            "too_few_epochs": 0.5,
        },
        refutes=strength,
    )


_NOT_BELOW = (0.06, 0.02)  # of the loss of the first epoch, gained in all of the run
_LEVEL = (0.06, 0.02)


def never_below_its_start(s: Signals) -> Fact:
    """Detect an error in numbers that in all epochs is what it was in the first: about that of one output for all rows.

    Learning takes more than a few hundredths off it. But where an epoch has many steps, one may do.
    """
    run, losses = s.run, finite(s.run["train_loss"])
    if not (run.by_loss or _is_of_no_known_kind(s)) or losses.size < _FEWEST or losses[0] <= 0:
        return NO_FACT
    if s["broken_share"] > 0 or s["loss_rise"] > 1:
        return NO_FACT
    late = float(losses[-max(1, losses.size // 4) :].mean())
    val = finite(run["val_loss"])
    strength = both(
        ramp(1 - late / float(losses[0]), *_NOT_BELOW),
        ramp(float(np.ptp(losses[1:])) / float(losses[0]), 3 * _LEVEL[0], 3 * _LEVEL[1]),
        ramp(1 - float(val.min() / val[0]), *_NOT_BELOW) if val.size > 1 and val[0] > 0 else 1.0,
        ramp(losses.size, 2, _FEWEST),
        known_or(ramp(math.log10(max(s["steps_per_epoch"], 1.0)), 3.0, 2.3), 1.0),
    )
    if not strength > 0 or _has_learned_by_score(s):
        return NO_FACT
    epoch, last = last_known(run, "train_loss")
    (_, least), usual = best_known(run, "train_loss"), s["rate_to_usual"]
    sign = Sign(
        0.7 * strength,
        f"training loss was {figure(float(losses[0]))} in the first epoch and is {figure(last)} after {len(run)}, with "
        f"{figure(least)} at its least: nothing was gained beyond what one output for all rows costs",
        "train_loss",
        epoch,
    )
    is_numbers = run.task == "regression"
    return Fact(
        sign,
        {
            "loss_output_mismatch": 4.0 if is_numbers else 1.5,
            "lr_too_low": 6.0 if usual < -0.7 else 0.5 if usual > -0.7 else 2.0,
            "lr_too_high": 6.0 if usual > 0.7 else 0.3 if usual < 0.7 else 1.0,
            "unnormalised_inputs": 1.5,
            "labels_mismatched": 1.0,
            "dead_relus": 1.0,
            "vanishing_gradients": 2.0 if s["depth"] >= 5 or (s["recurrent"] == 1 and s["saturating"] == 1) else 0.7,
            "bad_initialisation": 0.7,
            "frozen_layers": 0.7,
            "dropout_too_high": 2.0 if s["dropout"] >= 0.7 else 0.0,
            "weight_decay_too_high": 2.0 if s["weight_decay"] >= 0.1 else 0.0,
        },
        refutes=strength,
    )


def _is_of_no_known_kind(s: Signals) -> bool:
    """Return True for a loss that has no accuracy beside it, and nothing that says that it is of classes."""
    has_accuracy = {"train_accuracy", "val_accuracy"} - s.run.estimated
    return not s.units.classes_known and not any(finite(s.run[name]).size for name in has_accuracy)


def _has_learned_by_score(s: Signals) -> bool:
    """Return True if a score of the run says that something was learned, whatever the loss does."""
    for name, values in s.run.scores.items():
        known = finite(values)
        if name.partition("_")[2] in ("r2", "f1", "auc", "dice", "iou", "mcc", "kappa") and known.size:
            return bool(known[-1] > (0.6 if name.endswith("auc") else 0.3))
    return False


_FAR_ABOVE = (1.4, 1.8)  # times the loss of a guess
_OF_ITS_FIRST = (0.5, 0.7)
_LEARNED_NOTHING = (0.25, 0.12)


def stays_above_a_guess(s: Signals) -> Fact:
    """Detect a loss that stays far above that of a guess, with an accuracy near chance: no step brings the least thing.

    The bias of the last layer alone brings a loss to that of a guess within some steps of a usual rate. So outputs do
    not come to the loss as it takes them, or steps throw them back.
    """
    run = s.run
    losses, fit = finite(run["train_loss"]) / s.units.guess_loss, s.units.accuracy(finite(run["train_accuracy"]))
    if run.by_loss or run.estimated & {"train_loss", "train_accuracy"} or losses.size < _FEWEST or fit.size < _FEWEST:
        return NO_FACT
    if s["broken_share"] > 0 or not s.units.classes_known:
        return NO_FACT
    half = losses[-max(2, losses.size // 2) :]
    strength = both(
        ramp(float(half.min()), *_FAR_ABOVE),
        ramp(float(half.mean() / losses[0]), *_OF_ITS_FIRST),
        ramp(float(fit[-fit.size // 2 :].mean()), *_LEARNED_NOTHING),
        ramp(s["loss_rise"], 1.0, 0.4),
        ramp(float(losses.max()), 40.0, 12.0),  # what is above has diverged, or began as something else
    )
    if not strength > 0:
        return NO_FACT
    epoch, loss = last_known(run, "train_loss")
    usual, noise = s["rate_to_usual"], known_or(s["loss_noise_relative"], 0.0)
    sign = Sign(
        0.6 * strength,
        f"training loss is {figure(loss)} after {len(run)} epochs, {figure(loss / s.units.guess_loss)} times what "
        f"knowing nothing costs, with {percent(last_known(run, 'train_accuracy')[1])} right: the bias of the last "
        "layer alone would bring it down to that",
        "train_loss",
        epoch,
    )
    return Fact(
        sign,
        {
            "loss_output_mismatch": 4.0,
            "unnormalised_inputs": 2.0,
            "lr_too_high": 8.0 if usual > 0.7 else 0.5 if usual < 0.3 else 4.0 if noise > 0.1 else 2.0,
            "bad_initialisation": 0.7,
            "missing_zero_grad": 1.0,
            "frozen_layers": 0.7,
            "lr_too_low": 6.0 if usual < -1.5 else 0.3,
        },
        refutes=strength,
    )


# the mean absolute error over the root of the squared one: 0.8 of normal errors, 1 of equal ones
_ONE_SIZE = (0.9, 0.95)
_FEW_LARGE = (0.68, 0.58)
_STAYS = (0.2, 0.5)  # of the first loss; an offset that is left behind is none


def errors_of_one_size(s: Signals) -> Fact:
    """Detect by two errors in numbers how they are spread over the rows: alike for all, or large for a part of them.

    Errors of one size are an offset: all outputs are on one side of targets that they do not reach. Errors of a few
    rows are of targets that the output cannot say, such as those below zero behind a ReLU, or that are outliers.
    """
    ratio, split = _absolute_to_root(s)
    if math.isnan(ratio) or s["broken_share"] > 0:
        return NO_FACT
    losses = finite(s.run["train_loss"]) if finite(s.run["train_loss"]).size else finite(s.run["val_loss"])
    stays = ramp(float(losses[-1] / losses[0]), *_STAYS) if losses.size and losses[0] > 0 else 0.0
    same, few = min(stays, ramp(ratio, *_ONE_SIZE)), ramp(ratio, *_FEW_LARGE)
    if not same + few > 0:
        return NO_FACT
    shown = (
        f"the mean absolute error on {split} rows is {figure(ratio)} times the root of the squared one, where that of "
        "usual errors is 0.8: "
    )
    if same > 0:
        sign = Sign(0.6 * same, f"{shown}all rows are off by about the same, as where no output comes up to them")
        odds = {"unnormalised_inputs": 2.0, "lr_too_low": 2.0, "loss_output_mismatch": 1.5, "too_few_epochs": 1.0}
        return Fact(sign, odds, refutes=same)
    sign = Sign(0.3 * few, f"{shown}a part of the rows has the errors, as where the output cannot say their targets")
    odds = {"loss_output_mismatch": 2.0, "labels_mismatched": 1.0, "dead_relus": 0.5}
    return Fact(sign, odds, refutes=0.7 * few)


def _absolute_to_root(s: Signals) -> tuple[float, str]:
    """Return the mean absolute error over the root of the squared error at the end, and of which rows; NaN if unknown.

    A loss of which it is not known what it is, is taken for the squared error only if it can be that.
    """
    loss = str(s.run.config.get("loss", "")).lower()
    is_squared = not loss or "mse" in loss or "square" in loss
    for split, named in (("train", "training"), ("val", "validation")):
        absolute, squared = (s.run.scores.get(f"{split}_{kind}") for kind in ("mae", "mse"))
        if squared is None and is_squared:
            squared = s.run[f"{split}_loss"]
        if absolute is None or squared is None or not finite(absolute).size or not finite(squared).size:
            continue
        n = max(1, min(3, finite(absolute).size // 4))
        mean, square = float(finite(absolute)[-n:].mean()), float(finite(squared)[-n:].mean())
        if square > 0 and mean > 0 and abs(mean / square - 1) > _IS_ITSELF:
            ratio = mean / math.sqrt(square)
            return (ratio if ratio <= 1.0 + _IS_ITSELF else math.nan), named
    return math.nan, ""


_IS_ITSELF = 0.02  # the loss is the absolute error
