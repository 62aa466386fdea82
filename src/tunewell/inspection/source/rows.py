"""Rows as programs name and take them, whatever the framework."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

HELD_BACK = re.compile(r"(^|_)(test|val|valid|validation|dev|te|vl|va)($|_)|^[xXyY](test|val|valid|te|v)$|(Test|Val)$")
TRAINING = re.compile(r"(^|_)(train|training|tr)($|_)|^[xXyY](train|tr)$|Train$")


def name_of(node: ast.AST) -> str:
    """Return the name that stands there; "" if it is none."""
    return node.id if isinstance(node, ast.Name) else ""


def names_in(node: ast.AST) -> list[str]:
    """Return all names in an expression or a statement."""
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def whole(rows: ast.expr) -> ast.expr:
    """Return `x` of `x[300:]`."""
    return rows.value if isinstance(rows, ast.Subscript) and isinstance(rows.slice, ast.Slice) else rows


def assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target of an assignment with its value, those of `x, y = a, b` one by one."""
    for target in node.targets if isinstance(node, ast.Assign) else []:
        assert isinstance(node, ast.Assign)
        given = node.value
        if isinstance(target, ast.Tuple) and isinstance(given, ast.Tuple) and len(target.elts) == len(given.elts):
            yield from zip(target.elts, given.elts, strict=True)
        else:
            yield target, given
