"""Layers that are used otherwise than they are made, in PyTorch."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.program import (
    Function,
    Program,
    constant,
    is_self_attribute,
    keyword,
    line,
    method,
    text,
)

_RECURRENT = ("torch.nn.LSTM", "torch.nn.GRU", "torch.nn.RNN")


def swapped_axes(program: Program) -> Iterator[Mistake]:
    """Find the last row of a batch taken for the last time step of a recurrent layer, and the other way round."""
    for owner in program.classes.values():
        for forward in owner.body:
            if isinstance(forward, Function) and forward.name == "forward":
                yield from _in_forward(program, owner, forward)


def _in_forward(program: Program, owner: ast.ClassDef, forward: Function) -> Iterator[Mistake]:
    for node in ast.walk(forward):
        taken = node if isinstance(node, ast.Subscript) else None
        call = None if taken is None else _recurrent_output(program, taken.value)
        made = None if call is None else _made(program, owner, call)
        if taken is None or call is None or made is None:
            continue
        given = keyword(made, "batch_first")
        if given is not None and not isinstance(constant(given), bool):
            continue
        first = constant(given) is True
        step = _last_step(taken.slice)
        layer = text(call.func)
        if step == 1 and not first:
            yield program.mistake(
                "axes-swapped",
                made,
                (
                    f"{layer} is made without batch_first=True (line {line(made)}), so that {text(taken)} is "
                    "its output for "
                    "the last row of the batch, and not for the last time step"
                ),
                (
                    f"write batch_first=True where {layer} is made, if its input is (rows, steps, features); "
                    f"else take {text(taken.value)}[-1]"
                ),
            )
        elif step == 0 and first:
            yield program.mistake(
                "axes-swapped",
                taken,
                (
                    f"{layer} is made with batch_first=True (line {line(made)}), so that {text(taken)} is its "
                    "output for the "
                    "last row of the batch, and not for the last time step"
                ),
                f"take {text(taken.value)}[:, -1]",
            )


def _recurrent_output(program: Program, node: ast.expr) -> ast.Call | None:
    """Return the call whose first result a name is, or that stands there with `[0]` behind it."""
    if isinstance(node, ast.Subscript) and constant(node.slice) == 0 and isinstance(node.value, ast.Call):
        return node.value
    if not isinstance(node, ast.Name):
        return None
    bound = program.value(node)
    is_first = bound is not None and bound.position == 0
    return bound.value if is_first and bound is not None and isinstance(bound.value, ast.Call) else None


def _made(program: Program, owner: ast.ClassDef, call: ast.Call) -> ast.Call | None:
    func = call.func
    if not (isinstance(func, ast.Attribute) and is_self_attribute(func)):
        return None
    made = [one.value for one in program.attribute(owner, func.attr)]
    only = made[0] if len(made) == 1 else None
    return only if isinstance(only, ast.Call) and program.called(only) in _RECURRENT else None


_BATCH = re.compile(r"batch|^(bs|b|n)$|(^|_)bsz?$", re.IGNORECASE)


def states_mixed(program: Program) -> Iterator[Mistake]:
    """Find last states of several layers or directions, (layers, rows, units), regrouped without a transpose."""
    for call in program.calls():
        owner, of = program.class_of(call), getattr(call.func, "value", None)
        shape = call.args[0].elts if call.args and isinstance(call.args[0], ast.Tuple) else call.args
        if method(call) not in ("view", "reshape") or len(shape) != 2 or owner is None or not isinstance(of, ast.Name):
            continue
        statement = next(one for one in program.ancestors(call) if isinstance(one, ast.stmt))
        bound = program.earlier(of, statement)
        is_state = bound is not None and bound.position in (1, -1)  # h, or (h, c)
        layer = bound.value if is_state and bound is not None and isinstance(bound.value, ast.Call) else None
        made = None if layer is None else _made(program, owner, layer)
        if layer is None or made is None:
            continue
        if _has_several_states(program, made) and _is_number_of_rows(shape[0]):
            yield program.mistake(
                "axes-swapped",
                call,
                (
                    f"{of.id} has the states of {text(layer)} by layer and direction first, and then by row, so that "
                    f"{text(call)} puts states of different rows together"
                ),
                f"write {of.id}.transpose(0, 1).reshape({text(shape[0])}, -1), or take {of.id}[-1]",
            )


def _has_several_states(program: Program, made: ast.Call) -> bool:
    layers = program.number(keyword(made, "num_layers"))
    return constant(keyword(made, "bidirectional")) is True or (layers is not None and layers > 1)


def _is_number_of_rows(size: ast.expr) -> bool:
    if isinstance(size, ast.Name):
        return bool(_BATCH.search(size.id))
    if isinstance(size, ast.Subscript):
        return isinstance(size.value, ast.Attribute) and size.value.attr == "shape" and constant(size.slice) == 0
    return method(size) == "size" and isinstance(size, ast.Call) and bool(size.args) and constant(size.args[0]) == 0


def _last_step(index: ast.expr) -> int | None:
    """Return which axis an index takes the last of: 0 of `x[-1]`, 1 of `x[:, -1]`; None of any other."""
    if _is_minus_one(index):
        return 0
    if isinstance(index, ast.Tuple) and len(index.elts) >= 2:
        whole = isinstance(index.elts[0], ast.Slice) and index.elts[0].lower is None and index.elts[0].upper is None
        if whole and _is_minus_one(index.elts[1]):
            return 1
        if _is_minus_one(index.elts[0]):
            return 0
    return None


def _is_minus_one(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and constant(node.operand) == 1


def relu_in_recurrence(program: Program) -> Iterator[Mistake]:
    """Find recurrent layers, of Keras too, whose activation grows without bounds."""
    for call in program.calls():
        name = program.called(call)
        if name in ("keras.layers.LSTM", "keras.layers.GRU", "keras.layers.SimpleRNN") and _is_relu(
            program, keyword(call, "activation")
        ):
            yield program.mistake(
                "recurrent-relu",
                call,
                f"{text(call)} has states without bounds: with relu they grow from step to step",
                "leave activation at tanh",
            )


def _is_relu(program: Program, node: ast.expr | None) -> bool:
    return node is not None and (
        constant(node) in ("relu", "leaky_relu", "elu") or program.name(node).endswith("activations.relu")
    )
