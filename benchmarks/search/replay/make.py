"""Trains networks at hundreds of settings of each task and keeps every curve: what a replay is made of.

python benchmarks/search/replay/make.py [--work .replay] [--tasks ...] [--parts 10]

A part is 40 trainings of one task, 20 where PyTorch trains, kept when it is done: the command may be interrupted and
goes on. All tasks get their first part before any gets its second, so that what is there after an hour is as much of
each. `PLAN` says what each part is: settings from all over the space, the first one the default; settings near the best
of those, where a search will look most; or settings that were trained before, from two other seeds, a third of them of
any kind, the others the best. In the end what is there is written into `data`, a file a task: nothing is drawn by
chance that a task's name and a part's number do not say, so all of it can be made again, and more than was.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import zlib
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
from tasks import TASKS, Task
from trainings import trained

DENSE, OTHERS = 40, 20  # trainings of a part
PLAN = "aanr" + "aaannr" + "aaaannnrr"
"""Anywhere, near the best of those, or again; every part adds to those before it."""
DATA = Path(__file__).with_name("data")
_STEP = 0.12  # of a coordinate from a good setting
_ABREAST = 30  # good settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path(".replay"), help="the folder that keeps the parts")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS), metavar="TASK")
    parser.add_argument("--parts", type=int, default=10, help=f"of each task, {len(PLAN)} at most; 10 if not given")
    arguments = parser.parse_args()
    for part in range(arguments.parts):
        for name in arguments.tasks:
            path = arguments.work / name / f"{part:02}.npz"
            if not path.exists():
                start = time.process_time()
                made = make(TASKS[name], part, arguments.work / name)
                _write(path, made)
                took = time.process_time() - start
                print(f"{name} {part}: {took:.1f} s for {len(made['seeds'])}", file=sys.stderr, flush=True)
    for name in arguments.tasks:
        pack(name, arguments.work / name)


def make(task: Task, part: int, folder: Path) -> dict[str, np.ndarray]:
    """Train a part: points of the unit cube (n, d), seeds (n,), and curves (n, epochs)."""
    d, size = len(task.space.params), DENSE if task.network == "dense" else OTHERS
    rng = np.random.default_rng([zlib.crc32(task.name.encode()), part])
    seeds = np.zeros(size, dtype=np.int16)
    if PLAN[part] == "a":
        points = rng.random((size, d))
        if part == 0:
            points[0] = task.space.encode(task.space.defaults())
    elif PLAN[part] == "n":
        known = _known(folder, [i for i in range(part) if PLAN[i] == "a"])
        order = np.argsort(_ends(task, known["curves"]), kind="stable")[:_ABREAST]
        points = known["points"][order][rng.integers(_ABREAST, size=size)]
        moves = rng.random(points.shape) < rng.choice([0.3, 0.6, 1.0], size=(size, 1))
        points = np.abs(points + moves * rng.normal(size=points.shape) * _STEP)
        points = np.where(points > 1, 2 - points, points).clip(0, 1)
    else:
        known = _known(folder, [i for i in range(part) if PLAN[i] != "r"])
        order = np.argsort(_ends(task, known["curves"]), kind="stable")
        half, n = size // 2, PLAN[:part].count("r")
        third = half // 3
        best = order[(half - third) * n :]
        chosen = np.r_[third * n : third * (n + 1), best[: half - third]]
        points, seeds = np.repeat(known["points"][chosen], 2, axis=0), np.tile([1, 2], half).astype(np.int16)
    points = task.space.rounded(points)
    settings = task.space.decode_many(points)
    curves = np.array([list(trained(task, setting, int(seed))) for setting, seed in zip(settings, seeds, strict=True)])
    return {"points": points, "seeds": seeds, "curves": curves}


def pack(name: str, folder: Path) -> None:
    """Write all parts of a task into one small file: points as 16 bits of [0, 1], curves as half floats."""
    parts = [part for part in range(len(PLAN)) if (folder / f"{part:02}.npz").exists()]
    if not parts:
        return
    known = _known(folder, parts)
    most = np.finfo(np.float16).max
    with np.errstate(over="ignore"):
        curves = np.clip(known["curves"], -most, most).astype(np.float16)
    points = np.round(known["points"] * 65535).astype(np.uint16)
    _write(DATA / f"{name}.npz", {"points": points, "seeds": known["seeds"].astype(np.int8), "curves": curves})


def _ends(task: Task, curves: np.ndarray) -> np.ndarray:
    """The mean of the last three epochs, lower is better; infinity where it diverged."""
    sign = -1 if task.metric == "val_accuracy" else 1
    return np.where(np.isnan(curves[:, -1]), np.inf, sign * curves[:, -3:].mean(axis=1))


def _known(folder: Path, parts: list[int]) -> dict[str, np.ndarray]:
    read = [np.load(folder / f"{part:02}.npz") for part in parts]
    return {key: np.concatenate([part[key] for part in read]) for key in ("points", "seeds", "curves")}


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez_compressed(file, **arrays)
    unfinished.replace(path)


if __name__ == "__main__":
    main()
