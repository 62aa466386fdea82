"""Any program, in any language, as a training function.

The program is started with the trial's setting in its arguments and its environment. It reports a line of JSON an
epoch: on its standard output, or through the local socket that `TUNEWELL_SOCKET` names, where it waits for the
answer. While its trial is paused the whole process group is stopped by a signal.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import queue
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tunewell.errors import ReportError, ScriptError, SpaceError
from tunewell.run import Run
from tunewell.space.space import Space

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ALWAYS = ("seed", "trial")
"""Placeholders that are filled besides the parameters."""
_TAIL = 50
"""Lines of the program's talk that are kept for a message."""
_PATIENCE_S = 5.0
"""How long a program that is ended may take."""
_GUARD = f"""
read -r _
kill -s TERM -- "-$0"
kill -s CONT -- "-$0"
sleep {_PATIENCE_S:.0f}
kill -s KILL -- "-$0"
"""
"""What a shell does beside each program: when tunewell is killed the pipe to the shell breaks, and the shell ends the
group. Otherwise a program that was stopped by a signal would keep its memory, and its GPU, for ever."""


class ProgramFailed(RuntimeError):
    """A trial's program ended with an error; its last lines are in the message."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, with `{placeholders}` for the parameters."""

    arguments: Sequence[str]

    def check(self, space: Space) -> None:
        """Find what cannot work before anything is trained.

        Raises:
            ScriptError: there is no such program.
            SpaceError: a placeholder is no parameter, or a parameter of several values is nowhere in the command.
        """
        program = self.arguments[0]
        if shutil.which(program) is None:
            raise ScriptError(f"there is no program {program!r}; give its path, or install it")
        known = {*space.names, *_ALWAYS}
        used = {name for argument in self.arguments for name in _PLACEHOLDER.findall(argument)}
        for name in sorted(used - known):
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {{{close[0]}}}?" if close else f"there are {', '.join(sorted(known))}"
            raise SpaceError(f"the command has {{{name}}}, which is no parameter of the space; {hint}")
        # a command with no placeholder at all reads TUNEWELL_PARAMS; one with some has forgotten those that are missing
        if missing := [name for name in space.names if used - set(_ALWAYS) and name not in used]:
            raise SpaceError(
                f"parameter {missing[0]!r} is nowhere in the command; add {{{missing[0]}}}, or take it from the space"
            )

    def __call__(self, run: Run) -> None:
        """Run the program once, as a trial.

        Raises:
            ProgramFailed: it ended with an exit code other than 0.
            ReportError: it ended without a report.
        """
        filled = self._filled({**run.params, "seed": run.seed, "trial": run.trial})
        with tempfile.TemporaryDirectory(prefix="tunewell-") as folder, _Program(filled, run, Path(folder)) as program:
            reported = program.pass_on_reports()
            code = program.wait()
        if code != 0:
            raise ProgramFailed(f"{shlex.join(filled)} ended with exit code {code}; its last lines:\n{program.talk}")
        if not reported:
            raise ReportError(
                f"{shlex.join(filled)} ended without a report; print a line of JSON after each epoch, such as "
                f'{{"val_loss": 0.31}}, or call tunewell.report(val_loss=0.31)'
            )

    def _filled(self, values: Mapping[str, object]) -> list[str]:
        """The arguments of one trial. Only known names are placeholders: other braces are the program's own."""

        def fill(found: re.Match[str]) -> str:
            return str(values.get(found[1], found[0]))

        return [_PLACEHOLDER.sub(fill, argument) for argument in self.arguments]


class _Program:
    """One process group, its reports and its talk."""

    def __init__(self, arguments: list[str], run: Run, folder: Path) -> None:
        self._run = run
        self._reports: queue.SimpleQueue[tuple[dict[str, float], socket.socket | None] | None] = queue.SimpleQueue()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(folder / "s"))
        self._server.listen()
        environment = {
            **os.environ,
            "TUNEWELL_SOCKET": str(folder / "s"),
            "TUNEWELL_PARAMS": json.dumps(dict(run.params)),
            "TUNEWELL_TRIAL": str(run.trial),
            "TUNEWELL_SEED": str(run.seed),
            "PYTHONUNBUFFERED": "1",  # else a report would lie in a buffer while the training goes on
        }
        self._process = subprocess.Popen(  # noqa: S603  running the user's program is what this is for
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
        self._guard = subprocess.Popen(  # noqa: S603  our own words
            ["/bin/sh", "-c", _GUARD, str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is not for it
        )
        self._readers = [
            threading.Thread(target=self._read_output, daemon=True),
            threading.Thread(target=self._read_socket, daemon=True),
        ]

    @property
    def talk(self) -> str:
        """The last lines that were no reports."""
        return "\n".join(self._tail)

    def __enter__(self) -> Self:
        self._run.on_pause = lambda: self._signal(signal.SIGSTOP)
        self._run.on_resume = lambda: self._signal(signal.SIGCONT)
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the whole group, whatever state it is in."""
        self._guard.kill()
        self._guard.communicate()
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_S)
        self._signal(signal.SIGKILL)
        self._process.wait()
        # wakes the thread that waits in accept(), which closing alone would not
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for reader in self._readers:
            reader.join(_PATIENCE_S)
        assert self._process.stdout is not None  # it is a pipe
        self._process.stdout.close()

    def pass_on_reports(self) -> int:
        """Hand each report to the run, which may wait; answers how many there were when the program has ended."""
        count = 0
        while (item := self._reports.get()) is not None:
            metrics, asker = item
            self._run.report(**metrics)
            count += 1
            if asker is not None:
                with contextlib.suppress(OSError):
                    asker.sendall(b'{"go": true}\n')
        return count

    def wait(self) -> int:
        """Its exit code."""
        return self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read_output(self) -> None:
        assert self._process.stdout is not None  # it is a pipe
        for line in self._process.stdout:
            metrics = _metrics_in(line)
            if metrics:
                self._reports.put((metrics, None))
            else:
                self._tail.append(line.rstrip("\n"))
        self._reports.put(None)

    def _read_socket(self) -> None:
        for connection in self._connections():
            with connection, connection.makefile() as lines:
                for line in lines:
                    if metrics := _metrics_in(line):
                        self._reports.put((metrics, connection))

    def _connections(self) -> Iterator[socket.socket]:
        """One after another: a program reports from one place at a time."""
        while True:
            try:
                yield self._server.accept()[0]
            except OSError:
                return


def _metrics_in(line: str) -> dict[str, float]:
    """The numbers of a line that is a JSON object; {} for any other line. An epoch is counted, not believed."""
    if not line.lstrip().startswith("{"):
        return {}
    try:
        entries = json.loads(line)
    except ValueError:
        return {}
    return {
        name: float(value)
        for name, value in entries.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name != "epoch"
    }
