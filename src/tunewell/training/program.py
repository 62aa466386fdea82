"""A running program: what it reports, what else it says, and how it is stopped, let go on and ended.

It runs in a session of its own, so that Ctrl-C does not reach it, and each signal goes to its whole process group (a
shell and what the shell has started). All that it says is read by one loop, in the trial's thread. While the trial
waits in `run.report` nobody reads, and a program that goes on all the same is held by a full pipe.
"""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import IO, Any, Protocol, Self

import psutil

from tunewell.errors import ReportError, ScriptError
from tunewell.logs.cutter import Line, LineCutter
from tunewell.logs.json_lines import json_objects, numbers_of
from tunewell.training.process_tree import Guard, descendants, kill_rest, new_mark, signal_group

LOOP_MESSAGES = ("begin", "train", "end", "saved", "restored", "failed")
_CHUNK = 1 << 16
_TAIL = 50
"""Lines of the program's talk that are kept for a message."""
_LOOK_S, _GLANCE_S = 0.2, 0.02
"""How long to wait for it to say something before looking whether it has ended."""
_SHARE_OF_POLLS = 20
"""So much longer than to look at its files takes are the times in between."""
_LAST_WORDS_S = 1.0
"""How long what it has left behind is listened to, once it has ended."""
_LONGEST_SOCKET_PATH = 103
"""Bytes that every system has room for; Linux has for 107."""
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  a folder of our own is made inside
_GRACE_S = 5.0
"""How long it may take to end by itself after its last epoch."""
_PATIENCE_S = 5.0
"""How long it may take to end on SIGTERM."""


@dataclass(frozen=True, slots=True)
class ProgramReport:
    """The metrics that the program measured in an epoch."""

    metrics: Mapping[str, float]
    asker: socket.socket | None = None
    """Who waits for an answer, if it came through the socket."""

    def answer(self, *, go: bool, **more: object) -> None:
        """Let the next epoch begin, or say that none is wanted."""
        if self.asker is not None:
            _send(self.asker, {"go": go, **more})


