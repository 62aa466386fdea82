"""Trials that have a process to themselves, for code that keeps something for a whole process: a logger's run, say.

A worker hosts such a trial as it hosts one in a thread; but the trial's steps are done by a worker of its own, in a
process of its own, which waits there while it is paused and ends with it.
"""

from __future__ import annotations

import ast
import pickle
import sys
import threading
import traceback
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any

from tunewell.errors import ScriptError, SettingError
from tunewell.runners.base import Assignment, Coordinator, StepResult
from tunewell.runners.execution import Execution
from tunewell.runners.hosted_trial import Results
from tunewell.runners.pool import CannotLoadMessage, ReadyMessage, WorkerGone, answer
from tunewell.runners.processes import Processes, portable
from tunewell.runners.thread_settings import ThreadSettings
from tunewell.training.external_program import ExternalProgram
from tunewell.training.logger_imports import imported_logger
from tunewell.training.loggers import end_runs
from tunewell.training.process_state import ProcessState
from tunewell.training.run import Run, Train
from tunewell.training.script import ScriptTrain

_LAST_WORDS_S = 30.0
"""How long a trial's process may take to end: loggers send what they still hold then."""
_LOOK_S = 1.0


def settled(execution: Execution, train: Train) -> Execution:
    """Return the execution with `isolate` decided, where it was left open; say so where trials are isolated for it."""
    if execution.isolate is not None or isinstance(train, ExternalProgram):
        return execution
    logger = imported_logger(train)
    if logger is None:
        return execution
    try:
        Isolated.of(train)
    except SettingError as error:
        _say(f"trials share a process, and so may their logs by {logger}: {error}")
        return replace(execution, isolate=False)
    _say(f"{logger} keeps a log for a process, so each trial trains in its own (--no-isolate, isolate=False: in one)")
    return replace(execution, isolate=True)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Isolated:
    """A training function each of whose trials is hosted in a process of its own."""

    train: Train | bytes
    """As it is sent there."""
    workers: int = 1
    """How many share the cores."""

    @classmethod
    def of(cls, train: Train, workers: int = 1) -> Isolated:
        """Return it, of a training function.

        Raises:
            SettingError: the function cannot be sent to another process.
        """
        sent = portable(train)
        if isinstance(sent, bytes | ScriptTrain):
            return cls(sent, workers)
        pickled = pickle.dumps(sent)
        main = sys.modules["__main__"]
        if b"__main__" not in pickled or not getattr(main, "__file__", None):
            return cls(pickled, workers)
        path = str(Path(main.__file__ or "").absolute())
        return cls(_OfMain(path, main.__package__, _line_of_main(), pickled), workers)

    def __call__(self, run: Run) -> object:
        """Train in this process, for who hosts no trials."""
        train: Train = pickle.loads(self.train) if isinstance(self.train, bytes) else self.train  # noqa: S301  ours
        return train(run)

    def host(self, coordinator: Coordinator, assignment: Assignment, results: Results) -> _IsolatedTrial:
        """Implement `HostingTrain.host`."""
        # what it is held to is the worker's business
        execution = Execution(workers=self.workers, isolate=True)
        settings = ThreadSettings.here().for_process(other_devices=False)
        processes = Processes(self.train, execution, settings, imports_main=False)
        return _IsolatedTrial(processes, coordinator, assignment.step.trial, results)


@dataclass(frozen=True, slots=True)
class _OfMain:
    """A training function of the script that runs, which need not guard itself against being imported."""

    path: str
    package: str | None
    line: int | None
    """Where it is by now: what stands there, and after, is not run again."""
    pickled: bytes

    def load(self) -> None:
        """Implement `LoadedTrain.load`."""
        _loaded(self)

    def __call__(self, run: Run) -> object:
        """Train."""
        return _loaded(self)(run)


class TunesOnImport(SettingError):
    """A script that is imported for its training function tunes at that."""


