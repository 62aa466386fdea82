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

from tunewell.checkpoint.pytorch import inmost
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


def unfollowed(value: object, name: str) -> str | None:
    """Return why a tracked object that has a learning rate does not follow this parameter; None of any other object.

    Of a list it is why the first such object in it does not.
    """
    if name not in _RATES:
        return None
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return next((why for item in value if (why := unfollowed(item, name)) is not None), None)
    optim = getattr(sys.modules.get("torch"), "optim", None)
    if optim is not None and isinstance(value, optim.Optimizer):
        rates = [float(group["lr"]) for group in value.param_groups]
        return f"the {type(value).__name__} that is tracked began with another rate, and has {rates[0]} now"
    optimizer = _keras_optimizer(value)
    if optimizer is not None and not hasattr(optimizer._learning_rate, "assign"):  # noqa: SLF001  as below
        schedule = type(optimizer._learning_rate).__name__  # noqa: SLF001
        return f"{schedule} computes the rate of {type(optimizer).__name__} anew at each step"
    states = [getattr(value, "opt_state", ()), value]
    if "optax" in sys.modules and any(_is_of_optax(one) for one in states):
        return "a rate of optax is a constant of the compiled step, unless optax.inject_hyperparams makes the optimizer"
    return None


def _is_of_optax(value: object) -> bool:
    """Return True if it is a state of an optimizer of Optax, or of a chain of them."""
    if type(value).__module__.startswith("optax"):
        return True
    return isinstance(value, tuple) and any(_is_of_optax(item) for item in value)


class _Set:
    """Sets the rate of one object: equal to any other that does, so what is tracked twice is set once."""

    def __init__(self, target: Any, scale: Callable[[Any, float, float], None]) -> None:
        self._target, self._scale = target, scale

    def __call__(self, old: float, new: float) -> None:
        self._scale(self._target, old, new)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Set) and self._target is other._target

    def __hash__(self) -> int:
        return id(self._target)


def _scale(value: Any, name: str, number: float) -> Scale | None:
    if is_estimator(value):
        places = _in_estimator(value, name, number)
        return _Set(value, lambda _, old, new: _set_in_estimator(places, old, new)) if places else None
    if any(_is_close(float(found[key]), number) for found, key in _injected(value, name)):
        return _Set(value, lambda target, old, new: _set_injected(target, name, old, new))
    if name not in _GROUP_KEYS:
        return None
    optim = getattr(sys.modules.get("torch"), "optim", None)
    if optim is not None:
        schedule = inmost(value, "scheduler", optim.lr_scheduler.LRScheduler)
        if isinstance(schedule, optim.lr_scheduler.LRScheduler):
            follows = name in _RATES and _has(schedule.optimizer, name, number)
            return _Set(schedule, _rebase) if follows else None
        if isinstance(value, optim.Optimizer):
            optimizer = inmost(value, "optimizer", optim.Optimizer)
            follows = _has(optimizer, name, number)
            return _Set(optimizer, lambda target, old, new: _scale_groups(target, name, old, new)) if follows else None
    rate: Any = getattr(_keras_optimizer(value), "_learning_rate", None) if name in _RATES else None
    if hasattr(rate, "assign") and _is_close(float(rate), number):  # a schedule computes it anew at each step
        return _Set(rate, _assign)
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


def _assign(rate: Any, old: float, new: float) -> None:
    rate.assign(_scaled(float(rate), old, new))


def _keras_optimizer(value: Any) -> Any:
    """Return it if it is an optimizer of Keras, or a model's; None if there is none."""
    optimizers = getattr(sys.modules.get("keras"), "optimizers", None)
    kind = getattr(optimizers, "Optimizer", None)
    if not isinstance(kind, type):
        return None
    optimizer = value if isinstance(value, kind) else getattr(value, "optimizer", None)
    return optimizer if isinstance(optimizer, kind) and hasattr(optimizer, "_learning_rate") else None


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