@dataclass(frozen=True, slots=True)
class LoopMessage(ProgramReport):
    """A message of a program that has a run of its own (see `socket_channel`); it measures nothing."""

    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The message by name: `begin`, say."""
        return str(self.content["tunewell"])

    def request(self, **wish: str) -> None:
        """Let the program do something before it gets its reply, and acknowledge that."""
        assert self.asker is not None  # it came through the socket
        _send(self.asker, wish)


class Reading(Protocol):
    """Finds the epochs in what a program prints and writes."""

    def hear(self, line: Line, *, is_output: bool) -> list[dict[str, float]]:
        """Return the metrics of the epochs that are over with a line, of standard output or of standard error."""
        ...

    def poll(self) -> list[dict[str, float]]:
        """Return those of the epochs that are over with what it has written to files since the last call."""
        ...

    def end(self) -> list[dict[str, float]]:
        """Return those of the epochs that are over with its end."""
        ...


class Program:
    """A program that runs from the beginning of its `with` block to the end of it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], reading: Reading) -> None:
        """Prepare it; `environment`: besides this process's; `reading`: finds its epochs."""
        self.went_on: str = ""
        """What it did in place of ending, if it had to be ended by force."""
        self._arguments = list(arguments)
        self._mark = new_mark()
        """Of what it starts."""
        self._environment = {**os.environ, **environment, self._mark: "1"}
        self._reading = reading
        self._poll_from = -math.inf
        self._read_to_end = False
        self._reports: deque[ProgramReport] = deque()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._stopped = False
        self._deaf_from = math.inf
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        """Start it."""
        with ExitStack() as closing:
            self._selector = closing.enter_context(selectors.DefaultSelector())
            folder = closing.enter_context(_socket_folder())
            server = closing.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(f"{folder}/s")
            server.listen()
            self._selector.register(server, selectors.EVENT_READ, lambda: self._accept(server))
            # a program that was stopped by a signal would otherwise keep its memory, and its GPU, for ever
            guard = Guard(self._mark, grace_s=round(_PATIENCE_S), folder=folder)
            closing.callback(guard.close)
            self._process = subprocess.Popen(  # noqa: S603  running the user's program is what this is for
                self._arguments,
                env={**self._environment, "TUNEWELL_SOCKET": f"{folder}/s"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            closing.callback(self._end)
            guard.watch(self._process.pid)
            assert self._process.stdout is not None  # they are pipes
            assert self._process.stderr is not None
            self._streams: set[object] = {self._process.stdout, self._process.stderr}
            self._listen_to(self._process.stdout, lambda line: self._hear(line, is_output=True))
            self._listen_to(self._process.stderr, lambda line: self._hear(line, is_output=False))
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End the whole group, whatever state it is in."""
        self._closing.close()

    @property
    def talk(self) -> str:
        """Its last lines that were no reports."""
        return "\n".join(self._tail)

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs, negative if a signal has killed it."""
        return self._process.poll()

    def receive(self, patience_s: float = math.inf) -> ProgramReport | None:
        """Return its next report; None when it has ended, or has reported nothing for so long."""
        give_up_at = time.monotonic() + patience_s
        while not self._reports:
            ended = self._has_ended()
            left = min(give_up_at, self._deaf_from) - time.monotonic()
            if left <= 0:
                if self._read_to_end or time.monotonic() < self._deaf_from:
                    return None
                self._finish_reading()
                continue
            silent = ended and not self._streams
            # once its streams are closed nothing tells that it has ended, so look often
            heard = self._listen(0 if silent else min(left, _LOOK_S if self._streams else _GLANCE_S))
            self._poll()
            if silent and not heard and not self._reports:
                if self._read_to_end:
                    return None
                self._finish_reading()
        return self._reports.popleft()

    def stop(self) -> None:
        """Let it stand still where it is."""
        self._stopped = True
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        self._stopped = False
        self._signal(signal.SIGCONT)

    def finish(self, last: ProgramReport) -> None:
        """Let it end by itself after its last report: it may have a model to save.

        It gets no time for that if it stands still, which means that its trial is given up, and no more of it once it
        prints what looks like the report of another epoch, or sends another report after the answer.
        """
        last.answer(go=False)
        give_up_at = time.monotonic() + (0 if self._stopped else _GRACE_S)
        while (report := self.receive(give_up_at - time.monotonic())) is not None:
            if report.metrics.keys() >= last.metrics.keys():
                if report.asker is not None:
                    self.went_on = "went on after its end, and was ended; it may catch SystemExit (a bare except:, say)"
                return
            report.answer(go=False)

    def _has_ended(self) -> bool:
        if self._deaf_from == math.inf and self.exit_code is not None:
            self._deaf_from = time.monotonic() + _LAST_WORDS_S  # a child may hold its streams open for ever
        return self._deaf_from < math.inf

    def _listen(self, timeout_s: float) -> bool:
        """Take in what it says now; False if it says nothing for so long."""
        ready = [key for key, _ in self._selector.select(timeout_s)]
        # errors last: of what it wrote at one time, they should be what its talk ends with
        for key in sorted(ready, key=lambda key: key.fileobj is self._process.stderr):
            key.data()
        return bool(ready)

    def _accept(self, server: socket.socket) -> None:
        asker = server.accept()[0]
        asker.setblocking(False)  # one that reads no answers must not hold up the trial
        self._listen_to(asker, lambda line: self._hear_asker(line, asker))

    def _listen_to(self, source: IO[bytes] | socket.socket, hear: Callable[[Line], None]) -> None:
        """Let each line of a stream or a connection be heard, to its end."""
        lines = LineCutter()

        def read() -> None:
            try:
                chunk = os.read(source.fileno(), _CHUNK)
            except ConnectionError:
                chunk = b""
            for line in lines.cut(chunk):
                hear(line)
            # who has said the last word may wait for an answer all the same; the end is heard again after that
            if not chunk and not self._reports:
                self._forget(source)

        self._selector.register(source, selectors.EVENT_READ, read)

    def _forget(self, source: IO[bytes] | socket.socket) -> None:
        self._selector.unregister(source)
        self._streams.discard(source)
        source.close()

    def _hear(self, line: Line, *, is_output: bool) -> None:
        reports = self._reading.hear(line, is_output=is_output)
        self._take(reports)
        if not reports and line.text and not line.is_overwritten:
            self._tail.append(line.text.decode(errors="replace"))

    def _poll(self, *, at_once: bool = False) -> None:
        """Read what it has written to files, now and then."""
        begun = time.monotonic()
        if at_once or begun >= self._poll_from:
            self._take(self._reading.poll())
            took = time.monotonic() - begun  # a folder may have many files
            self._poll_from = begun + took + max(_LOOK_S, _SHARE_OF_POLLS * took)

    def _finish_reading(self) -> None:
        self._read_to_end = True
        self._poll(at_once=True)
        self._take(self._reading.end())

    def _take(self, epochs: Sequence[Mapping[str, float]]) -> None:
        self._reports.extend(ProgramReport(metrics) for metrics in epochs)

    def _hear_asker(self, line: Line, asker: socket.socket) -> None:
        if (content := _loop_message(line.text)) is not None:
            self._reports.append(LoopMessage({}, asker, content))
            return
        try:
            metrics = [numbers_of(entries) for entries in json_objects(line.text)]
        except ReportError as error:
            _send(asker, {"error": str(error)})
            return
        if len(metrics) == 1 and metrics[0]:
            self._reports.append(ProgramReport(metrics[0], asker))
        else:
            wish = 'send an object of JSON with a number on a line of its own, such as {"val_loss": 0.31}'
            _send(asker, {"error": f"{line.text[:80].decode(errors='replace')!r} is no report; {wish}"})

    def _end(self) -> None:
        # also those that are in sessions of their own, which signals to the group do not reach
        has_ended = self.exit_code is not None  # by itself, and what it has left behind on purpose stays
        others = set() if has_ended else descendants(self._process.pid, self._mark)
        self._signal(signal.SIGTERM)
        for other in others:
            with suppress(psutil.Error):
                other.terminate()
        self._signal(signal.SIGCONT)  # one that stands still hears the other when it goes on
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.went_on = f"did not end on SIGTERM within {_PATIENCE_S:g} seconds, and was killed"
        self._signal(signal.SIGKILL)
        for other in others:
            with suppress(psutil.Error):
                other.kill()
        if not has_ended:
            kill_rest(self._process.pid, self._mark)
        self._process.wait()
        for key in list(self._selector.get_map().values()):
            self._forget(key.fileobj)  # type: ignore[arg-type]  # nothing else was registered

    def _signal(self, number: signal.Signals) -> None:
        signal_group(self._process.pid, number)


def _socket_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder whose path is short enough for a socket's, wherever temporary files usually go.

    Raises:
        ScriptError: there is none.
    """
    for parent in (tempfile.gettempdir(), *_SHORT_FOLDERS):
        if len(os.fsencode(parent)) + len("/tunewell-12345678/s") <= _LONGEST_SOCKET_PATH and os.access(
            parent, os.W_OK
        ):
            return tempfile.TemporaryDirectory(prefix="tunewell-", dir=parent)
    raise ScriptError(
        f"the program's socket needs a folder with a short path, and {tempfile.gettempdir()} is too long; "
        f"set TMPDIR to a folder of at most {_LONGEST_SOCKET_PATH - len('/tunewell-12345678/s')} characters"
    )


def _loop_message(text: bytes) -> dict[str, Any] | None:
    """Return the message that a program with a run of its own sends; None if it is a report."""
    with suppress(ValueError, RecursionError):
        message = json.loads(text)
        if isinstance(message, dict) and message.get("tunewell") in LOOP_MESSAGES:
            return message
    return None


def _send(asker: socket.socket, answer: Mapping[str, object]) -> None:
    with suppress(OSError):  # it may be gone, or have left the answers before this one unread
        asker.sendall(json.dumps(answer).encode() + b"\n")
