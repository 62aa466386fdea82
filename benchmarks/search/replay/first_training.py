"""Rules for the first training of a search, played on whole curves with no model: how good is the best, and when?

python benchmarks/search/replay/first_training.py [--lcbench FOLDER]

A rule gives the default a look at once, up to one of four rungs, and others one at the first rung. If none of the first
few was better than the default when it was as old, it is trained to its end. When there were so many looks, the best so
far goes on to its next rung, again and again. So rules are compared by thousands of draws in seconds; what a model
would make of the same looks is not known by that. Others are the settings that were trained, drawn anew twelve times.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from arena import DATA, Trained
from tasks import TASKS

POINTS = (1 / 3, 1 / 2, 2 / 3, 1, 1.5)  # trainings
DRAWS = 12
NEVER, ALWAYS = 10**6, 0


@dataclass(frozen=True, slots=True)
class Rule:
    """`rung`: of the default's first look; `rivals`: looks at others before it may go on; `looks`: at all, with it."""

    name: str
    rung: int
    rivals: int
    looks: int


RULES = (
    Rule("14 looks", 0, NEVER, 14),
    Rule("the default straight on", 3, NEVER, 8),
    Rule("a ninth, 3 rivals, 8 looks", 1, 3, 8),
    Rule("a ninth, 5 rivals, 8 looks", 1, 5, 8),
    Rule("a look, 7 rivals, 8 looks", 0, 7, 8),
)


def spent(rule: Rule, curves: np.ndarray) -> Iterator[float]:
    """What each epoch gave, more is better; the first curve is the default's, others are looked at in their order."""
    epochs = curves.shape[1]
    rungs = sorted({max(1, round(epochs / 3**n)) for n in range(4)})
    first = rungs[0] - 1
    reached: dict[int, int] = {}

    def train(trial: int, until: int) -> Iterator[float]:
        yield from curves[trial, reached.get(trial, 0) : until]
        reached[trial] = until

    yield from train(0, rungs[min(rule.rung, len(rungs) - 1)])
    for trial in range(1, rule.looks):
        yield from train(trial, rungs[0])
        if trial == rule.rivals and not (curves[1 : trial + 1, first] > curves[0, first]).any():
            yield from train(0, epochs)
    while paused := [trial for trial, until in reached.items() if until < epochs]:
        best = max(paused, key=lambda trial: curves[trial, : reached[trial]].max())
        yield from train(best, next(rung for rung in rungs if rung > reached[best]))


def regret(rule: Rule, curves: np.ndarray) -> np.ndarray:
    """At each of `POINTS`, where the median setting is 1 away from the best; the mean of the draws."""
    best = curves.max(axis=1)
    found = []
    for draw in range(DRAWS):
        order = 1 + np.random.default_rng(draw).permutation(len(curves) - 1)
        seen = np.maximum.accumulate(list(spent(rule, curves[np.r_[0, order]])))
        at = [min(len(seen), max(1, round(point * curves.shape[1]))) - 1 for point in POINTS]
        found.append(np.clip((best.max() - seen[at]) / (best.max() - np.median(best)), None, 3.0))
    mean: np.ndarray = np.mean(found, axis=0)
    return mean


def replayed() -> Iterator[np.ndarray]:
    """Of each task with data, the curves of settings from all over the space, the default first; more is better."""
    for name, task in TASKS.items():
        if (DATA / f"{name}.npz").exists():
            curves = Trained.of(name).curves[:80]
            curves = curves if task.metric == "val_accuracy" else -np.log(curves + 1e-3)
            yield np.where(np.isnan(curves), np.nanmin(curves), curves)


def of_lcbench(folder: Path) -> Iterator[np.ndarray]:
    sys.path.append(str(Path(__file__).parents[1] / "lcbench"))
    from problem import DEFAULT, SPACE  # noqa: PLC0415  only where its surrogate is at hand

    from surrogate import Surrogate  # noqa: PLC0415

    surrogate, rng = Surrogate(folder), np.random.default_rng(0)
    for task in surrogate.tasks:
        yield surrogate.curves(task, [DEFAULT, *SPACE.decode_many(rng.random((100, len(SPACE.params))))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lcbench", type=Path, help="the folder of its surrogate, to play on it too")
    arguments = parser.parse_args()
    arenas = {"replay": list(replayed())}
    if arguments.lcbench:
        arenas["LCBench"] = list(of_lcbench(arguments.lcbench))
    print(f"| regret after trainings | | {' | '.join(f'{point:.2g}' for point in POINTS)} |\n{'|---' * 7}|")
    for rule in RULES:
        for arena, tasks in arenas.items():
            means = np.mean([regret(rule, curves) for curves in tasks], axis=0)
            print(f"| {rule.name} | {arena} | {' | '.join(f'{mean:.3f}' for mean in means)} |", flush=True)


if __name__ == "__main__":
    main()
