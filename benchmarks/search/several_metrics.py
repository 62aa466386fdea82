"""How much of the front is found: several metrics at once, beside Optuna's NSGA-II and TPE and random search.

    python benchmarks/search/several_metrics.py [--seeds 5] [--without-optuna]

Two generated problems with learning curves, an error against the size of the network, and an error against latency in
five parameters of which two pull apart; and real trainings on the handwritten digits, error against weights. The
hypervolume of what was reported, as a share of that of many random settings trained to their end (20,000; of the
digits 300), after 10, 20 and 30 trainings' worth of epochs. Only tunewell's `auto` leaves trials early. Means over
seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

import tunewell as tw
from tunewell import nn
from tunewell.demo.digits import part

EPOCHS, AT = 9, (10, 20, 30)
Reports = list[tuple[float, float]]


@dataclass(frozen=True)
class Problem:
    """Two numbers to be minimized, as functions of a setting and an epoch."""

    name: str
    space: tw.Space
    measure: Callable[[Mapping[str, float], int], tuple[float, float]]
    reference: tuple[float, float]
    n_known: int = 20_000
    """So many random settings are what a front is compared with."""


def size_and_error(p: Mapping[str, float], epoch: int) -> tuple[float, float]:
    size = p["hidden"] ** 2 * p["layers"] * 4 / 1e6
    off = min((np.log10(p["learning_rate"]) + 1.3) ** 2 / 10, 0.5)
    return 0.02 + 0.5 / (p["hidden"] * p["layers"]) ** 0.5 + off + 0.3 * np.exp(-0.5 * epoch), float(np.log10(size) + 4)


def latency_and_error(p: Mapping[str, float], epoch: int) -> tuple[float, float]:
    wide, deep = p["width"], p["depth"]
    rate = min((np.log10(p["learning_rate"]) + 2 - wide) ** 2 / 6, 0.6)
    decay = (p["decay"] - 0.3 * deep) ** 2 / 2
    noise = 0.1 * (1 - p["momentum"])
    error = 0.05 + 0.3 * (1 - wide) ** 2 + 0.25 * (1 - deep) ** 2 + rate + decay + noise + 0.4 * np.exp(-0.4 * epoch)
    return error, 0.1 + wide**2 + 0.7 * deep


@cache
def _trained(setting: tuple[tuple[str, float], ...]) -> list[float]:
    """The error on validation images after each epoch, of a network of the engine."""
    p = dict(setting)
    images, labels = part("train", 0)
    unseen, truth = part("validation", 0)
    network = nn.Network([64, *[int(p["hidden"])] * int(p["layers"]), 10], seed=0)
    optimizer = nn.SGD(p["learning_rate"], momentum=p["momentum"])
    trainer = nn.Trainer(network, images, labels, optimizer=optimizer, batch_size=32, seed=0)
    errors = []
    for _ in range(EPOCHS):
        trainer.epoch()
        errors.append(1 - network.evaluate(unseen, truth)["accuracy"])
    return errors


def digits(p: Mapping[str, float], epoch: int) -> tuple[float, float]:
    hidden, layers = p["hidden"], p["layers"]
    weights = 64 * hidden + hidden * hidden * (layers - 1) + 10 * hidden
    return _trained(tuple(sorted(p.items())))[epoch - 1], float(np.log10(weights))


PROBLEMS = [
    Problem(
        "size",
        tw.Space(
            learning_rate=tw.Float(1e-3, 1.0, scale="log"), hidden=tw.Int(8, 512, scale="log"), layers=tw.Int(1, 6)
        ),
        size_and_error,
        (1.0, 6.0),
    ),
    Problem(
        "latency",
        tw.Space(
            learning_rate=tw.Float(1e-4, 1.0, scale="log"),
            width=tw.Float(0.0, 1.0),
            depth=tw.Float(0.0, 1.0),
            decay=tw.Float(0.0, 1.0),
            momentum=tw.Float(0.5, 0.99, scale="log1m"),
        ),
        latency_and_error,
        (1.5, 2.0),
    ),
    Problem(
        "digits",
        tw.Space(
            learning_rate=tw.Float(1e-3, 1.0, scale="log"),
            hidden=tw.Int(2, 256, scale="log"),
            layers=tw.Int(1, 3),
            momentum=tw.Float(0.5, 0.99, scale="log1m"),
        ),
        digits,
        (0.9, 5.5),
        n_known=300,
    ),
]


def hypervolume(points: NDArray[np.float64], reference: tuple[float, float]) -> float:
    """Of two metrics: the area that points are better in, up to the reference."""
    inside = points[(points < reference).all(axis=1)]
    inside = inside[np.lexsort(inside.T[::-1])]
    area, lowest = 0.0, reference[1]
    for first, second in inside:
        if second < lowest:
            area += (reference[0] - first) * (lowest - second)
            lowest = second
    return area


def ours(problem: Problem, scheduler: str, sampler: str | None, seed: int) -> list[Reports]:
    """What had been reported when each whole training's worth of epochs was spent."""
    study = tw.Study(
        problem.space,
        metrics={"a": "minimize", "b": "minimize"},
        max_epochs=EPOCHS,
        budget=max(AT),
        scheduler=scheduler,
        sampler=sampler,
        seed=seed,
        store=tw.MemoryStore(),
    )
    seen: Reports = []
    by_training: list[Reports] = []
    while (step := study.ask()) is not None:
        for epoch in step.epochs:
            a, b = problem.measure(step.params, epoch)
            seen.append((a, b))
            study.report(step.trial, epoch, a=a, b=b)
            if len(seen) % EPOCHS == 0:
                by_training.append([*seen])
        study.tell(step.trial)
    return by_training


