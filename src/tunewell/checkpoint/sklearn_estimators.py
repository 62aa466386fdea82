"""The learned attributes of scikit-learn's estimators, as plain data, if scikit-learn is imported already.

An estimator's parameters are left as they are: a setting is given to a trial, not learnt by it. What it has learned may
hold objects of scikit-learn's own (a loss, a tree, an optimizer), which are made anew: of such a class by name, without
a call of anything else that a file could name.
"""

from __future__ import annotations

import importlib
import sys
from copyreg import __newobj__ as new_object  # type: ignore[attr-defined]  # what pickle makes objects with
from typing import Any

import numpy as np

from tunewell.checkpoint.tree import PLAIN
from tunewell.errors import CheckpointError

_HEAP_TYPE = 1 << 9
"""The flag of a class that was defined in Python."""


def is_estimator(value: object) -> bool:
    """Return True if it is an estimator of scikit-learn's, or of a class that inherits from one."""
    kind = getattr(sys.modules.get("sklearn.base"), "BaseEstimator", None)
    return isinstance(kind, type) and isinstance(value, kind)


def take(value: Any) -> dict[str, dict[str, object]]:
    """Return what it has learned, and what each estimator that it is made of has, by the names of `get_params`.

    Raises:
        CheckpointError: that is no plain data, and no object of scikit-learn's.
    """
    return {
        name: {key: _encoded(item, f"{type(one).__name__}.{key}") for key, item in _learned(one).items()}
        for name, one in _estimators(value).items()
    }


def put(value: Any, state: dict[str, dict[str, object]]) -> None:
    """Put back what `take` returned.

    Raises:
        CheckpointError: it is made of other estimators, or what is to be put back is none of scikit-learn's.
    """
    present = _estimators(value)
    if present.keys() != state.keys():
        raise CheckpointError(
            f"{type(value).__name__} is made of {', '.join(filter(None, present)) or 'no other estimators'}, "
            f"and in the checkpoint of {', '.join(filter(None, state)) or 'no others'}; make it as it was made then"
        )
    learned = {name: {key: _decoded(item) for key, item in own.items()} for name, own in state.items()}
    for name, one in present.items():
        for key in _learned(one).keys() - learned[name].keys():
            delattr(one, key)
        vars(one).update(learned[name])


def _estimators(value: Any) -> dict[str, Any]:
    parts = {name: part for name, part in value.get_params(deep=True).items() if is_estimator(part)}
    return {"": value, **parts}


def _learned(value: Any) -> dict[str, Any]:
    given = value.get_params(deep=False)
    return {name: item for name, item in vars(value).items() if name not in given}


def _encoded(value: Any, path: str) -> object:
    """Return plain data; a dictionary in it has one key, the kind of what it stands for."""
    if type(value) in PLAIN or isinstance(value, np.generic):
        return value
    if isinstance(value, np.ndarray):
        if not value.dtype.hasobject:
            return np.asarray(value)
        return {"objects": [list(value.shape), [_encoded(item, path) for item in value.ravel()]]}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_encoded(item, path) for item in value)
    if isinstance(value, dict):
        return {"dict": [[key, _encoded(item, f"{path}[{key!r}]")] for key, item in value.items()]}
    if isinstance(value, np.random.RandomState):
        return {"random": value.get_state(legacy=False)}
    if isinstance(value, np.random.Generator):
        return {"generator": value.bit_generator.state}
    if not type(value).__module__.startswith("sklearn."):
        raise CheckpointError(
            f"{path} is {type(value).__module__}.{type(value).__qualname__}; "
            f"of an estimator a checkpoint holds plain data and what is scikit-learn's"
        )
    make, arguments, state = (*value.__reduce_ex__(2), None)[:3]
    if make is new_object or make is not type(value):  # a function of Cython's: of the class, a checksum, the state
        state = state if make is new_object else (arguments[2:] or (None,))[0]
        arguments = arguments[1:] if make is new_object else ()
    name = f"{type(value).__module__}:{type(value).__qualname__}"
    parts = [_encoded(item, path) for item in arguments]
    return {"object": [name, make is type(value), parts, _encoded(state, f"{path} ({type(value).__name__})")]}


def _decoded(saved: Any) -> Any:
    if isinstance(saved, list | tuple | set | frozenset):
        return type(saved)(map(_decoded, saved))
    if not isinstance(saved, dict):
        return saved
    [(kind, content)] = saved.items()
    match kind:
        case "dict":
            return {key: _decoded(item) for key, item in content}
        case "objects":
            shape, items = content
            array = np.empty(len(items), dtype=object)
            array[:] = [_decoded(item) for item in items]
            return array.reshape(shape)
        case "random":
            state = np.random.RandomState()
            state.set_state(content)
            return state
        case "generator":
            generator = np.random.default_rng()
            if content["bit_generator"] != generator.bit_generator.state["bit_generator"]:
                raise CheckpointError(f"a generator {content['bit_generator']} is none of scikit-learn's")
            generator.bit_generator.state = content
            return generator
        case "object":
            return _made(*content)
    raise CheckpointError(f"{kind!r} is nothing that an estimator has learned")


def _made(name: str, is_called: bool, arguments: list[Any], saved: Any) -> Any:  # noqa: FBT001  as it is saved
    """Return an object of a class of scikit-learn's; only one that is written in C is called to make it.

    Raises:
        CheckpointError: there is no such class.
    """
    module, _, place = name.partition(":")
    kind = None
    if module.startswith("sklearn."):
        kind = getattr(importlib.import_module(module), place, None)
    if not isinstance(kind, type) or kind.__module__ != module or (is_called and kind.__flags__ & _HEAP_TYPE):
        raise CheckpointError(f"{name} in the checkpoint is no class of scikit-learn's that can be made")
    parts = [_decoded(item) for item in arguments]
    made: Any = kind(*parts) if is_called else kind.__new__(kind, *parts)
    state = _decoded(saved)
    if hasattr(made, "__setstate__"):
        if state is not None:
            made.__setstate__(state)
    elif isinstance(state, dict):
        vars(made).update(state)
    elif state is not None:
        made.__setstate_cython__(state)
    return made
