"""How much of a run a diagnoser is shown: all of it, no hooks, curves and config, or the curves alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunewell.logs.scores import CURVES_OF_SCORES

ACCURACIES = ("train_accuracy", "train_eval_accuracy", "train_eval_loss")
VALIDATION = ("val_loss", "val_accuracy", "val_balanced_accuracy", "val_top_prediction_share")
Record = Mapping[str, Any]
"""One that `generate.py` has written."""
CURVES = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", *CURVES_OF_SCORES)
_RARE = ("train_r2", "val_r2", "val_f1", "train_f1", "train_mae", "val_mae")
_OF_AUTHORS = ("n_params", "n_features", "bn_momentum", "lr_schedule")


def full(record: Record) -> dict[str, Any]:
    """All that was recorded."""
    told = ("config", "n_train", "n_val", "n_classes", "data_summary", "epochs", "step_losses", "step_losses_every")
    return {key: record[key] for key in told if key in record}


def no_hooks(record: Record) -> dict[str, Any]:
    """Without what hooks measure; data and settings are known."""
    return full(record) | {"epochs": _curves(record)}


def curves_and_config(record: Record) -> dict[str, Any]:
    """The curves and what their author meant."""
    shown = no_hooks(record)
    return {key: value for key, value in shown.items() if key != "data_summary" and not key.startswith("step_losses")}


def curves_alone(record: Record) -> dict[str, Any]:
    """Nothing but the curves: what a CSV file has."""
    return {"epochs": _curves(record)}


VIEWS: dict[str, Callable[[Record], dict[str, Any]]] = {
    "full": full,
    "no hooks": no_hooks,
    "curves and config": curves_and_config,
    "curves alone": curves_alone,
}


def blurred(record: Record, view: str, rng: np.random.Generator) -> dict[str, Any]:
    """A view that lacks some of what users' logs often lack too: fitted to it, no key is leaned on."""
    shown = VIEWS[view](record)
    for key in ("step_losses", "n_train", "n_val", "n_classes"):
        source = record.get(key) if view == "curves alone" else shown.get(key)
        if source is not None and rng.random() < (0.3 if view == "curves alone" else 0.75):
            shown[key] = source
        else:
            shown.pop(key, None)
    if "step_losses" in shown and "step_losses_every" in record:
        shown["step_losses_every"] = record["step_losses_every"]
    for key, chance in (("config", 0.1), ("data_summary", 0.1)):
        if rng.random() < chance and view in ("full", "no hooks"):
            shown.pop(key, None)
    if view == "full" and rng.random() < 0.1:
        shown["epochs"] = [{k: v for k, v in row.items() if k != "layers"} for row in shown["epochs"]]
    if rng.random() < 0.4:
        shown = _sparse(shown, rng)
    lost = {name for name in _RARE if rng.random() < 0.5}
    if view != "full" and rng.random() < 0.6:
        lost.add("lr")
    shown["epochs"] = [{key: value for key, value in row.items() if key not in lost} for row in shown["epochs"]]
    return _as_printed(shown, rng)


def early(record: Record, view: str, share: float) -> dict[str, Any]:
    """A view of the run while it was still being trained: its first epochs, a share of as many as were meant."""
    shown = VIEWS[view](record)
    n = len(shown["epochs"])
    kept = max(min(2, n), round(n * share))
    shown["epochs"] = shown["epochs"][:kept]
    if "step_losses" in shown:
        shown["step_losses"] = shown["step_losses"][: max(1, len(shown["step_losses"]) * kept // n)]
    return shown


def lacking(record: Record, view: str, kind: str) -> dict[str, Any]:
    """A view of the run if its loop had logged no accuracy, or no loss, of any rows."""
    shown = VIEWS[view](record)
    lost = {"accuracy": (*ACCURACIES[:2], *VALIDATION[1:]), "loss": ("train_loss", "val_loss", "train_eval_loss")}[kind]
    shown["epochs"] = [{key: value for key, value in row.items() if key not in lost} for row in shown["epochs"]]
    return {key: value for key, value in shown.items() if kind != "loss" or not key.startswith("step_losses")}


def _sparse(shown: Record, rng: np.random.Generator) -> dict[str, Any]:
    """As somebody logs who logs little: a few of the curves, a few of the settings."""
    sometimes = {key for key in ("train_loss", *ACCURACIES, *VALIDATION) if rng.random() < 0.3}
    lost = sometimes - {str(rng.choice(["train_loss", "val_loss", "val_accuracy"]))}
    rows = [{key: value for key, value in row.items() if key not in lost} for row in shown["epochs"]]
    config = {
        key: value
        for key, value in shown.get("config", {}).items()
        if rng.random() < (0.3 if key in _OF_AUTHORS else 0.7)
    }
    return {**shown, "epochs": rows, **({"config": config} if config else {})}


def _as_printed(shown: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """With the digits of a log, and now and then every second to fifth epoch alone."""
    rows = shown["epochs"]
    every = int(rng.integers(2, 6))
    if len(rows) >= 4 * every and rng.random() < 0.15:
        rows = rows[every - 1 :: every]
    if rng.random() < 0.6:
        digits = int(rng.choice([2, 3, 4]))
        rows = [
            {key: _rounded(value, digits) if key in CURVES[1:] and key != "lr" else value for key, value in row.items()}
            for row in rows
        ]
    return {**shown, "epochs": rows}


def _rounded(value: Any, digits: int) -> Any:
    return round(value, digits) if isinstance(value, float) and math.isfinite(value) else value


def labels(record: Record) -> tuple[str, ...]:
    """All names that the run may fairly be given, the first the most fitting."""
    told = record.get("labels") or record["label"]
    return (told,) if isinstance(told, str) else tuple(told)


def read_all(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The records of files of JSON lines; a last line that is still being written is left out."""
    for path in paths:
        with path.open() as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)


def _curves(record: Record) -> list[dict[str, Any]]:
    return [{key: row[key] for key in CURVES if key in row} for row in record["epochs"]]
