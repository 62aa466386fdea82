"""Regret by epochs spent: see the README of this folder.

python benchmarks/lcbench/run.py --data FOLDER [--seeds 5] [--workers 1] [--methods ...] [--inside] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from methods import METHODS, Job, Timed
from surrogate import EPOCHS, Surrogate

POINTS = (1, 2, 3, 5, 10, 20, 30)  # full trainings' worth of epochs


def best_by_epoch(surrogate: Surrogate, task: str, name: str, seed: int, workers: int) -> tuple[np.ndarray, float]:
    """(30 x 52,): the best accuracy seen after each epoch; and seconds a decision. Simulated time, asynchronous."""
    in_all = POINTS[-1] * EPOCHS
    timed = Timed(METHODS[name](seed, POINTS[-1]))
    curves: dict[object, np.ndarray] = {}
    slots: list[Job | None] = [None] * workers
    best, trace = 0.0, np.zeros(in_all)
    spent = 0
    while spent < in_all:
        for slot in range(workers):
            if slots[slot] is None:
                slots[slot] = timed.next()
            job = slots[slot]
            if job is None or spent == in_all:
                continue
            trial, setting, epoch, last = job
            number = getattr(trial, "number", trial)
            if number not in curves:
                curves[number] = surrogate.curves(task, [setting])[0]
            accuracy = float(curves[number][epoch - 1])
            best = max(best, accuracy)
            trace[spent] = best
            spent += 1
            goes_on = timed.method.report(trial, epoch, accuracy)
            slots[slot] = (trial, setting, epoch + 1, last)
            if epoch == last or not goes_on:
                timed.method.done(trial)
                slots[slot] = None
    return trace, timed.seconds / timed.decisions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of model.onnx and tasks.json")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument(
        "--inside", action="store_true", help="only tasks whose best known setting is not in the corner"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    surrogate = Surrogate(arguments.data)
    references = known_references(surrogate)
    tasks = [task for task in surrogate.tasks if not (arguments.inside and references[task]["corner"])]
    traces: dict[str, np.ndarray] = {}
    seconds: dict[str, float] = {}
    for name in arguments.methods:
        runs = [
            [best_by_epoch(surrogate, t, name, seed, arguments.workers) for seed in range(arguments.seeds)]
            for t in tasks
        ]
        traces[name] = np.array([[trace for trace, _ in row] for row in runs])  # (tasks, seeds, epochs)
        seconds[name] = float(np.mean([spent for row in runs for _, spent in row]))
    median = np.array([references[task]["median"] for task in tasks])[:, np.newaxis, np.newaxis]
    seen = np.max([trace.max(axis=(1, 2)) for trace in traces.values()], axis=0)
    best = np.maximum([references[task]["best"] for task in tasks], seen)[:, np.newaxis, np.newaxis]
    print(f"{len(tasks)} tasks, {arguments.seeds} seeds, {arguments.workers} worker(s)\n")
    print("| regret after full trainings' worth of epochs | " + " | ".join(map(str, POINTS)) + " | ms a decision |")
    print("|---" * (len(POINTS) + 2) + "|")
    table = {}
    for name, trace in traces.items():
        regret = ((best - trace) / (best - median))[:, :, np.array(POINTS) * EPOCHS - 1].mean(axis=1)  # (tasks, points)
        mean, error = regret.mean(axis=0), regret.std(axis=0, ddof=1) / np.sqrt(len(tasks))
        cells = [f"{m:.2f} ± {e:.2f}" for m, e in zip(mean, error, strict=True)]
        print(f"| {name} | " + " | ".join(cells) + f" | {seconds[name] * 1e3:.1f} |", flush=True)
        table[name] = {"mean": mean.tolist(), "error": error.tolist(), "ms": seconds[name] * 1e3}
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1))


def known_references(surrogate: Surrogate) -> dict[str, dict[str, object]]:
    """Computed once, a minute a machine, and kept in the folder for temporary files."""
    path = Path(tempfile.gettempdir()) / "tunewell-lcbench-references.json"
    if path.exists():
        known = json.loads(path.read_text())
        if set(known) == set(surrogate.tasks):
            return known
    known = {task: surrogate.reference(task) for task in surrogate.tasks}
    path.write_text(json.dumps(known))
    return known


if __name__ == "__main__":
    main()
