"""Ranked findings from the record of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewell.arrays import Floats, own_numerics
from tunewell.diagnosis.certainty import with_certainties
from tunewell.diagnosis.features import feature_row, features, strengths
from tunewell.diagnosis.findings import LABELS, Finding
from tunewell.diagnosis.model import Forest, forest, level_of
from tunewell.diagnosis.next_change import next_change
from tunewell.diagnosis.rules import RULES, Sign, see
from tunewell.diagnosis.rules.facts import Fact, facts
from tunewell.diagnosis.rules.wording import IN_WORDS, figure, last_known
from tunewell.diagnosis.run_record import RunRecord, read_record
from tunewell.diagnosis.seen import seen_for
from tunewell.diagnosis.signals import Signals, measure

NO_FACTORS: Mapping[str, float] = {}
_MIN_STRENGTH = 0.25  # a weaker sign is no evidence
_MAX_FINDINGS = 5
_MIN_CONFIDENCE = 0.02


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings of a run, and where on the curves their evidence shows."""

    run: RunRecord
    findings: list[Finding]
    """The likeliest first."""
    signs: list[Sign]
    """The evidence of each finding."""


def diagnose(record: Mapping[str, Any]) -> list[Finding]:
    """Return what holds a run back, the likeliest cause first; `healthy` first if nothing is wrong with it.

    record: `epochs` (a list of one mapping an epoch: train_loss, train_accuracy, val_loss, val_accuracy, lr, and what
        hooks measured), and, as far as known, `config`, `n_train`, `n_val`, `n_classes`, `data_summary`,
        `step_losses` and `step_losses_every`. None and NaN stand for numbers that were not finite. Anything may be
        missing but one loss or accuracy.

    Raises:
        RecordError: there are no epochs, or nothing that was measured in them is known.
    """
    return examine(record).findings


@own_numerics
def examine(record: Mapping[str, Any], factors: Mapping[str, float] = NO_FACTORS) -> Diagnosis:
    """Diagnose a run as `diagnose` does, and keep the run and the places of the evidence, for reports that draw them.

    factors: by how much the odds of a cause are larger or smaller, as is known from elsewhere.
    """
    run = read_record(record)
    signals = measure(run)
    signs, known = see(signals), facts(signals)
    trees = forest(level_of(run))
    row = feature_row(features(signals, signs), trees.names)
    chances = trees.probabilities(row, strengths(signs), is_unlike=run.by_loss)
    chances = with_certainties(chances, signals, signs, known) * [factors.get(label, 1.0) for label in LABELS]
    chances /= chances.sum()
    ranked = sorted(zip(LABELS, chances.tolist(), strict=True), key=lambda pair: -pair[1])
    shown = [pair for i, pair in enumerate(ranked[:_MAX_FINDINGS]) if i < 2 or pair[1] >= _MIN_CONFIDENCE]
    evidence = _evidence([label for label, _ in shown], signals, signs, known, trees, row)
    findings = [
        Finding(label, round(chance, 3), sign.evidence, next_change(label, signals))
        for (label, chance), sign in zip(shown, evidence, strict=True)
    ]
    return Diagnosis(run, findings, evidence)


def _evidence(
    labels: list[str], signals: Signals, signs: Mapping[str, Sign], known: list[Fact], trees: Forest, row: Floats
) -> list[Sign]:
    """Return the plainest sign of each cause; where nothing is plain, what weighs most for it."""
    plain = {label: sign for label in labels if (sign := _plainest(label, signs, known)) is not None}
    rest = [label for label in labels if label not in plain and label != "healthy"]
    seen = seen_for(rest, signals, trees, row) if rest else {}
    name = next((name for name in IN_WORDS if _is_measured(signals.run, name)), "")
    vague = {label: Sign(0.0, text, name) for label, text in seen.items()}
    return [plain.get(label) or vague.get(label) or Sign(0.0, _no_fault(signals)) for label in labels]


def _plainest(label: str, signs: Mapping[str, Sign], known: list[Fact]) -> Sign | None:
    """Return the plainest sign of a cause, a rule's or a fact's; None if there is none."""
    found = [fact.sign for fact in known if label in fact.causes]
    found += [signs[rule.name] for rule in RULES if rule.label == label]
    plain = [sign for sign in found if not math.isnan(sign.strength) and sign.strength >= _MIN_STRENGTH]
    return max(plain, key=lambda sign: sign.strength) if plain else None


def _no_fault(signals: Signals) -> str:
    """Return the evidence of `healthy` where no rule sees it, with what the record leaves open."""
    run = signals.run
    text = "no sign of a fault is plain"
    if signals.units.baseline == "first":
        name = next((name for name in ("val_loss", "train_loss") if _is_measured(run, name)), "")
        if name:
            text += (
                f"; whether {IN_WORDS[name]} could be lower than {figure(last_known(run, name)[1])}, nothing here says"
            )
    if not any(np.isfinite(run[name]).any() for name in ("val_loss", "val_accuracy")):
        text += "; without validation nothing is known of new rows"
    return text


def _is_measured(run: RunRecord, name: str) -> bool:
    return bool(np.isfinite(run[name]).any()) and name not in run.estimated
