"""The end of a training whose code catches whatever is raised: a bare `except:`, or a `finally:` that returns.

The exception that ends it is caught there, and the loop around it goes on. So, once that has happened, the exception is
raised again at the next line that runs after it was caught: in the handler, where only an outer one catches it.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any


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


def is_ours(frame: FrameType) -> bool:
    """Return True if a frame is of this package's code."""
    return str(frame.f_globals.get("__name__", "")).split(".")[0] == "tunewell"
