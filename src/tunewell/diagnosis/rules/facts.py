"""Signs that speak for several causes at once, which the forests were not fitted over.

A rule speaks for one cause, and is a feature of the forests. What stands here rules `healthy` out and divides what is
left among the causes that can show it: a loss that is the same in every epoch, a score that never left its floor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.rules.courses import (
    errors_of_one_size,
    loss_holds_a_penalty,
    never_below_its_start,
    outputs_begin_huge,
    stays_above_a_guess,
    validation_lags,
    validation_never_gains,
    validation_turns,
)
from tunewell.diagnosis.rules.fact import NO_FACT, Fact
from tunewell.diagnosis.rules.rule import Sign, both, ramp
from tunewell.diagnosis.rules.wording import IN_WORDS, counted, figure, last_known, percent
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.summaries import end, finite, highest, number
from tunewell.logs.scores import SCORES

_STILL = 1e-5  # of a value: less is the rounding of a log, and the order in which a mean is taken
_ALMOST_STILL = 1e-2
_STILL_ACCURACY = 0.002
_PLAIN = 0.5
_CUT_OFF = (*(-math.log(least) for least in (1.2e-7, 1e-7, 1e-8, 1e-10, 1e-12, 1e-15)), 100.0)
"""The cost of a wrong row where the logarithm of a probability of 0 is cut off, in Keras, scikit-learn and PyTorch."""


def facts(s: Signals) -> list[Fact]:
    """Return the facts that a run shows, the plainest first."""
    found = [fact for see in _FACTS if (fact := see(s)).sign.strength > 0]
    return sorted(found, key=lambda fact: -fact.sign.strength)


_NO_STEP = 1e-9  # of the weights: less than their last digit
_NO_GRADIENT = -7.0  # decades
_FAR_TOO_LOW = -5.0  # decades from the usual rate


def no_step_arrives(s: Signals) -> Fact:
    """Detect gradients whose steps change no weight, from the first epoch on (SageMaker, UnchangedTensor).

    A network that is dead has no gradient either, and one that died had steps before.
    """
    updates = finite(s.run["update_ratio"])
    is_still = updates.size > 0 and float(updates.max()) <= _NO_STEP
    if not is_still or not s["gradient_first"] > _NO_GRADIENT or s["broken_share"] > 0:
        return NO_FACT
    sign = Sign(
        1.0,
        f"gradients have a norm of {figure(10 ** s['gradient_first'])}, and no step has changed a weight in "
        f"{len(s.run)} epochs: the optimizer holds other weights, or takes no step",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )
    return Fact(sign, {"frozen_layers": 10.0, "lr_too_low": 5.0 if s["rate_to_usual"] < _FAR_TOO_LOW else 0.1})


def nothing_moves(s: Signals) -> Fact:
    """Detect curves that are the same in every epoch: no step arrives, or no step matters (SageMaker, TFCheck).

    A loss may move in its last digits, by the order in which its mean is taken, while an accuracy is the same.
    """
    run = s.run
    measured = {name: finite(run[name]) for name in IN_WORDS if name not in run.estimated}
    measured = {name: values for name, values in measured.items() if values.size}
    n = max((values.size for values in measured.values()), default=0)
    is_done = s["loss_last"] < 0.01 or s["error_last"] < 0.01 or s["val_error_last"] < 0.01
    if n < 2 or is_done or s["broken_share"] > 0:
        return NO_FACT
    moved = max(map(_movement, measured.values()))
    accuracies = [float(np.ptp(values)) for name, values in measured.items() if name.endswith("accuracy")]
    losses = [name for name in measured if name.endswith("loss")]
    if max(accuracies, default=0.0) > _STILL_ACCURACY or (moved > _STILL and not accuracies):
        return NO_FACT
    still = ramp(math.log10(max(moved, 1e-9)), math.log10(_ALMOST_STILL), math.log10(_STILL))
    values = ", ".join(_value(s, name) for name in measured)
    curve = next(iter(measured))
    certainty = 1.0 if losses else 0.6  # an accuracy of few digits stands still sooner
    if s["loss_last"] < _BELOW and s["accuracy_last"] > _ABOVE:
        certainty *= 0.7  # it has learned something at once
    sign = Sign(
        still * ramp(n, 1, 3) * certainty,
        f"nothing moves: {values} in {'each' if moved <= _STILL else 'nearly each'} of {n} epochs",
        curve,
        last_known(run, curve)[0],
    )
    return Fact(sign, _odds_if_still(s, moved))


def has_moved(s: Signals) -> bool:
    """Return False if it is plain that nothing moves."""
    return nothing_moves(s).sign.strength < _PLAIN


def _movement(values: Floats) -> float:
    """Return the range of a curve as a share of its values."""
    return float(np.ptp(values)) / max(float(np.abs(values).max()), 1e-12)


def _odds_if_still(s: Signals, moved: float) -> dict[str, float]:
    """Return the causes of curves that stand still, by where the loss stands and by what is known of the run."""
    if s["loss_last"] < _BELOW and s["accuracy_last"] > _ABOVE:
        # better than a fresh network: it stands where one class for all rows is what was learned at once
        return {"class_imbalance": 4.0, "lr_too_low": 0.5, "dead_relus": 0.5, "labels_mismatched": 0.5}
    usual = s["rate_to_usual"]
    too_low = 2.0 if math.isnan(usual) else 12.0 if usual < -4 else 2.0 if usual < -1 else 0.2
    # where the classes are taken from the loss, only an accuracy of theirs says that it is a guess
    is_chance = s.units.classes_known or not abs(s["accuracy_last"]) > _OF_CHANCE
    is_guessing = abs(s["loss_last"] - 1) < 0.02 and is_chance
    # a dead network still learns the shares of the classes, by its last bias: above a guess nothing arrives at all
    is_above = s.units.classes_known and not is_guessing and 1 < s["loss_last"] < _OF_A_FRESH_NETWORK
    return {
        "frozen_layers": (12.0 if is_above else 3.0) if moved <= _STILL else 1.0,
        "lr_too_low": too_low,
        "lr_too_high": 2.0 if usual > 1 or (is_guessing and not usual < 0) else 0.3,
        "dead_relus": 3.0 if is_guessing else 0.5 if is_above else 2.0,
        "loss_output_mismatch": 6.0 if s["loss_for_accuracy"] > 0.2 else 1.0,
        "bad_initialisation": 2.0 if is_guessing else 0.5,
        "vanishing_gradients": 3.0 if s["depth"] >= 5 else 1.0 if is_guessing else 0.3,
    }


_BELOW, _ABOVE = 0.7, 0.6  # the loss of a guess; what there is above chance
_OF_A_FRESH_NETWORK = 2.0  # times the loss of a guess, at most

_HIGH, _DONE = 0.8, 0.9999  # accuracies: of one class that is most of the rows; of a task that is done
_SAME = 1e-4


_FAR, _NOWHERE = 0.3, 0.05  # by how much a weight can move: weights are made of about that size
_LEARNS, _HARDLY = 0.3, 0.05  # of the loss of a guess


def steps_reach_nowhere(s: Signals) -> Fact:
    """Detect so few steps of Adam, at so low a rate, that no weight gets anywhere: each moves it by the rate."""
    planned = s["steps_per_epoch"] * float(np.fmax(s["epochs"], number(s.run.config, "epochs")))
    reach = planned * 10 ** s["rate"]
    if s["adam"] != 1 or not reach > 0:
        return NO_FACT
    strength = both(
        ramp(math.log10(reach), math.log10(_FAR), math.log10(_NOWHERE)), ramp(s["loss_gain"], _LEARNS, _HARDLY)
    )
    if not strength > 0:
        return NO_FACT
    sign = Sign(
        strength,
        f"{counted(planned, 'step')} of {s.run.config['optimizer']} at a rate of {figure(10 ** s['rate'])} move no "
        f"weight by more than about {figure(reach)}, less than the size of weights as they are made",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )
    return Fact(sign, {"lr_too_low": 1.0, "too_few_epochs": 1.0})


_PLATEAU = (0.04, 0.01)  # of the loss of a guess, gained in all of the run
_USUAL = (-1.05, 0.7)  # decades from the usual rate
_ENOUGH_STEPS = (150, 600)
_MOST_OF_A_PLATEAU = 0.7  # many causes can show it


def hardly_learns(s: Signals) -> Fact:
    """Detect a loss that stays at that of a guess over many steps at a usual rate: it is not the rate that is wrong."""
    low, high = _USUAL
    if s.run.by_loss or not low <= s["rate_to_usual"] <= high or not s["steps"] > 0:
        return NO_FACT
    # by the mean of the last quarter: the least of a noisy loss is no gain
    losses = finite(s.run["train_loss"])
    late = float(losses[-max(1, len(losses) // 4) :].mean()) / s.units.guess_loss if losses.size else math.nan
    strength = both(
        ramp(min(s["loss_gain"], max(s["loss_first"], 1.0) - late), *_PLATEAU),
        ramp(math.log10(s["steps"]), *map(math.log10, _ENOUGH_STEPS)),
        ramp(abs(s["loss_last"] - 1), 0.15, 0.08),
        ramp(s["accuracy_last"], 0.4, 0.2),
    )
    if not strength > 0:
        return NO_FACT
    epoch, loss = last_known(s.run, "train_loss")
    sign = Sign(
        _MOST_OF_A_PLATEAU * strength,
        f"training loss is {figure(loss)} after {counted(s['steps'], 'step')} at a learning rate of "
        f"{figure(10 ** s['rate'])}, which is a usual one, where knowing nothing costs {figure(s.units.guess_loss)}: "
        "what is learned does not reach the loss",
        "train_loss",
        epoch,
    )
    return Fact(sign, _odds_at_a_plateau(s))


def _odds_at_a_plateau(s: Signals) -> dict[str, float]:
    """Return the causes of a loss that stays at that of a guess at a usual rate, by the settings that explain it."""
    schedule = s.run.config.get("lr_schedule")
    name = schedule.get("name") if isinstance(schedule, Mapping) else schedule
    falls = s["decayed_at"] < 1 or (name in _FALLING and not np.isfinite(s.run["lr"]).any())
    decay, adamw = s["weight_decay"], s.run.config.get("optimizer") == "adamw"
    return {
        "loss_output_mismatch": 5.0,
        "labels_mismatched": 1.5,
        "lr_decays_too_early": 4.0 if falls else 0.0,
        "vanishing_gradients": 4.0 if (s["depth"] >= 5 and s["rectified"] != 1) or _is_plainly_recurrent(s) else 1.0,
        "weight_decay_too_high": 4.0 if decay >= (1.0 if adamw else 0.01) else 0.0,
        "dropout_too_high": 3.0 if s["dropout"] >= 0.7 else 0.0,
        **dict.fromkeys(("bad_initialisation", "dead_relus", "unnormalised_inputs", "frozen_layers"), 1.0),
        "lr_too_low": 1.5 if s["rate_to_usual"] < -0.8 else 0.3,
        "model_too_small": 0.3,
    }


def _is_plainly_recurrent(s: Signals) -> bool:
    """Return True for a recurrent network that is not known to have gates: its past fades (Hochreiter, 1991)."""
    model = str(s.run.config.get("cell", s.run.config.get("model", ""))).lower()
    return s["recurrent"] == 1 and not any(gate in model for gate in ("lstm", "gru"))


_FALLING = ("step", "multistep", "exponential", "poly", "linear", "cosine", "inverse_time")
_OF_CHANCE = 0.08  # above it, of what there is above chance
_BELOW_A_GUESS, _ABOVE_A_GUESS = (0.03, 0.012), (0.12, 0.05)  # of the loss of a guess
_MOVES = (0.2, 0.1)
_COMMON = (2, 3, 4, 5, 10, 20, 100)  # numbers of classes
_NEAR_A_GUESS = (0.012, 0.004)  # of a loss from which the classes are taken
_MOST_AT_A_GUESS = 0.6  # many causes can show it, and more than at a usual rate


def stays_at_a_guess(s: Signals) -> Fact:
    """Detect a loss that stays at that of a guess: what the network says of a row is not of the row (Karpathy)."""
    losses = finite(s.run["train_loss"])
    if s.run.by_loss or losses.size < _FEWEST_AT_A_GUESS or "train_loss" in s.run.estimated or s["broken_share"] > 0:
        return NO_FACT
    later = losses[1:]
    late = float(later[-max(2, later.size // 2) :].mean())
    accuracy = np.empty(0) if "train_accuracy" in s.run.estimated else finite(s.run["train_accuracy"])
    # the first loss is no measure of the classes here: it is what a bad start has raised
    n = s.units.n_classes if s.units.classes_known else float(max(2, math.floor(math.exp(min(late, 7.0) + 0.005))))
    guess = math.log(n)
    above_chance = (accuracy - 1 / n) / (1 - 1 / n)
    strength = both(
        ramp(1 - float(later.min()) / guess, *_BELOW_A_GUESS),
        ramp(late / guess - 1, *_ABOVE_A_GUESS),
        ramp(float(np.ptp(later)) / guess, *_MOVES),
        ramp(abs(float(above_chance[-1])), 2 * _OF_CHANCE, _OF_CHANCE) if accuracy.size else 1.0,
        ramp(float(np.abs(above_chance).max()), 3 * _OF_CHANCE, 1.5 * _OF_CHANCE) if accuracy.size else 1.0,
    )
    if not s.units.classes_known and not accuracy.size:  # nearly any loss is that of a guess among so many classes
        off = float(np.abs(later / guess - 1).mean())
        strength = both(strength, ramp(off, *_NEAR_A_GUESS), float(n in _COMMON))
    if not strength > 0:
        return NO_FACT
    epoch, loss = last_known(s.run, "train_loss")
    shown = f" and {_value(s, 'train_accuracy')}" if accuracy.size else ""
    sign = Sign(
        _MOST_AT_A_GUESS * strength,
        f"training loss is {figure(loss)}{shown} after {len(s.run)} epochs, where knowing nothing of {n:.0f} classes "
        f"costs {figure(guess)}: what the network says of a row does not depend on the row",
        "train_loss",
        epoch,
    )
    return Fact(sign, _odds_at_a_guess(s, late / guess), refutes=strength)


_FEWEST_AT_A_GUESS = 4  # epochs
_PLAINLY = 0.9


def learns_nothing(s: Signals) -> bool:
    """Return True if it is plain that the loss stays at that of a guess."""
    return stays_at_a_guess(s).sign.strength >= _PLAINLY * _MOST_AT_A_GUESS


def _odds_at_a_guess(s: Signals, late: float) -> dict[str, float]:
    """Return the causes of a loss that stays at that of a guess, by how it does, and by the settings that explain it.

    Steps that are too long keep the outputs off their best constant: such a loss hovers above a guess, and comes down
    as often as it goes up. Steps that are too short take a little off it at each epoch.
    """
    usual, decay = s["rate_to_usual"], s["weight_decay"]
    rises = s["loss_rises_share_all"]
    hovers = late > _HOVERS and rises > _OFTEN
    crawls = rises < _SELDOM
    return {
        "lr_too_high": 10.0 if usual > _OFF_RATE else 0.3 if usual < 0 else 4.0 if hovers else 1.5,
        "lr_too_low": 10.0 if usual < -_OFF_RATE else 0.2 if usual > 0 or hovers else 4.0 if crawls else 1.0,
        "loss_output_mismatch": 2.0,
        "labels_mismatched": 1.0,
        "bad_initialisation": 1.0,
        "dead_relus": 1.0,
        "vanishing_gradients": 6.0
        if s["depth"] >= _DEEP and s["rectified"] != 1
        else 3.0
        if _is_plainly_recurrent(s)
        else 1.0,
        "unnormalised_inputs": 1.5,
        "frozen_layers": 0.7,
        "weight_decay_too_high": 4.0 if decay >= 0.01 else 0.0 if decay == 0 else 0.3,
        "dropout_too_high": 3.0 if s["dropout"] >= 0.7 else 0.0,
    }


_HOVERS = 1.002  # of the loss of a guess
_OFTEN, _SELDOM = 0.25, 0.15  # of the epochs
_OFF_RATE = 0.7  # decades from the usual one
_DEEP = 5  # hidden layers
_HUGE = (1e3, 1e5)  # no mean of a cross entropy, and no error in numbers of a usual size
_STAYS = (0.02, 0.2)  # of the first loss


def error_stays_huge(s: Signals) -> Fact:
    """Detect an error in numbers that is huge and stays so: targets of a scale that no weight gets to (Goodfellow)."""
    losses = finite(s.run["train_loss"])
    if not s.run.by_loss or losses.size < 2 or not losses[0] > 0 or s["loss_rise"] > 1 or s["broken_share"] > 0:
        return NO_FACT
    epoch, last = last_known(s.run, "train_loss")
    sign = Sign(
        both(ramp(math.log10(losses[0]), *map(math.log10, _HUGE)), ramp(last / losses[0], *_STAYS)),
        f"training loss was {figure(float(losses[0]))} at first and is {figure(last)} after {len(s.run)} epochs: of "
        "targets far from a spread of 1, where a step moves an output by little",
        "train_loss",
        epoch,
    )
    return Fact(sign, {"unnormalised_inputs": 8.0, "lr_too_low": 2.0, "too_few_epochs": 1.0, "lr_too_high": 0.3})


def one_class_for_all(s: Signals) -> Fact:
    """Detect a high accuracy that is the same in every epoch while the loss moves: the largest class, for all rows."""
    run = s.run
    accuracies = {name: finite(run[name]) for name in ("train_accuracy", "val_accuracy") if name not in run.estimated}
    accuracies = {name: values for name, values in accuracies.items() if values.size}
    losses = finite(run["train_loss"])
    if not accuracies or losses.size < 2 or "train_loss" in run.estimated or _movement(losses) < _ALMOST_STILL:
        return NO_FACT
    lowest = min(float(values.min()) for values in accuracies.values())
    if max(float(np.ptp(values)) for values in accuracies.values()) > _SAME or not _HIGH < lowest < _DONE:
        return NO_FACT
    n = min(values.size for values in accuracies.values())
    curve = next(iter(accuracies))
    shown = ", ".join(_value(s, name) for name in accuracies)
    sign = Sign(
        ramp(n, 2, 4),
        f"{shown} in each of {n} epochs, while training loss went from {figure(float(losses[0]))} to "
        f"{figure(float(losses[-1]))}: as it is where one class is most of the rows, and is named for all",
        curve,
        last_known(run, curve)[0],
    )
    return Fact(sign, {"class_imbalance": 1.0})


_ODDS_IF_CUT_OFF = {
    "loss_output_mismatch": 4.0,
    "unnormalised_inputs": 1.0,
    "lr_too_high": 1.0,
    "bad_initialisation": 0.5,
}
"""A loss that does not fit drives units to their ends; inputs, steps or weights that are too large do so as well."""
_ODDS_IF_ONE_OF_MANY = {
    "loss_output_mismatch": 1.0,
    "unnormalised_inputs": 2.0,
    "lr_too_high": 2.0,
    "bad_initialisation": 0.5,
    "exploding_gradients": 0.5,
}
"""Of many classes one has all of the probability for every row: that takes scores far apart, so something large."""
_MANY = 0.75  # wrong rows, which two or three classes do not have at a guess


def outputs_cut_off(s: Signals) -> Fact:
    """Detect a loss that is its error times what a probability of zero costs: all outputs are exactly 0 or 1."""
    run = s.run
    loss, error = run["train_loss"], 1 - run["train_accuracy"]
    known = np.isfinite(loss) & np.isfinite(error)
    if (
        s.run.by_loss
        or run.estimated & {"train_loss", "train_accuracy"}
        or not known.any()
        or error[known].min() < 0.02
    ):
        return NO_FACT
    costs = loss[known] / error[known]
    if costs.max() <= 0:
        return NO_FACT
    off = min(abs(float(np.median(costs)) / cut - 1) for cut in _CUT_OFF) + float(np.ptp(costs)) / float(costs.max())
    sign = Sign(
        ramp(off, 0.02, 0.005),
        f"training loss is {figure(float(np.median(costs)))} times the share of rows that are wrong, as it is where "
        "each output is exactly 0 or 1 and the logarithm of 0 is cut off",
        "train_loss",
        last_known(run, "train_loss")[0],
    )
    is_one_of_many = float(np.median(error[known])) > _MANY and float(np.ptp(error[known])) < 1 - _MANY
    return Fact(sign, _ODDS_IF_ONE_OF_MANY if is_one_of_many else _ODDS_IF_CUT_OFF)


_AT_LN_2 = 0.02
_ODDS_OF_A_RANKING = {
    **dict.fromkeys(("lr_too_low", "labels_mismatched", "loss_output_mismatch"), 1.5),
    **dict.fromkeys(("lr_too_high", "unnormalised_inputs"), 1.0),
    **dict.fromkeys(("vanishing_gradients", "bad_initialisation"), 0.5),
    "class_imbalance": 0.3,
}
"""Of a score that unequal classes leave as it is, such as an AUC; or where the loss is that of classes of one size."""
_ODDS_AT_FLOOR: Mapping[str, Mapping[str, float]] = {
    "classification": {"class_imbalance": 3, "loss_output_mismatch": 1, "labels_mismatched": 1, "lr_too_low": 1},
    "other": {"class_imbalance": 2, "loss_output_mismatch": 1, "labels_mismatched": 1, "lr_too_low": 1.5},
    "regression": {
        "unnormalised_inputs": 2,
        "lr_too_low": 2,
        "lr_too_high": 1,
        "loss_output_mismatch": 1,
        "dead_relus": 1,
        "labels_mismatched": 1,
        "model_too_small": 1,
    },
}


def score_at_its_floor(s: Signals) -> Fact:
    """Detect a score that is what it is if nothing was learned, and has not risen: an F1 of 0, an AUC of 0.5."""
    found = NO_FACT
    for name, values in s.run.scores.items():
        split, _, kind = name.partition("_")
        score = SCORES[kind]
        if math.isnan(score.floor):
            continue
        above = (values - score.floor) / (1 - score.floor)
        gained = highest(np.maximum(above, 0)) - max(0.0, float(finite(above)[0]))
        strength = both(ramp(end(above), 0.35, 0.1), ramp(gained, 0.1, 0.02))
        if strength > found.sign.strength or (strength == found.sign.strength > 0 and split == "val"):
            rows = "training" if split == "train" else "validation"
            last, floor = figure(_last(values)), figure(score.floor)
            sign = Sign(
                strength,
                f"{score.title} on {rows} rows is {last} after {len(s.run)} epochs, and "
                + (
                    f"{floor} is that of having learned nothing"
                    if last != floor
                    else "that is its value if nothing is learned"
                ),
            )
            is_of_ranking = kind == "auc" or (score.task == "classification" and _costs_a_coin(s))
            found = Fact(sign, _ODDS_OF_A_RANKING if is_of_ranking else _ODDS_AT_FLOOR[score.task])
    return found


def _costs_a_coin(s: Signals) -> bool:
    """Return True if the loss is ln 2, that of two classes of one size: a bias gets below it where one is rare."""
    return abs(last_known(s.run, "train_loss")[1] / math.log(2) - 1) < _AT_LN_2


def _last(values: Floats) -> float:
    """Return the last value that is known."""
    return float(finite(values)[-1])


def _value(s: Signals, name: str) -> str:
    """Format `training loss is 5.88`."""
    value = last_known(s.run, name)[1]
    return f"{IN_WORDS[name]} is {percent(value) if name.endswith('accuracy') else f'{value:.6g}'}"


_FACTS = (
    no_step_arrives,
    outputs_cut_off,
    nothing_moves,
    steps_reach_nowhere,
    hardly_learns,
    stays_at_a_guess,
    stays_above_a_guess,
    one_class_for_all,
    score_at_its_floor,
    error_stays_huge,
    outputs_begin_huge,
    never_below_its_start,
    errors_of_one_size,
    validation_turns,
    validation_never_gains,
    validation_lags,
    loss_holds_a_penalty,
)
"""Of facts that are equally plain, the first counts."""
