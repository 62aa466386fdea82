"""A script's constants as parameters: `python -m tunewell.scripts.constants LR={lr} -- train.py ARGUMENTS`.

The script runs as `__main__` with other values where its constants stand; line numbers, `__file__` and `sys.argv` are
as if it had been run by itself. An address is a path of names: `LR`, `Config.lr` of a class, `config.optimizer.lr` of a
dict, `main.lr` of a function's own line, `Adam.lr` of a number in a call, `"params.json"` of a text wherever it stands,
`config:LR` of a module beside the script or below, which is replaced as it is imported. Python alone is needed, so that
the script's own interpreter can run it.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING:
    from . import literals
else:  # the script's own interpreter need not know tunewell

    def _beside(name):  # noqa: ANN001, ANN202
        """Return a package of this folder, under a name that no script has."""
        folder = Path(__file__).with_name(name)
        spec = spec_from_file_location(
            f"_tunewell_{name}", folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        package = sys.modules[spec.name] = module_from_spec(spec)
        spec.loader.exec_module(package)
        return package

    literals = _beside("literals")

OF_MODULE = ":"
"""Stands between the name of a module and the address in it."""
constants = literals.constants


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
    known = {**constants(tree), **_texts(tree)}
    if unknown := [address for address in values if address not in known]:
        raise ValueError(f"it has no constant {unknown[0]}; it may have been edited since its constants were found")
    places: Dict[int, Any] = {}
    for address, text in values.items():
        one = known[address]
        if isinstance(one.value, list):
            texts = text.split(",")
            if len(texts) != len(one.nodes):
                raise ValueError(f"{address} has {len(one.nodes)} numbers, and {text!r} is no such list")
            places.update({id(node): as_value(its, old) for node, its, old in zip(one.nodes, texts, one.value)})
            continue
        value = as_value(text, one.value)
        value = value + one.offset if one.offset else value
        places.update({id(node): value for node in one.nodes})
    changed = _Replaced(places).visit(tree)
    assert isinstance(changed, ast.Module)
    return changed


def _texts(tree: ast.Module) -> Dict[str, literals.Constant]:
    """Return the texts of a source by themselves in quotes: a name of a file, wherever it stands."""
    found: Dict[str, literals.Constant] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            address = f'"{node.value}"'
            before = found[address].nodes if address in found else ()
            found[address] = literals.Constant(node.value, (*before, node), node.lineno)
    return found


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
            file = str(folder.joinpath(*name.split(".")).with_suffix(".py"))
            its_tree = replaced(ast.parse(Path(file).read_bytes(), file), its_values)
            codes[name] = compile(ast.fix_missing_locations(its_tree), file, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError) as error:
        sys.exit(f"{file}: {error}")
    sys.argv[:] = [path, *its_own]
    sys.path[0] = str(folder)
    sys.meta_path.insert(0, _Imports(codes))
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = module
    exec(compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  the user's own script


if __name__ == "__main__":
    main(sys.argv[1:])
