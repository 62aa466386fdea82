"""The conditions under which a cause is possible at all: one table, so that nothing impossible is named.

A condition is about the program (there is batch normalization, gradients are reset by hand), or plain from the curves
(a rate that diverges is not too low). What is not known makes nothing impossible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.rules.facts import has_moved, learns_nothing
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.summaries import finite

_OWN_STEPS = ("keras", "lightning", "huggingface", "fastai", "jax", "tunewell", "sklearn", "boosting")
"""Frameworks whose training takes its steps itself, each with new gradients, or in which gradients are values."""
_OWN_LOSS = ("tunewell", "sklearn", "boosting")
"""Frameworks in which output and loss are one choice."""
_TREES = ("boosting",)
_WITHOUT_BATCH_NORM = ("sklearn", "boosting")
_NEVER_ZERO = ("tanh", "sigmoid", "leaky_relu", "elu", "selu", "gelu", "softsign", "swish", "silu", "softplus", "mish")
_CONSTANT = ("constant", "none", "fixed")
_EXPLODED = 100.0  # times the first loss
_OF_A_SIGN = 5.0
_NEAR = 0.7  # decades: a factor of five
_TINY = 2  # units, which may say nothing of a row for want of more
_ROSE = (1.5, 2.0)  # times the first loss, and the least

Condition = Callable[[Signals], bool | None]
"""None where the record does not say."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A condition, in words and as a function."""

    words: str
    holds: Condition


def has_diverged(s: Signals) -> bool:
    """Return True if training loss is no number, or was far above its beginning, or ends well above it."""
    if has_exploded(s) or s.run.broken["train_loss"].any():
        return True
    name, losses = _losses(s)
    if name != "train_loss" or losses.size < 2 or losses[0] <= 0:
        return False
    return bool(losses[-1] > _ROSE[0] * losses[0] and losses[-1] > _ROSE[1] * max(losses.min(), 0))


def has_exploded(s: Signals) -> bool:
    """Return True if the loss ends as no number, or was far above where it began, also if it has come down again."""
    _, losses = _losses(s)
    far_above = losses.size > 1 and losses[0] > 0 and losses.max() >= _EXPLODED * losses[0]
    return bool(s["ends_broken"] > 0 or far_above)


def _losses(s: Signals) -> tuple[str, Floats]:
    """Return the loss that shows whether a run diverges, training's if there is one, and its finite values."""
    reported = {name: finite(s.run[name]) for name in ("train_loss", "val_loss") if name not in s.run.estimated}
    return next(((name, values) for name, values in reported.items() if values.size), ("", np.empty(0)))


def can_diverge(label: str) -> bool:
    """Return True if a run with this cause can end in a loss that is no number."""
    return not {_NOT_DIVERGED, _LEARNS} & set(POSSIBLE_IF[label])


def is_broken(s: Signals) -> bool:
    """Return True if the network learns nothing or loses what it had: to make it larger would mend nothing."""
    if has_diverged(s) or not has_moved(s) or bool(s["negative_loss"] > 0 and not s.run.by_loss):
        return True
    is_tiny = s["narrowest"] <= _TINY or s["linear"] == 1
    return learns_nothing(s) and not is_tiny


def impossible(s: Signals) -> dict[str, str]:
    """Return the causes that this run cannot have, each with the requirement that does not hold, in words."""
    return {
        label: requirement.words
        for label, requirements in POSSIBLE_IF.items()
        for requirement in requirements
        if requirement.holds(s) is False
    }


def with_possible(chances: Floats, s: Signals, strengths: Floats) -> Floats:
    """Return the probabilities, (K,), of the causes that are possible; of two that contradict each other, of one.

    strengths: of the plainest sign of each cause, (K,).
    """
    out = impossible(s)
    gone = np.array([label in out for label in LABELS])
    for pair in _CONTRARY:
        at = [LABELS.index(label) for label in pair]
        gone[min(at, key=lambda i: 0.0 if gone[i] else chances[i])] = True
    return without(chances, gone, strengths)


def without(chances: Floats, gone: NDArray[np.bool_], strengths: Floats) -> Floats:
    """Return the probabilities, (K,), with some set to zero and their weight given to the others.

    The more they had, the less the trees know of such a run: what was little beside one that is gone is no certainty
    now, and a plain sign counts for more.
    """
    shares = chances / chances.sum()
    lost = float(shares[gone].sum())
    odds = np.where(gone, 0.0, shares ** (1 - lost / 2) * (1 + _OF_A_SIGN * lost * strengths))
    result: Floats = odds / odds.sum() if odds.sum() > 0 else shares
    return result


def _framework_not_in(names: tuple[str, ...]) -> Condition:
    def holds(s: Signals) -> bool | None:
        framework = s.run.config.get("framework")
        return None if not framework else framework not in names

    return holds


def _above_zero(name: str) -> Condition:
    return lambda s: None if math.isnan(s[name]) else bool(s[name] > 0)


def _has_batch_norm(s: Signals) -> bool | None:
    known = s["batch_norm"]
    if not math.isnan(known):
        return bool(known != 0)
    return False if s.run.config.get("model") == "transformer" else None


def _can_be_zero(s: Signals) -> bool | None:
    activation = s.run.config.get("activation")
    return None if not activation else activation not in _NEVER_ZERO


def _has_hidden_layer(s: Signals) -> bool | None:
    return None if math.isnan(s["linear"]) else bool(s["linear"] == 0)


