"""A tree as a file: a zip of NumPy arrays and of `tree.json`, which is all the rest.

There is no pickle in it, so a file from a stranger is safe to read. In the JSON, whatever is no list, text, number,
true, false or null is an object with one key, its kind: `{"tuple": [1, 2]}`, `{"array": 0}` for `0.npy`.
"""

from __future__ import annotations

import json
import os
import uuid
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.checkpoint.tree import MAPPINGS, SEQUENCES, JaxArrayState, ObjectState, TensorState
from tunewell.errors import CheckpointError

_FORMAT = "tunewell checkpoint"
_VERSION = 1
_MOST_BITS = 10_000
"""Integers of more bits are written in hexadecimal: Python refuses to read so many decimals."""


def write(path: Path, tree: Mapping[str, object]) -> int:
    """Write the file whole or not at all, whatever happens; return its size in bytes.

    Raises:
        CheckpointError: the disk is full, the folder cannot be written, ...
    """
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("xb") as file:
                with zipfile.ZipFile(file, "w") as members:  # not compressed: weights hardly shrink
                    _write_members(members, dict(tree))
                file.flush()
                os.fsync(file.fileno())
            size = unfinished.stat().st_size
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"checkpoint {path} cannot be written: {error.strerror or error}") from error
    return size


def read(path: Path) -> dict[str, Any]:
    """Return the tree that a file holds.

    Raises:
        CheckpointError: there is no such file, or it is damaged, of a newer version, or no checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as members:
            document = _document(members)
            if document["version"] <= _VERSION:
                return {str(name): _decoded(node, members) for name, node in document["tree"].items()}
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}") from error
    except Exception as error:  # zipfile, json and numpy say many things to bytes that are not theirs
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(f"{path} is damaged, or no checkpoint of tunewell: {reason}") from error
    raise CheckpointError(f"{path} was written by a newer tunewell (format {document['version']}); upgrade tunewell")


def _write_members(members: zipfile.ZipFile, tree: dict[str, object]) -> None:
    arrays: list[NDArray[Any]] = []
    nodes = {name: _encoded(value, arrays) for name, value in tree.items()}
    with members.open("tree.json", "w") as member:
        member.write(json.dumps({"format": _FORMAT, "version": _VERSION, "tree": nodes}).encode())
    for number, array in enumerate(arrays):
        with members.open(f"{number}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)


def _encoded(value: Any, arrays: list[NDArray[Any]]) -> object:
    """Return the value as JSON, appending its arrays to `arrays`."""

    def put_aside(array: NDArray[Any]) -> int:
        arrays.append(array)
        return len(arrays) - 1

    match value:
        case np.generic():
            return {"scalar": put_aside(np.asarray(value))}
        case np.ndarray():
            return {"array": put_aside(value)}
        case TensorState():
            return {"tensor": [put_aside(value.content), value.dtype, list(value.shape)]}
        case JaxArrayState():
            number = put_aside(value.content)
            return {"jax": [number, value.dtype, list(value.shape), value.key_implementation, value.is_weak]}
        case ObjectState():
            return {"object": [value.type, _encoded(value.state, arrays), _encoded(value.metadata, arrays)]}
        case bytes():
            return {"bytes": put_aside(np.frombuffer(value, np.uint8))}
        case complex():
            return {"complex": [value.real, value.imag]}
        case int() if value.bit_length() > _MOST_BITS:
            return {"hex": hex(value)}
        case list():
            return [_encoded(item, arrays) for item in value]
        case tuple() | set() | frozenset():
            return {type(value).__name__: [_encoded(item, arrays) for item in value]}
        case dict():
            pairs = [[_encoded(key, arrays), _encoded(item, arrays)] for key, item in value.items()]
            return {type(value).__name__: pairs}
        case _:
            return value


def _document(members: zipfile.ZipFile) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_content(members, "tree.json"))
    if document["format"] != _FORMAT:
        raise ValueError(f"it is of the format {document['format']!r}")
    return document


def _decoded(node: Any, members: zipfile.ZipFile) -> Any:
    """Return the value that was encoded."""
    if isinstance(node, list):
        return [_decoded(item, members) for item in node]
    if not isinstance(node, dict):
        return node
    [(kind, content)] = node.items()
    if kind in SEQUENCES:
        return SEQUENCES[kind](_decoded(item, members) for item in content)
    if kind in MAPPINGS:
        return MAPPINGS[kind]({_decoded(key, members): _decoded(item, members) for key, item in content})
    return _KINDS[kind](content, members)


def _decoded_tensor(content: Any, members: zipfile.ZipFile) -> TensorState:
    number, dtype, shape = content
    return TensorState(_array(number, members), dtype, tuple(shape))


def _decoded_jax_array(content: Any, members: zipfile.ZipFile) -> JaxArrayState:
    number, dtype, shape, key_implementation, is_weak = content
    return JaxArrayState(_array(number, members), dtype, tuple(shape), key_implementation, is_weak)


def _decoded_object(content: Any, members: zipfile.ZipFile) -> ObjectState:
    name, state, metadata = content
    return ObjectState(name, _decoded(state, members), _decoded(metadata, members))


def _array(number: int, members: zipfile.ZipFile) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(BytesIO(_content(members, f"{number}.npy")), allow_pickle=False)
    return array


_KINDS: dict[str, Callable[[Any, zipfile.ZipFile], object]] = {
    "array": _array,
    "scalar": lambda number, members: _array(number, members)[()],
    "bytes": lambda number, members: _array(number, members).tobytes(),
    "complex": lambda parts, _: complex(*parts),
    "hex": lambda digits, _: int(digits, 16),
    "tensor": _decoded_tensor,
    "jax": _decoded_jax_array,
    "object": _decoded_object,
}


def _content(members: zipfile.ZipFile, name: str) -> bytes:
    if members.getinfo(name).compress_type != zipfile.ZIP_STORED:
        # a few bytes could unpack to more than the memory holds
        raise ValueError(f"{name} is compressed")
    return members.read(name)
