"""The one change to make next, for each cause: the setting, the direction, the value, and the reason for that value.

Values are computed from the run where its record has enough, else they are the field's usual ones. The size of a step
is that of the tuning playbook and of AutoTrainer's repairs: a decade of the learning rate, a factor of four in width,
the middle of the usual range for regularization.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from tunewell.diagnosis.findings import NextChange
from tunewell.diagnosis.possible import has_diverged, has_exploded, is_broken
from tunewell.diagnosis.rules.wording import best_known, figure
from tunewell.diagnosis.signals import Signals
from tunewell.diagnosis.signals.summaries import finite, number

Move: TypeAlias = tuple[str, str]
"""A setting of a record's configuration, and the direction in which it is moved."""

_USUAL_BATCH = 32
_SATURATING = ("tanh", "sigmoid", "softsign")
_FEWEST = 3  # epochs that a course is seen in
_NO_STEP = -6.0  # decades from the usual update
_LARGE = 0.5  # decades above the usual rate


def next_change(label: str, s: Signals) -> NextChange:
    """Return the change that would help if this is the cause, unless the run itself speaks against it."""
    change = _CHANGES[label](s)
    move = (change.param, change.direction)
    if move not in opposed(s):
        return change
    if move == ("lr", "increase"):
        return _lower_rate(s)
    if move == ("width", "increase"):
        return NextChange(
            "code", "fit_one_batch", None, "first fit 32 rows: a network that cannot is broken, and no size mends that"
        )
    return change


def opposed(s: Signals) -> frozenset[Move]:
    """Return the moves that the run itself speaks against, whatever holds it back.

    A rate at which the loss diverges is not raised, one at which it falls at every epoch is not lowered, and a network
    that learns nothing, or breaks, is not enlarged.
    """
    moves: set[Move] = set()
    if has_diverged(s):
        moves |= {("lr", "increase"), ("momentum", "increase"), ("batch_size", "decrease")}
    elif _falls_at_each_epoch(s):
        moves |= {("lr", "decrease"), ("momentum", "decrease")}
    if is_broken(s):
        moves |= {("width", "increase"), ("depth", "increase")}
    return frozenset(moves)


def _falls_at_each_epoch(s: Signals) -> bool:
    """Return True if training loss, as it was reported, has never risen, at a rate that is not known to be large."""
    losses = finite(s.run["train_loss"])
    if losses.size < _FEWEST or "train_loss" in s.run.estimated or s["rate_to_usual"] > _LARGE:
        return False
    return bool((np.diff(losses) < 0).all())


def _none(s: Signals) -> NextChange:  # noqa: ARG001  all changes are called alike
    return NextChange("", "", None, "nothing that one change would mend")


def _lower_rate(s: Signals) -> NextChange:
    """Lower the rate by the update ratio if known (CS231n: a thousandth), by ten to a thousand times; else by ten."""
    factor, why = _by_updates(s, 1e-3, 0.1, "update ratio")
    if math.isnan(factor):
        broken = has_exploded(s)
        factor, why = (0.03, "it diverges: a decade and a half") if broken else (0.1, "a decade is the usual step")
    return _rate_times(s, "decrease", factor, why)


def _raise_rate(s: Signals) -> NextChange:
    """Raise the rate by the update ratio if known, by ten to a thousand times; else by ten."""
    factor, why = _by_updates(s, 10.0, 1e3, "update ratio")
    if math.isnan(factor):
        hardly = s["loss_gain"] < 0.1
        factor, why = (100.0, "it hardly moves: two decades") if hardly else (10.0, "a decade is the usual step")
    return _rate_times(s, "increase", factor, why)


def _rate_times(s: Signals, direction: str, factor: float, why: str) -> NextChange:
    value = _times(_rate(s), factor)
    times = f"{factor:.0f}" if factor >= 10 else f"{factor:.2g}"
    return NextChange("lr", direction, value, why if value is not None else f"to {times} times what it is; {why}")


def _by_updates(s: Signals, least: float, most: float, name: str) -> tuple[float, str]:
    if not s["update_median"] > _NO_STEP:  # where no step arrives, its size says nothing of the rate
        return math.nan, ""
    usual = 10 ** -s["update_median"]
    factor, now = min(most, max(least, usual)), figure(10 ** (s["update_median"] - 3))
    if (factor > 1) == (usual > 1):
        return factor, f"brings the {name}, {now} a step, towards 0.001"
    return factor, f"a first try: the {name}, {now} a step, is not what calls for more"


