"""A script's constants as parameters: `python -m tunewell.scripts.constants LR={lr} -- train.py ARGUMENTS`.

The script runs as `__main__` with other values where its constants stand; line numbers, `__file__` and `sys.argv` are
as if it had been run by itself. An address is a path of names: `LR`, `Config.lr` of a class, `config.optimizer.lr` of a
dict, `main.lr` of a function's own line, `config:LR` of a module beside the script, which is replaced as it is
imported. Python alone is needed, so that the script's own interpreter can run it.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

OF_MODULE = ":"
"""Stands between the name of a module and the address in it."""
_MAIN = ("main", "train", "run", "fit", "train_model", "training", "run_training", "experiment")
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
)
"""Calls whose keywords are a dictionary."""


@dataclass(frozen=True)
class Constant:
    """A number or a text in the source, and where it stands."""

    value: Any
    node: ast.expr
    line: int


def constants(tree: ast.Module) -> Dict[str, Constant]:
    """Return the constants by address; what is assigned twice is none."""
    found: Dict[str, Constant] = {}
    twice: Set[str] = set()
    for address, node in _scope(tree.body, ""):
        if address in found:
            twice.add(address)
        value = literal(node)
        if value is not None:
            found[address] = Constant(value, node, node.lineno)
        else:
            twice.add(address)
    return {address: one for address, one in found.items() if address not in twice}


def literal(node: ast.expr) -> Any:
    """Return the value of a number, a text, or arithmetic of numbers; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, (bool, int, float, str)) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = literal(node.operand)
        return -value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow)):
        left, right = literal(node.left), literal(node.right)
        if not all(type(one) in (int, float) for one in (left, right)) or abs(right) > 1e6:
            return None
        try:
            if isinstance(node.op, ast.Mult):
                return left * right
            return left / right if isinstance(node.op, ast.Div) else left**right if abs(right) < 64 else None
        except ArithmeticError:
            return None
    return None


def _scope(body: Sequence[ast.stmt], before: str) -> Iterator[Tuple[str, ast.expr]]:
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
            yield from _scope([one for one in statement.body if not _is_function(one)], f"{before}{statement.name}.")
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name in _MAIN and not before:
            yield from _scope(statement.body, f"{statement.name}.")
        elif isinstance(statement, ast.If):
            is_main = isinstance(statement.test, ast.Compare) and getattr(statement.test.left, "id", "") == "__name__"
            for branch in (statement.body, statement.orelse):
                for address, value in _scope(branch, before):
                    yield address, value if is_main else ast.Name(id="?", lineno=value.lineno, col_offset=0)
        elif isinstance(statement, (ast.With, ast.Try)):
            yield from _scope(statement.body, before)
        elif isinstance(statement, (ast.For, ast.While)):
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield before + node.id, ast.Name(id="?", lineno=node.lineno, col_offset=0)


def _is_function(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))


def _assigned(target: ast.expr, value: ast.expr, before: str) -> Iterator[Tuple[str, ast.expr]]:
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
    """Return `args.lr` of `args.lr = ...` and of `args["lr"] = ...`."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return f"{target.value.id}.{target.attr}"
    if (
        isinstance(target, ast.Subscript)
        and isinstance(target.value, ast.Name)
        and isinstance(target.slice, ast.Constant)
    ):
        return f"{target.value.id}.{target.slice.value}" if isinstance(target.slice.value, str) else ""
    return ""


def _entries(value: ast.expr) -> Iterator[Tuple[str, ast.expr]]:
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


class _Replaced(ast.NodeTransformer):
    """Puts other values where some constants stand."""

    def __init__(self, values: Dict[int, Any]) -> None:
        self.values = values

    def visit(self, node: ast.AST) -> Any:
        """Return the node, or the constant in its place."""
        if id(node) in self.values:
            return ast.copy_location(ast.Constant(self.values[id(node)]), node)
        return self.generic_visit(node)


def replaced(tree: ast.Module, values: Dict[str, str]) -> ast.Module:
    """Return the tree with these values, as texts, at these addresses.

    Raises:
        ValueError: an address names no constant, or a value does not fit it.
    """
    known = constants(tree)
    if unknown := [address for address in values if address not in known]:
        raise ValueError(f"it has no constant {unknown[0]}; it may have been edited since its constants were found")
    places = {id(known[address].node): as_value(text, known[address].value) for address, text in values.items()}
    changed = _Replaced(places).visit(tree)
    assert isinstance(changed, ast.Module)
    return changed


class _Imports:
    """Runs other code where some modules are imported."""

    def __init__(self, codes: Dict[str, types.CodeType]) -> None:
        self.codes = codes

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002
        """Return how a module is loaded, if it is one of them."""
        spec = PathFinder.find_spec(name, path) if name in self.codes else None
        if spec is not None and spec.loader is not None:
            code = self.codes[name]
            spec.loader.exec_module = lambda module: exec(code, module.__dict__)  # type: ignore[method-assign]  # noqa: S102
        return spec


def as_value(text: str, before: Any) -> Any:
    """Return what a text of the command means in the place of a value."""
    if isinstance(before, str):
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return float(value) if isinstance(before, float) and isinstance(value, int) else value


def main(arguments: List[str]) -> None:
    """Run a script with other constants."""
    if "--" not in arguments or arguments.index("--") + 1 == len(arguments):
        sys.exit("give what to replace, and the script: LR=0.1 -- train.py")
    cut = arguments.index("--")
    values = dict(word.partition("=")[::2] for word in arguments[:cut])
    path, *its_own = arguments[cut + 1 :]
    folder = Path(path).resolve().parent
    others: Dict[str, Dict[str, str]] = {}
    for address in [address for address in values if OF_MODULE in address]:
        name, _, its = address.partition(OF_MODULE)
        others.setdefault(name, {})[its] = values.pop(address)
    file = path
    try:
        tree = replaced(ast.parse(Path(path).read_bytes(), path), values)
        codes = {}
        for name, its_values in others.items():
            file = str(folder / f"{name}.py")
            its_tree = replaced(ast.parse(Path(file).read_bytes(), file), its_values)
            codes[name] = compile(ast.fix_missing_locations(its_tree), file, "exec")
    except (OSError, SyntaxError, ValueError) as error:
        sys.exit(f"{file}: {error}")
    sys.argv[:] = [path, *its_own]
    sys.path[0] = str(folder)
    sys.meta_path.insert(0, _Imports(codes))
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = module
    exec(compile(ast.fix_missing_locations(tree), path, "exec"), module.__dict__)  # noqa: S102  the user's own script


if __name__ == "__main__":
    main(sys.argv[1:])
