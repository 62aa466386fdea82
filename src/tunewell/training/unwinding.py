"""The end of a training whose code catches whatever is raised: a bare `except:`, or a `finally:` that returns.

The exception that ends it is caught there, and the loop around it goes on. So, once that has happened, the exception is
raised again at the next line that runs after it was caught: in the handler, where only an outer one catches it.
"""

from __future__ import annotations

import atexit
import ctypes
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

_PATIENCE_S = 2.0
_left: list[threading.Thread] = []
"""Threads of trainings that nobody waits for."""


def raise_again(kind: type[BaseException]) -> None:
    """Let the next line of this thread that runs outside of this package raise, as soon as what is raised is caught."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if is_ours(frame):
            return None
        if event == "line":
            raise kind  # which also ends the tracing
        return trace

    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  nothing public gives the frames
    while frame is not None:
        if not is_ours(frame):
            frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(trace)


def leave_behind(thread: threading.Thread, kind: type[BaseException]) -> None:
    """Let a thread end by what is raised at its next line; nobody waits for that, but for the end of the process.

    A process that ends while a thread computes outside of Python, in JAX say, is aborted: the thread comes back to an
    interpreter that is gone.
    """
    raise_in(thread, kind)
    if not _left:
        atexit.register(_end_as_interrupted)
    _left.append(thread)


def raise_in(thread: threading.Thread, kind: type[BaseException]) -> None:
    """Raise in another thread, as soon as it runs a line of Python."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(kind))


def is_unwinding(thread: threading.Thread, kind: type[BaseException]) -> bool:
    """Return True if a thread handles such an exception: it is cleaning up, in a `finally:` or an `__exit__`."""
    handled: Any = sys._current_exceptions().get(thread.ident or 0)  # noqa: SLF001  documented
    error = handled[1] if isinstance(handled, tuple) else handled  # the former before Python 3.12
    return isinstance(error, kind)


def some_compute() -> bool:
    """Return True if threads that were left behind still compute after a while: then the process has to be killed."""
    give_up_at = time.monotonic() + _PATIENCE_S
    with suppress(KeyboardInterrupt):  # of somebody who does not wait
        for thread in _left:
            thread.join(max(0.0, give_up_at - time.monotonic()))
    return any(thread.is_alive() for thread in _left)


def _end_as_interrupted() -> None:
    """End the process as Python does after Ctrl-C, by the signal itself, if it could not end in order."""
    if getattr(sys, "last_type", None) is not KeyboardInterrupt or not some_compute():
        return
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.raise_signal(signal.SIGINT)


def is_ours(frame: FrameType) -> bool:
    """Return True if a frame is of this package's code."""
    return str(frame.f_globals.get("__name__", "")).split(".")[0] == "tunewell"
