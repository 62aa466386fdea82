"""What past studies are worth: a search on each task that is given the studies of all other tasks, to begin with.

python benchmarks/search/lcbench/transfer.py --data FOLDER [--results .lcbench] [--seeds 5]

A past study is `auto`'s own, of 30 trainings, on one task. Each process makes them all anew, the same ones each time.
That of the task which is searched is left out, as in real use, where the past is of other data. `report.py` sets the
runs beside those of `tunewell auto`, the same search with nothing to begin with, from the same seeds.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from methods import AUTO, METHODS, PAST, Tunewell
from results import Key, write_run
from searches import TRAININGS, learn_references, parser, search, search_all, seed_of, surrogate_in

import tunewell as tw

VERSION = str(METHODS[AUTO].version)


@cache
def past_studies(data: Path) -> Mapping[str, tw.Study]:
    """A study of each task, some minutes in all."""
    found = {}
    for task in surrogate_in(data).tasks:
        # a seed of no search that is measured
        method = Tunewell(zlib.crc32(f"past {task}".encode()) >> 1, TRAININGS)
        search(Key(AUTO, task, 0, workers=1), method, VERSION, data)
        found[task] = method.study
    return found


def run(key: Key, data: Path, results: Path) -> None:
    """One search, kept when it is done."""
    others = [study for task, study in past_studies(data).items() if task != key.task]
    write_run(results, search(key, Tunewell(seed_of(key), TRAININGS, warm_start=others), VERSION, data))


def main() -> None:
    arguments = parser(__doc__).parse_args()
    data, results = arguments.data, arguments.results
    learn_references(data, results)
    tasks = surrogate_in(data).tasks
    keys = [Key(PAST, task, seed, workers=1) for seed in range(arguments.seeds) for task in tasks]
    search_all(run, keys, {PAST: VERSION}, data=data, results=results, processes=arguments.processes)


if __name__ == "__main__":
    main()