@cache
def _loaded(train: _OfMain) -> Train:
    """Run the script, up to where it tunes, under the name that `multiprocessing` would give it; return the function.

    Raises:
        ScriptError: it cannot be run.
    """
    module = ModuleType("__mp_main__")
    module.__file__, module.__package__ = train.path, train.package
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    try:
        _run_until(train.line, train.path, module.__dict__)
        function: Train = pickle.loads(train.pickled)  # noqa: S301  from our own parent
    except Exception as error:
        raise ScriptError(
            f"{train.path} cannot be loaded in a trial's process: {type(error).__name__}: {error}"
        ) from error
    end_runs()  # those that it opens around its tuning, or before, are not the trial's
    return function


def _run_until(line: int | None, path: str, names: dict[str, Any]) -> None:
    """Run the statements of a script before the one on a line; those that tune are left out."""
    tree = ast.parse(Path(path).read_bytes(), path)
    futures = [one for one in tree.body if isinstance(one, ast.ImportFrom) and one.module == "__future__"]
    for statement in tree.body:
        if line is not None and (statement.end_lineno or 0) >= line:
            break
        code = compile(ast.Module([*futures, statement], []), path, "exec")
        with suppress(TunesOnImport):
            exec(code, names)  # noqa: S102  the user's


def _line_of_main() -> int | None:
    """Return the line at which the script that runs is, if it is what has called."""
    frame = sys._getframe()  # noqa: SLF001  documented
    names = sys.modules["__main__"].__dict__
    while (outer := frame.f_back) is not None:
        frame = outer
        if frame.f_globals is names and frame.f_code.co_name == "<module>":
            return frame.f_lineno
    return None


class _IsolatedTrial:
    """One trial's process, and the thread that hands on what it reports."""

    def __init__(self, processes: Processes, coordinator: Coordinator, trial: int, results: Results) -> None:
        self.epoch: int = 0
        self.changes: ProcessState = ProcessState({})
        self._processes = processes
        self._coordinator = coordinator
        self._trial = trial
        self._results = results
        self._assignments: SimpleQueue[Assignment | None] = SimpleQueue()
        self._process = processes.open(0)
        self._thread = threading.Thread(target=self._relay, name=f"trial-{trial}", daemon=True)

    def in_force(self) -> AbstractContextManager[None]:
        """Implement `HostedTrial.in_force`: what it sets, it sets in its process."""
        return nullcontext()

    def go_on(self, assignment: Assignment) -> None:
        """Implement `HostedTrial.go_on`."""
        self._assignments.put(assignment)
        if self._thread.ident is None:
            self._thread.start()

    def look(self) -> None:
        """Do nothing: the worker in its process looks."""

    def end_soon(self) -> None:
        """Implement `HostedTrial.end_soon`."""
        self._assignments.put(None)

    def give_up(self, *, patience_s: float = _LAST_WORDS_S) -> None:
        """Implement `HostedTrial.give_up`."""
        self.end_soon()
        if self._thread.ident is not None and patience_s:
            self._thread.join(patience_s)
        if self._thread.ident is None or self._thread.is_alive():
            self._process.kill()
            self._process.close(1.0)

    def _relay(self) -> None:
        while (assignment := self._assignments.get()) is not None:
            self._process.send(assignment)
            result = self._result()
            self.epoch = result.epoch
            if not result.paused:
                self._close()
                self._results.put(result)
                return
            self._results.put(result)
        self._close()

    def _close(self) -> None:
        self._process.send(None)
        self._process.close(_LAST_WORDS_S)

    def _result(self) -> StepResult:
        """Return the result of the step that its process does, and answer its messages until then."""
        try:
            while True:
                while not self._processes.wait([self._process], _LOOK_S):
                    pass
                match message := self._process.receive():
                    case StepResult():
                        return message
                    case ReadyMessage():
                        pass
                    case CannotLoadMessage():
                        return StepResult(self._trial, self.epoch, paused=False, error=message.error)
                    case _:
                        self._process.send(answer(self._coordinator, message))
        except WorkerGone as end:
            return StepResult(
                self._trial,
                self.epoch,
                paused=False,
                error=f"its process {end.how}",
                kinds=("WorkerDied",),
                killed_externally=end.killed_externally,
            )
        except Exception as error:  # noqa: BLE001  of whoever watches the study or acts on it
            self._process.kill()
            kinds = tuple(kind.__name__ for kind in type(error).__mro__)
            return StepResult(self._trial, self.epoch, paused=False, error=traceback.format_exc(), kinds=kinds)
