"""The place in the user's program from which something is called."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import NamedTuple

_OWN = str(Path(__file__).parents[1])


class Place(NamedTuple):
    """A line of a file."""

    path: str = ""
    """Empty where it is not known."""
    line: int = 0
    """From 1; 0 where it is not known."""


def calling_place() -> Place:
    """Return the innermost line on the stack that is neither of an installed package nor of Python's own library."""
    frame = sys._getframe(1)  # noqa: SLF001  inspect.stack() would read the source of each frame, many times a step
    while frame is not None:
        path = frame.f_code.co_filename
        if is_users(path):
            return Place(path, frame.f_lineno)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return Place()


@cache
def is_users(path: str) -> bool:
    """Return True for a file that is neither of an installed package nor of Python's own library."""
    if path.startswith(("<frozen", "<__array_function__", "<eval_with_key")):
        return False
    folders = sysconfig.get_paths()
    installed = {folders[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    if "site-packages" in path or "dist-packages" in path or path.startswith(_OWN):
        return False
    return not any(path.startswith((folder + "/", folder + "\\")) for folder in installed)
