"""A trial of a study as the record of a run: its reports are the epochs, its parameters the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.diagnosis.readers.names import curves_of, settings_of
from tunewell.diagnosis.record import LAYERS
from tunewell.trial import Report, Trial


def of_trial(trial: Trial, reports: Sequence[Report], max_epochs: int | None = None) -> dict[str, Any]:
    """The record of a trial.

    max_epochs: how many epochs a full training has; the trial itself may have been paused before.
    """
    names = [
        name for name in dict.fromkeys(name for report in reports for name in report.metrics) if not _of_layer(name)
    ]
    here = {name: curve for curve, name in curves_of(names).items()}
    config = settings_of(trial.params)
    if max_epochs is not None:
        config["epochs"] = max_epochs
    return {
        "config": config,
        "epochs": [
            {"epoch": report.epoch, **_named(report.metrics, here), "layers": _layers(report.metrics)}
            for report in reports
        ],
    }


def _of_layer(name: str) -> bool:
    """A watched run reports what it measured of its layers flat: `layers.NAME.grad_norm`."""
    return name.startswith("layers.") and name.rpartition(".")[2] in LAYERS


def _named(metrics: Mapping[str, float], here: Mapping[str, str]) -> dict[str, float]:
    return {here.get(name, name): value for name, value in metrics.items() if not _of_layer(name)}


def _layers(metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """One mapping a weight matrix, in the order of the reports."""
    layers: dict[str, dict[str, Any]] = {}
    for name, value in metrics.items():
        if _of_layer(name):
            layer, _, what = name.removeprefix("layers.").rpartition(".")
            layers.setdefault(layer, {"name": layer})[what] = value
    return list(layers.values())
