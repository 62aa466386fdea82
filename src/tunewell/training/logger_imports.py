"""The experiment loggers that a training imports, as far as its sources say so.

They are read, not run: an import may stand inside a function. Modules that lie beside the training's file, or that it
has loaded from anywhere but where packages are installed, are read too.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from tunewell.training.function import LongerTrain
from tunewell.training.loggers import LOGGERS
from tunewell.training.script import ScriptTrain

_INSTALLED = frozenset({"site-packages", "dist-packages"})
_OURS = Path(__file__).parents[1]
_MOST_FILES = 200
"""Of a training's own sources, so many are read at most."""


def imported_logger(train: Callable[..., object]) -> str | None:
    """Return the logger that a training's sources import, by the name of its module; None if there is none."""
    function: Any = train
    while isinstance(function, functools.partial | LongerTrain):
        function = function.train if isinstance(function, LongerTrain) else function.func
    if isinstance(function, ScriptTrain):
        return _first([function.path])
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    files = [getattr(module, "__file__", None), getattr(code, "co_filename", None)]
    return _first([file for file in files if file]) or _held(getattr(function, "__globals__", {}))


def _held(names: dict[str, Any]) -> str | None:
    """Return the logger of which a module or a class is among these, as a notebook's cells have it."""
    for value in names.values():
        name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if isinstance(name, str) and (found := _logger_of(name)):
            return found
    return None


def _first(files: list[str]) -> str | None:
    """Return the first logger that these files import, or those that they import in turn."""
    seen: set[str] = set()
    while files and len(seen) < _MOST_FILES:
        file = files.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in _imports(file):
            if found := _logger_of(name):
                return found
            if (other := _own_file(name, Path(file).parent)) is not None:
                files.append(other)
    return None


def _logger_of(name: str) -> str | None:
    return next((logger for logger in LOGGERS if name == logger or name.startswith(f"{logger}.")), None)


def _imports(file: str) -> Iterator[str]:
    """Yield the names of the modules that a file imports, and of what it takes from them, which may be modules."""
    linecache.checkcache(file)
    try:
        tree = ast.parse("".join(linecache.getlines(file)))  # which has a notebook's cells too
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = "." * level + (module or "")
                yield base
                dot = "" if base.endswith(".") else "."
                yield from (f"{base}{dot}{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name
            case ast.keyword(arg="report_to", value=value):  # of Hugging Face's trainers
                constants = (one.value for one in ast.walk(value) if isinstance(one, ast.Constant))
                yield from (one for one in constants if isinstance(one, str))


def _own_file(name: str, folder: Path) -> str | None:
    """Return the file of a module, if it is neither an installed one nor one of Python's own."""
    level = len(name) - len(name.lstrip("."))
    for _ in range(level - 1):
        folder = folder.parent
    parts = name[level:].split(".")
    loaded = None if level else getattr(sys.modules.get(name), "__file__", None)
    beside = folder.joinpath(*parts)
    for path in (loaded, beside.with_name(f"{beside.name}.py"), beside / "__init__.py"):
        if path is not None and _is_own(Path(path)):
            return str(path)
    return None


def _is_own(path: Path) -> bool:
    if path.suffix != ".py" or not path.is_file() or _INSTALLED & set(path.parts):
        return False
    return not any(path.is_relative_to(place) for place in (_OURS, *_python_places()))


@functools.cache
def _python_places() -> tuple[Path, ...]:
    found = []
    with suppress(KeyError):
        found = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    return tuple(found)
