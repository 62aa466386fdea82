"""Splits of rows that hold nothing back."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.program import (
    Program,
    argument,
    keyword,
    line,
    method,
    text,
)
from tunewell.inspection.source.rows import HELD_BACK, TRAINING, assigned, name_of, whole


def held_back_in_training(program: Program) -> Iterator[Mistake]:
    """Find training rows that are given as validation rows."""
    for call in program.calls():
        given, rows = keyword(call, "validation_data"), argument(call, 0, "x")
        if method(call) != "fit" or not isinstance(given, ast.Tuple) or len(given.elts) < 2:
            continue
        if isinstance(rows, ast.Name) and text(rows) == text(whole(given.elts[0])):
            yield _same_rows(program, given, text(rows), "validation_data")
    made = (call for call in program.calls() if program.called(call).endswith("utils.data.DataLoader"))
    loaders = [(_purpose(program, call), call) for call in made]
    training = {
        text(call.args[0])
        for name, call in loaders
        if TRAINING.search(name) and call.args and isinstance(call.args[0], ast.Name)
    }
    trained = [
        call.args[0]
        for name, call in loaders
        if TRAINING.search(name) and call.args and keyword(call, "sampler") is None
    ]
    for name, call in loaders:
        given = argument(call, 0, "dataset")
        plain = keyword(call, "sampler") is None and keyword(call, "batch_sampler") is None
        if (
            plain
            and given is not None
            and HELD_BACK.search(name)
            and not TRAINING.search(name)
            and (text(given) in training or any(_is_part_of(program, given, one) for one in trained))
        ):
            yield _same_rows(program, call, text(given), name)


def _is_part_of(program: Program, rows: ast.expr, trained: ast.expr) -> bool:
    """Return True for a `Subset` of the data set that is trained on, whole."""
    parts, wholes = program.origins(rows), program.origins(trained)
    part = parts[0] if len(parts) == 1 else None
    if not isinstance(part, ast.Call) or not program.called(part).endswith("utils.data.Subset") or not part.args:
        return False
    return len(wholes) == 1 and isinstance(wholes[0], ast.Call) and program.origins(part.args[0]) == wholes


def slice_of_training(program: Program) -> Iterator[Mistake]:
    """Find held-back rows that are a slice of rows within the slice that is trained on: `x[:800]` and `x[:200]`."""
    slices: dict[str, tuple[ast.AST, ast.Subscript, float, float]] = {}
    for node in program.nodes:
        for target, value in assigned(node):
            bounds = _bounds(program, value)
            if bounds is not None and isinstance(target, ast.Name) and isinstance(value, ast.Subscript):
                slices[target.id] = (node, value, *bounds)
    for name, (_, trained, first, end) in slices.items():
        if not TRAINING.search(name):
            continue
        for other, (node, held, begins, ends) in slices.items():
            same = text(held.value) == text(trained.value) and program.scope(held) is program.scope(trained)
            if same and HELD_BACK.search(other) and not TRAINING.search(other) and first <= begins and ends <= end:
                yield program.mistake(
                    "validation-rows-in-training",
                    node,
                    f"{other} is {text(held)}, and {name} is {text(trained)}: all of it is trained on",
                    f"take rows that {name} does not have",
                )


def _bounds(program: Program, rows: ast.expr) -> tuple[float, float] | None:
    """Return the first row of a slice, and where it ends, if both are written there as numbers from 0 on."""
    part = rows.slice if isinstance(rows, ast.Subscript) and isinstance(rows.value, ast.Name) else None
    if not isinstance(part, ast.Slice) or part.step is not None:
        return None
    first = 0.0 if part.lower is None else program.number(part.lower)
    end = math.inf if part.upper is None else program.number(part.upper)
    return None if first is None or end is None or first < 0 or end < 0 else (first, end)


def _purpose(program: Program, made: ast.Call) -> str:
    """Return the name that an object is given where it is made: by an assignment, or by what it is passed to."""
    parent = program.parent(made)
    if isinstance(parent, ast.Assign):
        return name_of(parent.targets[0])
    if isinstance(parent, ast.keyword):
        return parent.arg or ""
    return program.parameter_of(parent, made) if isinstance(parent, ast.Call) else ""


def _same_rows(program: Program, at: ast.AST, rows: str, of: str) -> Mistake:
    return program.mistake(
        "validation-rows-in-training",
        at,
        f"{rows} is what is trained on, and {of} on line {line(at)} is made of it too",
        "keep rows back that the network is not trained on, and give these",
    )
