"""Ranked findings from the record of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.diagnosis.certainty import with_certainties
from tunewell.diagnosis.features import feature_row, features, strengths
from tunewell.diagnosis.findings import LABELS, Finding
from tunewell.diagnosis.model import forest, level_of
from tunewell.diagnosis.next_change import next_change
from tunewell.diagnosis.rules import RULES, Sign, see
from tunewell.diagnosis.rules.wording import course, reached
from tunewell.diagnosis.run_record import RunRecord, read_record
from tunewell.diagnosis.signals import Signals, measure

NO_FACTORS: Mapping[str, float] = {}
NOT_PLAIN = "no single sign is plain, the run as a whole is like others with this cause"
"""The beginning of the evidence of a finding that no rule sees a sign of."""
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
    signs = see(signals)
    trees = forest(level_of(run))
    chances = trees.probabilities(feature_row(features(signals, signs), trees.names), strengths(signs))
    chances = with_certainties(chances, signals, signs) * [factors.get(label, 1.0) for label in LABELS]
    chances /= chances.sum()
    ranked = sorted(zip(LABELS, chances.tolist(), strict=True), key=lambda pair: -pair[1])
    shown = [pair for i, pair in enumerate(ranked[:_MAX_FINDINGS]) if i < 2 or pair[1] >= _MIN_CONFIDENCE]
    evidence = [_evidence(label, signals, signs) for label, _ in shown]
    findings = [
        Finding(label, round(chance, 3), sign.evidence, next_change(label, signals))
        for (label, chance), sign in zip(shown, evidence, strict=True)
    ]
    return Diagnosis(run, findings, evidence)


def _evidence(label: str, signals: Signals, signs: Mapping[str, Sign]) -> Sign:
    """Return the plainest sign of a cause; if no rule sees any, the run's course."""
    own = [signs[rule.name] for rule in RULES if rule.label == label]
    plain = [sign for sign in own if not math.isnan(sign.strength) and sign.strength >= _MIN_STRENGTH]
    if plain:
        return max(plain, key=lambda sign: sign.strength)
    run = signals.run
    if label == "healthy":
        blind = not any(np.isfinite(run[name]).any() for name in ("val_loss", "val_accuracy"))
        unseen = "; without validation nothing is known of new rows" if blind else ""
        return Sign(0.0, f"no sign of a fault is plain{unseen}")
    name = next(
        (
            name
            for name in ("train_loss", "val_loss", "train_accuracy", "val_accuracy")
            if np.isfinite(run[name]).any() and name not in run.estimated
        ),
        "",
    )
    summary = course(run, name) if name else "no loss was finite"
    known = signals.known("val_error_last") and name != "val_accuracy"
    accuracy = f", and validation accuracy is {reached(signals, 'val_accuracy')}" if known else ""
    return Sign(0.0, f"{NOT_PLAIN}: {summary}{accuracy}", name)
