"""The state of live objects, taken as a tree and put back in place.

What an optimizer holds of its model it holds afterwards too, because arrays, dictionaries, lists and objects are
filled where they are, not replaced. Only what is not there yet (the moments of an optimizer that has not made a
step) is made anew.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.checkpoint.access import access, attributes, set_attributes
from tunewell.checkpoint.jax_arrays import (
    as_jax_array,
    children,
    copied_jax_array,
    is_code,
    is_jax_array,
    is_node,
    with_children,
)
from tunewell.checkpoint.pytorch import as_tensor, copied_tensor, is_tensor
from tunewell.checkpoint.tree import CONTAINERS, PLAIN, JaxArrayState, ObjectState, TensorState
from tunewell.errors import CheckpointError
from tunewell.space.values import Params


def capture(objects: Mapping[str, object]) -> dict[str, object]:
    """Return a snapshot of the objects' state, which shares nothing with them.

    Raises:
        CheckpointError: something in an object cannot be saved and filled again; the message names its place.
    """
    for name, value in objects.items():
        if isinstance(value, (*PLAIN, np.generic, tuple, frozenset)) or is_jax_array(value) or is_node(value):
            raise CheckpointError(f"{name} is {_a(value)}, which cannot be filled again in place; put it in a dict")
    try:
        return {name: _copied(value, name, {}) for name, value in objects.items()}
    except RecursionError:
        raise CheckpointError(f"{', '.join(objects)}: nested too deeply for a checkpoint") from None


def refill(objects: Mapping[str, object], tree: Mapping[str, object]) -> None:
    """Fill live objects from what `capture` took of them, or of others that were made alike.

    Raises:
        CheckpointError: they are not alike; then the objects are as they were before.
    """
    if objects.keys() != tree.keys():
        raise CheckpointError(
            f"the checkpoint holds {', '.join(tree) or 'nothing'}, "
            f"but what is to be filled is {', '.join(objects) or 'nothing'}; track the same objects"
        )
    before = capture(objects)
    try:
        _fill(objects, tree)
    except CheckpointError:
        _fill(objects, before)
        raise


# --- from live objects to a tree


def _copied(value: Any, path: str, above: dict[int, str], *, only_data: bool = False) -> object:
    """Return a copy of the value at `path`.

    above: the paths of the objects that hold it, by identity.
    only_data: no objects, because none will be there to be filled.
    """
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.generic | np.ndarray):
        return _copied_array(value, path)
    if is_tensor(value):
        return copied_tensor(value, path)
    if is_jax_array(value):
        return copied_jax_array(value, path)
    if id(value) in above:
        raise CheckpointError(f"{path} is {above[id(value)]} again: a checkpoint cannot save what holds itself")
    inside = {**above, id(value): path}
    if type(value) in CONTAINERS:
        return type(value)(_copied_contents(value, path, inside, only_data=only_data))
    saved = None if only_data else _copied_object(value, path, inside)
    if saved is None:
        raise CheckpointError(
            f"{path} is {_a(value)}; a checkpoint holds arrays and plain data, "
            f"or give the object state_dict and load_state_dict"
        )
    return saved


def _copied_contents(container: Any, path: str, inside: dict[int, str], *, only_data: bool) -> Any:
    if isinstance(container, dict):
        return {
            _key(key, path): _copied(item, f"{path}[{key!r}]", inside, only_data=only_data)
            for key, item in container.items()
        }
    if isinstance(container, set | frozenset):
        return {_key(item, path) for item in container}
    return [_copied(item, f"{path}[{i}]", inside, only_data=only_data) for i, item in enumerate(container)]


def _copied_object(value: Any, path: str, inside: dict[int, str]) -> ObjectState | None:
    """Return the object's state; None if there is more to it than can be known from outside."""
    name = type(value).__qualname__
    if isinstance(value, Params):
        return ObjectState(name, None)  # a setting is given to a trial, not learnt by it
    if is_node(value):
        parts = [None if is_code(part) else part for part in children(value)]
        items = [_copied(part, f"{path}[{i}]", inside) for i, part in enumerate(parts)]
        return ObjectState(name, items)
    own = access(value)
    if own is not None:
        return _copied_state(own.take(), name, f"{path}.state_dict()", inside)
    if isinstance(value, dict | list | set | deque):
        return ObjectState(name, _copied_contents(value, path, inside, only_data=False))
    present = attributes(value)
    if present is None:
        return None
    return ObjectState(name, {key: _copied(item, f"{path}.{key}", inside) for key, item in present.items()})


