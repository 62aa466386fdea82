"""The state of a training, put into a model that is to be used: no run, no study."""

from __future__ import annotations

from pathlib import Path

from tunewell.checkpoint.file import read
from tunewell.checkpoint.state import refill
from tunewell.errors import CheckpointError


def load(path: str | Path, /, **objects: object) -> None:
    """Fill objects from a checkpoint, by the names that `run.track(...)` gave them; the rest of it is left alone.

    Raises:
        CheckpointError: the file cannot be read, lacks such a name, or holds another kind of object; then these are as
            they were.
    """
    tree = read(Path(path))
    lacking = [name for name in objects if name not in tree]
    if lacking:
        known = ", ".join(name for name in tree if name != "tunewell.run") or "nothing"
        raise CheckpointError(f"{path} holds {known}, not {', '.join(lacking)}; use the names that run.track(...) had")
    refill(objects, {name: tree[name] for name in objects})
