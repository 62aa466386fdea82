"""The signal handlers of a training, which Python lets only the main thread set and run.

A training runs in a thread of its own, and the main thread waits for it. So what it sets by `signal.signal` is set
there; what its handler raises there (a time-out, say) is raised in the training. While it is paused its handlers and
its alarm are out of force, since another one trains.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tunewell.training.unwinding import raise_in

Handler = Any
"""What `signal.signal` takes: a function, a number, or `signal.SIG_IGN` and the like."""
Call = Callable[[], None]
"""What is to be done in the main thread."""

ADVICE = (
    "tunewell runs each training in a thread of its own: with one worker or several (not with threads), set handlers by"
    " signal.signal(...), not by a name imported from signal; what else needs the main thread goes to the top of the"
    " script"
)


class TrialSignals:
    """The handlers that one trial has set, and its alarm."""

    def __init__(self, thread: threading.Thread, in_main: Callable[[Call], None]) -> None:
        """Begin with none.

        thread: of the training.
        in_main: hands over what the main thread is to do, which it does while it waits for the training.
        """
        self._thread = thread
        self._in_main = in_main
        self._set: dict[int, Handler] = {}
        self._outside: dict[int, Handler] = {}
        """What was in force before, and is again while the trial does not train."""
        self._alarm = (0.0, 0.0)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Put them in force inside, and take what the training sets; for the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield  # no more can be set from here than from the training's own thread
            return
        original = signal.signal

        def set_handler(number: int, handler: Handler) -> Handler:
            if threading.current_thread() is not self._thread:
                return original(number, handler)
            return self._elsewhere(lambda: self._take(original, number, handler))

        signal.signal = set_handler  # type: ignore[assignment]
        for number, handler in self._set.items():
            self._outside[number] = original(number, handler)
        if any(self._alarm):
            signal.setitimer(signal.ITIMER_REAL, *self._alarm)
        try:
            yield
        finally:
            signal.signal = original
            if self._outside.keys() & {getattr(signal, "SIGALRM", None)}:
                self._alarm = signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in self._outside.items():
                if handler is not None:  # one that Python did not set cannot be set by it
                    original(number, handler)
            self._outside = {}

    def _take(self, original: Callable[[int, Handler], Handler], number: int, handler: Handler) -> Handler:
        """Set a handler for the training; return the one before, as the training knows it."""
        wanted = _Forwarded(handler, self._thread) if callable(handler) else handler
        before = original(number, wanted)
        self._outside.setdefault(number, before)
        self._set[number] = wanted
        return before.handler if isinstance(before, _Forwarded) else before

    def _elsewhere(self, action: Callable[[], Handler]) -> Handler:
        """Have the main thread do it; return what came of it, or raise what it raised."""
        done = threading.Event()
        results: list[Handler] = []
        errors: list[BaseException] = []

        def call() -> None:
            try:
                results.append(action())
            except BaseException as error:  # noqa: BLE001  the training's, and raised there
                errors.append(error)
            done.set()

        self._in_main(call)
        done.wait()
        if errors:
            raise errors[0]
        return results[0]


class _Forwarded:
    """A handler that raises in the training's thread what it would raise in the main thread."""

    def __init__(self, handler: Callable[[int, FrameType | None], object], thread: threading.Thread) -> None:
        self.handler: Handler = handler.handler if isinstance(handler, _Forwarded) else handler
        self._thread = thread

    def __call__(self, number: int, frame: FrameType | None) -> None:
        ident = self._thread.ident
        assert ident is not None  # it has set this
        try:
            self.handler(number, sys._current_frames().get(ident, frame))  # noqa: SLF001  documented
        except BaseException as error:  # noqa: BLE001  the training's
            raised = error

            def same(*_: object) -> BaseException:
                return raised

            # only a class can be raised in another thread; this one makes the very error
            kind = type(type(error).__name__, (type(error),), {"__new__": same})
            raise_in(self._thread, kind)


def add_advice(error: BaseException) -> None:
    """Explain in an error that comes of the training's thread what to do about it."""
    if "main thread" in str(error) or "SQLite objects created in a thread" in str(error):
        error.add_note(f"{type(error).__name__}: {error} ({ADVICE})")
