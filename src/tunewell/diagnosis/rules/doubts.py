"""Signs that a run which looks healthy may not be: they take from `healthy`, and from nothing else.

Smooth curves that end somewhere are what the forests know as health. A network that was still on its way, that never
settled, that learned a part of its rows and no more, or not even a handful of them by heart, looks so too. Nobody else
can tell where such a run could have ended; so it is not held to be healthy with much confidence, and the causes that
can show the sign get what is taken.
"""

from __future__ import annotations

import math

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.rules.fact import NO_FACT, Fact
from tunewell.diagnosis.rules.rule import Sign, both, known_or, lasting_error, ramp
from tunewell.diagnosis.rules.wording import IN_WORDS, at_the_end, counted, course, figure, last_known, percent
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.summaries import finite

_IS_HEALTHY = np.array(LABELS) == "healthy"
_HANDFUL = 20
"""Rows that any network can learn by heart."""
_DISTINCT = 8
"""So few rows show in the accuracy, whose values are multiples of one over their number."""
_FEW = 12  # epochs
_LAST = 3
_FEWEST = 8  # epochs, to see whether a run settles


def doubts(s: Signals) -> list[Fact]:
    """Return the doubts that a run raises, the plainest first."""
    found = (_on_its_way(s), _never_settles(s), _learns_a_part(s), _not_by_heart(s))
    raised = [fact for fact in found if fact.sign.strength > 0]
    return sorted(raised, key=lambda fact: -fact.sign.strength)


def with_doubt(chances: Floats, doubt: Fact) -> Floats:
    """Return the probabilities, (K,), with a part of what `healthy` has given to the causes of a doubt."""
    odds = np.array([0.0 if label == "healthy" else doubt.causes.get(label, 0.0) for label in LABELS]) * (chances > 0)
    if not odds.any():
        return chances
    odds = odds * np.sqrt(np.maximum(chances, chances[~_IS_HEALTHY].max() / 10))
    taken = doubt.sign.strength * float(chances[_IS_HEALTHY].sum())
    result: Floats = np.where(_IS_HEALTHY, (1 - doubt.sign.strength) * chances, chances + taken * odds / odds.sum())
    return result


def _on_its_way(s: Signals) -> Fact:
    """Detect few epochs, of which each of the last still took a part of a loss that is not small (tuning playbook)."""
    name = next((name for name in ("val_loss", "train_loss") if _is_logged(s, name)), "")
    losses = finite(s.run[name]) if name else np.empty(0)
    if not 1 < losses.size <= _FEW or losses.min() <= 0 or s["broken_share"] > 0:
        return NO_FACT
    last = -np.diff(np.log(losses[-1 - _LAST :]))
    strength = both(
        ramp(float(last.min()), 0.004, 0.02), ramp(float(last[-1]), 0.01, 0.04), lasting_error(s, 0.05, 0.15)
    )
    if not strength > 0:
        return NO_FACT
    usual = s["rate_to_usual"]
    sign = Sign(
        0.8 * strength,
        f"{course(s.run, name)}, and the last of {counted(len(s.run), 'epoch')} still took "
        f"{percent(-math.expm1(-float(last[-1])))} off it",
        name,
        last_known(s.run, name)[0],
    )
    return Fact(sign, {"too_few_epochs": 2.0, "lr_too_low": 0.4 if usual > 0.5 else 5.0 if usual < -0.5 else 1.5})


def _never_settles(s: Signals) -> Fact:
    """Detect a second half in which the training loss keeps rising again, and accuracy jumps (AutoTrainer)."""
    jumps = known_or(
        both(ramp(s["val_noise"], 0.015, 0.04), known_or(ramp(s["val_noise_to_chance"], 1.5, 3.0), 1.0)),
        ramp(s["accuracy_noise"], 0.015, 0.04),
    )
    strength = both(
        ramp(s["loss_noise_relative"], 0.1, 0.3),
        ramp(s["loss_rises_share"], 0.2, 0.4),
        jumps,
        ramp(len(s.run), 5, _FEWEST),
    )
    if not strength > 0:
        return NO_FACT
    name = "val_accuracy" if s.known("val_noise") else "train_accuracy"
    sign = Sign(
        0.7 * strength,
        f"training loss rose at {percent(s['loss_rises_share'])} of the later epochs, by jumps of "
        f"{percent(s['loss_noise_relative'])} of its size, and {IN_WORDS[name]} jumps by "
        f"{percent(known_or(s['val_noise'], s['accuracy_noise']))}: the run does not settle",
        "train_loss",
        last_known(s.run, "train_loss")[0],
    )
    usual = s["rate_to_usual"]
    return Fact(
        sign,
        {
            "lr_too_high": 3.0 if usual > 0.3 else 1.0,
            "missing_zero_grad": 1.5,
            "batch_size_too_small": 2.0 if s["batch"] <= 8 else 0.5,
            "batchnorm_misuse": 1.0,
            "exploding_gradients": 1.0 if s["recurrent"] == 1 else 0.3,
        },
    )


