"""A trial of a study as the record of a run: its reports are the epochs, its parameters the configuration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tunewell.diagnosis.readers.names import curves_of, scores_of
from tunewell.diagnosis.run_config import config_of
from tunewell.diagnosis.run_record import LAYERS
from tunewell.space.values import Value
from tunewell.trial import Report, Trial

FACTS = ("n_train", "n_val", "n_classes")
OF_DATA = "data."
"""Numbers of a report that are of the data and not of the epoch, as `run.data` adds them to the first one: these, those
of `_OF_CONFIG`, and, behind names that begin so, the parts of a record's `data_summary`."""
_VARIANCE = "target_variance"
_OF_CONFIG = {_VARIANCE: float, "has_batch_norm": bool}
"""Numbers of a report that are of the configuration, the latter as a watched network reports it."""

_MOST = 20.0  # nats: the loss of guessing among more classes than networks have outputs


def of_trial(trial: Trial, reports: Sequence[Report], max_epochs: int | None = None) -> dict[str, Any]:
    """Return the record of a trial.

    max_epochs: how many epochs a full training has; the trial itself may have been paused before.
    """
    return record_of(trial.params, [{"epoch": report.epoch, **report.metrics} for report in reports], max_epochs)


def record_of(
    setting: Mapping[str, Value],
    reports: Sequence[Mapping[str, float]],
    max_epochs: int | None = None,
    about: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the record of a training with a setting.

    reports: with `epoch` among the numbers of each.
    about: what else is known of it; the reports and the setting go before.
    """
    found = dict.fromkeys(name for report in reports for name in report)
    names = [name for name in found if not (_of_layer(name) or is_fact(name))]
    here = {name: curve for curve, name in (curves_of(names) | scores_of(names)).items()}
    config = {**about.get("config", {}), **config_of(setting)}
    if max_epochs is not None:
        config["epochs"] = max_epochs
    facts = classes_of(reports) | {name: report[name] for report in reports for name in FACTS if name in report}
    for name, kind in _OF_CONFIG.items():
        value = next((report[name] for report in reports if name in report), None)
        if value is not None:
            config.setdefault(name.removeprefix("has_"), kind(value))
    summary = {**about.get("data_summary", {}), **_summary(reports)}
    return {
        **about,
        **facts,
        **({"data_summary": summary} if summary else {}),
        "config": config,
        "epochs": [{"epoch": report["epoch"], **_named(report, here), "layers": _layers(report)} for report in reports],
    }


def is_fact(name: str) -> bool:
    """Return True for the name of a number that is of the data, and no metric."""
    return name in (*FACTS, *_OF_CONFIG) or name.startswith(OF_DATA)


def _summary(reports: Iterable[Mapping[str, float]]) -> dict[str, Any]:
    """Return the data's summary of `data.train_inputs.mean`, `data.class_counts_train.0` and so on."""
    summary: dict[str, Any] = {}
    for report in reports:
        for name, value in report.items():
            if name.startswith(OF_DATA):
                key, _, part = name.removeprefix(OF_DATA).partition(".")
                if part:
                    summary.setdefault(key, {})[part] = value
                else:
                    summary[key] = value
    return summary


def classes_of(reports: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return `n_classes`, where a watched network has reported ln(classes) at its first epoch."""
    chance_loss = next((report["chance_loss"] for report in reports if "chance_loss" in report), math.nan)
    return {"n_classes": round(math.exp(chance_loss))} if 0 < chance_loss < _MOST else {}


def _of_layer(name: str) -> bool:
    """Return True for the name of a layer's number, which a watched run reports flat: `layers.NAME.grad_norm`."""
    return name.startswith("layers.") and name.rpartition(".")[2] in LAYERS


def _named(metrics: Mapping[str, float], here: Mapping[str, str]) -> dict[str, float]:
    return {
        here.get(name, name): value
        for name, value in metrics.items()
        if name != "epoch" and not is_fact(name) and not _of_layer(name)
    }


def _layers(metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return one mapping a weight matrix, in the order of the reports."""
    layers: dict[str, dict[str, Any]] = {}
    for name, value in metrics.items():
        if _of_layer(name):
            layer, _, what = name.removeprefix("layers.").rpartition(".")
            layers.setdefault(layer, {"name": layer})[what] = value
    return list(layers.values())
