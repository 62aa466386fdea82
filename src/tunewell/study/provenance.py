"""The provenance of a study: where it ran, and with which code."""

from __future__ import annotations

import getpass
import os
import platform
import shlex
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tunewell.stores.redaction import redacted_command
from tunewell.study.repository import commit_and_changes

_PACKAGES = ("tunewell", "numpy", "scipy")
_IF_IMPORTED = ("torch", "tensorflow", "jax", "keras", "lightning", "sklearn")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STARTTIME = 22 - 3  # proc(5) counts from 1, and the state is its third


@dataclass(frozen=True, slots=True)
class Provenance:
    """This process, its machine and its code."""

    host: str
    pid: int
    process: str | None
    """When it began, and where it is counted, as `boot:tick:namespace`.

    With the number, which is given again, this names one process for good.
    """
    command: str
    directory: str
    git_commit: str | None
    git_dirty: bool | None
    versions: Mapping[str, str]


def gather() -> Provenance:
    """Gather what there is to know of this process."""
    directory = Path.cwd()
    commit, changed = commit_and_changes(directory)
    return Provenance(
        host=host(),
        pid=os.getpid(),
        process=_process(),
        command=shlex.join(redacted_command(sys.argv)),
        directory=str(directory),
        git_commit=commit,
        git_dirty=changed,
        versions=_versions(),
    )


def host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


def user() -> str:
    """Return the name of the user who runs this process; `user` if the system knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for them
        return "user"


def is_running(pid: int, process: str | None) -> bool:
    """Return True if process `pid` of this machine runs and, as far as is known, began when `process` says."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's, and /proc may not show it
    fields = _fields(pid)
    if fields[:1] in ([b"Z"], [b"X"]):
        return False  # it was killed, and its parent has not waited for it
    began = _began(fields)
    return process is None or began is None or began == ":".join(process.split(":")[:2])


def is_counted_here(process: str | None) -> bool:
    """Return True if its number means the same to this process: a container may count processes for itself."""
    boot, _, namespace = _parts(process)
    our_boot, _, ours = _parts(_process())
    return boot != our_boot or namespace in ("", ours)


def _fields(pid: int) -> list[bytes]:
    """Return what /proc says of a process, from its state on; nothing where no /proc shows it."""
    try:
        # what comes first is the number and the name, in parentheses, of which the name may have some too
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


def _began(fields: list[bytes]) -> str | None:
    """Return the boot, and its clock tick, in which a process began."""
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        return None
    return f"{boot}:{int(fields[_STARTTIME])}" if len(fields) > _STARTTIME else None


def _process() -> str | None:
    began = _began(_fields(os.getpid()))
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return began
    return began and f"{began}:{namespace}"


def _parts(process: str | None) -> tuple[str, str, str]:
    """Return boot, tick and namespace; empty where they are not known."""
    boot, tick, namespace, *_ = [*(process or "").split(":"), "", "", ""]
    return boot, tick, namespace


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in (*_PACKAGES, *(name for name in _IF_IMPORTED if name in sys.modules)):
        try:
            found[name] = metadata.version("scikit-learn" if name == "sklearn" else name)
        except metadata.PackageNotFoundError:
            continue
    return found
