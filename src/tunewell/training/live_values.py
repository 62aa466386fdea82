"""The optimizers that follow a run's live parameters: what is tracked gets the value that was set.

A value is set relative to the old one: what a schedule or several groups of parameters make of a learning rate is made
of the new one too, so a rate that was halved by a schedule is half of the new one. An optimizer follows a parameter if
it has that value when it is tracked; one with a rate of its own does not.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from tunewell.checkpoint.sklearn_estimators import is_estimator
from tunewell.space.values import Params

_RATE = ("lr", "initial_lr", "max_lr", "min_lr")
_RATES = ("learning_rate", "lr")
_ESTIMATOR_KEYS = ("learning_rate", "learning_rate_init", "eta0")
"""What estimators of scikit-learn call their learning rate."""
_GROUP_KEYS = {"learning_rate": _RATE, "lr": _RATE, "weight_decay": ("weight_decay",), "momentum": ("momentum",)}
"""By the name of a parameter, where an optimizer of PyTorch has it in its groups."""
_BASES = ("base_lrs", "max_lrs", "_last_lr")
"""Lists of rates that a schedule of PyTorch has."""
Scale = Callable[[float, float], None]
"""Brings what has the old value, or one made of it, to the new."""


def scales_of(value: object, params: Params) -> Iterator[tuple[str, Scale]]:
    """Yield, for each parameter that a tracked object follows, its name and how it is set there; also of a list."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from scales_of(item, params)
        return
    for name, number in params.items():
        if isinstance(number, int | float) and not isinstance(number, bool):
            scale = _scale(value, name, float(number))
            if scale is not None:
                yield name, scale


def _scale(value: Any, name: str, number: float) -> Scale | None:
    if is_estimator(value):
        places = _in_estimator(value, name, number)
        return (lambda old, new: _set_in_estimator(places, old, new)) if places else None
    if any(_is_close(float(found[key]), number) for found, key in _injected(value, name)):
        return lambda old, new: _set_injected(value, name, old, new)
    if name not in _GROUP_KEYS:
        return None
    optim = getattr(sys.modules.get("torch"), "optim", None)
    if optim is not None and isinstance(value, optim.lr_scheduler.LRScheduler):
        follows = name in _RATES and _has(value.optimizer, name, number)
        return (lambda old, new: _rebase(value, old, new)) if follows else None
    if optim is not None and isinstance(value, optim.Optimizer):
        return (lambda old, new: _scale_groups(value, name, old, new)) if _has(value, name, number) else None
    rate = _keras_rate(value) if name in _RATES else None
    if rate is not None and _is_close(float(rate), number):
        return _KerasRate(rate)
    return None


def _has(optimizer: Any, name: str, number: float) -> bool:
    return any(
        _is_close(float(group[key]), number)
        for group in optimizer.param_groups
        for key in _GROUP_KEYS[name]
        if key in group
    )


def _scale_groups(optimizer: Any, name: str, old: float, new: float) -> None:
    for group in optimizer.param_groups:
        for key in _GROUP_KEYS[name]:
            if key in group:
                _put(group, key, _scaled(float(group[key]), old, new))


def _rebase(schedule: Any, old: float, new: float) -> None:
    for name in _BASES:
        rates = getattr(schedule, name, None)
        if isinstance(rates, list):
            rates[:] = [_scaled(float(rate), old, new) for rate in rates]
    for part in getattr(schedule, "_schedulers", ()):  # of a chain, or of one after the other
        _rebase(part, old, new)


def _put(group: MutableMapping[str, Any], key: str, number: float) -> None:
    if hasattr(group[key], "fill_"):
        group[key].fill_(number)  # a tensor, which a compiled step holds on to
    else:
        group[key] = number


class _KerasRate:
    """Sets the rate of an optimizer of Keras, which may be tracked by itself and with its model: equal, so set once."""

    def __init__(self, rate: Any) -> None:
        self._rate = rate

    def __call__(self, old: float, new: float) -> None:
        self._rate.assign(_scaled(float(self._rate), old, new))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _KerasRate) and self._rate is other._rate

    def __hash__(self) -> int:
        return id(self._rate)


def _keras_rate(value: Any) -> Any:
    """Return the variable of the learning rate of an optimizer of Keras, or of a model's; None if there is none."""
    optimizers = getattr(sys.modules.get("keras"), "optimizers", None)
    kind = getattr(optimizers, "Optimizer", None)
    if not isinstance(kind, type):
        return None
    optimizer = value if isinstance(value, kind) else getattr(value, "optimizer", None)
    rate = getattr(optimizer, "_learning_rate", None) if isinstance(optimizer, kind) else None
    return rate if hasattr(rate, "assign") else None  # a schedule computes it anew at each step


def _in_estimator(estimator: Any, name: str, number: float) -> list[tuple[Any, str]]:
    """Return the estimators of scikit-learn that have the value, of a pipeline say, and what they call it."""
    parts = [estimator, *(part for part in estimator.get_params(deep=True).values() if is_estimator(part))]
    keys = _ESTIMATOR_KEYS if name in _RATES else (name,)
    return [
        (part, key)
        for part in parts
        for key in keys
        if _is_number(known := part.get_params(deep=False).get(key)) and _is_close(known, number)
    ]


def _set_in_estimator(places: list[tuple[Any, str]], old: float, new: float) -> None:
    for part, key in places:
        part.set_params(**{key: new})  # which no checkpoint brings back
        optimizer = getattr(part, "_optimizer", None)  # of a network, which has it from its first epoch on
        if key == "learning_rate_init" and optimizer is not None:
            optimizer.learning_rate_init = new
            optimizer.learning_rate = _scaled(optimizer.learning_rate, old, new)


def _injected(value: Any, name: str) -> Iterator[tuple[MutableMapping[str, Any], str]]:
    """Yield the hyperparameters that `optax.inject_hyperparams` keeps in a state, wherever that is in an object."""
    if "optax" not in sys.modules:
        return
    key = "learning_rate" if name in _RATES else name
    found = getattr(value, "hyperparams", None)
    if isinstance(found, MutableMapping) and isinstance(value, tuple):
        if key in found:
            yield found, key
        return
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:  # a TrainState of Flax's, or an optimizer of NNX's
        parts = [getattr(value, "opt_state", ())]
    for part in parts:
        yield from _injected(part, name)


def _set_injected(value: Any, name: str, old: float, new: float) -> None:
    asarray = sys.modules["jax"].numpy.asarray
    for found, key in _injected(value, name):
        present = found[key]
        array = asarray(_scaled(float(present), old, new), dtype=present.dtype)
        if hasattr(present, "set_value"):  # a variable of NNX's
            present.set_value(array)
        else:
            found[key] = array


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scaled(number: float, old: float, new: float) -> float:
    if _is_close(number, old):
        return new
    return number * new / old if old else number


def _is_close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-6)  # Keras keeps 32 bits of it