def _learns_a_part(s: Signals) -> Fact:
    """Detect training rows of which many stay wrong, as many as others, and a loss that has levelled off."""
    if s.run.by_loss or "train_accuracy" in s.run.estimated:
        return NO_FACT
    strength = both(
        ramp(s["error_last"], 0.3, 0.5),
        ramp(abs(s["gap"]), 0.15, 0.05),
        ramp(abs(s["loss_gain_late_of_left"]), 0.1, 0.03),
    )
    if not strength > 0:
        return NO_FACT
    epoch = last_known(s.run, "train_accuracy")[0]
    sign = Sign(
        0.5 * strength,
        f"{at_the_end(s, 'train_accuracy')} and has levelled off; {at_the_end(s, 'val_accuracy')}",
        "train_accuracy",
        epoch,
    )
    return Fact(
        sign,
        {
            "model_too_small": 1.5,
            "loss_output_mismatch": 1.5,
            "labels_mismatched": 1.0,
            "dropout_too_high": 2.0 if s["dropout"] >= 0.5 else 0.0,
            "weight_decay_too_high": 2.0 if s["weight_decay_pull_total"] > 0 else 0.0,
            "lr_too_low": 1.5 if s["rate_to_usual"] < -0.5 else 0.3,
            "lr_too_high": 1.5 if s["rate_to_usual"] > 0.5 else 0.3,
            **dict.fromkeys(("dead_relus", "frozen_layers", "vanishing_gradients"), 0.5),
        },
    )


def _not_by_heart(s: Signals) -> Fact:
    """Detect a handful of rows that are not learned, though any network can learn them by heart (Karpathy)."""
    rows = s.run.n_train if s.run.n_train <= _HANDFUL else _rows_by_accuracy(s)
    strength = 0.0 if s.run.by_loss or math.isnan(rows) else known_or(ramp(s["error_last"], 0.05, 0.2), 0.0)
    if not strength > 0:
        return NO_FACT
    sign = Sign(
        0.9 * strength,
        f"of {counted(rows, 'training row')} {percent(s['error_last'])} are still wrong, with a training loss of "
        f"{figure(last_known(s.run, 'train_loss')[1])}: a handful of rows can be learned by heart",
        "train_accuracy",
        last_known(s.run, "train_accuracy")[0],
    )
    is_straight = known_or(ramp(s["curvature"], 0.3, 0.7), 0.0)
    return Fact(
        sign,
        {
            "lr_too_low": 1.0 + 2 * is_straight,
            "too_few_epochs": 1.0 + is_straight,
            "model_too_small": 2.0 if known_or(s["narrowest"], 0.0) <= 4 else 0.3,
            "dead_relus": 1.0 if known_or(s["rectified"], 1.0) else 0.0,
            "lr_too_high": 1.0 if s["rate_to_usual"] > 0.5 else 0.3,
            "bad_initialisation": 0.5,
            "loss_output_mismatch": 0.5,
        },
    )


def _rows_by_accuracy(s: Signals) -> float:
    """Return the number of training rows, if it is so small that each accuracy is a multiple of one over it."""
    shares = finite(s.run["train_accuracy"])
    if "train_accuracy" in s.run.estimated or np.unique(shares).size < 2 or not math.isnan(s.run.n_train):
        return math.nan
    for rows in range(2, _DISTINCT + 1):
        if np.abs(rows * shares - np.round(rows * shares)).max() < 1e-3 * rows:
            return float(rows)
    return math.nan


def _is_logged(s: Signals, name: str) -> bool:
    return name not in s.run.estimated and bool(np.isfinite(s.run[name]).any())
