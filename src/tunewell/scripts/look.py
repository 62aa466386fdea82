"""The process in which a script is looked at: run up to where it would read its command line, and no further.

    python look.py RESULT file|module|entry TARGET ARGUMENTS...

It is run by the script's own interpreter, by its path, and needs Python alone.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import json
import os
import runpy
import shutil
import sys
import types
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Callable, Dict, Optional

_PACKAGE = "_tunewell_libraries"


def main(result: str, how: str, target: str, *arguments: str) -> None:
    """Run the target until it reads its command line, and write what is to be read there."""

    def deliver(found: Dict[str, Any]) -> None:
        with open(result + ".part", "w", encoding="utf-8") as file:
            json.dump(found, file)
        os.replace(result + ".part", result)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(0)  # nothing of the script goes on, not even what it would do at its end

    _patch(deliver)
    try:
        _run(how, target, list(arguments))
    except EOFError:
        deliver({"error": "it asks for input before it reads its command line; give all in its arguments"})
    except SystemExit as end:
        deliver({"ended": end.code if isinstance(end.code, (int, str)) else 0})
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever the script raises
        deliver({"raised": _in_words(error)})
    deliver({"ended": 0})


def _in_words(error: BaseException) -> str:
    """Return what an error says, and where the script raised it."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file not in (__file__, runpy.__file__) and not file.startswith("<frozen") and "site-packages" not in file:
            place = f" ({os.path.relpath(file)}:{trace.tb_lineno})" if os.path.exists(file) else place
        trace = trace.tb_next
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def _patch(deliver: Callable[[Dict[str, Any]], None]) -> None:
    """Replace what reads the command line in each library, when it is imported."""
    folder = Path(__file__).parent / "libraries"
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)
    waiting: Dict[str, Any] = {}
    for library in package.LIBRARIES:
        for name in library.MODULES:
            if name in sys.modules:
                library.patch(sys.modules[name], deliver)
            else:
                waiting[name] = library
    sys.meta_path.insert(0, _Imports(waiting, deliver))


class _Imports:
    """Patches a module when it has been imported."""

    def __init__(self, waiting: Dict[str, Any], deliver: Callable[[Dict[str, Any]], None]) -> None:
        self.waiting = waiting
        self.deliver = deliver

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:  # noqa: ARG002
        """Return how the module is loaded, with the patch after it."""
        library = self.waiting.get(name)
        if library is None:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            load(module)
            library.patch(module, self.deliver)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader
        return spec


def _run(how: str, target: str, arguments: list) -> None:  # type: ignore[type-arg]  # Python 3.8 has no list[str]
    """Run the target as Python would."""
    if how == "module":
        sys.argv[:] = [target, *arguments]
        sys.path[0] = os.getcwd()
        runpy.run_module(target, run_name="__main__", alter_sys=True)
        return
    path = shutil.which(target) or target if how == "entry" else target
    sys.argv[:] = [path, *arguments]
    sys.path[0] = str(Path(path).resolve().parent)
    # a module of its own: the names that it defines are not to be those that are used here
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = module
    exec(compile(Path(path).read_bytes(), path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  the user's own script


if __name__ == "__main__":
    main(*sys.argv[1:])