def optunas(problem: Problem, sampler: str, seed: int) -> list[Reports]:
    import optuna  # noqa: PLC0415  only where it is compared with

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    made = {"NSGA-II": optuna.samplers.NSGAIISampler, "TPE": optuna.samplers.TPESampler}[sampler](seed=seed)
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=made)
    distributions = {}
    for name, param in problem.space.params.items():
        if isinstance(param, tw.Int):
            distributions[name] = optuna.distributions.IntDistribution(param.low, param.high, log=param.scale == "log")
        else:
            distributions[name] = optuna.distributions.FloatDistribution(
                param.low, param.high, log=param.scale == "log"
            )
    seen: Reports = []
    by_training = []
    for _ in range(max(AT)):
        trial = study.ask(distributions)
        values = problem.measure(trial.params, EPOCHS)
        study.tell(trial, values)
        seen.append(values)
        by_training.append([*seen])
    return by_training


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--without-optuna", action="store_true")
    given = parser.parse_args()
    methods: dict[str, Callable[[Problem, int], list[Reports]]] = {
        "tunewell, auto": lambda problem, seed: ours(problem, "auto", None, seed),
        "tunewell, random in full": lambda problem, seed: ours(problem, "full", "random", seed),
    }
    if not given.without_optuna:
        methods["Optuna, NSGA-II"] = lambda problem, seed: optunas(problem, "NSGA-II", seed)
        methods["Optuna, TPE"] = lambda problem, seed: optunas(problem, "TPE", seed)
    print(f"| problem | method | {' | '.join(f'at {n}' for n in AT)} |")
    print("|---|---|---|---|---|")
    for problem in PROBLEMS:
        points = np.random.default_rng(0).random((problem.n_known, len(problem.space.params)))
        known = np.array([problem.measure(problem.space.decode(point), EPOCHS) for point in points])
        whole = hypervolume(known, problem.reference)
        for name, search in methods.items():
            found = [search(problem, seed) for seed in range(given.seeds)]
            shares = [
                fmean(hypervolume(np.array(one[min(n, len(one)) - 1]), problem.reference) / whole for one in found)
                for n in AT
            ]
            print(f"| {problem.name} | {name} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