def _rate_falls(s: Signals) -> bool | None:
    """Return False if the rate is known to stay within a half of its peak."""
    rates = s.run["lr"]
    if len(rates) > 1 and np.isfinite(rates).all():
        return bool(rates.min() < 0.5 * rates.max())
    schedule = s.run.config.get("lr_schedule")
    name = schedule.get("name") if isinstance(schedule, Mapping) else None
    return False if name in _CONSTANT else None


def _inputs_off_scale(s: Signals) -> bool | None:
    """Return False if all inputs, and each feature, are within a few times of mean 0 and spread 1."""
    known = (s["inputs_mean"], s["inputs_spread"], s["inputs_feature_least"], s["inputs_feature_most"])
    if any(map(math.isnan, known)):
        return None
    mean, spread, least, most = known
    return not (mean <= 1 and abs(spread) <= _NEAR and least >= -1 and most <= 1)


def _has_validation(s: Signals) -> bool | None:
    names = [name for name in (*s.run.curves, *s.run.scores) if name.startswith("val_")]
    curves = {**s.run.curves, **s.run.scores}
    known = any(np.isfinite(curves[name]).any() and name not in s.run.estimated for name in names)
    broken = any(s.run.broken[name].any() for name in names if name in s.run.broken)
    return known or broken


def _has_classes(s: Signals) -> bool | None:
    return s.run.task != "regression"


def _classes_differ(s: Signals) -> bool | None:
    return None if math.isnan(s["class_ratio"]) else bool(s["class_ratio"] > math.log10(1.1))


def _batch_is_not(least: float, most: float) -> Condition:
    return lambda s: None if math.isnan(s["batch"]) else not least <= s["batch"] <= most


def _batch_is_part(s: Signals) -> bool | None:
    """Return False where each step sees all rows: there is no noise that more rows would take away."""
    return None if math.isnan(s["batch_share"]) else bool(s["batch_share"] < 1)


_IS_NETWORK = Requirement("it is a network, and no boosted trees", _framework_not_in(_TREES))
_HAS_HIDDEN = Requirement("it has a hidden layer", _has_hidden_layer)
_VALIDATED = Requirement("there are validation rows", _has_validation)
_NOT_DIVERGED = Requirement("the loss has not diverged", lambda s: not has_diverged(s))
_LEARNS = Requirement("the network learns at all", lambda s: not is_broken(s))

POSSIBLE_IF: Mapping[str, tuple[Requirement, ...]] = {
    "healthy": (_NOT_DIVERGED,),
    "lr_too_high": (),
    "lr_too_low": (_NOT_DIVERGED,),
    "lr_decays_too_early": (_NOT_DIVERGED, Requirement("the learning rate falls, or may do so", _rate_falls)),
    "too_few_epochs": (_NOT_DIVERGED,),
    "model_too_small": (_LEARNS,),
    "overfitting": (_NOT_DIVERGED, _VALIDATED),
    "dropout_too_high": (_NOT_DIVERGED, Requirement("there is dropout", _above_zero("dropout")), _IS_NETWORK),
    "weight_decay_too_high": (_NOT_DIVERGED, Requirement("there is weight decay", _above_zero("weight_decay"))),
    "batch_size_too_large": (
        _NOT_DIVERGED,
        Requirement("a batch has more than 8 rows", _batch_is_not(0, 8)),
        _IS_NETWORK,
    ),
    "batch_size_too_small": (
        Requirement("a batch has less than 256 rows", _batch_is_not(256, math.inf)),
        Requirement("a batch has less than all rows", _batch_is_part),
        _IS_NETWORK,
    ),
    "bad_initialisation": (_IS_NETWORK,),
    "unnormalised_inputs": (Requirement("inputs are far from mean 0 and spread 1", _inputs_off_scale), _IS_NETWORK),
    "labels_mismatched": (_NOT_DIVERGED,),
    "loss_output_mismatch": (Requirement("output and loss are chosen apart", _framework_not_in(_OWN_LOSS)),),
    "dead_relus": (
        Requirement("units can be zero for all rows, as a ReLU can", _can_be_zero),
        _HAS_HIDDEN,
        _IS_NETWORK,
    ),
    "vanishing_gradients": (_NOT_DIVERGED, _HAS_HIDDEN, _IS_NETWORK),
    "exploding_gradients": (_IS_NETWORK,),
    "batchnorm_misuse": (
        Requirement("there is batch normalization", _has_batch_norm),
        Requirement("the framework has batch normalization", _framework_not_in(_WITHOUT_BATCH_NORM)),
    ),
    "frozen_layers": (
        _NOT_DIVERGED,
        Requirement("layers can be left out of the steps", _framework_not_in(("sklearn", "boosting"))),
    ),
    "missing_zero_grad": (Requirement("gradients are reset by hand", _framework_not_in(_OWN_STEPS)), _IS_NETWORK),
    "class_imbalance": (
        _NOT_DIVERGED,
        Requirement("there are classes", _has_classes),
        Requirement("they are not of one size", _classes_differ),
    ),
    "data_leak": (_NOT_DIVERGED, _VALIDATED),
    "distribution_shift": (_NOT_DIVERGED, _VALIDATED),
}
"""By cause: all of it must hold, or be unknown."""
_CONTRARY = (("batch_size_too_large", "batch_size_too_small"),)
"""Causes of which only the likelier can be named."""
