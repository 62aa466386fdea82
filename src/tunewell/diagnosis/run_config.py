"""The configuration of a run: the usual names of its settings, and their valid values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tunewell.errors import SettingError
from tunewell.logs.scores import TASKS

ALIASES = {
    "lr": ("learning_rate", "lr", "learningrate", "base_lr", "initial_lr", "init_lr", "step_size", "eta"),
    "batch_size": ("batch_size", "batch", "bs", "batchsize", "minibatch_size"),
    "dropout": ("dropout", "dropout_rate", "drop", "p_drop", "dropout_p"),
    "weight_decay": ("weight_decay", "wd", "l2", "decay", "l2_penalty", "weight_decay_rate"),
    "momentum": ("momentum",),
    "optimizer": ("optimizer", "optim", "solver"),
    "activation": ("activation", "nonlinearity", "act"),
    "batch_norm": ("batch_norm", "batchnorm", "use_bn", "bn"),
    "bn_momentum": ("bn_momentum",),
    "grad_clip": ("grad_clip", "clip", "clip_norm", "max_grad_norm", "gradient_clip_val"),
    "lr_schedule": ("lr_schedule", "schedule"),
    "loss": ("loss", "criterion", "loss_fn"),
    "model": ("model",),
    "task": ("task", "problem"),
    "framework": ("framework", "library"),
}
WIDTH_ALIASES = ("hidden", "hidden_units", "width", "n_hidden", "hidden_size", "hidden_dim", "units")
DEPTH_ALIASES = ("layers", "n_layers", "depth", "num_layers", "n_hidden_layers", "hidden_layers")
FRAMEWORKS: Mapping[str, tuple[str, ...]] = {
    "pytorch": ("torch",),
    "lightning": ("pytorch_lightning", "pl"),
    "huggingface": ("hf", "transformers", "trainer"),
    "fastai": (),
    "keras": ("tensorflow", "tf", "tf.keras"),
    "jax": ("flax", "equinox", "optax"),
    "sklearn": ("scikit-learn", "scikit_learn"),
    "boosting": ("xgboost", "lightgbm", "catboost"),
    "tunewell": (),
}
"""The frameworks for which advice has words of its own, and other names of them."""
SIZES = ("n_train", "n_val", "n_classes")
"""The sizes that a record has beside its configuration."""


def _number(least: float, most: float = math.inf, *, open_below: bool = False) -> Callable[[Any], bool]:
    def is_valid(value: Any) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return is_number and least <= value <= most and not (open_below and value == least)

    return is_valid


_above_zero, _from_zero = _number(0, open_below=True), _number(0)


def _sizes(value: Any) -> bool:
    return all(map(_above_zero, value)) if isinstance(value, list | tuple) else _above_zero(value)


def _switch(value: Any) -> bool:
    return isinstance(value, bool) or value in (0, 1)


def _text(value: Any) -> bool:
    return isinstance(value, str)


_VALID: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(
        ("lr", "batch_size", "epochs", "n_params", "n_features", *SIZES), (_above_zero, "a number above 0")
    ),
    "momentum": (_number(0, 0.99999), "from 0 to less than 1"),
    "dropout": (_number(0, 0.99999), "from 0 to less than 1"),
    "weight_decay": (_from_zero, "a number from 0"),
    "bn_momentum": (_number(0, 1), "from 0 to 1"),
    "grad_clip": (_from_zero, "a number from 0"),
    "hidden": (_sizes, "widths above 0, such as 64 or [64, 64]"),
    "channels": (_sizes, "numbers above 0, such as 16 or [16, 32]"),
    "batch_norm": (_switch, "true or false"),
    **dict.fromkeys(("optimizer", "activation", "model", "loss"), (_text, "a name")),
    "task": (lambda value: value in TASKS, f"one of {', '.join(TASKS)}"),
    "framework": (lambda value: value in FRAMEWORKS, f"one of {', '.join(FRAMEWORKS)}"),
    "target_variance": (_above_zero, "a number above 0"),
}
"""A check of each setting's value, and the valid values in words."""
_NAMES = {alias for aliases in (*ALIASES.values(), WIDTH_ALIASES, DEPTH_ALIASES) for alias in aliases} | set(_VALID)


def config_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration, under the names of a record's config, of settings of any naming."""
    by_name = {str(name).lower(): value for name, value in params.items()}
    config = {
        key: by_name[names[0]]
        for key, aliases in ALIASES.items()
        if (names := [alias for alias in aliases if alias in by_name])
    }
    widths = _widths(by_name)
    if widths is not None:
        config["hidden"] = widths
    if isinstance(config.get("lr_schedule"), str):
        config["lr_schedule"] = {"name": config["lr_schedule"]}
    for name in ("optimizer", "activation", "model", "loss", "task", "framework"):
        if isinstance(config.get(name), str):
            config[name] = config[name].lower()
    if "framework" in config:
        config["framework"] = _framework(config["framework"])
    return config


def _framework(name: object) -> object:
    """Return a framework under the name that it has here."""
    return next((own for own, others in FRAMEWORKS.items() if name in others), name)


def valid_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration under a record's names, without what cannot be meant, such as batches of no rows."""
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in config.items()}
    named = {**plain, **config_of(plain)}
    return {name: value for name, value in named.items() if name not in _VALID or _VALID[name][0](value)}


def parse_config(pairs: Sequence[str]) -> dict[str, Any]:
    """Parse `lr=0.1`, `hidden=64,64`, `n_classes=10` of somebody's run, into the part of a record that they are.

    Raises:
        SettingError: one is not of that form, has no meaning here, or cannot be.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not (name and equals and text):
            raise SettingError(f"--set needs NAME=VALUE, such as lr=0.1; got {pair!r}")
        if name.lower() not in _NAMES:
            raise SettingError(f"no setting of a run is called {name!r}; there are {', '.join(sorted(_VALID))}")
        values[name.lower()] = parse_value(text)
    named = {name: value for name, value in values.items() if name in _VALID} | config_of(values)
    for name, value in named.items():
        if name in _VALID and not _VALID[name][0](value):
            raise SettingError(f"{name} must be {_VALID[name][1]}; got {value!r}")
    sizes = {name: named.pop(name) for name in SIZES if name in named}
    return {**sizes, "config": named}


def parse_value(text: str) -> Any:
    """Parse a number, a list of them, a truth value or a name."""
    for document in (text, text.lower(), f"[{text}]" if "," in text else f"0{text}"):
        try:
            return json.loads(document)
        except json.JSONDecodeError:
            continue
    return text


def _widths(params: Mapping[str, Any]) -> list[float] | None:
    width = next((params[name] for name in WIDTH_ALIASES if name in params), None)
    depth = next((params[name] for name in DEPTH_ALIASES if name in params), 1)
    if isinstance(width, list | tuple):
        return list(width)
    if isinstance(width, int | float) and isinstance(depth, int | float):
        return [width] * round(depth)
    return None
