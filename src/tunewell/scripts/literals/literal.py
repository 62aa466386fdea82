"""A number or a text in the source."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Constant:
    """A number or a text in the source, and where it stands."""

    value: Any
    nodes: tuple[ast.expr, ...]
    """Its places: several, where they have to agree."""
    line: int
    name: str = ""
    """What the field calls it, if it has no name of its own."""
    offset: int = 0
    """What is added to it where it stands: 1 for the 11 of `range(1, 11)`."""
    needs_no_argument: bool = False
    """It holds only where the command gives the script no arguments."""


_TURNS = {"int": int, "float": float}


def value_of(node: ast.expr) -> Any:
    """Return the value of a number, a text, or arithmetic of numbers; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, (bool, int, float, str)) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = value_of(node.operand)
        return -value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow)):
        left, right = value_of(node.left), value_of(node.right)
        if not all(type(one) in (int, float) for one in (left, right)) or abs(right) > 1e6:
            return None
        try:
            if isinstance(node.op, ast.Mult):
                return left * right
            return left / right if isinstance(node.op, ast.Div) else left**right if abs(right) < 64 else None
        except ArithmeticError:
            return None
    if isinstance(node, ast.IfExp) and _reads_arguments(node.test):
        return value_of(node.orelse)
    if isinstance(node, ast.Call) and dotted(node.func) in _TURNS and len(node.args) == 1 and not node.keywords:
        inner = value_of(node.args[0])
        if isinstance(inner, (int, float)) and not isinstance(inner, bool):  # `int(1e5)`
            return _TURNS[dotted(node.func)](inner)
    return _of_environment(node)


def numbers_of(node: ast.expr) -> list[Any] | None:
    """Return the numbers of a short list of them, `[64, 32]`; None for anything else."""
    if not isinstance(node, (ast.List, ast.Tuple)) or not 1 <= len(node.elts) <= 8:
        return None
    values = [value_of(one) for one in node.elts]
    return values if all(type(one) in (int, float) for one in values) else None


def needs_no_argument(node: ast.expr) -> bool:
    """Return True for `float(sys.argv[1]) if len(sys.argv) > 1 else 0.1`."""
    return isinstance(node, ast.IfExp) and _reads_arguments(node.test)


def _reads_arguments(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "argv" for node in ast.walk(test))


def _of_environment(node: ast.expr) -> Any:
    """Return the default of `float(os.environ.get("LR", "1e-3"))`; None if the variable is set."""
    if not isinstance(node, ast.Call):
        return None
    name = called(node)
    if name in ("float", "int", "str") and len(node.args) == 1 and not node.keywords:
        value = _of_environment(node.args[0])
        try:
            return None if value is None else {"float": float, "int": int, "str": str}[name](value)
        except ValueError:
            return None
    is_lookup = name == "getenv" or (
        name == "get" and isinstance(node.func, ast.Attribute) and dotted(node.func.value).endswith("environ")
    )
    if not is_lookup or len(node.args) != 2 or not isinstance(node.args[0], ast.Constant):
        return None
    return None if str(node.args[0].value) in os.environ else value_of(node.args[1])


def called(node: ast.Call) -> str:
    """Return the last name of what is called: `Adam` of `torch.optim.Adam(...)`."""
    return dotted(node.func).rpartition(".")[2]


def dotted(node: ast.expr) -> str:
    """Return `torch.optim.Adam` of such an expression; what is no name is left out."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))
