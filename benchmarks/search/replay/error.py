"""How far replayed curves are from trained ones that the models of `arena` have not seen: a table, by task.

python benchmarks/search/replay/error.py [--tasks ...]

Each setting is left out in one of four folds. The error is that of the metric at the last epoch, its median over
settings; beside it, that of the better half alone, and what another seed changes, where settings were trained from
several. Ranks are Spearman's, over all settings and over the better half, where a search spends its time.
"""

from __future__ import annotations

import argparse

import numpy as np
from arena import DATA, Replay, Trained
from scipy.stats import spearmanr
from tasks import TASKS

FOLDS = 4


def row(name: str) -> str:
    """The task's, in Markdown."""
    task, trained = TASKS[name], Trained.of(name)
    alone = np.flatnonzero((trained.seeds == 0) & ~np.isnan(trained.curves[:, -1]))
    said = np.empty(len(alone))
    fold = np.random.default_rng(0).permutation(len(alone)) % FOLDS
    for n in range(FOLDS):
        kept = np.setdiff1d(np.arange(len(trained.seeds)), alone[fold == n])
        replay = Replay(task, Trained(trained.points[kept], trained.seeds[kept], trained.curves[kept]))
        said[fold == n] = replay.scale.back(replay.smoothed(trained.points[alone[fold == n]]))[:, -1]
    true = trained.curves[alone, -1]
    sign = -1 if task.metric == "val_accuracy" else 1
    better = np.argsort(sign * true)[: len(true) // 2]
    off = np.abs(said - true)
    seeds = [
        trained.curves[(trained.points == point).all(axis=1), -1].std(ddof=1)
        for point in np.unique(trained.points[trained.seeds > 0], axis=0)
    ]
    noise = f"{np.nanmedian(seeds):.3f}" if seeds else ""
    ranks = spearmanr(said, true).statistic, spearmanr(said[better], true[better]).statistic
    return (
        f"| {name} | {task.family} | {len(alone)} | {np.median(off):.3f} | {np.median(off[better]):.3f} | {noise} "
        f"| {ranks[0]:.2f} | {ranks[1]:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    there = [name for name in TASKS if (DATA / f"{name}.npz").exists()]
    parser.add_argument("--tasks", nargs="+", default=there, choices=there, metavar="TASK")
    arguments = parser.parse_args()
    print("| task | family | settings | error | of the better half | of a seed | ranks | of the better half |")
    print("|---" * 8 + "|")
    for name in arguments.tasks:
        print(row(name), flush=True)


if __name__ == "__main__":
    main()
