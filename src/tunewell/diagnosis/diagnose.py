"""Ranked findings from the record of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewell.arrays import Floats, own_numerics
from tunewell.diagnosis.causes import CAUSES, line_of, others_of
from tunewell.diagnosis.certainty import with_certainties, with_reserve
from tunewell.diagnosis.features import feature_row, features, strengths
from tunewell.diagnosis.findings import LABELS, Finding
from tunewell.diagnosis.goal import Goal, Possible, goal_of, metrics_of, name_of, with_goal, without_healthy
from tunewell.diagnosis.model import Forest, forest, level_of
from tunewell.diagnosis.next_change import Move, next_change, opposed
from tunewell.diagnosis.possible import has_exploded, impossible, with_possible
from tunewell.diagnosis.rules import RULES, Sign, see
from tunewell.diagnosis.rules.doubts import doubts
from tunewell.diagnosis.rules.fact import Fact
from tunewell.diagnosis.rules.facts import facts
from tunewell.diagnosis.rules.wording import IN_WORDS, at_the_end, figure, last_known
from tunewell.diagnosis.run_record import RunRecord, read_record
from tunewell.diagnosis.seen import seen_for
from tunewell.diagnosis.shortfall import shown_short_of, with_shortfall
from tunewell.diagnosis.signals import Signals, measure
from tunewell.diagnosis.signals.summaries import finite
from tunewell.diagnosis.unfamiliar import unfamiliar

Weigh = Callable[[Floats], Floats]
"""Probabilities of the causes, (K,), to the same with regard to something else that is known."""
_MIN_STRENGTH = 0.25  # a weaker sign is no evidence
_MAX_FINDINGS = 5
_MIN_CONFIDENCE = 0.02
_MOST_SCORES = 2


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings of a run, and where on the curves their evidence shows."""

    run: RunRecord
    findings: list[Finding]
    """The likeliest first."""
    signs: list[Sign]
    """The evidence of each finding."""
    goal: Goal | None = None
    """What is known to be possible, beside what the run reached."""
    opposed: frozenset[Move] = frozenset()
    """The moves of a setting that the run itself speaks against, whatever holds it back."""


def diagnose(record: Mapping[str, Any], *, target: float | None = None, metric: str | None = None) -> list[Finding]:
    """Return what holds a run back, the likeliest cause first; `healthy` first if nothing is wrong with it.

    record: `epochs` (a list of one mapping an epoch: train_loss, train_accuracy, val_loss, val_accuracy, lr, and what
        hooks measured), and, as far as known, `config`, `n_train`, `n_val`, `n_classes`, `data_summary`,
        `step_losses` and `step_losses_every`. None and NaN stand for numbers that were not finite. Anything may be
        missing but one loss or accuracy.
    target: what is known to be possible. A run that is clearly below is not healthy, whatever it looks like.
    metric: of what; validation accuracy if None, or what else there is.

    Raises:
        RecordError: there are no epochs, or nothing that was measured in them is known.
        SettingError: the target is no number, or the run does not have the metric.

    Example:
        >>> losses = [3.47, 5.9, 8.1, 10.2, 11.4, 12.1]
        >>> config = {"framework": "keras", "lr": 0.8}
        >>> record = {"config": config, "n_classes": 10, "epochs": [{"train_loss": loss} for loss in losses]}
        >>> tw.diagnose(record)[0].label
        'lr_too_high'
    """
    return examine(record, possible=None if target is None else Possible(target, metric)).findings


@own_numerics
def examine(
    record: Mapping[str, Any],
    *,
    possible: Possible | None = None,
    may_be_healthy: bool = True,
    weigh: Weigh | None = None,
) -> Diagnosis:
    """Diagnose a run as `diagnose` does, and keep the run and the places of the evidence, for reports that draw them.

    possible: what is known to be possible of a metric.
    may_be_healthy: False if it is known otherwise that it is not.
    weigh: changes the probabilities of `LABELS` as is known from elsewhere, such as experiments.
    """
    run = read_record(record)
    # a run of which no number is finite is below whatever is possible, and shows by itself why
    goal = None if possible is None or not metrics_of(run) else goal_of(run, possible)
    signals = measure(run)
    signs, known, raised = see(signals), facts(signals), doubts(signals)
    trees = forest(level_of(run))
    row = feature_row(features(signals, signs), trees.names)
    plainest = strengths(signs)
    chances = trees.probabilities(row, plainest)
    chances = with_possible(with_certainties(chances, signals, signs, known, raised), signals, plainest)
    chances = with_reserve(chances, signals)  # once more: what is not possible has left its share to health too
    chances = chances if weigh is None else weigh(chances)
    chances = chances if may_be_healthy else without_healthy(chances)
    if goal is not None and goal.falls_short:
        known = [*known, shown_short_of(goal, signals)]
        chances = with_shortfall(chances, known[-1], plainest)
    elif goal is not None:
        chances = with_goal(chances, goal)
    strange = None if goal is not None and goal.is_reached else unfamiliar(signals)
    chances = chances if strange is None else strange.left * chances
    ranked = sorted(zip(LABELS, chances.tolist(), strict=True), key=lambda pair: -pair[1])
    shown = [pair for i, pair in enumerate(ranked[:_MAX_FINDINGS]) if pair[1] and (i < 2 or pair[1] >= _MIN_CONFIDENCE)]
    evidence = _evidence([label for label, _ in shown], signals, signs, [*known, *raised], trees, row)
    if goal is not None and (goal.falls_short or goal.is_reached):
        evidence[0] = _with_goal(evidence[0], shown[0][0], goal)
    if strange is not None:
        evidence[0] = replace(evidence[0], evidence=f"{strange.in_words}; {evidence[0].evidence}")
    gone = impossible(signals)
    findings = [
        _finding(label, chance, sign, signals, gone) for (label, chance), sign in zip(shown, evidence, strict=True)
    ]
    return Diagnosis(run, findings, evidence, goal, opposed(signals))


