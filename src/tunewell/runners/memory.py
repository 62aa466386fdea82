"""How much memory processes hold."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress

import psutil


def memory_held() -> int:
    """Bytes that this process holds, after it has given back what it can."""
    gc.collect()
    with suppress(OSError, AttributeError):  # of glibc alone
        ctypes.CDLL(None).malloc_trim(0)
    return resident(os.getpid())


def resident(pid: int) -> int:
    """Bytes of memory that a process and its children hold; 0 if it has ended."""
    held = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                held += one.memory_info().rss
    return held
