"""From the record of a run to ranked findings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewell.diagnosis.certainty import certain
from tunewell.diagnosis.changes import next_change
from tunewell.diagnosis.features import features, row, strengths
from tunewell.diagnosis.findings import LABELS, Finding
from tunewell.diagnosis.model import forest, level_of
from tunewell.diagnosis.record import RunRecord, read
from tunewell.diagnosis.rules import RULES, Sign, see
from tunewell.diagnosis.rules.base import course, reached
from tunewell.diagnosis.signals import Signals, measure

NOTHING_ELSE: Mapping[str, float] = {}
NOT_PLAIN = "no single sign is plain, the run as a whole is like others with this cause"
"""How the evidence of a finding begins that no rule of its own speaks for."""
_PLAIN = 0.25  # a rule that sees less is not told as evidence
_SHOWN = 5
_LEAST = 0.02


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, and where on the curves it shows."""

    run: RunRecord
    findings: list[Finding]
    """The likeliest first."""
    signs: list[Sign]
    """The evidence of each finding."""


def diagnose(record: Mapping[str, Any]) -> list[Finding]:
    """What holds a run back, the likeliest cause first; `healthy` first if nothing is wrong with it.

    record: `epochs` (a list of one mapping an epoch: train_loss, train_accuracy, val_loss, val_accuracy, lr, and what
        hooks measured), and, as far as known, `config`, `n_train`, `n_val`, `n_classes`, `data_summary`,
        `step_losses` and `step_losses_every`. None and NaN stand for numbers that were not finite. Anything may be
        missing but one loss or accuracy.

    Raises:
        RecordError: there are no epochs, or nothing that was measured in them is known.
    """
    return examine(record).findings


def examine(record: Mapping[str, Any], factors: Mapping[str, float] = NOTHING_ELSE) -> Diagnosis:
    """As `diagnose`, with the run and the places of the evidence, for reports that draw them.

    factors: what is known from elsewhere: by how much the odds of a cause are larger or smaller.
    """
    run = read(record)
    signals = measure(run)
    signs = see(signals)
    trees = forest(level_of(run))
    chances = trees.probabilities(row(features(signals, signs), trees.names), strengths(signs))
    chances = certain(chances, signals, signs) * [factors.get(label, 1.0) for label in LABELS]
    chances /= chances.sum()
    ranked = sorted(zip(LABELS, chances.tolist(), strict=True), key=lambda pair: -pair[1])
    shown = [pair for i, pair in enumerate(ranked[:_SHOWN]) if i < 2 or pair[1] >= _LEAST]
    evidence = [_evidence(label, signals, signs) for label, _ in shown]
    findings = [
        Finding(label, round(chance, 3), sign.evidence, next_change(label, signals))
        for (label, chance), sign in zip(shown, evidence, strict=True)
    ]
    return Diagnosis(run, findings, evidence)


def _evidence(label: str, signals: Signals, signs: Mapping[str, Sign]) -> Sign:
    """The plainest sign of a cause; if no rule sees any, the run's course."""
    own = [signs[rule.name] for rule in RULES if rule.label == label]
    plain = [sign for sign in own if not math.isnan(sign.strength) and sign.strength >= _PLAIN]
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
    told = course(run, name) if name else "no loss was finite"
    known = signals.known("val_error_last") and name != "val_accuracy"
    accuracy = f", and validation accuracy is {reached(signals, 'val_accuracy')}" if known else ""
    return Sign(0.0, f"{NOT_PLAIN}: {told}{accuracy}", name)
