"""A process and all that it has started: ended as a whole, and guarded against the death of whoever began it.

What it has started is found by its parents, by its group, and by a mark in its environment: one that has gone into a
session of its own, and whose parent has ended, has neither of the former.
"""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from contextlib import suppress

import psutil

_NAME = "tunewell-guard"
_GONE_S = 1.0
"""How long one that was killed may take to be gone; in the middle of a call to a disk, say, it takes longer."""
_LOOKS = 10
"""So often is looked for what was started meanwhile."""
_BEGUN = "TUNEWELL_BEGUN_"
_SCRIPT = """
mark=$3
marked() {
    for one in /proc/[0-9]*; do
        grep -qz "^$mark=" "$one/environ" && kill -s "$1" "${one#/proc/}"
    done
}
read -r pid || exit
read -r _
[ -z "$2" ] || rm -rf -- "$2"
if [ "$1" = 0 ]; then
    kill -s KILL -- "-$pid" || kill -s KILL "$pid"
    marked KILL
    exit
fi
kill -s TERM -- "-$pid"
marked TERM
kill -s CONT -- "-$pid"
marked CONT
sleep "$1"
kill -s KILL -- "-$pid"
marked KILL
"""


_APART = 'exec 3<&0; /bin/sh -c "$0" "$@" <&3 3<&- &'
"""Runs the script in a process whose parent has ended."""


def new_mark() -> str:
    """Return the name of an environment variable: a process that has it was started by what sets it, or by its own."""
    return f"{_BEGUN}{uuid.uuid4().hex}"


class Guard:
    """A shell beside a process: when tunewell is killed the pipe to the shell breaks, and it ends the process's group.

    A parent-death signal would end the process alone, not what that has started, and there is none but on Linux. It is
    there before the process, so that there is hardly a moment without.
    """

    def __init__(self, mark: str, *, grace_s: int = 0, folder: str = "", apart: bool = False) -> None:
        """Start it.

        mark: of what the process starts, which ends with its group, where there is a `/proc`.
        grace_s: time to end on SIGTERM.
        folder: of temporary files, removed with the group.
        apart: it is no child of this process, whose children others may kill; it cannot be closed then.
        """
        script = ["/bin/sh", "-c", *([_APART] if apart else []), _SCRIPT]
        self._shell = subprocess.Popen(  # noqa: S603  our own words
            [*script, _NAME, str(grace_s), folder, mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # without marks, so that nobody ends it, or what it runs, before it is done
            env={name: value for name, value in os.environ.items() if not name.startswith(_BEGUN)},
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


def kill_tree(pid: int, mark: str) -> None:
    """Kill a process, all that it has started, in whatever sessions, and its group.

    Guards are spared: they remove what the killed can no longer remove.
    """
    caught: set[psutil.Process] = set()
    with suppress(psutil.Error):
        fresh = {psutil.Process(pid)}
        while fresh:
            for process in fresh:
                with suppress(psutil.Error):
                    process.suspend()  # so that it begins no other
            caught |= fresh
            fresh = descendants(pid, mark) - caught
    for process in caught:
        with suppress(psutil.Error):
            process.kill()
    signal_group(pid, signal.SIGKILL)


def kill_rest(pid: int, mark: str) -> None:
    """Kill what a process that has ended has started: its number may be another's by now, but not that of its group."""
    signal_group(pid, signal.SIGKILL)
    for _ in range(_LOOKS):
        rest = _marked(mark)
        for process in rest:
            with suppress(psutil.Error):
                process.kill()
        if not psutil.wait_procs(rest, timeout=_GONE_S)[0]:
            return  # there is none, or none that can be ended


def descendants(pid: int, mark: str) -> set[psutil.Process]:
    """Return the processes that a process has started, and those that these have."""
    found = _marked(mark)
    with suppress(psutil.Error):
        found |= {one for one in psutil.Process(pid).children(recursive=True) if not _is_guard(one)}
    return found


def _marked(mark: str) -> set[psutil.Process]:
    """Return the processes whose environment has a mark, as it was when they began."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if mark in process.environ():
                found.add(process)
    return found


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the group that a process leads, or led until it ended; nothing happens if there is none."""
    with suppress(ProcessLookupError, PermissionError):  # the latter is what macOS says of the dead
        os.killpg(pid, number)


def _is_guard(process: psutil.Process) -> bool:
    try:
        return _NAME in process.cmdline()
    except psutil.Error:
        return False
