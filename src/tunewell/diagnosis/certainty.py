"""Facts of a record that prove a cause or rule it out by themselves, whatever the trees' vote.

Trees see a proof as one number among many, and may have met it in few runs. A cause is ruled out where the record says
that there is hardly anything of the kind: little dropout, large batches, classes of nearly equal size. A loss that is
no number any more rules out whatever makes a network learn badly, and leaves what makes it diverge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.features import strengths
from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.possible import can_diverge, has_exploded
from tunewell.diagnosis.rules import RULES, Sign
from tunewell.diagnosis.rules.doubts import with_doubt
from tunewell.diagnosis.rules.fact import Fact
from tunewell.diagnosis.rules.rule import known_or, ramp
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.summaries import finite

_PROVEN = 0.95
_OF_A_FACT = 0.9
_OF_A_RULE = 0.5
_IS_HEALTHY = np.array(LABELS) == "healthy"
_MOST_UNKNOWN = 0.5
_MOST_OF_ERRORS, _ERRORS = 0.7, (0.05, 0.15)
"""Health is no surer than the first where the share of wrong rows is the second of these, or more."""
_STRONG_DROPOUT, _MOST_OF_A_USE = 0.75, 0.7
_USUAL_DROPOUT = 0.5
_NO_LEAD = 0.02  # above chance
_A_FEW_POINTS = 0.03
_AT_THE_TOP = ("healthy", "data_leak", "class_imbalance")
"""What holds, or does not, of a run with hardly an error."""
_RULED_OUT = 0.02  # of its probability stays: records have been wrong before


def with_certainties(
    chances: Floats,
    signals: Signals,
    signs: Mapping[str, Sign],
    known: Sequence[Fact] = (),
    raised: Sequence[Fact] = (),
) -> Floats:
    """Return the probabilities of the causes, (K,), with regard to what is proven or ruled out.

    known, raised: the facts that the run shows, and the doubts, the plainest first.
    """
    broke = has_exploded(signals)
    if signals.run.by_loss:
        # the trees have met few such runs, and what a rule sees plainly is hardly healthy
        chances = np.where(_IS_HEALTHY, (1 - _OF_A_RULE * strengths(signs).max()) * chances, chances)
    out = [(broke and not can_diverge(label)) or _is_unlikely(label, signals) for label in LABELS]
    left = np.where(out, _RULED_OUT * chances, chances)
    if broke and (not signals.known("rate") or signals.run.by_loss):
        # nothing tells these causes apart, and this is the one that people meet; an error in numbers has no usual rate
        left[LABELS.index("lr_too_high")] = 2 * left.max()
    left = with_reserve(np.asarray(left / left.sum()), signals)
    if raised:
        left = with_doubt(left, raised[0])
    if known:
        left = _with_fact(left, known[0], out)
    proven = {rule.label for rule in RULES if rule.settles and signs[rule.name].strength == 1.0}
    if proven:
        left = _PROVEN * np.array([label in proven for label in LABELS]) / len(proven) + (1 - _PROVEN) * left
    result: Floats = left
    return result


def _with_fact(chances: Floats, fact: Fact, out: Sequence[bool]) -> Floats:
    """Return the probabilities with most of them divided among the causes that can show a fact.

    Within these the trees' vote counts by its root: they have hardly met such runs.
    """
    odds = np.array([0.0 if is_out else fact.causes.get(label, 0.0) for label, is_out in zip(LABELS, out, strict=True)])
    if not odds.any():
        return chances
    odds *= np.sqrt(np.maximum(chances, _RULED_OUT))
    share = _OF_A_FACT * fact.sign.strength
    rest = np.where(_IS_HEALTHY, 1 - (1 - _RULED_OUT) * fact.against_health, 1.0) * chances
    result: Floats = share * odds / odds.sum() + (1 - share) * rest / rest.sum()
    return result


def with_reserve(chances: Floats, s: Signals) -> Floats:
    """Return the probabilities, with no more for health than is known where nothing tells what can be reached.

    Of a loss without a unit nothing is known, and of an accuracy the less the more rows are wrong: they may be noise,
    or what a fault costs. The same holds of a dropout that people use: what it costs may be what it is for.
    """
    healthy, most = float(chances[_IS_HEALTHY].sum()), _most_of_health(s)
    if healthy > most:
        chances = np.where(_IS_HEALTHY, most, chances * (1 - most) / (1 - healthy))
    at = LABELS.index("dropout_too_high")
    if s["dropout"] < _STRONG_DROPOUT and chances[at] > _MOST_OF_A_USE and chances[_IS_HEALTHY].any():
        chances = chances + np.where(_IS_HEALTHY, chances[at] - _MOST_OF_A_USE, 0.0)
        chances[at] = _MOST_OF_A_USE
    result: Floats = chances
    return result


def _most_of_health(s: Signals) -> float:
    """Return the most that is known of a run's health."""
    is_open = s.units.baseline == "first" if s.run.by_loss else _has_no_accuracy(s) and not s.units.classes_known
    if is_open:
        return _MOST_UNKNOWN
    if s.run.by_loss:
        return 1.0
    error = (
        s["error_last"] if "val_accuracy" in s.run.estimated or not s.known("val_error_last") else s["val_error_last"]
    )
    return 1 - (1 - _MOST_OF_ERRORS) * known_or(ramp(error, *_ERRORS), 1.0)


