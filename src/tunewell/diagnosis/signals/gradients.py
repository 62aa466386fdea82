"""Signals of a watched network: gradients, updates, weights, activations, and the evaluation of training rows.

Shapes: E epochs, L weight matrices from input to output.
"""

from __future__ import annotations

import math
import warnings

import numpy as np

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import RunRecord
from tunewell.diagnosis.signals.summaries import (
    TINY,
    end,
    finite,
    gap_halfway,
    highest,
    log_ratio,
    lowest,
    mean,
    median,
    number,
    ratios,
    start,
)
from tunewell.diagnosis.signals.units import Units

_STILL = 1e-9  # an update below is none
_MOVED = 1e-6  # and one above surely is one
_LEARNING = 1e-3  # CS231n: an update of a thousandth of the weights a step is about right


def hook_signals(run: RunRecord, units: Units) -> dict[str, float]:
    """Measure the network as a whole."""
    loss, eval_loss = run["train_loss"] / units.guess_loss, run["train_eval_loss"] / units.guess_loss
    fit, eval_fit = units.accuracy(run["train_accuracy"]), units.accuracy(run["train_eval_accuracy"])
    accuracy, val_loss = units.accuracy(run["val_accuracy"]), run["val_loss"] / units.guess_loss
    norms, updates = run["grad_norm"], run["update_ratio"]
    spikes = ratios(run["grad_norm_max"], norms)
    noise_scale = median(run["grad_noise_scale"])
    return {
        "eval_accuracy_last": end(eval_fit),
        "eval_accuracy_best": highest(eval_fit),
        "eval_lead": end(eval_fit - fit),
        "eval_lead_mean": mean((eval_fit - fit)[len(run) // 2 :]),
        "eval_lead_worst": lowest((eval_fit - fit)[1:]),
        "eval_loss_lead": end(loss - eval_loss),
        "eval_gap": end(eval_fit - accuracy),
        "eval_gap_first": start(eval_fit - accuracy),
        "eval_gap_early": mean((eval_fit - accuracy)[: max(2, len(run) // 4)]),
        "eval_gap_mean": mean(eval_fit - accuracy),
        "eval_loss_gap": end(val_loss - eval_loss),
        "eval_loss_gap_first": start(val_loss - eval_loss),
        "eval_gap_halfway": gap_halfway(eval_fit, accuracy),
        "eval_to_val_loss": log_ratio(end(val_loss), end(eval_loss)),
        "balanced_shortfall": end(run["val_accuracy"] - run["val_balanced_accuracy"]),
        "balanced_accuracy": end(units.accuracy(run["val_balanced_accuracy"])),
        "top_share": end(run["val_top_prediction_share"]),
        "top_share_mean": mean(run["val_top_prediction_share"]),
        "top_share_least": lowest(run["val_top_prediction_share"]),
        "gradient_first": log_ratio(start(norms), 1.0),
        "gradient_last": log_ratio(end(norms), 1.0),
        "gradient_growth": log_ratio(end(norms), start(norms)),
        "gradient_growth_peak": log_ratio(highest(norms), start(norms)),
        "gradient_per_loss": log_ratio(end(norms), max(end(loss), 1e-3)) if not math.isnan(end(loss)) else math.nan,
        "gradient_spike": log_ratio(highest(spikes), 1.0),
        "gradient_spike_usual": median(spikes),
        "gradient_broken": float((run.broken["grad_norm"] | run.broken["grad_norm_max"]).any()),
        "weights_growth": log_ratio(end(run["weight_norm"]), start(run["weight_norm"])),
        "weights_first": log_ratio(start(run["weight_norm"]), 1.0),
        "update_first": log_ratio(start(updates), _LEARNING),
        "update_last": log_ratio(end(updates), _LEARNING),
        "update_median": log_ratio(median(updates), _LEARNING),
        "update_growth": log_ratio(end(updates), start(updates)),
        "update_to_gradient": log_ratio(median(updates), median(norms)),
        "dead_last": end(run["dead_fraction"]),
        "dead_first": start(run["dead_fraction"]),
        "dead_growth": end(run["dead_fraction"]) - start(run["dead_fraction"]),
        "saturated_last": end(run["saturated_fraction"]),
        "saturated_first": start(run["saturated_fraction"]),
        "noise_scale": log_ratio(noise_scale, 1.0),
        "noise_scale_to_batch": log_ratio(noise_scale, number(run.config, "batch_size")),
    }


def layer_signals(run: RunRecord, units: Units) -> dict[str, float]:  # noqa: ARG001  all groups are called alike
    """Measure its weight matrices, one against the other."""
    layers = {name: values for name, values in run.layers.items() if name != "activation_mean"}
    norms, updates = _typical(layers["grad_norm"]), _typical(layers["update_ratio"])
    weights, spread = layers["weight_norm"], layers["activation_std"]
    per_weight = norms / np.maximum(_typical(weights), TINY)
    hidden = spread[:1, :-1]
    moved, reached = _most(layers["update_ratio"]), _most(layers["grad_norm"])
    return {
        "layers": float(len(norms)) if len(norms) else math.nan,
        "layer_gradient_first_to_last": _ends(norms),
        "layer_gradient_at_start": _ends(layers["grad_norm"][0]) if len(norms) else math.nan,
        "layer_gradient_slope": _slope(norms),
        "layer_gradient_slope_at_start": _slope(layers["grad_norm"][0]) if len(norms) else math.nan,
        "layer_gradient_per_weight_slope": _slope(per_weight),
        "layer_gradient_least": log_ratio(lowest(norms), highest(norms)),
        "layer_gradient_first": log_ratio(norms[0], 1.0) if len(norms) else math.nan,
        "layer_update_least": log_ratio(lowest(updates), _LEARNING),
        "layer_update_most": log_ratio(highest(updates), _LEARNING),
        "layer_update_spread": log_ratio(lowest(updates), median(updates)),
        "layer_update_slope": _slope(updates),
        "layers_still": float(np.mean(finite(moved) < _STILL)) if finite(moved).size else math.nan,
        "layers_still_with_gradient": _ignored(moved, reached),
        "layer_weights_growth_most": highest(_growths(weights)),
        "layer_weights_growth_least": lowest(_growths(weights)),
        "layer_weights_to_usual_most": highest(_to_usual(run)),
        "layer_weights_to_usual_least": lowest(_to_usual(run)),
        "layer_weights_spread": log_ratio(highest(weights[0]), lowest(weights[0])) if len(norms) else math.nan,
        "activation_first_layer": log_ratio(start(spread[:, 0]), 1.0) if len(norms) else math.nan,
        "activation_least_at_start": log_ratio(lowest(hidden), 1.0),
        "activation_most_at_start": log_ratio(highest(hidden), 1.0),
        "activation_slope_at_start": _slope(spread[0]) if len(norms) else math.nan,
        "activation_slope": _slope(_typical(spread)),
        "layer_dead_most": highest(layers["dead_fraction"][-1:]),
        "layer_dead_most_at_start": highest(layers["dead_fraction"][:1]),
        "layer_saturated_most": highest(layers["saturated_fraction"][-1:]),
        "layer_saturated_most_at_start": highest(layers["saturated_fraction"][:1]),
        "layer_saturated_first": highest(layers["saturated_fraction"][:1, :1]),
    }


def _typical(values: Floats) -> Floats:
    """Return the median over the epochs, (E, L) -> (L,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a layer that was never measured stays NaN
        typical: Floats = np.nanmedian(values, axis=0) if values.size else np.empty(0)
    return typical


def _most(values: Floats) -> Floats:
    """Return the greatest of all epochs, (E, L) -> (L,), since a rate that has decayed moves nothing any more."""
    return np.array([highest(column) for column in values.T])


def _ignored(moved: Floats, reached: Floats) -> float:
    """Return the share of layers that never moved, with gradients near the largest, while another layer did move.

    If none moved at all, the rate may be too small for the numbers' precision; a gradient that vanishes moves nothing.
    """
    if not np.isfinite(moved).any() or not np.isfinite(reached).any():
        return math.nan
    plain = reached > 1e-3 * highest(reached)
    return float(((moved < _STILL) & plain).mean()) if highest(moved) > _MOVED else 0.0


def _ends(values: Floats) -> float:
    """Return log10 of the first layer's over the last layer's."""
    known = finite(values)
    return log_ratio(known[0], known[-1]) if len(known) > 1 else math.nan


def _slope(values: Floats) -> float:
    """Fit the slope from input to output, in decades a layer."""
    known = finite(values)
    if len(known) < 3:
        return math.nan
    return float(np.polyfit(np.arange(len(known)), np.log10(np.maximum(known, TINY)), 1)[0])


def _growths(weights: Floats) -> Floats:
    """Return log10 of the growth of each matrix's norm, (E, L) -> (L,)."""
    return np.array([log_ratio(end(column), start(column)) for column in weights.T])


def _to_usual(run: RunRecord) -> Floats:
    """Return log10 of each matrix's norm after the first epoch over He's initialization, sqrt(2 outputs), (L,).

    He, Glorot's and PyTorch's own initialization are within half a decade of each other. Only for dense networks,
    whose widths give the number of outputs.
    """
    hidden = run.config.get("hidden")
    weights = run.layers["weight_norm"]
    if not isinstance(hidden, list) or not weights.size or not math.isfinite(run.n_classes):
        return np.empty(0)
    outputs = [*hidden, run.n_classes]
    if len(outputs) != weights.shape[1] or not all(isinstance(n, int | float) and n > 0 for n in outputs):
        return np.empty(0)
    return np.array([log_ratio(w, math.sqrt(2 * n)) for w, n in zip(weights[0], outputs, strict=True)])
