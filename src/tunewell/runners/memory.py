"""The memory that processes hold."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

_GROUPS = Path("/proc/self/cgroup")
_VERSIONS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Where groups are, the files of their limit and use, and what of their use is cached files."""


def memory_held() -> int:
    """Return the bytes that this process holds, after it has given back what it can."""
    gc.collect()
    with suppress(OSError, AttributeError):  # of glibc alone
        ctypes.CDLL(None).malloc_trim(0)
    return resident(os.getpid())


def available() -> int:
    """Return the bytes that processes may still take: of the machine's memory, and of what its control groups allow."""
    return min([int(psutil.virtual_memory().available), *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    """Yield what each control group of this process has left, of either version; files that are cached can go."""
    try:
        lines = _GROUPS.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for root, most, now, cached in _VERSIONS:
            if controllers != ("memory" if root.name == "memory" else ""):
                continue
            group = root / path.lstrip("/")
            for folder in (group, *(parent for parent in group.parents if parent.is_relative_to(root))):
                with suppress(OSError, ValueError):  # a group without a limit says `max`
                    limit, used = int((folder / most).read_text()), int((folder / now).read_text())
                    stat = dict(entry.split() for entry in (folder / "memory.stat").read_text().splitlines())
                    yield max(0, limit - used + int(stat.get(cached, 0)))


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
