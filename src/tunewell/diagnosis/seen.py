"""The signals of a run that weigh most for a cause, in words, where no rule sees a sign of it.

A signal weighs what the forest's vote for the cause loses if it is not known. Signals that mean nearly the same are
weighed together, and have one phrase.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.model import Forest
from tunewell.diagnosis.rules.wording import IN_WORDS, best_known, course, figure, last_known, percent
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.summaries import finite

_Phrase = Callable[[Signals], str]
_MOST = 3
_LEAST = 0.03  # of the logarithm of a vote


def seen_for(labels: list[str], signals: Signals, forest: Forest, row: Floats) -> dict[str, str]:
    """Return what speaks for each of the causes, in numbers of this run.

    row: (F,), the features that the trees voted on.
    """
    phrases = [(names, text) for names, phrase in _PHRASES if (text := _text(names, phrase, signals))]
    place = {name: i for i, name in enumerate(forest.names)}
    without = np.repeat(row[None], len(phrases) + 1, axis=0)
    for nth, (names, _) in enumerate(phrases):
        without[nth, [place[name] for name in names if name in place]] = math.nan
    votes = np.log(np.maximum(forest.trees.mean_votes(without), forest.floor))
    weights = votes[-1] - votes[:-1]
    found = {}
    for label in labels:
        own = weights[:, LABELS.index(label)]
        order = np.argsort(-own, kind="stable")
        chosen = [i for i in order[:_MOST] if own[i] >= _LEAST] or list(order[:2])
        found[label] = "; ".join(phrases[i][1] for i in sorted(chosen)) or "no loss was finite"
    return found


def _text(names: tuple[str, ...], phrase: _Phrase, s: Signals) -> str:
    if not any(name in s and s.known(name) for name in names):
        return ""
    text = phrase(s)
    return "" if "unknown" in text or "nan" in text else text


def _course(name: str) -> _Phrase:
    def phrase(s: Signals) -> str:
        if name in s.run.estimated or not finite(s.run[name]).size:
            return ""
        if not name.endswith("accuracy"):
            return course(s.run, name)
        known = finite(s.run[name])
        moved = f"went from {percent(known[0])} to" if len(known) > 1 and known[0] != known[-1] else "is"
        return f"{IN_WORDS[name]} {moved} {percent(known[-1])}"

    return phrase


def _apart(s: Signals) -> str:
    pair = ("train_loss", "val_loss") if not s.run.estimated & {"train_loss", "val_loss"} else ("", "")
    if s.run.estimated == frozenset() and not s.run.by_loss:
        pair = ("train_accuracy", "val_accuracy")
    if not pair[0]:
        return ""
    train, val = (last_known(s.run, name)[1] for name in pair)
    shown = percent if pair[0].endswith("accuracy") else figure
    return f"{IN_WORDS[pair[1]]} ends at {shown(val)} and {IN_WORDS[pair[0]]} at {shown(train)}"


def _halves(s: Signals) -> str:
    known = finite(s.run["train_loss"])
    if "train_loss" in s.run.estimated or len(known) < 4:
        return ""
    middle = known[len(known) // 2]
    changes = [before - after for before, after in ((known[0], middle), (middle, known[-1]))]
    first, second = (f"took {change:.2g} off" if change >= 0 else f"added {-change:.2g} to" for change in changes)
    return f"the first half of the epochs {first} training loss, the second {second} it"


def _late(name: str) -> _Phrase:
    def phrase(s: Signals) -> str:
        known = finite(s.run[name])
        if name in s.run.estimated or len(known) < 4:
            return ""
        change = known[-1] - known[-1 - len(known) // 4]
        shown = percent if name.endswith("accuracy") else figure
        if not change:
            return f"{IN_WORDS[name]} stands still at {shown(known[-1])} in the last quarter"
        return f"{IN_WORDS[name]} {'rose' if change > 0 else 'fell'} by {shown(abs(change))} in the last quarter"

    return phrase


def _best_of_validation(s: Signals) -> str:
    if "val_loss" in s.run.estimated:
        return ""
    (at, best), (_, last) = best_known(s.run, "val_loss"), last_known(s.run, "val_loss")
    return f"validation loss had its least, {figure(best)}, at epoch {at:g}, and ends at {figure(last)}"


def _noise(name: str) -> _Phrase:
    def phrase(s: Signals) -> str:
        known = finite(s.run[name])
        if name in s.run.estimated or len(known) < 3:
            return ""
        steps = np.diff(known) * (-1 if name.endswith("accuracy") else 1)
        worse, most = float(np.mean(steps > 0)), float(steps.max())
        way = "fell" if name.endswith("accuracy") else "rose"
        shown = percent if name.endswith("accuracy") else figure
        if most <= 0 and known[0] == known[-1]:
            return f"{IN_WORDS[name]} stays at {shown(known[0])}"
        if most <= 0:
            return f"{IN_WORDS[name]} never {way}, from {shown(known[0])} to {shown(known[-1])}"
        return f"{IN_WORDS[name]} {way} at {percent(worse)} of the epochs, by {shown(most)} at most"

    return phrase


def _of(name: str, text: str, *, decades: bool = False, share: bool = False) -> _Phrase:
    def phrase(s: Signals) -> str:
        value = 10 ** s[name] if decades else s[name]
        return text.format(percent(value) if share else figure(value))

    return phrase


_PHRASES: tuple[tuple[tuple[str, ...], _Phrase], ...] = (
    (("loss_first", "loss_last", "loss_best", "loss_gain", "loss_peak", "loss_best_at"), _course("train_loss")),
    (("accuracy_first", "accuracy_last", "accuracy_best", "error_last"), _course("train_accuracy")),
    (("val_loss_first", "val_loss_last", "val_loss_best", "val_loss_peak"), _course("val_loss")),
    (
        ("val_accuracy_first", "val_accuracy_last", "val_accuracy_best", "val_error_last", "val_against_majority"),
        _course("val_accuracy"),
    ),
    (
        (
            *("gap", "gap_first", "gap_early", "gap_growth", "gap_halfway", "val_follows", "loss_gap"),
            *("loss_gap_first", "loss_gap_early", "loss_ratio", "val_lead", "val_leads_share", "val_loss_below_share"),
        ),
        _apart,
    ),
    (("curvature", "loss_half_ratio", "flat_share", "loss_first_quarter_share"), _halves),
    (("loss_gain_late", "loss_gain_late_share", "loss_gain_late_of_left"), _late("train_loss")),
    (("accuracy_gain_late", "accuracy_gain_late_of_left"), _late("train_accuracy")),
    (("val_loss_gain_late", "val_loss_gain_late_of_left"), _late("val_loss")),
    (
        ("val_accuracy_gain_late", "val_accuracy_gain_late_of_left", "val_accuracy_gain_second_half"),
        _late("val_accuracy"),
    ),
    (("val_loss_rise", "val_loss_rise_ratio", "val_loss_best_at"), _best_of_validation),
    (
        ("loss_noise", "loss_noise_relative", "loss_rises_share", "loss_rises_share_all", "loss_worst_rise"),
        _noise("train_loss"),
    ),
    (("accuracy_noise", "accuracy_swings", "accuracy_worst_fall", "accuracy_fall"), _noise("train_accuracy")),
    (("val_loss_noise", "val_loss_noise_relative"), _noise("val_loss")),
    (("val_noise", "val_swings", "val_worst_fall", "val_to_train_noise", "val_accuracy_fall"), _noise("val_accuracy")),
    (
        ("loss_for_accuracy", "best_loss_for_accuracy", "squeezed_by_softmax", "squeezed_by_tanh"),
        _of("loss_for_accuracy", "training loss is {} times that of a classifier as sure as it is right", decades=True),
    ),
    (
        ("rate_end_to_peak", "rate_mean_to_peak", "rate_under_tenth", "rate_under_fiftieth", "decayed_at"),
        _of("rate_end_to_peak", "the learning rate ends at {} of its peak", share=True),
    ),
    (("rate_to_usual", "travel", "rate_per_row"), _of("rate", "the learning rate is {}", decades=True)),
    (("dropout",), _of("dropout", "dropout is {}")),
    (("weight_decay", "weight_decay_pull", "weight_decay_pull_total"), _of("weight_decay", "weight decay is {}")),
    (("batch", "batch_share"), _of("batch", "batches have {} rows")),
    (("steps_per_epoch",), _of("steps_per_epoch", "an epoch has {} steps")),
    (("depth",), _of("depth", "there are {} hidden layers")),
    (
        ("narrowest", "narrowest_to_classes", "narrowest_to_features"),
        _of("narrowest", "the narrowest layer has {} units"),
    ),
    (
        ("parameters_per_row", "rows_per_class"),
        _of("parameters_per_row", "there are {} weights for each training row", decades=True),
    ),
    (("gradient_first", "gradient_last"), _of("gradient_last", "the gradient's norm ends at {}", decades=True)),
    (
        ("gradient_growth", "gradient_growth_peak"),
        _of("gradient_growth", "the gradient's norm ends at {} times its first", decades=True),
    ),
    (
        ("gradient_spike", "gradient_spike_usual"),
        _of("gradient_spike", "one gradient was {} times the mean", decades=True),
    ),
    (("weights_growth",), _of("weights_growth", "the norm of the weights ends at {} times its first", decades=True)),
    (
        ("update_first", "update_last", "update_median", "update_growth"),
        _of("update_median", "a step changes the weights by {} thousandths", decades=True),
    ),
    (
        ("dead_first", "dead_last", "layer_dead_most"),
        _of("dead_last", "{} of the rectified units fire for no row", share=True),
    ),
    (("saturated_first", "saturated_last"), _of("saturated_last", "{} of the outputs are saturated", share=True)),
    (
        ("layer_gradient_first_to_last", "layer_gradient_at_start", "layer_gradient_slope"),
        _of("layer_gradient_first_to_last", "the first layer's gradient is {} times the last's", decades=True),
    ),
    (("inputs_mean", "inputs_offset"), _of("inputs_mean", "the inputs have mean {}")),
    (("inputs_spread", "inputs_reach"), _of("inputs_spread", "the inputs have spread {}", decades=True)),
    (("shift_mean", "shift_spread", "shift_reach"), _of("shift_mean", "the splits' means differ by {} spreads")),
    (("class_majority", "class_ratio"), _of("class_majority", "the largest class has {} of the rows", share=True)),
)
"""Signals that are weighed together, and their phrase; one of which the numbers are not known says nothing."""
