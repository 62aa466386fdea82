"""Normalized regret: how far the best seen is from the best known, where a random setting is 1 away.

Seeds are averaged first, then tasks: the standard error is that of the mean over tasks.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from methods import METHODS
from problem import EPOCHS
from results import Reference, Run


@dataclass(frozen=True, slots=True)
class Regret:
    """Of a method with so many workers. `by_task`: the mean over seeds, (tasks, epochs)."""

    by_task: np.ndarray
    runs: Sequence[Run]

    @property
    def mean(self) -> np.ndarray:
        """Over tasks, (epochs,)."""
        return self.by_task.mean(axis=0)

    @property
    def error(self) -> np.ndarray:
        """The standard error of the mean over tasks, (epochs,)."""
        n_tasks = len(self.by_task)
        return self.by_task.std(axis=0, ddof=1) / np.sqrt(n_tasks) if n_tasks > 1 else np.full(self.mean.shape, np.nan)

    @property
    def seeds(self) -> int:
        """How many, where tasks differ the least."""
        counts: dict[str, int] = defaultdict(int)
        for run in self.runs:
            counts[run.key.task] += 1
        return min(counts.values())

    @property
    def milliseconds(self) -> float:
        """Of processor time a decision."""
        return 1e3 * sum(run.seconds for run in self.runs) / sum(run.decisions for run in self.runs)

    @property
    def idle(self) -> float:
        """The share of the workers' time that was spent waiting."""
        return float(np.mean([run.idle for run in self.runs]))

    def needed(self, goal: float) -> float | None:
        """Full trainings' worth of epochs until the mean is no more than a goal; None if it never is."""
        there = np.flatnonzero(self.mean <= goal)
        return (int(there[0]) + 1) / EPOCHS if there.size else None


def best_known(runs: Sequence[Run], references: Mapping[str, Reference]) -> dict[str, float]:
    """Of each task that has runs: the best that any of them has seen, if that is better than the reference's."""
    best = {run.key.task: references[run.key.task].best for run in runs}
    for run in runs:
        best[run.key.task] = max(best[run.key.task], run.gains[-1][1])
    return best


def regrets(runs: Sequence[Run], references: Mapping[str, Reference], tasks: Sequence[str]) -> dict[str, Regret]:
    """Of each method that has runs on all of the tasks; in the order in which methods are listed."""
    known = best_known(runs, references)
    best = {task: known[task] for task in tasks}
    by_method: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.key.task in best:
            by_method[run.key.method][run.key.task].append(run)
    found = {}
    for method in sorted(by_method, key=[*METHODS, *by_method].index):
        own = by_method[method]
        if set(own) != set(best):
            print(f"{method}: left out, since it has run on {len(own)} of {len(best)} tasks", file=sys.stderr)
            continue
        by_task = [
            np.mean([(best[t] - run.best) / (best[t] - references[t].median) for run in own[t]], axis=0) for t in tasks
        ]
        found[method] = Regret(np.array(by_task), [run for task in tasks for run in own[task]])
    return found
