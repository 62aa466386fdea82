"""The commit of a folder and whether its files differ from it, read so that nothing the folder brings along is run.

A repository's own configuration may name programs, which git runs when it only looks: a monitor of files, filters,
hooks, a pager, the transport of objects that are missing. So git is given a folder of ours for the repository, whose
configuration is empty, and in it the objects and the index of theirs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_TIMEOUT_S = 2
_HASHES = {40: "sha1", 64: "sha256"}
_NOTHING_RUNS = (
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
)
_NOTHING_FETCHED = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "", "GIT_TERMINAL_PROMPT": "0"}
_MOST_EXCLUDES = 1_000_000
"""Characters; a longer list of files that git ignores is no list of anybody's."""


def commit_and_changes(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit that a folder is at, and True if files differ from it; None for what cannot be known."""
    git = _git(folder)
    if git is None:
        return None, None
    wanted = ("objects", "index", "info/exclude")
    places_of = [word for name in wanted for word in ("--git-path", name)]
    found = _run(git, folder, ("rev-parse", "HEAD", "--show-toplevel", *places_of))
    if found is None:
        return _run(git, folder, ("rev-parse", "--verify", "HEAD")), None
    commit, top, objects, index, excluded = (found.split("\n") + [""] * 5)[:5]
    if Path(top) not in (folder, *folder.parents):
        return commit, None  # their configuration leads elsewhere
    with suppress(OSError), tempfile.TemporaryDirectory(prefix="tunewell-") as ours:
        _imitate(Path(ours), commit, folder / excluded)
        places = {
            "GIT_DIR": ours,
            "GIT_WORK_TREE": top,
            "GIT_OBJECT_DIRECTORY": str(folder / objects),
            "GIT_INDEX_FILE": str(folder / index),
        }
        # of a submodule, which has a configuration too, only the commit is looked at
        changes = _run(git, Path(top), ("status", "--porcelain", "--ignore-submodules=dirty"), places)
        return commit, None if changes is None else bool(changes)
    return commit, None


def _git(folder: Path) -> str | None:
    """Return the path of git; None if there is none, or if it is one that the folder brings along."""
    found = shutil.which("git")
    if found is None:
        return None
    home = Path(found).absolute().parent
    return None if home == folder else found


def _imitate(ours: Path, commit: str, excluded: Path) -> None:
    """Make a repository at a commit, with nothing in its configuration but the kind of its hashes."""
    kind = _HASHES.get(len(commit), "sha1")
    version = 0 if kind == "sha1" else 1
    extension = "" if kind == "sha1" else f"[extensions]\n\tobjectFormat = {kind}\n"
    (ours / "config").write_text(f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = false\n{extension}")
    (ours / "HEAD").write_text(f"{commit}\n")
    (ours / "refs").mkdir()
    (ours / "objects").mkdir()
    (ours / "info").mkdir()
    with suppress(OSError, UnicodeDecodeError):
        if excluded.is_file() and excluded.stat().st_size < _MOST_EXCLUDES:
            (ours / "info" / "exclude").write_text(excluded.read_text(encoding="utf-8"), encoding="utf-8")


def _run(git: str, folder: Path, words: tuple[str, ...], places: Mapping[str, str] | None = None) -> str | None:
    """Return what git prints; None if it fails."""
    try:
        done = subprocess.run(  # noqa: S603  fixed words
            [git, *_NOTHING_RUNS, *words],
            cwd=folder,
            env={**os.environ, **_NOTHING_FETCHED, **(places or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip("\n")
