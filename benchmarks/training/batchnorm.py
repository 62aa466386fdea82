"""What batch normalization buys: the range of learning rates that will do.

    pip install matplotlib numba threadpoolctl
    python benchmarks/training/batchnorm.py [--figure docs/figures/batchnorm.svg]

Networks of 1, 3 and 6 hidden layers of 64 ReLU units on the UCI digits, 20 epochs of SGD with momentum 0.9 and batches
of 64: without batch normalization, with it before each activation, and after. Each is trained at 25 learning rates
from 0.0001 to 100, four a decade, from several seeds. A rate will do if the mean accuracy on validation images is at
least 95 % of the best that the same kind of network reached at any rate; how many decades such rates span is what is
compared. The interval is that of 1,000 resamplings of the seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np

from tunewell import nn
from tunewell.demo import digits

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "tunewell", "font.size": 9}
from matplotlib import pyplot as plt  # noqa: E402  only after the backend is chosen

DEPTHS = (1, 3, 6)
NORMS = {None: "without", "before": "before the activation", "after": "after the activation"}
RATES = np.logspace(-4, 2, 25)
EPOCHS, GOOD = 20, 0.95


def accuracy(depth: int, norm: str | None, rate: float, seed: int) -> float:
    """On validation images, after the last epoch."""
    network = nn.Network([64, *[64] * depth, 10], norm=norm, seed=seed)
    trainer = nn.Trainer(network, *digits.part("train", 0), optimizer=nn.SGD(rate, momentum=0.9), seed=seed)
    for _ in range(EPOCHS):
        if not np.isfinite(trainer.epoch()):
            return 0.1  # diverged: no better than chance
    return network.evaluate(*digits.part("validation", 0))["accuracy"]


def decades(accuracies: np.ndarray) -> float:
    """(rates, seeds) -> the decades that good rates span."""
    mean = accuracies.mean(axis=1)
    good = np.log10(RATES[mean >= GOOD * mean.max()])
    return float(good.max() - good.min())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    figure, panels = plt.subplots(1, len(DEPTHS), figsize=(9, 2.8), sharey=True, layout="constrained")
    print(
        "| hidden layers | batch normalization | best accuracy | rates that will do | decades |\n|---|---|---|---|---|"
    )
    for depth, panel in zip(DEPTHS, panels, strict=True):
        for norm, words in NORMS.items():
            found = np.array([[accuracy(depth, norm, rate, seed) for seed in range(arguments.seeds)] for rate in RATES])
            mean = found.mean(axis=1)
            good = RATES[mean >= GOOD * mean.max()]
            rng = np.random.default_rng(0)
            spans = [decades(found[:, rng.integers(0, arguments.seeds, arguments.seeds)]) for _ in range(1000)]
            low, high = np.quantile(spans, [0.05, 0.95])
            print(
                f"| {depth} | {words} | {mean.max():.1%} | {good.min():.2g} to {good.max():.2g} "
                f"| {decades(found):.2f} ({low:.2f} to {high:.2f}) |",
                flush=True,
            )
            panel.plot(RATES, mean, label=words)
        panel.set(xscale="log", xlabel="learning rate", title=f"{depth} hidden layer{'s' if depth > 1 else ''}")
    panels[0].set_ylabel("accuracy on validation")
    panels[0].legend(title="batch normalization")
    if arguments.figure:
        arguments.figure.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(arguments.figure, metadata={"Date": None})


if __name__ == "__main__":
    main()
