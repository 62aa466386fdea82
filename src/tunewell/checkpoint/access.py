"""Access to the state of objects that are no plain data."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewell.checkpoint import (
    flax_modules,
    keras_models,
    pytorch,
    pytorch_loaders,
    sklearn_estimators,
    tensorflow_variables,
)


@dataclass(frozen=True, slots=True)
class Access:
    """An object's own functions that return its state and restore one."""

    take: Callable[[], object]
    put: Callable[[Any], object]


def access(value: Any) -> Access | None:
    """Return the object's access; None if none is known here."""
    # before state_dict: a generator of Flax's has attributes of any name, and a model of Keras may be one of PyTorch,
    # with names that count the models of the process
    if flax_modules.is_nnx(value):
        return Access(lambda: flax_modules.take(value), lambda state: flax_modules.put(value, state))
    if keras_models.is_keras(value):
        return Access(lambda: keras_models.take(value), lambda state: keras_models.put(value, state))
    if tensorflow_variables.is_tensorflow(value):
        return Access(lambda: tensorflow_variables.take(value), lambda state: tensorflow_variables.put(value, state))
    if sklearn_estimators.is_estimator(value):
        return Access(lambda: sklearn_estimators.take(value), lambda state: sklearn_estimators.put(value, state))
    if pytorch.is_optimizer(value):
        return Access(lambda: pytorch.optimizer_state(value), lambda state: pytorch.set_optimizer_state(value, state))
    if pytorch_loaders.is_loader(value):
        return Access(lambda: pytorch_loaders.take(value), lambda state: pytorch_loaders.put(value, state))
    if not isinstance(value, type) and callable(getattr(value, "state_dict", None)):
        load = getattr(value, "load_state_dict", None)
        return Access(value.state_dict, load) if callable(load) else None
    match value:
        case np.random.Generator():
            bits = value.bit_generator
            return Access(lambda: bits.state, lambda state: setattr(bits, "state", state))
        case np.random.RandomState():
            return Access(lambda: value.get_state(legacy=False), value.set_state)
        case random.Random():
            return Access(value.getstate, value.setstate)
    if pytorch.is_generator(value):
        return Access(lambda: pytorch.random_state(value), lambda state: pytorch.set_random_state(value, state))
    return None


def attributes(value: Any) -> dict[str, object] | None:
    """Return an ordinary object's attributes by name; None if there is more to it than those.

    What pickle would do decides which it is: an object with a way of its own to be pickled, or with a part in C (a
    file, a lock, a function), is more than its attributes.
    """
    kind = type(value)
    if isinstance(value, type) or any(
        getattr(kind, method) is not getattr(object, method)
        for method in ("__reduce_ex__", "__reduce__", "__getstate__")
    ):
        return None
    try:
        _, arguments, state, items, pairs = value.__reduce_ex__(2)
    except TypeError:
        return None
    if len(arguments) > 1 or items is not None or pairs is not None:
        return None  # what it is made of comes from a type of Python's own
    in_dict, in_slots = state if isinstance(state, tuple) else (state, None)
    return {**(in_dict or {}), **(in_slots or {})}


def set_attributes(value: object, present: dict[str, object], wanted: dict[str, object]) -> None:
    """Set, replace and delete an object's attributes, whatever its class thinks of it (it may be frozen)."""
    for name in present.keys() - wanted.keys():
        object.__delattr__(value, name)
    for name, item in wanted.items():
        if name not in present or present[name] is not item:
            object.__setattr__(value, name, item)
