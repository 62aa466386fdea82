"""A process and all that it has started: ended as a whole, and guarded against the death of whoever began it."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

import psutil

_NAME = "tunewell-guard"
_SCRIPT = """
read -r pid || exit
read -r _
[ -z "$2" ] || rm -rf -- "$2"
if [ "$1" = 0 ]; then
    kill -s KILL -- "-$pid" || kill -s KILL "$pid"
    exit
fi
kill -s TERM -- "-$pid"
kill -s CONT -- "-$pid"
sleep "$1"
kill -s KILL -- "-$pid"
"""


class Guard:
    """A shell beside a process: when tunewell is killed the pipe to the shell breaks, and it ends the process's group.

    A parent-death signal would end the process alone, not what that has started, and there is none but on Linux. It is
    there before the process, so that there is hardly a moment without.
    """

    def __init__(self, *, grace_s: int = 0, folder: str = "") -> None:
        """Start it; `grace_s`: time to end on SIGTERM; `folder`: of temporary files, removed with the group."""
        self._shell = subprocess.Popen(  # noqa: S603  our own words
            ["/bin/sh", "-c", _SCRIPT, _NAME, str(grace_s), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is not for it
        )

    def watch(self, pid: int) -> None:
        """Guard this process, which leads a group of its own or will."""
        assert self._shell.stdin is not None  # it is a pipe
        self._shell.stdin.write(b"%d\n" % pid)

    def close(self) -> None:
        """End the guard; nothing happens to the process."""
        self._shell.kill()
        self._shell.communicate()


def kill_tree(pid: int) -> None:
    """Kill a process, all that it has started, in whatever sessions, and its group.

    Guards are spared: they remove what the killed can no longer remove.
    """
    caught: set[psutil.Process] = set()
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        fresh = {root}
        while fresh:
            for process in fresh:
                with suppress(psutil.Error):
                    process.suspend()  # so that it begins no other
            caught |= fresh
            fresh = {one for one in root.children(recursive=True) if not _is_guard(one)} - caught
    for process in caught:
        with suppress(psutil.Error):
            process.kill()
    signal_group(pid, signal.SIGKILL)


def descendants(pid: int) -> list[psutil.Process]:
    """Return the processes that a process has started, and those that these have; none if it has ended."""
    try:
        return [one for one in psutil.Process(pid).children(recursive=True) if not _is_guard(one)]
    except psutil.Error:
        return []


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the group that a process leads, or led until it ended; nothing happens if there is none."""
    with suppress(ProcessLookupError, PermissionError):  # the latter is what macOS says of the dead
        os.killpg(pid, number)


def _is_guard(process: psutil.Process) -> bool:
    try:
        return _NAME in process.cmdline()
    except psutil.Error:
        return False
