"""Looking at a training while its first steps run: what no reading of the source can show.

The training runs as it is, with an observer for each framework that it imports, and is ended when enough was seen.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, Self

from tunewell import checkpoint
from tunewell.errors import ScriptError, last_line
from tunewell.inspection.learnable import labels_not_learnable
from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.places import is_users
from tunewell.space.values import Value
from tunewell.training.rows import classes_of, rows_of
from tunewell.training.run import Run, RunEnded, Train

MAX_STEPS = 200
"""Of an optimizer, before a training is ended."""
TIMEOUT_S = 60.0
_ENDED = "ended with exit code"

OBSERVERS: Mapping[str, str] = {
    "torch": "tunewell.inspection.pytorch",
    "keras": "tunewell.inspection.keras",
    "jax": "tunewell.inspection.jax",
}
"""By the framework's package: the module whose `observer(limits)` makes what looks at it. Of one more, one line."""


class SeenEnough(BaseException):
    """The end of a training that was looked at; no `except Exception` of the user's catches it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The share of a training that is run."""

    max_steps: int = MAX_STEPS
    timeout_s: float = TIMEOUT_S


class Stopwatch:
    """Tells when a training has had its time; on a machine that is busy with other things it gets more."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._begun: tuple[float, float] | None = None

    def begin(self) -> None:
        """Begin, if it has not begun."""
        self._begun = self._begun or (time.monotonic(), time.process_time())

    def is_late(self, share: float = 1.0) -> bool:
        """Return True if this share of the time has passed; what the process did not get is counted by a third."""
        if self._begun is None:
            return False
        passed, worked = time.monotonic() - self._begun[0], time.process_time() - self._begun[1]
        return max(min(passed, worked), passed / 3) > share * self._limit_s


class Observer(Protocol):
    """Looks at what one framework does; a context, which leaves no hook behind.

    It raises `SeenEnough`, out of whatever it looks at, once it has seen enough.
    """

    @property
    def steps(self) -> int:
        """The training steps seen so far."""

    def settle(self) -> None:
        """Take note that the training has ended; from the return of this on, `SeenEnough` is raised no more."""

    @property
    def mistakes(self) -> list[Mistake]:
        """The mistakes found, in the order in which they were seen; complete once the context is left."""

    @property
    def altered(self) -> bool:
        """True if the training was led another way than it would have gone, so that an error in it may be ours."""

    def __enter__(self) -> Self:
        """Begin to look."""

    def __exit__(self, *error: object) -> None:
        """Remove each hook."""


def observe(
    train: Train,
    params: Mapping[str, Value],
    *,
    seed: int = 0,
    max_steps: int = MAX_STEPS,
    timeout_s: float = TIMEOUT_S,
) -> list[Mistake]:
    """Return the mistakes seen in the first steps of a training function; random states are as before.

    Raises:
        ScriptError: it failed, or took no step, and no mistake was seen that could explain that.
    """
    run = Run(params, seed=seed)
    found: list[Mistake] = []
    run.on_rows = lambda arrays, _: found.extend(_of_rows(arrays))
    outside = checkpoint.random_states()
    checkpoint.seed_everything(seed)
    try:
        seen = observed(lambda: train(run), Limits(max_steps, timeout_s), "the training", found)
    finally:
        checkpoint.set_random_states(outside)
    return [*seen, *(one for one in found if all(one.kind != other.kind for other in seen))]


def _of_rows(arrays: Sequence[Any]) -> list[Mistake]:
    """Return what is seen in the rows that a training passes through `run.data`."""
    rows = rows_of(arrays)
    if rows is None or rows.pairs is None:
        return []
    inputs, labels = rows.pairs
    classes = classes_of(labels)
    return [] if classes is None else labels_not_learnable(inputs, classes)


def observe_script(
    path: str | Path,
    arguments: Sequence[str] = (),
    *,
    of_train: bool = False,
    max_steps: int = MAX_STEPS,
    timeout_s: float = TIMEOUT_S,
) -> list[Mistake]:
    """Return the mistakes seen in the first steps of a script, run as `python path arguments` in a process of its own.

    With `of_train` it is the script's `train(run)` that is run, with the defaults of its space.

    Raises:
        ScriptError: it cannot be run, failed, needs arguments or input, or trains nothing.
    """
    file = Path(path)
    if not file.is_file():
        what = "is a folder, not a Python file" if file.is_dir() else "does not exist"
        raise ScriptError(f"{path} {what}; give the file that trains")
    with tempfile.TemporaryDirectory(prefix="tunewell-") as folder:
        result = Path(folder, "seen.json")
        command = [sys.executable, "-m", "tunewell.inspection.observed_script"]
        how = "train" if of_train else "script"
        command += [str(result), str(max_steps), str(timeout_s), how, str(file.absolute()), *arguments]
        errors = Path(folder, "stderr.txt")
        with errors.open("wb") as stderr:
            killed = _run(command, stderr, 4 * timeout_s + 60)
        last = last_line(errors.read_text(encoding="utf-8", errors="replace")[-2000:])
        if result.exists():
            seen = json.loads(result.read_text(encoding="utf-8"))
            if seen["error"] is None:
                return [Mistake(**one) for one in seen["mistakes"]]
            why = f" ({last})" if _ENDED in seen["error"] else ""
            raise ScriptError(f"{seen['error']}{why}")
        if killed:
            raise ScriptError(f"{path} took no step in {4 * timeout_s + 60:.0f} s; give it more time, or fewer rows")
        raise ScriptError(f"{path} ended its process before enough was seen: {last}")


def _run(command: Sequence[str], stderr: Any, timeout_s: float) -> bool:
    """Run a command with no input and no windows; return True if it had to be killed."""
    # matplotlib would open windows and wait for them; trackers would start a run on a server
    quiet = {"MPLBACKEND": "Agg", "WANDB_MODE": "disabled", "PYTHONUNBUFFERED": "1"}
    package = str(Path(__file__).parents[2])
    found = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, **quiet, "PYTHONPATH": found}
    with subprocess.Popen(  # noqa: S603  the user's own script
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, env=environment
    ) as process:
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
    return False


def observed(train: Any, limits: Limits, name: str, found: Sequence[Mistake] = ()) -> list[Mistake]:
    """Let a training run under the observers, and return what they saw.

    found: mistakes that were seen otherwise, to which more are added while it runs; they may explain an error too.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        observers = stack.enter_context(_observers(limits))
        error = _failure(train, observers)
    mistakes = [mistake for observer in observers for mistake in observer.mistakes]
    steps = sum(observer.steps for observer in observers)
    if mistakes or found:
        return mistakes
    if error is not None and not any(observer.altered for observer in observers):
        raise ScriptError(f"{name} {error}")
    if not observers:
        raise ScriptError(f"{name} imports none of {', '.join(OBSERVERS)}, which is all that can be looked at")
    if not steps and time.monotonic() - began >= limits.timeout_s:
        raise ScriptError(f"{name} took no step of an optimizer in {limits.timeout_s:g} s; give it fewer rows to read")
    if not steps:
        raise ScriptError(f"{name} ended without a step of an optimizer; give the file that trains")
    return []


