"""Runs searches on LCBench's surrogate and keeps what each came to: see the README of this folder.

python benchmarks/lcbench/run.py --data FOLDER [--results .lcbench] [--seeds 5] [--workers 1] [--methods ...]

Runs that the results hold already are not done again, unless they are of another version of their method. Then
`report.py` makes tables and a figure of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

from methods import METHODS
from problem import EPOCHS
from results import Key, Run, gains, read_references, read_run, write_references, write_run
from simulation import simulate
from surrogate import Surrogate

TRAININGS = 30


@cache
def _surrogate(data: Path) -> Surrogate:
    return Surrogate(data)


def run(key: Key, data: Path, results: Path) -> None:
    """One search, kept when it is done."""
    method, surrogate = METHODS[key.method], _surrogate(data)
    outcome = simulate(
        method.begin(_seed(key), TRAININGS),
        lambda setting: surrogate.curves(key.task, [setting])[0],
        epochs=TRAININGS * EPOCHS,
        workers=key.workers,
    )
    kept = Run(
        key,
        version=str(method.version),
        epochs=len(outcome.best),
        gains=gains(outcome.best),
        trials=outcome.trials,
        decisions=outcome.decisions,
        seconds=outcome.seconds,
        idle=outcome.idle,
    )
    write_run(results, kept)


def _seed(key: Key) -> int:
    """Another on each task: with the same, all tasks would have the same luck, and their spread would not tell."""
    return zlib.crc32(f"{key.task} {key.seed}".encode()) >> 1  # 31 bits, which every library takes


def installed(names: Sequence[str]) -> list[str]:
    """Those of the methods that can be run here; each other is named, with what it lacks."""
    able = []
    for name in names:
        method = METHODS[name]
        if method.version is None:
            print(f"{name}: skipped, since {method.package} is not installed", file=sys.stderr)
            continue
        try:
            method.begin(0, TRAININGS)
        except ImportError as error:
            print(f"{name}: skipped, since {method.version} cannot be imported: {error}", file=sys.stderr)
            continue
        able.append(name)
    return able


def undone(keys: Sequence[Key], results: Path) -> Iterator[Key]:
    """The runs that are not kept yet, or of another version."""
    for key in keys:
        try:
            kept = read_run(key.path(results))
        except FileNotFoundError:
            yield key
        else:
            if kept.version != METHODS[key.method].version:
                yield key


def learn_references(surrogate: Surrogate, results: Path) -> None:
    """What is known of each task, computed once: a minute."""
    known = read_references(results)
    if not set(surrogate.tasks) <= set(known):
        new = {task: surrogate.reference(task) for task in surrogate.tasks if task not in known}
        write_references(results, known | new)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of model.onnx and tasks.json")
    parser.add_argument("--results", type=Path, default=Path(".lcbench"), help="the folder that keeps the runs")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each method and task; 5 if not given")
    parser.add_argument("--workers", type=int, default=1, help="simulated, asynchronous; 1 if not given")
    parser.add_argument("--processes", type=int, default=1, help="runs at the same time")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=list(METHODS),
        choices=list(METHODS),
        metavar="NAME",
        help=f"all if not given; some of: {', '.join(map(repr, METHODS))}",
    )
    arguments = parser.parse_args()
    surrogate = _surrogate(arguments.data)
    learn_references(surrogate, arguments.results)
    able = installed(arguments.methods)
    keys = [
        Key(name, task, seed, arguments.workers)
        for seed in range(arguments.seeds)
        for name in able
        for task in surrogate.tasks
    ]
    left = list(undone(keys, arguments.results))
    print(f"{len(keys)} runs, {len(left)} of them to be done", file=sys.stderr)
    pool = ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn"))
    try:
        failed = _run_all(left, pool, arguments.data, arguments.results)
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on")
    finally:
        pool.shutdown(cancel_futures=True)
    if failed:
        sys.exit(f"not complete: {', '.join(sorted(failed))}")


def _run_all(keys: Sequence[Key], pool: Executor, data: Path, results: Path) -> set[str]:
    """The methods of which a run failed."""
    waiting = {pool.submit(run, key, data, results): key for key in keys}
    failed = set()
    for n, future in enumerate(as_completed(waiting), start=1):
        key = waiting[future]
        if (error := future.exception()) is not None:
            failed.add(key.method)
            print(f"{key.method} on {key.task}, seed {key.seed}: {type(error).__name__}: {error}", file=sys.stderr)
        elif n % 50 == 0 or n == len(keys):
            print(f"{n} of {len(keys)}: {key.method}, seed {key.seed}", file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    main()
