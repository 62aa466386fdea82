"""Signals of the configuration, in units in which different optimizers, data sets and networks can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals.summaries import TINY, end, finite, highest, log_ratio, lowest, mean, number, ratio
from tunewell.diagnosis.signals.units import Units, class_counts

_USUAL_RATE = {"sgd": 0.1, "rmsprop": 1e-3, "adam": 1e-3, "adamw": 1e-3, "nadam": 1e-3, "adagrad": 1e-2}
"""Usual rates without momentum; a rate r with momentum m moves as far as r / (1 - m) without."""
_LEAST_USUAL, _MOST_USUAL = min(_USUAL_RATE.values()), max(_USUAL_RATE.values())
"""The usual rates of an optimizer that is not named lie between these."""
_SATURATING = ("tanh", "sigmoid", "softsign")


def schedule_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Measure how the learning rate moves, and what was left to learn when it had become small."""
    rates = run["lr"]
    peak = highest(rates)
    if not peak > 0:
        names = ("rate_end_to_peak", "rate_mean_to_peak", "rate_under_tenth", "rate_under_fiftieth", "rate_rises")
        rest = ("decayed_at", "loss_when_decayed", "gain_after_decay", "slope_before_decay", "error_when_decayed")
        return dict.fromkeys((*names, *rest), math.nan)
    share = rates / peak
    summit = int(np.nanargmax(rates))
    small = np.flatnonzero((share < 0.05) & (np.arange(len(share)) > summit))
    loss = run["train_loss"] / units.guess_loss
    values = {
        "rate_end_to_peak": ratio(end(rates), peak),
        "rate_mean_to_peak": mean(share),
        "rate_under_tenth": float(np.mean(share[summit:] < 0.1)) * (len(share) - summit) / len(share),
        "rate_under_fiftieth": float(np.mean(share[summit:] < 0.02)) * (len(share) - summit) / len(share),
        "rate_rises": float(summit / len(share)),
    }
    if not small.size:
        return values | dict.fromkeys(
            ("decayed_at", "loss_when_decayed", "gain_after_decay", "slope_before_decay", "error_when_decayed"),
            math.nan,
        )
    here = int(small[0])
    before = max(0, here - max(2, here // 3))
    return values | {
        "decayed_at": here / len(share),
        "loss_when_decayed": loss[here],
        "gain_after_decay": loss[here] - end(loss),
        "slope_before_decay": ratio(loss[before] - loss[here], max(loss[here], TINY)),
        "error_when_decayed": 1 - float(run["train_accuracy"][here]),
    }


def configuration_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Measure learning rate, batches, regularization and size."""
    config = run.config
    optimizer = _optimizer(config)
    rate = number(config, "lr")
    rate = rate if rate > 0 else highest(run["lr"])
    momentum = number(config, "momentum") if optimizer == "sgd" else math.nan
    moved = rate / (1 - min(momentum, 0.999)) if momentum > 0 else rate
    batch = number(config, "batch_size")
    per_epoch = _steps_per_epoch(run, batch)
    rates = finite(run["lr"])
    steps = per_epoch * len(run)
    travel = moved * steps * (float(rates.mean()) / rate if rates.size and rate > 0 else 1.0)
    usual = _USUAL_RATE.get(optimizer, min(max(moved, _LEAST_USUAL), _MOST_USUAL))
    decay = number(config, "weight_decay")
    pull = {"sgd": moved, "adamw": rate}.get(optimizer, math.nan) * decay
    activation = str(config.get("activation", ""))
    model = str(config.get("model", ""))
    planned = number(config, "epochs")
    return {
        "rate": log_ratio(rate, 1.0),
        "rate_to_usual": log_ratio(moved, usual),
        "travel": log_ratio(travel / usual, 1.0),
        "rate_per_row": log_ratio(moved / usual, batch),
        "batch": batch,
        "batch_share": ratio(batch, run.n_train),
        "steps_per_epoch": per_epoch,
        "steps": steps,
        "epochs_done_share": ratio(float(run.epoch[-1]), planned),
        "dropout": number(config, "dropout"),
        "weight_decay": decay,
        "weight_decay_pull": log_ratio(pull, 1.0),
        "weight_decay_pull_total": log_ratio(pull * steps, 1.0),
        "adam": _known(float(optimizer.startswith("adam")), known=bool(optimizer)),
        "momentum": momentum,
        "rectified": _known(float(activation == "relu"), known=bool(activation)),
        "saturating": _known(float(activation in _SATURATING), known=bool(activation)),
        "sigmoid": _known(float(activation == "sigmoid"), known=bool(activation)),
        "recurrent": _known(float(model == "rnn"), known=bool(model)),
        "convolutional": _known(float(model == "cnn"), known=bool(model)),
        "batch_norm": number(config, "batch_norm"),
        "bn_momentum": number(config, "bn_momentum"),
        "clipped": number(config, "grad_clip"),
        "nll": _known(float(config.get("loss") == "nll"), known="loss" in config),
        **_size(run, units, config),
    }


def _size(run: RunRecord, units: Units, config: Mapping[str, Any]) -> dict[str, float]:
    """Measure the size of the network and of the data set, and one against the other."""
    widths = _widths(config.get("hidden"))
    channels = _widths(config.get("channels"))
    is_known = widths is not None or channels is not None
    every = np.concatenate([w for w in (channels, widths) if w is not None]) if is_known else np.empty(0)
    features = number(config, "n_features")
    parameters = number(config, "n_params")
    per_class = run.n_train / units.n_classes
    counts = class_counts(run.data, "class_counts_train")
    return {
        "depth": float(every.size) if is_known else math.nan,
        "narrowest": lowest(every),
        "narrowest_to_classes": ratio(lowest(every), units.n_classes),
        "narrowest_to_features": ratio(lowest(every), features),
        "linear": float(every.size == 0) if is_known else math.nan,
        "parameters_per_row": log_ratio(parameters, run.n_train),
        "rows_per_class": per_class,
        "rows_of_rarest": float(counts.min()) if counts.size else math.nan,
        "rows": run.n_train,
        "features_per_row": ratio(features, run.n_train),
    }


def _optimizer(config: Mapping[str, Any]) -> str:
    """Return the optimizer's name; a momentum by itself is that of SGD."""
    name = str(config.get("optimizer", "")).lower()
    return name or ("sgd" if number(config, "momentum") > 0 else "")


def _steps_per_epoch(run: RunRecord, batch: float) -> float:
    if batch > 0 and run.n_train > 0:
        return math.ceil(run.n_train / batch)
    if len(run.step_losses) and run.step_losses_every > 0:
        return len(run.step_losses) * run.step_losses_every / len(run)
    return math.nan


def _widths(given: object) -> Floats | None:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return np.array([float(given)])
    if not isinstance(given, list | tuple):
        return None
    widths = [float(w) for w in given if isinstance(w, int | float)]
    return np.array(widths)


def _known(value: float, *, known: bool) -> float:
    return value if known else math.nan
