"""Tables and a figure of the runs that `run.py` has kept: regret against full trainings' worth of epochs.

python benchmarks/lcbench/report.py [--results .lcbench] [--markdown FILE] [--figure docs/figures/search.svg]

Of each method, the runs that are there: a method that lacks a task is left out, and said to be.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from methods import METHODS, RANDOM
from problem import EPOCHS
from results import Reference, Run, read_references, read_runs

POINTS = (1, 2, 3, 5, 10, 20, 30)  # full trainings' worth of epochs


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


def regrets(runs: Sequence[Run], references: Mapping[str, Reference], tasks: Sequence[str]) -> dict[str, Regret]:
    """Of each method that has runs on all of the tasks; in the order in which methods are listed.

    The best known of a task is the best that any of the runs has seen, if that is better than the reference's.
    """
    best = {task: max([references[task].best, *(r.gains[-1][1] for r in runs if r.key.task == task)]) for task in tasks}
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


def table(found: Mapping[str, Regret]) -> Iterator[str]:
    """The rows, in Markdown."""
    goal = found[RANDOM].mean[-1] if RANDOM in found else None
    yield (
        f"| regret after full trainings' worth of epochs | {' | '.join(map(str, POINTS))} "
        "| trainings to random search's at 30 | ms a decision | seeds |"
    )
    yield "|---" * (len(POINTS) + 4) + "|"
    at = np.array(POINTS) * EPOCHS - 1
    for method, regret in found.items():
        cells = [f"{m:.2f} ± {e:.2f}" for m, e in zip(regret.mean[at], regret.error[at], strict=True)]
        needed = "" if goal is None else _trainings(regret.needed(goal))
        yield f"| {method} | {' | '.join(cells)} | {needed} | {regret.milliseconds:.1f} | {regret.seeds} |"


def _trainings(needed: float | None) -> str:
    return f"more than {POINTS[-1]}" if needed is None else f"{needed:.1f}"


def speedup_table(alone: Mapping[str, Regret], together: Mapping[str, Regret]) -> Iterator[str]:
    """What deciding with less known costs at equal epochs: the regret of several workers over that of one."""
    yield f"| regret of several workers over one's | {' | '.join(map(str, POINTS))} | workers idle |"
    yield "|---" * (len(POINTS) + 2) + "|"
    at = np.array(POINTS) * EPOCHS - 1
    for method, regret in together.items():
        if method in alone:
            ratios = regret.mean[at] / alone[method].mean[at]
            yield f"| {method} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} | {regret.idle:.0%} |"


def pages(runs: Sequence[Run], references: Mapping[str, Reference]) -> Iterator[str]:
    """The whole report, a line at a time."""
    tasks = sorted({run.key.task for run in runs})
    inside = [task for task in tasks if not references[task].corner]
    by_workers: dict[int, dict[str, Regret]] = {}
    for workers in sorted({run.key.workers for run in runs}):
        own = [run for run in runs if run.key.workers == workers]
        title = "One worker" if workers == 1 else f"{workers} asynchronous workers"
        for chosen, words in ((tasks, "all tasks"), (inside, "tasks whose best known setting is not in the corner")):
            found = regrets(own, references, chosen) if chosen else {}
            if found:
                yield f"## {title}, {words} ({len(chosen)})"
                yield ""
                yield from table(found)
                yield ""
            if chosen is tasks:
                by_workers[workers] = found
        if workers > 1 and 1 in by_workers:
            yield from speedup_table(by_workers[1], by_workers[workers])
            yield ""
    yield from versions(runs)


def versions(runs: Sequence[Run]) -> Iterator[str]:
    """What the runs are runs of; one that was made of two versions is told."""
    by_method: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        by_method[run.key.method].add(run.version)
    for method, known in sorted(by_method.items()):
        if len(known) > 1:
            yield f"Mixed: {method} has runs of {', '.join(sorted(known))}."
    yield f"Versions: {', '.join(sorted(set().union(*by_method.values())))}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, nargs="+", default=[Path(".lcbench")], help="folders that keep runs")
    parser.add_argument("--markdown", type=Path, help="where the tables go; to standard output if not given")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="those in the figure; all if not given")
    arguments = parser.parse_args()
    runs = [run for folder in arguments.results for run in read_runs(folder)]
    references: dict[str, Reference] = {}
    for folder in arguments.results:
        references |= read_references(folder)
    if not runs:
        sys.exit("no runs in the results; python benchmarks/lcbench/run.py makes some")
    text = "\n".join(pages(runs, references))
    if arguments.markdown:
        arguments.markdown.write_text(f"# Regret on LCBench\n\nMade by `make bench-search`; see README.md.\n\n{text}\n")
    else:
        print(text)
    if arguments.figure:
        from figure import draw  # noqa: PLC0415  Matplotlib is needed by no table

        alone = [run for run in runs if run.key.workers == 1]
        found = regrets(alone, references, sorted({run.key.task for run in alone}))
        draw({name: found[name] for name in arguments.methods or found if name in found}, arguments.figure)


if __name__ == "__main__":
    main()