def _copied_state(state: object, name: str, path: str, inside: dict[int, str]) -> ObjectState:
    metadata = getattr(state, "_metadata", None) if type(state) is OrderedDict else None
    return ObjectState(
        name,
        _copied(state, path, inside, only_data=True),
        _copied(metadata, f"{path}._metadata", inside, only_data=True),
    )


def _copied_array(value: NDArray[Any] | np.generic, path: str) -> object:
    dtype = value.dtype
    if dtype.hasobject or (dtype.names is None and dtype.kind not in "biufcmMSU"):
        raise CheckpointError(f"{path} is an array of {dtype}, which a checkpoint cannot hold; use a numeric dtype")
    if isinstance(value, np.generic):
        return value
    if type(value) is not np.ndarray:
        raise CheckpointError(f"{path} is {_a(value)}; a checkpoint holds plain NumPy arrays: numpy.asarray(...)")
    return value.copy(order="K")


def _key(key: Any, path: str) -> object:
    """Return a dictionary's key or a set's item, if it is plain or made of what is."""
    if type(key) in (tuple, frozenset):
        for item in key:
            _key(item, path)
    elif type(key) not in PLAIN and not isinstance(key, np.generic):
        raise CheckpointError(f"{path} has {_a(key)} as a key or in a set; a checkpoint takes plain values there")
    return key


# --- from a tree to live objects


def _fill(objects: Mapping[str, object], tree: Mapping[str, object]) -> None:
    for name, live in objects.items():
        if _filled(live, tree[name], name) is not live:
            raise _unlike(live, name, type(tree[name]).__name__)


def _filled(live: Any, saved: Any, path: str) -> object:
    """Return `live` itself, filled, where that can be done, else a copy of `saved` to replace it."""
    if is_node(live) and not isinstance(saved, ObjectState | None):
        raise _unlike(live, path, type(saved).__name__)
    match saved:
        case ObjectState() if is_node(live):
            return _filled_node(live, saved, path)
        case ObjectState():
            _fill_object(live, saved, path)
            return live
        case JaxArrayState():
            return as_jax_array(saved, path, live)
        case np.ndarray() if isinstance(live, np.ndarray):
            _check_alike(path, live.shape, live.dtype, saved.shape, saved.dtype)
            if live.flags.writeable:
                live[...] = saved
                return live
        case TensorState() if is_tensor(live):
            tensor = as_tensor(saved, path)
            _check_alike(path, live.shape, live.dtype, tensor.shape, tensor.dtype)
            live.detach().copy_(tensor)
            return live
        case dict() | list() | set() if type(live) is type(saved):
            _fill_contents(live, saved, path)
            return live
        case tuple() if type(live) is tuple and len(live) == len(saved):
            items = tuple(
                _filled(old, new, f"{path}[{i}]") for i, (old, new) in enumerate(zip(live, saved, strict=True))
            )
            return live if all(old is new for old, new in zip(live, items, strict=True)) else items
    return _thawed(saved, path)


def _filled_node(live: Any, saved: ObjectState, path: str) -> object:
    """Return a node like `live`, which cannot be changed itself."""
    present = children(live)
    if type(live).__qualname__ != saved.type or not isinstance(saved.state, list) or len(saved.state) != len(present):
        raise _unlike(live, path, saved.type)
    items = [
        old if is_code(old) else _filled(old, new, f"{path}[{i}]")
        for i, (old, new) in enumerate(zip(present, saved.state, strict=True))
    ]
    is_same = all(old is new for old, new in zip(present, items, strict=True))
    return live if is_same else with_children(live, items)


