"""Searches on the surrogate, each of which is kept when it is done: what the scripts that search have in common."""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

from problem import EPOCHS
from results import Key, Run, gains, kept_version, read_references, write_references
from simulation import Method, simulate

from surrogate import Surrogate

TRAININGS = 30
Work = Callable[[Key, Path, Path], None]
"""Makes one search and keeps it: its key, the surrogate's folder and the results'. Called in another process."""


@cache
def surrogate_in(data: Path) -> Surrogate:
    """One a process."""
    return Surrogate(data)


def seed_of(key: Key) -> int:
    """Another on each task: with the same, all tasks would have the same luck, and their spread would not tell."""
    return zlib.crc32(f"{key.task} {key.seed}".encode()) >> 1  # 31 bits, which every library takes


def search(key: Key, method: Method, version: str, data: Path, trainings: int = TRAININGS) -> Run:
    """What a method comes to that has just begun."""
    surrogate = surrogate_in(data)
    outcome = simulate(
        method,
        lambda setting: surrogate.curves(key.task, [setting])[0],
        epochs=trainings * EPOCHS,
        workers=key.workers,
    )
    return Run(
        key,
        version=version,
        epochs=len(outcome.best),
        gains=gains(outcome.best),
        trials=outcome.trials,
        decisions=outcome.decisions,
        seconds=outcome.seconds,
        idle=outcome.idle,
    )


def parser(description: str | None) -> argparse.ArgumentParser:
    """With the options that all have."""
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--data", type=Path, required=True, help="the folder of model.onnx and tasks.json")
    found.add_argument("--results", type=Path, default=Path(".lcbench"), help="the folder that keeps the runs")
    found.add_argument("--seeds", type=int, default=5, help="runs of each method and task; 5 if not given")
    found.add_argument("--processes", type=int, default=1, help="runs at the same time")
    return found


def search_all(
    work: Work, keys: Sequence[Key], versions: Mapping[str, str | None], *, data: Path, results: Path, processes: int
) -> None:
    """Make the searches that are not kept yet, or of another version of their method; exit 1 if one fails."""
    left = [key for key in keys if kept_version(key.path(results)) != versions[key.method]]
    print(f"{len(keys)} runs, {len(left)} of them to be done", file=sys.stderr)
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        failed = _run_all({pool.submit(work, key, data, results): key for key in left})
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on")
    finally:
        pool.shutdown(cancel_futures=True)
    if failed:
        sys.exit(f"not complete: {', '.join(sorted(failed))}")


def learn_references(data: Path, results: Path) -> None:
    """Keep what is known of each task, computed once: a minute."""
    surrogate, known = surrogate_in(data), read_references(results)
    if not set(surrogate.tasks) <= set(known):
        new = {task: surrogate.reference(task) for task in surrogate.tasks if task not in known}
        write_references(results, known | new)


def _run_all(waiting: Mapping[Future[None], Key]) -> set[str]:
    """The methods of which a run failed."""
    failed = set()
    for n, future in enumerate(as_completed(waiting), start=1):
        key = waiting[future]
        if (error := future.exception()) is not None:
            failed.add(key.method)
            print(f"{key.method} on {key.task}, seed {key.seed}: {type(error).__name__}: {error}", file=sys.stderr)
        elif n % 50 == 0 or n == len(waiting):
            print(f"{n} of {len(waiting)}: {key.method}, seed {key.seed}", file=sys.stderr, flush=True)
    return failed
