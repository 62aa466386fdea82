"""Whether a run deserves its label: what the same training reaches without the fault, or with some setting changed.

A fault counts only if it costs `GAP` of the validation score (an accuracy, or the share of the variance that is
explained) beside its twin, which trains from the same seed without it; where that is not what the fault spoils, its
definition is checked. A run is healthy only if none of a few
changes gains more than `SLACK`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from cases import Case
from faults import Planted

from training import train

GAP = 0.04
_GAPS = {"loss_output_mismatch": 0.03}
SLACK = 0.025
_WIDE = 0.13  # between the accuracy on training rows and on new ones
_DEAD = 0.6

Record = dict[str, Any]


def score(record: Record) -> float:
    """The validation score in the end: the mean of the last two epochs, since one alone is noisy; 0 if it diverged."""
    return float(np.mean(_scores(record)[-2:])) if finite(record) else 0.0


def _scores(record: Record) -> list[float]:
    """Of each epoch; the own networks' trainings are judged by the accuracy that they log."""
    return record.get("scores") or [epoch["val_accuracy"] for epoch in record["epochs"]]


def finite(record: Record) -> bool:
    """Whether the run came to its end."""
    loss = record["epochs"][-1]["train_loss"]
    return loss is not None and math.isfinite(loss)


def may_be_healthy(case: Case, record: Record) -> bool:
    """Whether the run came to its end, learned something and does not overfit."""
    if not finite(record) or overfits(record) or _gap(record) > 0.1 or _rises(record) > 0.25:
        return False
    return score(record) >= case.task.chance(torch.from_numpy(case.data.y_val)) + 0.1


def gains(case: Case, record: Record) -> dict[str, float]:
    """By how much the change of one setting betters the run, by the name of the fault that it mends."""
    changes = {
        "lr_too_low": replace(case, lr=case.lr * 3),
        "lr_too_high": replace(case, lr=case.lr / 3),
        "too_few_epochs": replace(case, epochs=case.epochs * 2, schedule=_stretched(case.schedule)),
    }
    if case.model == "mlp" and sum(case.hidden) < 24 and case.data.task != "autoencoder":
        changes["model_too_small"] = replace(case, hidden=(64, 64))
    if case.dropout:
        changes["dropout_too_high"] = replace(case, dropout=0.0)
    reached = score(record)
    return {label: score(train(change, watched=False)) - reached for label, change in changes.items()}


def holds(label: str, planted: Planted, record: Record, base: Case, base_score: float) -> bool:
    """Whether the fault of that name truly holds the run back."""
    if label == "overfitting":
        return finite(record) and overfits(record) and _twin_score(planted) >= score(record) + GAP
    if label == "class_imbalance":
        return _hides_rare_classes(planted, record)
    twin = base_score if planted.twin is None or planted.twin is base else _twin_score(planted)
    if label == "data_leak":
        return score(record) >= twin + GAP
    if twin < score(record) + _GAPS.get(label, GAP):
        return False
    checks = {"too_few_epochs": _still_improves, "dead_relus": _is_dead, "model_too_small": _does_not_fit}
    check = checks.get(label)
    return True if check is None else check(planted, record, twin)


def also_called(label: str, record: Record) -> tuple[str, ...]:
    """Names that a run deserves by what happened in it, whatever was planted."""
    if label in ("lr_too_high", "unnormalised_inputs", "missing_zero_grad") and _dead_fraction(record) > 0.75:
        return ("dead_relus",)
    if label == "data_leak" and _gap(record) > 0.1:
        return ("overfitting",)
    return ()


def overfits(record: Record) -> bool:
    """A wide gap, and a validation loss well above its lowest; or a very wide gap."""
    return _gap(record) > 0.2 or (_gap(record) > _WIDE and _rises(record) > 0.15)


def _gap(record: Record) -> float:
    train = record.get("train_score", record["epochs"][-1].get("train_eval_accuracy"))
    return float(train - _scores(record)[-1])


def _rises(record: Record) -> float:
    """How far the validation loss ends above its lowest, in parts of the larger of that and a third of its first."""
    losses = [epoch["val_loss"] for epoch in record["epochs"] if epoch["val_loss"] is not None]
    lowest = min(losses)
    return float(np.mean(losses[-2:]) - lowest) / max(lowest, min(0.3, abs(losses[0]) / 3), 1e-9)


def _stretched(schedule: dict[str, Any]) -> dict[str, Any]:
    """The same over twice as many epochs."""
    if schedule["name"] == "step":
        return {**schedule, "step_epochs": schedule["step_epochs"] * 2}
    if schedule["name"] == "exponential":
        return {**schedule, "gamma": schedule["gamma"] ** 0.5}
    return schedule


def _twin_score(planted: Planted) -> float:
    assert planted.twin is not None
    return score(train(planted.twin, watched=False))


def _hides_rare_classes(planted: Planted, record: Record) -> bool:
    last = record["epochs"][-1]
    hidden = last["val_accuracy"] - last["val_balanced_accuracy"]
    if not finite(record) or hidden < 0.12:
        return False
    assert planted.twin is not None
    twin = train(planted.twin)["epochs"][-1]
    return bool(twin["val_balanced_accuracy"] >= last["val_balanced_accuracy"] + 0.05)


def _still_improves(planted: Planted, record: Record, twin: float) -> bool:
    """The rate was right: three times as much would not have got there in as few epochs."""
    losses = [epoch["train_loss"] for epoch in record["epochs"]]
    faster = train(replace(planted.case, lr=planted.case.lr * 3), watched=False)
    return losses[-1] < losses[0] and score(faster) - score(record) < 0.6 * (twin - score(record))


def _is_dead(planted: Planted, record: Record, twin: float) -> bool:  # noqa: ARG001  as all checks are called
    return _dead_fraction(record) > _DEAD


def _does_not_fit(planted: Planted, record: Record, twin: float) -> bool:  # noqa: ARG001
    return finite(record) and _gap(record) < 0.1


def _dead_fraction(record: Record) -> float:
    shares = [epoch.get("dead_fraction") or 0.0 for epoch in record["epochs"]]
    return max(shares[-1], float(np.mean(shares)))