def _finding(label: str, chance: float, sign: Sign, signals: Signals, gone: Mapping[str, str]) -> Finding:
    """Return a finding with all its words: what it means, what to write, how to check it, what else it could be."""
    cause, change = CAUSES[label], next_change(label, signals)
    change = replace(change, line=line_of(change, signals.run))
    return Finding(label, round(chance, 3), sign.evidence, change, cause.means, cause.check, others_of(label, gone))


def _with_goal(sign: Sign, label: str, goal: Goal) -> Sign:
    """Return a sign whose evidence begins with what was reached and what is possible."""
    if label == "healthy":
        return Sign(sign.strength, goal.in_words, goal.metric if goal.metric in IN_WORDS else "", goal.epoch)
    return replace(sign, evidence=f"{goal.in_words}; {sign.evidence}")


def _evidence(
    labels: list[str], signals: Signals, signs: Mapping[str, Sign], known: list[Fact], trees: Forest, row: Floats
) -> list[Sign]:
    """Return the plainest sign of each cause; where nothing is plain, what weighs most for it."""
    plain = {label: sign for label in labels if (sign := _plainest(label, signs, known)) is not None}
    plain = {label: sign for label, sign in plain.items() if not _is_invented(sign, signals)}
    if has_exploded(signals):
        plain = {label: plain.get(label, signs["diverges"]) for label in labels}
    rest = [label for label in labels if label not in plain and label != "healthy"]
    seen = seen_for(rest, signals, trees, row) if rest else {}
    name = next((name for name in IN_WORDS if _is_measured(signals.run, name)), "")
    vague = {label: Sign(0.0, text, name) for label, text in seen.items()}
    return [plain.get(label) or vague.get(label) or Sign(0.0, _no_fault(signals)) for label in labels]


def _is_invented(sign: Sign, signals: Signals) -> bool:
    """Return True for a sign on an accuracy that is taken from a loss, which may be that of anything."""
    return sign.curve in signals.run.estimated and not signals.units.classes_known


def _plainest(label: str, signs: Mapping[str, Sign], known: list[Fact]) -> Sign | None:
    """Return the plainest sign of a cause, a rule's or a fact's; None if there is none."""
    found = [fact.sign for fact in known if label in fact.causes]
    found += [signs[rule.name] for rule in RULES if rule.label == label]
    plain = [sign for sign in found if not math.isnan(sign.strength) and sign.strength >= _MIN_STRENGTH]
    return max(plain, key=lambda sign: sign.strength) if plain else None


def _no_fault(signals: Signals) -> str:
    """Return the evidence of `healthy` where no rule sees it, with what the record leaves open."""
    run = signals.run
    reached = [_end_in_words(signals, name) for name in ("train_accuracy", "val_accuracy") if _has_end(run, name)]
    reached += [
        f"{name_of(name)} is {figure(float(finite(run.scores[name])[-1]))}" for name in sorted(run.scores, reverse=True)
    ][:_MOST_SCORES]
    text = f"no sign of a fault is plain{': ' if reached else ''}{', '.join(reached)}"
    if signals.units.baseline == "first":
        name = next((name for name in ("val_loss", "train_loss") if _is_measured(run, name)), "")
        if name:
            text += (
                f"; whether {IN_WORDS[name]} could be lower than {figure(last_known(run, name)[1])}, nothing here says"
            )
    is_validated = any(np.isfinite(run[name]).any() for name in ("val_loss", "val_accuracy"))
    if not is_validated and not any(name.startswith("val_") for name in run.scores):
        text += "; without validation nothing is known of new rows"
    return text


def _has_end(run: RunRecord, name: str) -> bool:
    return bool(np.isfinite(run[name.replace("accuracy", "loss") if run.by_loss else name]).any())


def _end_in_words(signals: Signals, name: str) -> str:
    """Return `training accuracy is 92.5 %`; the loss in its place where that was reported, and no classes are known."""
    loss = name.replace("accuracy", "loss")
    if name in signals.run.estimated and not signals.units.classes_known:
        return f"{IN_WORDS[loss]} is {figure(last_known(signals.run, loss)[1])}"
    return at_the_end(signals, name)


def _is_measured(run: RunRecord, name: str) -> bool:
    return bool(np.isfinite(run[name]).any()) and name not in run.estimated
