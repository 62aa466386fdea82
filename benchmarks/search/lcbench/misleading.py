"""What a past costs that misleads: searches that are given a good past, none, and three that are wrong.

python benchmarks/search/lcbench/misleading.py --data FOLDER [--seeds 1] [--trainings 10] [--every 1] [--kinds ...]

A past is 40 random settings, trained in full, of each task of the half that is not searched; each half is searched with
the other for its past. Kinds:

    good      the studies as they are
    mirrored  each setting with the curve of its mirror image, all parameters from the other end of their ranges
    depth     the same of the number of layers alone: a past that counted it the other way round
    other     real trainings of small networks on small data (`../replay`), by the same names: another kind of network

It prints each kind's regret after so many trainings' worth of epochs, and how far it is from that of none, with the
standard error over runs.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
from methods import METHODS, Tunewell
from problem import EPOCHS, SPACE
from results import Key, read_references, read_run, write_run
from searches import learn_references, parser, search, search_all, seed_of, surrogate_in

import tunewell as tw

KINDS = ("none", "good", "mirrored", "depth", "other")
POINTS = (1, 2, 3, 5, 7, 10, 15, 20, 30)
SETTINGS = 40
NAMES = {"hidden_units": "max_units", "layers": "num_layers", "dropout": "max_dropout"}
"""Of the replayed networks' parameters, by what they are here."""
VERSION = str(METHODS["tunewell auto"].version)


@cache
def pasts(data: Path, kind: str, half: int) -> list[tw.Study]:
    """The studies of one half of the tasks; of `other`, the same for both."""
    if kind == "none":
        return []
    if kind == "other":
        return list(_replayed())
    surrogate = surrogate_in(data)
    found = []
    for task in surrogate.tasks[half::2]:
        points = SPACE.rounded(np.random.default_rng(zlib.crc32(task.encode())).random((SETTINGS, len(SPACE.names))))
        seen_at = points.copy()
        turned = {"good": [], "mirrored": list(SPACE.names), "depth": ["num_layers"]}[kind]
        columns = [SPACE.names.index(name) for name in turned]
        seen_at[:, columns] = 1 - seen_at[:, columns]
        curves = surrogate.curves(task, SPACE.decode_many(seen_at))
        found.append(_study(SPACE, SPACE.decode_many(points), curves, "val_accuracy"))
    return found


def _replayed() -> Iterator[tw.Study]:
    sys.path.append(str(Path(__file__).parents[1] / "replay"))
    from arena import Trained  # noqa: PLC0415  scikit-learn is needed for this past alone
    from tasks import TASKS  # noqa: PLC0415

    for name, task in TASKS.items():
        if task.optimizer != "sgd" or task.network != "dense":
            continue
        trained = Trained.of(name)
        some = np.flatnonzero(trained.seeds == 0)[:SETTINGS]
        space = tw.Space({NAMES.get(name, name): param for name, param in task.space.params.items()})
        yield _study(space, space.decode_many(trained.points[some]), trained.curves[some], task.metric)


def _study(space: tw.Space, settings: list[Mapping[str, object]], curves: np.ndarray, metric: str) -> tw.Study:
    """Study of these settings, each trained in full."""
    study = tw.Study(
        space,
        metric=metric,
        max_epochs=curves.shape[1],
        budget=f"{len(settings)}trials",
        scheduler="full",
        first=settings,
    )
    while (step := study.ask()) is not None:
        for epoch in step.epochs:
            if not study.report(step.trial, epoch, **{metric: float(curves[step.trial][epoch - 1])}):
                break
        study.tell(step.trial)
    return study


def run(key: Key, data: Path, results: Path) -> None:
    """One search, kept when it is done."""
    half = surrogate_in(data).tasks.index(key.task) % 2
    kind, trainings = key.method.rsplit(" ", 1)
    begun = Tunewell(seed_of(key), int(trainings), warm_start=pasts(data, kind.removeprefix("past "), 1 - half))
    write_run(results, search(key, begun, VERSION, data, trainings=int(trainings)))


def main() -> None:
    options = parser(__doc__)
    options.set_defaults(seeds=1)
    options.add_argument("--trainings", type=int, default=10, help="each search is so many long; 10 if not given")
    options.add_argument("--every", type=int, default=1, help="every so many tasks; all if not given")
    options.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    arguments = options.parse_args()
    data, results = arguments.data, arguments.results
    learn_references(data, results)
    tasks = surrogate_in(data).tasks[:: arguments.every]
    keys = {
        kind: [
            Key(f"past {kind} {arguments.trainings}", task, seed, workers=1)
            for seed in range(arguments.seeds)
            for task in tasks
        ]
        for kind in arguments.kinds
    }
    every = [key for of_kind in keys.values() for key in of_kind]
    versions = dict.fromkeys((key.method for key in every), VERSION)
    search_all(run, every, versions, data=data, results=results, processes=arguments.processes)
    known = read_references(results)
    points = [point for point in POINTS if point <= arguments.trainings]
    regrets = {}
    for kind, of_kind in keys.items():
        rows = []
        for key in of_kind:
            best, reference = read_run(key.path(results)).best, known[key.task]
            at = best[[point * EPOCHS - 1 for point in points]]
            rows.append((reference.best - at) / (reference.best - reference.median))
        regrets[kind] = np.array(rows)
    print(f"| past | {' | '.join(f'{point}' for point in points)} |")
    print("|---" * (1 + len(points)) + "|")
    for kind, found in regrets.items():
        print(f"| {kind} | {' | '.join(f'{value:.3f}' for value in found.mean(axis=0))} |")
        if kind != "none" and "none" in regrets:
            off = found - regrets["none"]
            errors = off.std(axis=0, ddof=1) / np.sqrt(len(off))
            cells = (f"{mean:+.3f} ± {error:.3f}" for mean, error in zip(off.mean(axis=0), errors, strict=True))
            print(f"| | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
