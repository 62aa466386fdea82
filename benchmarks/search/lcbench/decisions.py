"""What a decision costs when many trials are known: processor time, and the memory of the process.

python benchmarks/search/lcbench/decisions.py --data FOLDER [--trials 100 1000] [--methods ...]

Each method searches one task by itself, in a process of its own, until so many trials have been started; the time is
the median of its last 20 decisions before that, and the longest of all but the first, which imports what it needs. The
memory is the most that the process has held until then, over what it held after the first decision.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
from methods import METHODS

from surrogate import Surrogate

LAST = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """At so many trials: milliseconds of the median of the last decisions and of the longest, and megabytes."""

    trials: int
    decisions: int
    median: float
    longest: float
    megabytes: float


def costs(name: str, data: Path, at: tuple[int, ...]) -> list[Cost]:
    """Of one method, at each number of trials, in rising order."""
    surrogate = Surrogate(data)
    task = surrogate.tasks[0]
    method = METHODS[name].begin(0, at[-1])
    curves: dict[int, np.ndarray] = {}
    seconds: list[float] = []
    found: list[Cost] = []
    while len(found) < len(at):
        start = time.process_time()
        job = method.next()
        seconds.append(time.process_time() - start)
        if job is None:
            break
        if len(seconds) == 1:
            before = _megabytes()
        if len(curves) == at[len(found)] - 1 and job.trial not in curves:
            taken = 1e3 * np.array(seconds)
            found.append(
                Cost(
                    len(curves) + 1,
                    len(taken),
                    float(np.median(taken[-LAST:])),
                    float(taken[1:].max()),
                    _megabytes() - before,
                )
            )
        if job.trial not in curves:
            curves[job.trial] = surrogate.curves(task, [job.setting])[0]
        for epoch in job.epochs:
            if not method.report(job.trial, epoch, float(curves[job.trial][epoch - 1])):
                break
        method.done(job.trial)
    return found


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of model.onnx and tasks.json")
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000])
    ours = [name for name in METHODS if name.startswith("tunewell")]
    parser.add_argument("--methods", nargs="+", default=ours, choices=list(METHODS), metavar="NAME")
    arguments = parser.parse_args()
    print("| | trials | decisions | ms, median of the last 20 | ms, the longest | MB more |")
    print("|---" * 6 + "|")
    for name in arguments.methods:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            for cost in pool.submit(costs, name, arguments.data, tuple(sorted(arguments.trials))).result():
                print(
                    f"| {name} | {cost.trials} | {cost.decisions} | {cost.median:.1f} | {cost.longest:.1f} "
                    f"| {cost.megabytes:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