def _fill_contents(live: Any, saved: Any, path: str) -> None:
    match live, saved:
        case dict(), dict():
            _fill_dict(live, saved, lambda key: f"{path}[{key!r}]")
        case ((list() | deque()), list()):
            present = chain(list(live), repeat(None))
            items = [
                _filled(old, new, f"{path}[{i}]") for i, (new, old) in enumerate(zip(saved, present, strict=False))
            ]
            live.clear()
            live.extend(items)
        case set(), set():
            live.clear()
            live.update(saved)
        case _:
            raise _unlike(live, path, type(saved).__name__)


def _fill_dict(live: dict[Any, object], saved: dict[Any, object], path_of: Callable[[object], str]) -> None:
    items = {key: _filled(live.get(key), item, path_of(key)) for key, item in saved.items()}
    live.clear()
    live.update(items)


def _fill_object(live: Any, saved: ObjectState, path: str) -> None:
    if type(live).__qualname__ != saved.type:
        raise _unlike(live, path, saved.type)
    if isinstance(live, Params):
        return
    own = access(live)
    if own is not None:
        state = _thawed(saved.state, path)
        if saved.metadata is not None:
            state._metadata = _thawed(saved.metadata, path)  # noqa: SLF001  PyTorch's own name for it
        try:
            own.put(state)
        except Exception as error:  # a stranger's object may say anything to a state that is not its own
            raise CheckpointError(f"{path} does not take the state saved: {' '.join(str(error).split())}") from error
    elif isinstance(live, dict | list | set | deque):
        _fill_contents(live, saved.state, path)
    elif isinstance(saved.state, dict):
        _fill_attributes(live, saved.state, path)
    else:
        raise _unlike(live, path, type(saved.state).__name__)


def _fill_attributes(live: object, saved: dict[str, object], path: str) -> None:
    present = attributes(live) or {}
    wanted = {name: _filled(present.get(name), item, f"{path}.{name}") for name, item in saved.items()}
    set_attributes(live, present, wanted)


def _thawed(saved: Any, path: str) -> Any:
    """Return a new object with what was saved."""
    match saved:
        case ObjectState():
            raise CheckpointError(
                f"{path} is {_with_article(saved.type)} in the checkpoint, but there is none here to be filled"
            )
        case TensorState():
            return as_tensor(saved, path)
        case JaxArrayState():
            return as_jax_array(saved, path)
        case np.ndarray():
            return saved.copy(order="K")
        case dict():
            return type(saved)({key: _thawed(item, f"{path}[{key!r}]") for key, item in saved.items()})
        case list() | tuple():
            return type(saved)(_thawed(item, f"{path}[{i}]") for i, item in enumerate(saved))
        case set():
            return set(saved)
    return saved


def _check_alike(
    path: str, shape: Iterable[int], dtype: object, saved_shape: Iterable[int], saved_dtype: object
) -> None:
    if (tuple(shape), dtype) != (tuple(saved_shape), saved_dtype):
        raise CheckpointError(
            f"{path} has shape {tuple(shape)} and dtype {dtype}, but {tuple(saved_shape)} and {saved_dtype} "
            f"in the checkpoint; make it as it was made then"
        )


def _unlike(live: object, path: str, saved: str) -> CheckpointError:
    return CheckpointError(
        f"{path} is {_a(live)}, but in the checkpoint it is {_with_article(saved)}; track the same objects"
    )


def _a(value: object) -> str:
    """Return the kind of an object, in words."""
    if value is None:
        return "None"
    return f"the class {value.__qualname__}" if isinstance(value, type) else _with_article(type(value).__name__)


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
