"""Searches on replayed trainings, each kept when it is done; then the tables of what they came to.

python benchmarks/search/replay/run.py [--results .replay-runs] [--seeds 3] [--default usual] [--methods ...]

The regret is that of the setting that looks best by what was reported, in truth: how far its curve without noise lies
from the best that is known, where the median of random settings is 1 away. Time is counted in full trainings' worth of
epochs.

`--default` says which setting the user gives for the default: the `usual` one of the ready-made ranges, the `median` of
random settings, or a `poor` one, which nine of ten random settings beat.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
sys.path.append(str(Path(__file__).parents[1] / "lcbench"))

import numpy as np
from arena import DATA, Replay
from methods import METHODS
from simulation import simulate
from tasks import TASKS

import tunewell as tw

POINTS = (1 / 3, 1 / 2, 2 / 3, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30)  # full trainings' worth of epochs
_DEFAULTS = ("usual", "median", "poor")


@cache
def replay_of(name: str) -> Replay:
    """One a process."""
    return Replay.of(name)


def space_of(replay: Replay, default: str) -> tw.Space:
    """The task's space with a default of that quality."""
    space = replay.task.space
    if default == "usual":
        return space
    rng = np.random.default_rng(7)
    points = space.rounded(rng.random((400, len(space.params))))
    ends = np.nan_to_num(replay.sign * replay.truths(points)[:, -1], nan=-np.inf)
    order = np.argsort(ends)
    setting = space.decode(points[order[len(order) // {"median": 2, "poor": 10}[default]]])
    return tw.Space({name: replace(param, default=setting[name]) for name, param in space.params.items()})


def search(method: str, name: str, seed: int, workers: int, default: str, trainings: float) -> dict[str, object]:
    """One search: its regret at each point, and what its decisions cost."""
    replay = replay_of(name)
    task, drawn = replay.task, zlib.crc32(f"{name} {seed}".encode()) >> 1
    space = space_of(replay, default)
    median, best = replay.reference
    begun = METHODS[method](drawn, space, task.metric, task.epochs, max(1, round(trainings)))
    curves: dict[str, object] = {}

    def curve(setting: Mapping[str, object]) -> object:
        key = repr(sorted(setting.items()))
        if key not in curves:
            curves[key] = replay.curve(dict(setting), drawn)
        return curves[key]

    outcome = simulate(
        begun,
        lambda setting: replay.sign * curve(setting).report,
        truth=lambda setting: replay.sign * curve(setting).truth,
        epochs=round(trainings * task.epochs),
        workers=workers,
    )
    at = [max(0, round(point * task.epochs) - 1) for point in POINTS if point <= trainings]
    # of a start that diverged there is no value; a setting that is three times as far as a random one counts as that
    regret = np.clip((best - outcome.best[at]) / (best - median), None, 3.0)
    return {
        "regret": np.round(np.nan_to_num(regret, nan=3.0), 5).tolist(),
        "trials": outcome.trials, "decisions": outcome.decisions,
        "seconds": round(outcome.seconds, 3), "longest": round(outcome.longest, 4),
    }  # fmt: skip


def kept(arguments: argparse.Namespace, method: str, name: str, seed: int) -> Path:
    folder = f"{arguments.workers}-workers-{arguments.default}-{arguments.label}"
    return Path(arguments.results / folder / method.replace(" ", "-") / f"{name}-{seed}.json")


def work(given: tuple[argparse.Namespace, str, str, int]) -> None:
    arguments, method, name, seed = given
    path = kept(*given)
    found = search(method, name, seed, arguments.workers, arguments.default, arguments.trainings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found))


def table(found: Mapping[str, Mapping[str, np.ndarray]], tasks: Sequence[str]) -> Iterator[str]:
    """Rows of methods: the mean over tasks of the mean over seeds, with its standard error."""
    n = min(len(regrets[task][0]) for regrets in found.values() for task in tasks)
    heads = [f"{point:.2g}" for point in POINTS[:n]]
    yield f"| regret after trainings | {' | '.join(heads)} |"
    yield "|---" * (n + 1) + "|"
    for method, regrets in found.items():
        means = np.array([np.mean([one[:n] for one in regrets[task]], axis=0) for task in tasks])
        errors = means.std(axis=0, ddof=1) / np.sqrt(len(tasks)) if len(tasks) > 1 else np.zeros(n)
        cells = " | ".join(f"{mean:.3f} ± {error:.2f}" for mean, error in zip(means.mean(axis=0), errors, strict=True))
        yield f"| {method} | {cells} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path(".replay-runs"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="simulated, asynchronous")
    parser.add_argument("--default", choices=_DEFAULTS, default="usual")
    parser.add_argument("--trainings", type=float, default=30)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--label", default="now", help="of the package that is measured, to set versions side by side")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="NAME")
    there = [name for name in TASKS if (DATA / f"{name}.npz").exists()]
    parser.add_argument("--tasks", nargs="+", default=there, choices=there, metavar="TASK")
    arguments = parser.parse_args()
    given = [
        (arguments, method, name, seed)
        for name in arguments.tasks for method in arguments.methods for seed in range(arguments.seeds)
    ]  # fmt: skip
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, [one for one in given if not kept(*one).exists()]))
    found: dict[str, dict[str, list[list[float]]]] = {}
    for one in given:
        found.setdefault(one[1], {}).setdefault(one[2], []).append(json.loads(kept(*one).read_text())["regret"])
    print("\n".join(table(found, arguments.tasks)))


if __name__ == "__main__":
    main()
