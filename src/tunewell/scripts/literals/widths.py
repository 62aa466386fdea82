"""The widths of layers, where all numbers that have to agree are seen: `Linear(20, 64)` and `Linear(64, 2)`.

PyTorch's layers name what goes in as well as what comes out. In a class, or in a function, a width may be changed if an
earlier layer has it as what comes out and a later one as what goes in, and if the same number stands nowhere else: then
all of its places are changed together. What goes into the first layer and what comes out of the last are the data's.
Keras's layers name what comes out alone; there each but the last is free, unless layers are added or reshaped.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .literal import called, value_of

_IN, _OUT, _THROUGH = "in", "out", "through"
_TORCH: dict[str, tuple[tuple[str, str], ...]] = {
    "Linear": (("in_features", _IN), ("out_features", _OUT)),
    "LazyLinear": (("out_features", _OUT),),
    **{f"Conv{n}d": (("in_channels", _IN), ("out_channels", _OUT)) for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": (("in_channels", _IN), ("out_channels", _OUT)) for n in (1, 2, 3)},
    **{f"BatchNorm{n}d": (("num_features", _THROUGH),) for n in (1, 2, 3)},
    "LayerNorm": (("normalized_shape", _THROUGH),),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), (("input_size", _IN), ("hidden_size", _OUT))),
    "Embedding": (("num_embeddings", ""), ("embedding_dim", _OUT)),
}
_TORCH_NAMES = {"out_features": "hidden_size", "out_channels": "channels"}
_FREE = {"TransformerEncoderLayer": "dim_feedforward", "TransformerDecoderLayer": "dim_feedforward"}
"""Layers with a width that is their own."""
_KERAS: dict[str, str] = {
    "Dense": "units",
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), "units"),
    **{f"{kind}{n}D": "filters" for kind in ("Conv", "Convolution", "SeparableConv") for n in (1, 2, 3)},
}
_MUST_AGREE = (
    "Add",
    "add",
    "Multiply",
    "multiply",
    "Dot",
    "dot",
    "Reshape",
    "MultiHeadAttention",
    "Average",
    "Subtract",
)
_NOT_WIDTHS = ("batch_size", "epochs", "num_epochs", "max_epochs", "seed", "random_state", "num_workers")
_SHAPES = (
    "zeros",
    "ones",
    "randn",
    "rand",
    "empty",
    "view",
    "reshape",
    "expand",
    "repeat",
    "full",
    "GroupNorm",
    "split",
)


class Width(NamedTuple):
    """A width, and all of its places."""

    call: str
    argument: str
    name: str
    value: int
    nodes: tuple[ast.expr, ...]


class _Place(NamedTuple):
    call: ast.Call
    argument: str
    role: str
    node: ast.expr
    value: int


def widths(tree: ast.Module) -> Iterator[Width]:
    """Yield the widths that may be changed."""
    for scope in _scopes(tree):
        nodes = list(_inside(scope))
        yield from _of_torch(nodes, tree)
        yield from _of_keras(nodes)


def _scopes(tree: ast.Module) -> Iterator[Sequence[ast.stmt]]:
    """Yield the lines of each class, of each function outside of classes, and the rest of the module."""
    rest: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield [statement]
        else:
            rest.append(statement)
    yield rest


def _inside(statements: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all nodes in the order of the text."""
    nodes = [node for statement in statements for node in ast.walk(statement)]
    yield from sorted(nodes, key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))


def _of_torch(nodes: Sequence[ast.AST], tree: ast.Module) -> Iterator[Width]:
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    places = [place for call in calls for place in _places(call)]
    by_value: dict[int, list[_Place]] = {}
    for place in places:
        by_value.setdefault(place.value, []).append(place)
    shapes = _numbers_of_shapes(tree)
    for value, its in by_value.items():
        outs = [at for at, place in enumerate(its) if place.role == _OUT]
        ins = [at for at, place in enumerate(its) if place.role == _IN]
        if not outs or not ins or outs[0] != 0 or not _is_taken_in_last(its):
            continue
        if value in shapes or _stands_elsewhere(value, its, nodes):
            continue
        first = its[0]
        name = _TORCH_NAMES.get(first.argument, first.argument)
        yield Width(called(first.call), first.argument, name, value, tuple(place.node for place in its))
    for call in calls:
        argument = _FREE.get(called(call))
        for one in call.keywords:
            if argument and one.arg == argument and isinstance(value_of(one.value), int):
                yield Width(called(call), argument, argument, value_of(one.value), (one.value,))


def _is_taken_in_last(its: Sequence[_Place]) -> bool:
    """Return True if a later layer takes in what the last one with this width gives."""
    last_out = max(at for at, place in enumerate(its) if place.role == _OUT)
    return any(place.role == _IN and place.call is not its[last_out].call for place in its[last_out + 1 :])


def _places(call: ast.Call) -> Iterator[_Place]:
    """Yield the widths that a layer of PyTorch names, what goes in first."""
    signature = _TORCH.get(called(call))
    if signature is None or any(one.arg in ("groups", "bidirectional", "proj_size") for one in call.keywords):
        return
    given = {one.arg: one.value for one in call.keywords}
    for at, (argument, role) in enumerate(signature):
        node = call.args[at] if at < len(call.args) else given.get(argument)
        value = None if node is None else value_of(node)
        if role and node is not None and isinstance(node, ast.Constant) and type(value) is int and value > 1:
            yield _Place(call, argument, role, node, value)


def _stands_elsewhere(value: int, its: Sequence[_Place], nodes: Sequence[ast.AST]) -> bool:
    known = {id(place.node) for place in its}
    known |= {
        id(one.value) for node in nodes if isinstance(node, ast.Call) for one in node.keywords if one.arg in _NOT_WIDTHS
    }
    return any(
        isinstance(node, ast.Constant) and type(node.value) is int and node.value == value and id(node) not in known
        for node in nodes
    )


def _numbers_of_shapes(tree: ast.Module) -> list[int]:
    """Return the numbers with which arrays are made or reshaped anywhere."""
    return [
        node.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and called(call) in _SHAPES
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and type(node.value) is int
    ]


def _of_keras(nodes: Sequence[ast.AST]) -> Iterator[Width]:
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if any(called(call) in _MUST_AGREE and not _is_appended(call) for call in calls):
        return
    layers = [call for call in calls if called(call) in _KERAS and not _is_of_torch(call)]
    for call in layers[:-1]:
        argument = _KERAS[called(call)]
        given = {one.arg: one.value for one in call.keywords if one.arg}
        node = call.args[0] if call.args else given.get(argument)
        value = None if node is None else value_of(node)
        if node is None or not isinstance(node, ast.Constant) or type(value) is not int or value < 2 or _gives(given):
            continue
        yield Width(called(call), argument, argument, value, (node,))


def _is_appended(call: ast.Call) -> bool:
    """Return True for `model.add(Dense(64))`, which puts a layer after the others."""
    return called(call) == "add" and len(call.args) == 1 and not isinstance(call.args[0], (ast.List, ast.Tuple))


def _is_of_torch(call: ast.Call) -> bool:
    numbers = [value_of(one) for one in call.args[:2]]
    return called(call) in _TORCH and (len(numbers) == 2 or "input_size" in [one.arg for one in call.keywords])


def _gives(given: dict[str, ast.expr]) -> bool:
    """Return True for a layer whose activation is that of an output."""
    return value_of(given.get("activation", ast.Constant(None))) in ("softmax", "sigmoid")