def _failure(train: Any, observers: Sequence[Observer]) -> str | None:
    """Run a training; return how it ended, if that was no end in order."""
    try:
        try:
            return _end_of(train)
        finally:
            for observer in observers:  # one may be about to end what has ended by itself
                observer.settle()
    except SeenEnough:
        return None


def _end_of(train: Any) -> str | None:
    try:
        train()
    except RunEnded:
        return None
    except EOFError:
        return "waits for input; give what it needs as arguments"
    except SystemExit as ended:
        return f"{_ENDED} {ended.code!r}; give it the arguments that it needs" if ended.code else None
    except Exception as raised:  # noqa: BLE001  what their code raises is a result, kept as text
        users = [frame for frame in traceback.extract_tb(raised.__traceback__) if is_users(frame.filename)]
        place = f", at {Path(users[-1].filename).name}:{users[-1].lineno}" if users else ""
        return f"failed{place}: {last_line(''.join(traceback.format_exception_only(raised)))}"
    return None


@contextmanager
def _observers(limits: Limits) -> Iterator[list[Observer]]:
    """Make an observer for each framework that is imported already, and for each that is from now on."""
    with ExitStack() as stack:
        observers: list[Observer] = []

        def look_at(framework: str) -> None:
            module = importlib.import_module(OBSERVERS[framework])
            observers.append(stack.enter_context(module.observer(limits)))

        missing = [framework for framework in OBSERVERS if framework not in sys.modules]
        stack.enter_context(ImportWatch(missing, look_at))
        for framework in OBSERVERS:
            if framework not in missing:
                look_at(framework)
        yield observers


@dataclass
class ImportWatch(importlib.abc.MetaPathFinder, AbstractContextManager[Any]):
    """Calls a function once a package has been imported: a script imports its framework when it likes."""

    packages: list[str]
    then: Any
    _searching: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        sys.meta_path.insert(0, self)
        return self

    def __exit__(self, *error: object) -> None:
        sys.meta_path.remove(self)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  of `MetaPathFinder`
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """Implement `MetaPathFinder.find_spec`."""
        if name not in self.packages:
            return None
        self.packages.remove(name)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_look(module: ModuleType) -> None:
                execute(module)
                self.then(name)

            spec.loader.exec_module = execute_and_look  # type: ignore[method-assign]
        return spec
