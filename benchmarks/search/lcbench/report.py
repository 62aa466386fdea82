"""Tables and a figure of the runs that `run.py` has kept: regret against full trainings' worth of epochs.

python benchmarks/search/lcbench/report.py [--results .lcbench] [--markdown FILE] [--figure docs/figures/search.svg]

Of each method, the runs that are there: a method that lacks a task is left out, and said to be.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from calibration import outlook_pages
from methods import AUTO, PAST, RANDOM
from problem import EPOCHS
from regret import Regret, best_known, regrets
from results import Reference, Run, read_references, read_runs, watched

POINTS = (1, 2, 3, 5, 10, 20, 30)  # full trainings' worth of epochs


def table(found: Mapping[str, Regret], methods: Collection[str]) -> Iterator[str]:
    """The rows of some of the methods, in Markdown."""
    goal = found[RANDOM].mean[-1] if RANDOM in found else None
    yield (
        f"| regret after full trainings' worth of epochs | {' | '.join(map(str, POINTS))} "
        "| trainings to random search's at 30 | ms a decision | seeds |"
    )
    yield "|---" * (len(POINTS) + 4) + "|"
    at = np.array(POINTS) * EPOCHS - 1
    for method in methods:
        regret = found[method]
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


def pages(runs: Sequence[Run], references: Mapping[str, Reference], watched_runs: Sequence[Run] = ()) -> Iterator[str]:
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
                yield from table(found, [name for name in found if name != PAST])
                yield ""
            if PAST in found:
                yield "Each task with past studies of all others, beside the same search without:"
                yield ""
                yield from table(found, [name for name in (AUTO, PAST) if name in found])
                yield ""
            if chosen is tasks:
                by_workers[workers] = found
        if workers > 1 and 1 in by_workers:
            yield from speedup_table(by_workers[1], by_workers[workers])
            yield ""
    if watched_runs:
        yield from outlook_pages(watched_runs, references, best_known([*runs, *watched_runs], references))
    yield from versions([*runs, *watched_runs])


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
    parser.add_argument(
        "--results",
        type=Path,
        nargs="+",
        default=[Path(".lcbench")],
        help="folders; of a run that several have, the last's",
    )
    parser.add_argument("--markdown", type=Path, help="where the tables go; to standard output if not given")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="those in the figure; all if not given")
    arguments = parser.parse_args()
    runs = _read(arguments.results)
    references: dict[str, Reference] = {}
    for folder in arguments.results:
        references |= read_references(folder)
    if not runs:
        sys.exit("no runs in the results; python benchmarks/search/lcbench/run.py makes some")
    text = "\n".join(pages(runs, references, _read([watched(folder) for folder in arguments.results])))
    if arguments.markdown:
        arguments.markdown.write_text(f"# Regret on LCBench\n\nMade by `make bench-search`; see README.md.\n\n{text}\n")
    else:
        print(text)
    if arguments.figure:
        from figure import draw  # noqa: PLC0415  Matplotlib is needed by no table

        alone = [run for run in runs if run.key.workers == 1 and run.key.method != PAST]
        found = regrets(alone, references, sorted({run.key.task for run in alone}))
        draw({name: found[name] for name in arguments.methods or found if name in found}, arguments.figure)


def _read(folders: Sequence[Path]) -> list[Run]:
    return list({run.key: run for folder in folders for run in read_runs(folder)}.values())


if __name__ == "__main__":
    main()
