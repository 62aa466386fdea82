"""The files that a program leaves behind in the working folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_MOST_FILES = 20_000
_NOT_LOOKED_INTO = {"__pycache__", "node_modules", "site-packages", "venv", "env"}
_MOST_NAMED = 4
_OWN = "tunewell"

States = Mapping[Path, tuple[int, int]]
"""By path: when it was changed last, and its size; a folder has none."""


def states_of(folder: Path) -> States:
    """Return the state of the files and folders below a folder; of very many, the first ones."""
    found: dict[Path, tuple[int, int]] = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in _NOT_LOOKED_INTO and not one.startswith("."))
        found |= {Path(parent, name): (0, 0) for name in folders}
        for name in sorted(files):
            path = Path(parent, name)
            try:
                state = path.stat()
            except OSError:
                continue
            if not name.startswith((_OWN, ".")):
                found[path] = (state.st_mtime_ns, state.st_size)
        if len(found) > _MOST_FILES:
            break
    return found


def left_in(folder: Path, before: States) -> str:
    """Return what is new and what has changed below a folder, in words; "" if nothing is."""
    after = states_of(folder)
    is_whole = max(len(before), len(after)) <= _MOST_FILES
    if not is_whole:
        return ""  # what was not looked at before would seem new
    new = [path for path in after if path not in before]
    top = [path for path in new if path.parent not in new]
    n_bytes = sum(after[path][1] for path in new)
    changed = [path for path in after if path in before and before[path] != after[path]]
    parts = []
    if top:
        parts.append(f"left {_named(folder, top)} ({n_bytes / 1e6:.1f} MB)")
    if changed:
        parts.append(f"changed {_named(folder, changed)}")
    return " and ".join(parts)


def _named(folder: Path, paths: list[Path]) -> str:
    names = [f"{path.relative_to(folder)}{'/' if path.is_dir() else ''}" for path in paths[:_MOST_NAMED]]
    more = len(paths) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
