"""A fingerprint of what rules and signals make of fixed records: it tells whether the forests were fitted over them.

The forests of `model.npz.xz` were fitted over the numbers that signals and rules gave at the time, and the tests have
what signals and rules gave of the records here. Where today's give something else, the forests are stale. It is a
fingerprint of behavior: code may be moved and reworded without tripping it. The records are drawn at random and are
like no training, but they reach into every corner: most rules see their sign in part in some of them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.diagnosis.features import feature_row, features, strengths
from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.rules import RULES, Rule, see
from tunewell.diagnosis.rules.rule import known_or
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import Signals, measure

_N_RECORDS, _N_MIXED = 64, 600
_NAMES, _VALUES = "fingerprint.names", "fingerprint.values"

# what is drawn, each evenly by factors
_CONFIG = {
    "bn_momentum": (1e-3, 1.0),
    "dropout": (0.05, 0.9),
    "lr": (1e-5, 3.0),
    "momentum": (0.1, 0.999),
    "n_features": (2, 800),
    "n_params": (30, 1e6),
    "weight_decay": (1e-5, 3.0),
}
_HOOKS = {
    "val_balanced_accuracy": (0.2, 1.0),
    "val_top_prediction_share": (0.1, 1.0),
    "grad_norm": (0.01, 100),
    "grad_norm_max": (0.1, 1000),
    "weight_norm": (1, 40),
    "update_ratio": (1e-5, 1.0),
    "dead_fraction": (0.05, 1.0),
    "saturated_fraction": (0.05, 1.0),
    "grad_noise_scale": (1, 1e4),
}
_LAYERS = {
    "grad_norm": (1e-4, 30),
    "weight_norm": (1, 100),
    "update_ratio": (1e-5, 0.1),
    "activation_std": (1e-3, 30),
    "dead_fraction": (0.05, 1.0),
    "saturated_fraction": (0.05, 1.0),
}


def fingerprint() -> dict[str, NDArray[Any]]:
    """Return what today's signals and rules make of the records, as arrays to be kept.

    The last row is the mean strength of each rule over signals that are mixed from all records.
    """
    signals = [measure(read_record(record)) for record in records()]
    numbers = [_numbers(one) for one in signals]
    names = tuple(numbers[0])
    values = [feature_row(one, names) for one in [*numbers, _mean_strengths(signals)]]
    return {_NAMES: np.array(names), _VALUES: np.array(values, np.float32)}


def differences(kept: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return what is not as it was when the forests were fitted, one sentence each; nothing if they are up to date.

    kept: arrays, among which are those that `fingerprint` gave then.
    """
    if _NAMES not in kept:
        return ["no fingerprint is kept"]
    today = fingerprint()
    if len(kept[_VALUES]) != len(today[_VALUES]):
        return ["the records of the fingerprint are others"]
    before, now = _columns(kept), _columns(today)
    found = [f"{name} is gone" for name in before if name not in now]
    found += [f"{name} is new" for name in now if name not in before]
    if not found and _causes(before) != _causes(now):
        return ["the causes have another order"]
    return found + [_difference(name, before[name], now[name]) for name in before if _differ(name, before, now)]


def records() -> list[dict[str, Any]]:
    """Return the records, which are the same on every machine."""
    # Python promises that these numbers do not change, and NumPy does not
    return [_record(random.Random(seed)) for seed in range(_N_RECORDS)]  # noqa: S311  no secret


def _numbers(signals: Signals) -> dict[str, float]:
    """Return what the forests and their calibration are given of a run, by name."""
    signs = see(signals)
    by_cause = zip(LABELS, strengths(signs).tolist(), strict=True)
    renamed = {f"rule: {rule.name}": _name(rule) for rule in RULES}
    named = {renamed.get(name, name): value for name, value in features(signals, signs).items()}
    return named | {f"cause: {label}": strength for label, strength in by_cause}


