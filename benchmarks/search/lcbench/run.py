"""Runs searches on LCBench's surrogate and keeps what each came to: see the README of this folder.

python benchmarks/search/lcbench/run.py --data FOLDER [--results .lcbench] [--seeds 5] [--workers 1] [--methods ...]

Runs that the results hold already are not done again, unless they are of another version of their method. Then
`report.py` makes tables and a figure of them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from methods import METHODS
from results import Key, write_run
from searches import TRAININGS, learn_references, parser, search, search_all, seed_of, surrogate_in


def run(key: Key, data: Path, results: Path) -> None:
    """One search, kept when it is done."""
    method = METHODS[key.method]
    write_run(results, search(key, method.begin(seed_of(key), TRAININGS), str(method.version), data))


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


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--workers", type=int, default=1, help="simulated, asynchronous; 1 if not given")
    options.add_argument(
        "--methods",
        nargs="+",
        default=list(METHODS),
        choices=list(METHODS),
        metavar="NAME",
        help=f"all if not given; some of: {', '.join(map(repr, METHODS))}",
    )
    arguments = options.parse_args()
    data, results = arguments.data, arguments.results
    learn_references(data, results)
    able = installed(arguments.methods)
    keys = [
        Key(name, task, seed, arguments.workers)
        for seed in range(arguments.seeds)
        for name in able
        for task in surrogate_in(data).tasks
    ]
    versions = {name: METHODS[name].version for name in able}
    search_all(run, keys, versions, data=data, results=results, processes=arguments.processes)


if __name__ == "__main__":
    main()
