"""The memory that processes hold."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

import psutil


def memory_held() -> int:
    """Return the bytes that this process holds, after it has given back what it can."""
    gc.collect()
    with suppress(OSError, AttributeError):  # of glibc alone
        ctypes.CDLL(None).malloc_trim(0)
    return resident(os.getpid())


def resident(pid: int) -> int:
    """Return the bytes of memory that a process and its children hold; 0 if it has ended."""
    held = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                held += _share(one)
    return held


def _share(process: psutil.Process) -> int:
    """Return the bytes that it holds; pages that several processes share, as forked ones do, are divided among them.

    Pages of files, such as libraries, are left out where the system counts them apart: they can be read again, and a
    share in them grows when another worker ends.
    """
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # no Linux, or not ours to look at
        return int(process.memory_info().rss)
    kib = {name: int(amount.split()[0]) for name, _, amount in (line.partition(":") for line in lines[1:])}
    return 1024 * (kib["Pss_Anon"] + kib["Pss_Shmem"] if "Pss_Anon" in kib else kib.get("Pss", 0))
