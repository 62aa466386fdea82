"""Where a study ran, and with which code."""

from __future__ import annotations

import os
import platform
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_PACKAGES = ("tunewell", "numpy", "scipy")
_IF_IMPORTED = ("torch", "tensorflow", "jax", "keras", "lightning", "sklearn")


@dataclass(frozen=True, slots=True)
class Provenance:
    """This process, its machine and its code."""

    host: str
    pid: int
    command: str
    directory: str
    git_commit: str | None
    git_dirty: bool | None
    versions: Mapping[str, str]


def gather() -> Provenance:
    """What there is to know of this process."""
    directory = Path.cwd()
    commit = _git(directory, "rev-parse", "HEAD")
    changes = _git(directory, "status", "--porcelain") if commit else None
    return Provenance(
        host=socket.gethostname(),
        pid=os.getpid(),
        command=shlex.join(sys.argv),
        directory=str(directory),
        git_commit=commit,
        git_dirty=None if changes is None else bool(changes),
        versions=_versions(),
    )


def is_running(pid: int, since: float) -> bool:
    """Whether process `pid` of this machine runs and may be the one that ran at time `since`."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        # the number may have been given to another process since
        return Path(f"/proc/{pid}").stat().st_ctime <= since + 1.0
    except OSError:
        return True


def _git(directory: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  fixed words
            ["git", *arguments],  # noqa: S607  where git lies differs
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=2,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in (*_PACKAGES, *(name for name in _IF_IMPORTED if name in sys.modules)):
        try:
            found[name] = metadata.version("scikit-learn" if name == "sklearn" else name)
        except metadata.PackageNotFoundError:
            continue
    return found