def _has_no_accuracy(s: Signals) -> bool:
    names = ("train_accuracy", "val_accuracy")
    return all(name in s.run.estimated or not np.isfinite(s.run[name]).any() for name in names)


def _is_unlikely(label: str, s: Signals) -> bool:
    return (label in _UNLIKELY and _UNLIKELY[label](s)) or (label not in _AT_THE_TOP and _is_at_the_top(s))


def _is_at_the_top(s: Signals) -> bool:
    """Return True if so few rows of validation are wrong that less is left to gain than what makes a fault."""
    right = finite(s.run["val_accuracy"])[-2:]
    return bool(right.size == 2 and 1 - right.min() < _A_FEW_POINTS and "val_accuracy" not in s.run.estimated)


def _is_standardized(s: Signals) -> bool:
    """Return True if all inputs, and each feature, have a mean near 0 and a spread near 1."""
    least, most = s["inputs_feature_least"], s["inputs_feature_most"]
    return bool(s["inputs_mean"] < 0.3 and abs(s["inputs_spread"]) < 0.3 and least > -0.5 and most < 0.5)


def _is_described_without(name: str) -> Callable[[Signals], bool]:
    """Return whether the settings describe the network, its layers and their activation, without a part of it."""

    def holds(s: Signals) -> bool:
        config = s.run.config
        return "activation" in config and bool({"hidden", "channels"} & config.keys()) and name not in config

    return holds


def _is_as_good_with_it(s: Signals) -> bool:
    """Return True if dropout is of a usual rate, and rows are classified no better where there is none of it."""
    lead = s["eval_lead"] if s.known("eval_lead") else s["val_lead"]
    return bool(s["dropout"] <= _USUAL_DROPOUT and lead < _NO_LEAD)


_UNLIKELY: dict[str, Callable[[Signals], bool]] = {
    "dropout_too_high": lambda s: s["dropout"] < 0.2 or _is_described_without("dropout")(s) or _is_as_good_with_it(s),
    "weight_decay_too_high": lambda s: {"lr", "optimizer"} <= s.run.config.keys() and not s.known("weight_decay"),
    "batchnorm_misuse": _is_described_without("batch_norm"),
    "batch_size_too_small": lambda s: s["batch"] >= 64,
    "class_imbalance": lambda s: s["class_ratio"] < 0.18,
    "dead_relus": lambda s: s["recurrent"] == 1 and not s.known("rectified"),  # gates have no ReLU
    "unnormalised_inputs": _is_standardized,
    "frozen_layers": lambda s: s["layers_still"] == 0,
}
"""True where there is hardly anything of the kind; what cannot be at all, `possible` has.

What is not known makes nothing unlikely: a comparison with NaN is false.
"""