def _slower_schedule(s: Signals) -> NextChange:
    epochs = number(s.run.config, "epochs")
    epochs = epochs if epochs > 0 else s["epochs"]
    schedule = {"name": "cosine", "t_max": int(epochs)}
    return NextChange("lr_schedule", "slower", schedule, "reaches its end when the training does, not before")


def _more_epochs(s: Signals) -> NextChange:
    epochs = number(s.run.config, "epochs")
    epochs = epochs if epochs > 0 else s["epochs"]
    return NextChange("epochs", "increase", int(3 * epochs), "loss still falls; three times as many show how far")


def _wider(s: Signals) -> NextChange:
    narrowest = s["narrowest"]
    width = 64 if math.isnan(narrowest) else int(max(64, 4 * narrowest))
    return NextChange("width", "increase", width, "first a network that can fit the training rows, then regularization")


def _regularize(s: Signals) -> NextChange:
    if not s["dropout"] >= 0.2:
        return NextChange(
            "dropout", "increase", 0.3, "the middle of the usual range; validation loss tells if it suffices"
        )
    decay = s["weight_decay"]
    if not decay >= 1e-3:
        value = 0.05 if s.run.config.get("optimizer") == "adamw" else 1e-3
        return NextChange("weight_decay", "increase", value, "dropout is set already; decay is the next to try")
    best, _ = best_known(s.run, "val_loss")
    stop_at = None if math.isnan(best) else {"epoch": int(best)}
    return NextChange(
        "early_stopping", "enable", stop_at, "validation loss was best then, and regularization is set already"
    )


def _less_dropout(s: Signals) -> NextChange:
    value = 0.2 if s["dropout"] > 0.4 else 0.0
    return NextChange("dropout", "decrease", value, "training itself is held back; first let it fit")


def _less_decay(s: Signals) -> NextChange:
    decay = s["weight_decay"]
    if not decay > 0:
        return NextChange("weight_decay", "decrease", 0.0, "if there is any; without it, training shows what it costs")
    value = float(f"{decay / 100:.1g}")
    return NextChange("weight_decay", "decrease", value, "two decades less leaves a pull that learning outweighs")


def _smaller_batches(s: Signals) -> NextChange:
    batch = s["batch"]
    value = _USUAL_BATCH if not batch > 0 else int(max(8, min(_USUAL_BATCH, batch / 4)))
    return NextChange("batch_size", "decrease", value, "more steps an epoch from the same rows")


def _larger_batches(s: Signals) -> NextChange:
    batch = s["batch"]
    value = _USUAL_BATCH if not batch > 0 else int(max(_USUAL_BATCH, 8 * batch))
    return NextChange("batch_size", "increase", value, "the mean of more rows has less noise at the same learning rate")


def _initialize(s: Signals) -> NextChange:
    saturating = s.run.config.get("activation") in _SATURATING
    return NextChange(
        "init", "change", "glorot" if saturating else "he", "keeps the size of signals from layer to layer"
    )


def _standardize(s: Signals) -> NextChange:
    targets = ", and of the targets too" if s.run.task == "regression" else ""
    why = f"mean 0 and spread 1 a feature, {_inputs(s)}{targets}"
    return NextChange("input_normalisation", "enable", "standardize", why)


def _inputs(s: Signals) -> str:
    if not s.known("inputs_spread"):
        return "whatever they are now"
    return f"now mean {figure(s['inputs_mean'])} and spread {figure(10 ** s['inputs_spread'])}"


def _check_labels(s: Signals) -> NextChange:  # noqa: ARG001
    return NextChange(
        "data", "check_labels", None, "look at the rows of highest loss with their labels, in both splits"
    )


def _check_split(s: Signals) -> NextChange:  # noqa: ARG001
    return NextChange(
        "data", "check_split", None, "look for rows of one split in the other, and for the answer in the inputs"
    )


def _check_shift(s: Signals) -> NextChange:  # noqa: ARG001
    return NextChange(
        "data", "check_shift", None, "prepare both splits by the same code, with the training rows' statistics"
    )


