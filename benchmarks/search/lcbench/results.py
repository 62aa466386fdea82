"""A folder that keeps each run as it is done: a file a run, and one of what is known of each task.

So a benchmark of hours may be interrupted and gone on with, several processes may share it, and tables and figures are
made without running anything.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Key:
    """Which run it is."""

    method: str
    task: str
    seed: int
    workers: int

    def path(self, folder: Path) -> Path:
        words = re.sub(r"\W+", "-", self.method).strip("-").lower()
        return folder / f"{self.workers}-workers" / words / f"{self.task}-{self.seed}.json"


@dataclass(frozen=True, slots=True)
class Run:
    """A search, and how good its best was after each epoch.

    `gains`: the epochs of the search, from 1, in which its best improved, and the accuracy that it improved to.
    `version`: of what was measured. `seconds`: of processor time in all decisions. `idle`: the workers' share.
    `outlooks`: if it was watched, the epochs spent before each decision, and what the study then said of one more
    training: the accuracy that it is expected to gain, and the chance that it gains any.
    """

    key: Key
    version: str
    epochs: int
    gains: list[tuple[int, float]]
    trials: int
    decisions: int
    seconds: float
    idle: float
    outlooks: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def best(self) -> np.ndarray:
        """The best accuracy seen, (epochs,)."""
        best = np.zeros(self.epochs)
        for epoch, accuracy in self.gains:
            best[epoch - 1 :] = accuracy
        return best


def gains(best: np.ndarray) -> list[tuple[int, float]]:
    """The epochs, from 1, in which a best improved, and to what."""
    return [(int(epoch) + 1, float(best[epoch])) for epoch in np.flatnonzero(np.diff(best, prepend=0.0))]


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of a task: the median of random settings, the best of many, and whether it lies in the corner."""

    median: float
    best: float
    corner: bool


def write_run(folder: Path, run: Run) -> None:
    """Keep a run; whoever reads meanwhile sees the old one or the new."""
    _write(run.key.path(folder), asdict(run))


def read_run(path: Path) -> Run:
    """A run that was kept; FileNotFoundError if there is none."""
    known = json.loads(path.read_text())
    key, lists = Key(**known["key"]), {name: list(map(tuple, known.get(name, []))) for name in ("gains", "outlooks")}
    return Run(**known | lists | {"key": key})


def kept_version(path: Path) -> str | None:
    """What the run that was kept is a run of; None if there is none."""
    try:
        return read_run(path).version
    except FileNotFoundError:
        return None


def read_runs(folder: Path) -> Iterator[Run]:
    """All that is kept."""
    return map(read_run, sorted(folder.glob("*-workers/*/*.json")))


def watched(folder: Path) -> Path:
    """Where the runs are that were watched, apart from the others, which took no time for that."""
    return folder / "watched"


def write_references(folder: Path, references: dict[str, Reference]) -> None:
    """Keep what is known of the tasks."""
    _write(folder / "references.json", {task: asdict(reference) for task, reference in references.items()})


def read_references(folder: Path) -> dict[str, Reference]:
    """What is known of the tasks; nothing if nothing was kept."""
    path = folder / "references.json"
    if not path.exists():
        return {}
    return {task: Reference(**known) for task, known in json.loads(path.read_text()).items()}


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(content))
    unfinished.replace(path)