def _mean_strengths(signals: Sequence[Signals]) -> dict[str, float]:
    """Return the mean strength of each rule where every signal is another run's: what is joined by "and" comes up."""
    # each by a generator of its own: a signal that is added leaves the others as they are mixed
    mixes = {name: random.Random(name).choices(signals, k=_N_MIXED) for name in signals[0]}  # noqa: S311  no secret
    total = dict.fromkeys(map(_name, RULES), 0.0)
    for n in range(_N_MIXED):
        mixed = {name: others[n][name] for name, others in mixes.items()}
        signs = see(replace(signals[0], numbers=mixed))
        for rule in RULES:
            total[_name(rule)] += known_or(signs[rule.name].strength, 0.0) / _N_MIXED
    return total


def _name(rule: Rule) -> str:
    return f"rule: {rule.name}, for {rule.label}"


def _columns(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
    return dict(zip(map(str, arrays[_NAMES]), arrays[_VALUES].T, strict=True))


def _causes(columns: Mapping[str, Floats]) -> list[str]:
    return [name for name in columns if name.startswith("cause: ")]


def _differ(name: str, before: Mapping[str, Floats], now: Mapping[str, Floats]) -> bool:
    return name in now and not _close(before[name], now[name]).all()


def _difference(name: str, before: Floats, now: Floats) -> str:
    close = _close(before, now)
    first = int(close.argmin())
    where = f"in record {first}" if first < _N_RECORDS else "on the mean of mixed signals"
    return f"{name} was {before[first]:.4g} {where} and is {now[first]:.4g}"


def _close(before: Floats, now: Floats) -> NDArray[np.bool_]:
    return np.isclose(before, now, rtol=1e-3, atol=1e-6, equal_nan=True)  # another machine may round otherwise


def _record(rng: random.Random) -> dict[str, Any]:
    """Return a record that tells all, or lacks something that records may lack."""
    n_epochs, n_classes, n_train = rng.randint(2, 24), rng.choice((2, 3, 10)), round(_drawn(rng, 30, 30_000))
    hidden = [rng.choice((1, 2, 4, 8, 32, 256)) for _ in range(rng.randint(0, 6))]
    config = {name: _drawn(rng, *bounds) for name, bounds in _CONFIG.items()} | {
        "activation": rng.choice(("relu", "tanh", "sigmoid")),
        "batch_norm": rng.random() < 0.5,
        "batch_size": round(_drawn(rng, 1, 1000)),
        "epochs": n_epochs + rng.randint(0, 9),
        "hidden": hidden,
        "loss": rng.choice(("cross_entropy", "nll")),
        "model": rng.choice(("mlp", "mlp", "cnn", "rnn")),
        "optimizer": rng.choice(("sgd", "adam", "adamw", "rmsprop")),
    }
    curves = _curves(rng, n_epochs, n_classes, _drawn(rng, *_CONFIG["lr"]))
    hooks = {name: _curve(rng, n_epochs, bounds) for name, bounds in _HOOKS.items()}
    layers = [_layer(rng, n_epochs) for _ in range(len(hidden) + 1)]
    counts = [rng.randint(1, 500) for _ in range(n_classes)] if rng.random() < 0.7 else [200] * n_classes
    guess = math.log(n_classes)
    steps = [guess] * 60 if rng.random() < 0.1 else _curve(rng, 60, (0.02 * guess, 4 * guess))
    if (lacks := rng.choice(("nothing", "nothing", "hooks", "settings", "accuracy"))) == "accuracy":
        curves = {name: values for name, values in curves.items() if not name.endswith("accuracy")}
    if lacks in ("hooks", "settings"):
        hooks, layers = {}, []
    record = {
        "n_train": n_train,
        "n_val": max(10, n_train // 4),
        "n_classes": n_classes,
        "config": config,
        "data_summary": {
            "train_inputs": _inputs(rng),
            "val_inputs": _inputs(rng),
            "feature_std_min": _drawn(rng, 1e-2, 1.0),
            "feature_std_max": _drawn(rng, 1.0, 1e2),
            "class_counts_train": counts,
            "class_counts_val": [count + rng.randint(0, 100) for count in counts],
        },
        "step_losses": [None if rng.random() < 0.01 else value for value in steps],
        "step_losses_every": 6,
        "epochs": [
            {name: values[epoch] for name, values in (curves | hooks).items()}
            | {"layers": [{name: values[epoch] for name, values in layer.items()} for layer in layers]}
            for epoch in range(n_epochs)
        ],
    }
    return {"epochs": record["epochs"]} if lacks == "settings" else record


def _curves(rng: random.Random, n: int, n_classes: int, rate: float) -> dict[str, list[Any]]:
    """Return losses, accuracies and rates; validation goes with training more or less."""
    guess, chance = math.log(n_classes), 1 / n_classes
    ends = guess * rng.uniform(0.8, 1.3), guess * _drawn(rng, 0.02, 1.2)
    apart, floor = rng.choice((0.0, 0.02, rng.uniform(-0.1, 0.1), rng.uniform(0.0, 0.5))), _drawn(rng, 1e-3, 1.0)
    loss, fit = _way(rng, n, *ends), _way(rng, n, chance * rng.uniform(0.8, 2.0), rng.uniform(chance, 1.0))
    later = rng.randint(0, n // 2)
    val = [value * (1 + 8 * apart * max(0, epoch - later) / n) for epoch, value in enumerate(_way(rng, n, *ends))]
    if rng.random() < 0.1:
        loss = [value - ends[0] for value in loss]  # below zero
    if rng.random() < 0.1:
        floor_of_loss = math.log(math.e + n_classes - 1) - 1  # of outputs that are squeezed into [0, 1]
        loss = [floor_of_loss + 1 - value for value in fit]
    if rng.random() < 0.2:
        loss[-1] = math.nan
    return {
        "train_loss": loss,
        "train_accuracy": [min(1.0, value) for value in fit],
        "val_loss": val,
        "val_accuracy": [min(1.0, max(0.0, value - apart * rng.uniform(0.9, 1.1))) for value in fit],
        "train_eval_loss": [value * rng.uniform(0.8, 1.1) for value in loss],
        "train_eval_accuracy": [min(1.0, value + apart * rng.uniform(-1.0, 1.0)) for value in fit],
        "lr": [rate * max(floor, min(1.0, (epoch + 1) / 2) - epoch / (0.7 * n)) for epoch in range(n)],
    }


def _layer(rng: random.Random, n: int) -> dict[str, list[float]]:
    layer = {name: _curve(rng, n, bounds) for name, bounds in _LAYERS.items()}
    return layer | ({"update_ratio": [0.0] * n} if rng.random() < 0.15 else {})


def _inputs(rng: random.Random) -> dict[str, float]:
    mean, spread = rng.uniform(-2, 2), _drawn(rng, 0.03, 30)
    return {"mean": mean, "std": spread, "min": mean - 4 * spread, "max": mean + 4 * spread}


def _curve(rng: random.Random, n: int, bounds: tuple[float, float]) -> list[float]:
    return _way(rng, n, _drawn(rng, *bounds), _drawn(rng, *bounds))


def _way(rng: random.Random, n: int, start: float, end: float) -> list[float]:
    """Return n values from one number to another, at a speed and with a noise that are drawn."""
    speed, noise = _drawn(rng, 0.3, 8.0), rng.choice((0.0, 0.005, 0.05, 0.2))
    shares = [(i / max(1, n - 1)) ** (1 / speed) for i in range(n)]
    return [(start + (end - start) * share) * (1 + noise * rng.uniform(-1, 1)) for share in shares]


def _drawn(rng: random.Random, low: float, high: float) -> float:
    return float(low * (high / low) ** rng.random())
