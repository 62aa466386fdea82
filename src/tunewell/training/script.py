"""A Python file with a `space` and a `train` function, as `tunewell tune train.py` takes it.

The file is loaded as `python train.py` would load it, its own folder first on the path, but under a name of its
own, so that what stands under `if __name__ == "__main__":` does not run.
"""

from __future__ import annotations

import importlib.util
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

from tunewell.errors import ScriptError, SettingError, SpaceError, TunewellError
from tunewell.near_names import nearest
from tunewell.space.space import Space, as_space
from tunewell.training.function import check_train
from tunewell.training.run import Run

_LOOKED_FOR = frozenset(["torch", "tensorflow", "jax", "keras", "lightning", "ray"])
"""Modules that are taken for what their name says wherever they are imported, also if they are not installed."""
_folders: set[str] = set()
"""Those of the scripts that were loaded."""


@runtime_checkable
class LoadedTrain(Protocol):
    """A training function that another process has to load before it is there."""

    def load(self) -> None:
        """Load it, unless that was done in this process. May raise ScriptError."""
        ...


@dataclass(frozen=True, slots=True)
class ScriptTrain:
    """A script's training function, sent to worker processes as the file's path."""

    path: str

    @property
    def __call__(self) -> Callable[[Run], object]:
        """The function itself: a property, so that no line of ours stands in the traceback of an error in it."""
        train: Callable[[Run], object] = _load(self.path).train
        return train

    def load(self) -> None:
        """Run the file, unless it has been run in this process.

        Raises:
            ScriptError: it cannot be run.
        """
        _load(self.path)


@dataclass(frozen=True, slots=True)
class Script:
    """The definitions of a file; None for what it does not define."""

    path: Path
    space: Space | None = None
    train: ScriptTrain | None = None
    metric: str | None = None
    direction: str | None = None
    metrics: Mapping[str, Any] | None = None
    """Several, with their directions, in place of both."""
    constraints: Any = None
    """On settings and on what is reported, as `tune` takes them."""
    epochs: int | None = None
    """How many epochs a full training has: `epochs` or `EPOCHS`."""
    budget: str | float | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    """What the record of a run says besides its curves, for the diagnosis: `config`, `n_train`, `n_classes`, ..."""

    def needed_space(self) -> Space:
        """Return its space.

        Raises:
            ScriptError: it has none.
        """
        if self.space is None:
            raise ScriptError(f"{self.path} has no space; add space = tw.Space(...), or give --space FILE.toml")
        return self.space

    def needed_train(self) -> ScriptTrain:
        """Return its training function.

        Raises:
            ScriptError: it has none, or one that takes no run.
        """
        if self.train is None:
            raise ScriptError(
                f"{self.path} has no function train; add def train(run), which loops over run.epochs(n) and reports"
            )
        try:
            check_train(self.train.__call__)
        except SettingError as error:
            raise ScriptError(f"{self.path}: {error}") from None
        return self.train


def load_script(path: str | Path) -> Script:
    """Run a file and take what it defines.

    Raises:
        ScriptError: it cannot be run, or one of its names holds something else than a command needs.
    """
    path = Path(path)
    module = _load(str(path.absolute()))

    def defined(name: str, *kinds: type, wanted: str) -> Any:
        value = getattr(module, name, None)
        if value is None or isinstance(value, kinds):
            return value
        if callable(value) or isinstance(value, ModuleType):
            return None  # the file has a use of its own for the name
        raise ScriptError(f"{path}: {name} must be {wanted}, got {_glimpse(value)}")

    train = getattr(module, "train", None)
    if train is not None and not callable(train):
        raise ScriptError(f"{path}: train must be a function of one argument, the run, got {_glimpse(train)}")
    try:
        space = None if getattr(module, "space", None) is None else as_space(module.space)
    except SpaceError as error:
        raise ScriptError(f"{path}: {error}") from None
    return Script(
        path=path,
        space=space,
        train=None if train is None else ScriptTrain(str(path.absolute())),
        metric=defined("metric", str, wanted="the name of a metric"),
        direction=defined("direction", str, wanted="'minimize' or 'maximize'"),
        metrics=defined("metrics", dict, wanted="such as {'val_accuracy': 'maximize', 'latency_ms': 'minimize'}"),
        constraints=defined("constraints", list, tuple, dict, str, wanted="a list of texts, or {'memory_gb': '<= 8'}"),
        epochs=defined("epochs", int, wanted="a whole number") or defined("EPOCHS", int, wanted="a whole number"),
        budget=defined("budget", str, int, float, wanted="such as 30, '900epochs' or '2h'"),
        about=defined("about", dict, wanted="a dictionary, such as {'n_classes': 10}") or {},
    )


