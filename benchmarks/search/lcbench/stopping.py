"""Runs `auto` to the end and keeps what it expected to gain, at each decision: is its estimate any good?

python benchmarks/search/lcbench/stopping.py --data FOLDER [--results .lcbench] [--seeds 5]

The searches are those of `tunewell auto` in run.py, from the same seeds. None of them stops early: what would have been
lost by that is read from how they went on. `report.py` makes the tables; `calibration.py` says how to read them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from methods import AUTO, METHODS, Tunewell
from results import Key, watched, write_run
from searches import TRAININGS, learn_references, parser, search, search_all, seed_of, surrogate_in
from simulation import Job

VERSION = str(METHODS[AUTO].version)


class Observed(Tunewell):
    """Notes the study's outlook before each decision, where the study itself would hold `min_delta` against it."""

    def __init__(self, seed: int, trainings: int) -> None:
        super().__init__(seed, trainings)
        self.outlooks: list[tuple[int, float, float]] = []

    def next(self) -> Job | None:
        if (found := self.study.outlook()) is not None:
            self.outlooks.append((self.study.spent.epochs, found.gain, found.chance))
        return super().next()


def run(key: Key, data: Path, folder: Path) -> None:
    """One search, kept when it is done."""
    method = Observed(seed_of(key), TRAININGS)
    found = search(key, method, VERSION, data)
    write_run(folder, replace(found, outlooks=method.outlooks))


def main() -> None:
    arguments = parser(__doc__).parse_args()
    data, results = arguments.data, arguments.results
    learn_references(data, results)
    tasks = surrogate_in(data).tasks
    keys = [Key(AUTO, task, seed, workers=1) for seed in range(arguments.seeds) for task in tasks]
    search_all(run, keys, {AUTO: VERSION}, data=data, results=watched(results), processes=arguments.processes)


if __name__ == "__main__":
    main()
