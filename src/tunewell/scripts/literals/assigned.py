"""Constants that have a name of their own: of a module, a class, a dictionary, or a main function's own line."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from .literal import Constant, needs_no_argument, numbers_of, value_of

_MAIN = ("main", "train", "run", "fit", "train_model", "training", "run_training", "experiment", "get_config")
"""Functions whose own lines hold constants, besides those of the script itself."""
_MAKERS = (
    "dict",
    "SimpleNamespace",
    "Namespace",
    "EasyDict",
    "edict",
    "AttrDict",
    "ConfigDict",
    "DotDict",
    "Config",
    "Munch",
    "create",
)
"""Calls whose keywords are a dictionary."""


def constants(tree: ast.Module) -> dict[str, Constant]:
    """Return the constants by address; what is assigned twice is none."""
    found: dict[str, Constant] = {}
    twice: set[str] = set()
    for address, node in _scope(tree.body, "", _off(tree)):
        if address in found:
            twice.add(address)
        value, numbers = value_of(node), numbers_of(node)
        if numbers is not None and isinstance(node, (ast.List, ast.Tuple)):
            found[address] = Constant(numbers, tuple(node.elts), node.lineno)
        elif value is not None:
            found[address] = Constant(value, (node,), node.lineno, needs_no_argument=needs_no_argument(node))
        else:
            twice.add(address)
    return {address: one for address, one in found.items() if address not in twice}


def _scope(body: Sequence[ast.stmt], before: str, off: set[str]) -> Iterator[tuple[str, ast.expr]]:
    """Yield address and value of each assignment in some lines; those of a loop are none."""
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _assigned(target, statement.value, before)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from _assigned(statement.target, statement.value, before)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            yield before + statement.target.id, ast.Name(id="?", lineno=statement.lineno, col_offset=0)
        elif isinstance(statement, ast.ClassDef):
            yield from _scope(
                [one for one in statement.body if not _is_function(one)], f"{before}{statement.name}.", off
            )
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name in _MAIN and not before:
            yield from _scope(statement.body, f"{statement.name}.", off)
        elif isinstance(statement, ast.If):
            if _dotted(statement.test) in off:
                continue
            is_main = isinstance(statement.test, ast.Compare) and getattr(statement.test.left, "id", "") == "__name__"
            for branch in (statement.body, statement.orelse):
                for address, value in _scope(branch, before, off):
                    yield address, value if is_main else ast.Name(id="?", lineno=value.lineno, col_offset=0)
        elif isinstance(statement, (ast.With, ast.Try)):
            yield from _scope(statement.body, before, off)
        elif isinstance(statement, (ast.For, ast.While)):
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield before + node.id, ast.Name(id="?", lineno=node.lineno, col_offset=0)


def _off(tree: ast.Module) -> set[str]:
    """Return the switches that are False: `if Config.debug: Config.epochs = 1` is not run."""
    found: set[str] = set()
    for node in ast.walk(tree):
        before = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for one in node.body if isinstance(node, (ast.Module, ast.ClassDef)) else ():
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant) and one.value.value is False:
                found |= {before + _dotted(target) for target in one.targets}
    return found - {""}


def _is_function(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))


def _assigned(target: ast.expr, value: ast.expr, before: str) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
        for one, its in zip(target.elts, value.elts):
            yield from _assigned(one, its, before)
        return
    name = _dotted(target)
    if not name:
        return
    entries = list(_entries(value))
    if not entries:
        yield before + name, value
    for key, its in entries:
        yield from _assigned(ast.Name(id=key, lineno=its.lineno, col_offset=0), its, f"{before}{name}.")


def _dotted(target: ast.expr) -> str:
    """Return `args.lr` of `args.lr = ...` and of `args["lr"] = ...`, `C.SOLVER.LR` of `C.SOLVER.LR = ...`."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        before = _dotted(target.value)
        return f"{before}.{target.attr}" if before else ""
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        before = _dotted(target.value)
        return f"{before}.{target.slice.value}" if before and isinstance(target.slice.value, str) else ""
    return ""


def _entries(value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield the entries of a dictionary that is written out."""
    if isinstance(value, ast.Dict):
        for key, its in zip(value.keys, value.values):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, its
    elif isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        if name in _MAKERS:
            for one in value.keywords:
                if one.arg:
                    yield one.arg, one.value
            for argument in value.args:
                yield from _entries(argument)