@cache
def _load(path: str) -> Any:
    """Load the file's module, once in a process."""
    file = Path(path)
    if not file.is_file():
        what = "is a folder, not a Python file" if file.is_dir() else f"does not exist{_beside(file)}"
        raise ScriptError(f"{_shown(path)} {what}; give the file that defines space and train")
    # as `python train.py` has it, so that the file finds its neighbours; stays, since it may import them late
    if sys.path[:1] != [str(file.parent)]:
        sys.path.insert(0, str(file.parent))
    _folders.add(str(file.parent))
    if _elsewhere(file) is not None:
        sys.meta_path.insert(0, _Namesake(file))
    name = _module_name(file)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ScriptError(f"{_shown(path)} is no Python file (its name does not end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ScriptError(_explained(error, module, path)) from error
    return module


def _beside(file: Path) -> str:
    """Return the script of its folder that was probably meant, as a part of a message."""
    if not file.parent.is_dir():
        return ""
    near = nearest(file.name, sorted(other.name for other in file.parent.glob("*.py")))
    return "" if near is None else f" (did you mean {_shown(str(file.parent / near))}?)"


def _module_name(file: Path) -> str:
    """Return the file's own name, by which other processes can import it too, unless that means something else."""
    stem = file.stem
    if stem.isidentifier() and stem not in sys.modules and stem not in _LOOKED_FOR and _elsewhere(file) is None:
        spec = importlib.util.find_spec(stem)
        if spec is not None and spec.origin is not None and Path(spec.origin) == file:
            return stem
    return f"tunewell_script_{stem}"


def _elsewhere(file: Path) -> ModuleSpec | None:
    """Return the module of Python's, or of a package, that has the file's name; None if there is none."""
    others = [entry for entry in sys.path if entry not in _folders and Path(entry).absolute() != file.parent]
    return PathFinder.find_spec(file.stem, others)


@dataclass(frozen=True, slots=True)
class _Namesake(MetaPathFinder):
    """Finds the module that a script has its name from: `import random` in `random.py` is not the script itself.

    Python would find the script, whoever imports the module, tunewell and NumPy too.
    """

    script: Path

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  as importlib has it
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Implement `MetaPathFinder.find_spec`."""
        return _elsewhere(self.script) if fullname == self.script.stem else None


@contextmanager
def script_folders_left_out() -> Iterator[None]:
    """Leave the folders of scripts out of the path of a process that begins inside.

    What it needs before it loads its script is not to be found there, whatever the files there are called.
    """
    before = sys.path[:]
    sys.path[:] = [entry for entry in before if entry not in _folders]
    try:
        yield
    finally:
        sys.path[:] = before


def _explained(error: BaseException, module: ModuleType, path: str) -> str:
    """Return what went wrong in the file, and on which of its lines, in one line."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        source = (error.text or "").strip()
        return f"{_shown(error.filename)}:{error.lineno}: {error.msg}: {source}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == module.__file__]
    if not frames:
        return f"{_shown(path)}: {_message(error)}"
    line = frames[-1].lineno or 0
    source = linecache.getline(frames[-1].filename, line).strip().rstrip(",")
    return f"{_shown(path)}:{line}: {source}: {_message(error)}"


def _message(error: BaseException) -> str:
    message = " ".join(str(error).split())
    if isinstance(error, TunewellError):
        return message
    if isinstance(error, SystemExit):
        return f'sys.exit({error.code!r}) on loading; put what runs the training under if __name__ == "__main__":'
    if isinstance(error, ModuleNotFoundError):
        return f"{message}; install it where tunewell is installed"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _shown(path: str) -> str:
    """Return the path as the user would write it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


def _glimpse(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"