def _mend_loss(s: Signals) -> NextChange:
    if s.run.task == "regression":
        return NextChange(
            "loss", "fix", "a linear output", "no ReLU, sigmoid or tanh behind the last layer, and targets of its shape"
        )
    if s.run.config.get("framework") == "keras":
        why = "in the last layer, with from_logits=False, or in the loss, with from_logits=True"
        return NextChange("loss", "fix", "one softmax in all", why)
    name = s.run.config.get("loss", "cross_entropy")
    if name == "nll":
        return NextChange(
            "loss", "fix", "log_softmax before nll", "NLL takes logarithms of probabilities, and nothing else"
        )
    if s.run.config.get("framework"):
        why = "no softmax, sigmoid or other non-linearity between the last layer and the loss"
        return NextChange("loss", "fix", "raw logits into the cross entropy", why)
    why = "some losses take logits, some probabilities (Keras' by default); and there is a unit for each class"
    return NextChange("loss", "fix", "one softmax in all", why)


def _leaky(s: Signals) -> NextChange:  # noqa: ARG001
    return NextChange(
        "activation", "change", "leaky_relu", "a unit that never fires keeps a gradient; He's start helps too"
    )


def _let_gradients_through(s: Signals) -> NextChange:
    model = s.run.config.get("model")
    if s["recurrent"] == 1:
        return NextChange(
            "grad_clip",
            "enable",
            1.0,
            "with gates (LSTM, GRU) in place of a plain recurrent layer, and shorter sequences",
        )
    if model == "transformer":
        return NextChange(
            "layer_norm",
            "enable",
            value=True,
            why="before each block, beside its sum with its input: as deep ones have it",
        )
    if s.run.config.get("activation") in _SATURATING:
        return NextChange(
            "activation", "change", "relu", "its slope is 1 where it is on, so depth does not shrink gradients"
        )
    return NextChange(
        "batch_norm", "enable", value=True, why="keeps the size of signals, and so of gradients, through depth"
    )


def _clip(s: Signals) -> NextChange:
    value = 1.0 if s["recurrent"] == 1 or not s["clipped"] > 0 else s["clipped"] / 10
    if s["recurrent"] == 1 and s["rectified"] == 1:
        return NextChange(
            "activation", "change", "tanh", "a ReLU has no upper end, and a state grows with each time step"
        )
    return NextChange("grad_clip", "enable", value, "bounds a single step; then mend the initialization")


def _mend_batch_norm(s: Signals) -> NextChange:
    momentum, batch = s["bn_momentum"], s["batch"]
    if momentum > 0 and not 0.02 <= momentum <= 0.5:
        return NextChange("bn_momentum", "change", 0.1, "statistics over about ten batches")
    if 0 < batch < 8:
        return NextChange("batch_size", "increase", _USUAL_BATCH, "statistics need rows")
    how = "training=False" if s.run.config.get("framework") == "keras" else "model.eval()"
    return NextChange("code", "fix", how, "evaluate with running statistics, train with those of the batch")


def _unfreeze(s: Signals) -> NextChange:  # noqa: ARG001
    return NextChange(
        "trainable", "unfreeze", "all", "hand every parameter to the optimizer, each with its gradient on"
    )


def _zero_gradients(s: Signals) -> NextChange:  # noqa: ARG001
    return NextChange("code", "zero_grad", "optimizer.zero_grad()", "before each backward pass")


def _balance(s: Signals) -> NextChange:  # noqa: ARG001
    return NextChange(
        "class_weights", "balance", "inverse frequency", "each class counts alike; judge by balanced accuracy"
    )


def _rate(s: Signals) -> float:
    return float(10 ** s["rate"])


def _times(value: float, factor: float) -> float | None:
    return None if math.isnan(value) else float(f"{value * factor:.2g}")


_CHANGES: dict[str, Callable[[Signals], NextChange]] = {
    "healthy": _none,
    "lr_too_high": _lower_rate,
    "lr_too_low": _raise_rate,
    "lr_decays_too_early": _slower_schedule,
    "too_few_epochs": _more_epochs,
    "model_too_small": _wider,
    "overfitting": _regularize,
    "dropout_too_high": _less_dropout,
    "weight_decay_too_high": _less_decay,
    "batch_size_too_large": _smaller_batches,
    "batch_size_too_small": _larger_batches,
    "bad_initialisation": _initialize,
    "unnormalised_inputs": _standardize,
    "labels_mismatched": _check_labels,
    "loss_output_mismatch": _mend_loss,
    "dead_relus": _leaky,
    "vanishing_gradients": _let_gradients_through,
    "exploding_gradients": _clip,
    "batchnorm_misuse": _mend_batch_norm,
    "frozen_layers": _unfreeze,
    "missing_zero_grad": _zero_gradients,
    "class_imbalance": _balance,
    "data_leak": _check_split,
    "distribution_shift": _check_shift,
}
