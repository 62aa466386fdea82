"""The network engine of tunewell; it has dense layers alone."""

from __future__ import annotations

from problem import EpochEnds, Predict, Task

from tunewell import nn

PACKAGES = ("tunewell", "numba")
IMPORTS = "tunewell.nn"


def fit(task: Task, seed: int, epoch_ends: EpochEnds) -> Predict | None:
    """Train, and return what predicts; None if it has no such network."""
    if task.is_image:
        return None
    # the lines from here on are counted
    network = nn.Network([64, 100, 10], seed=seed)
    optimizer = nn.SGD(task.rate, momentum=0.9)
    trainer = nn.Trainer(network, task.x, task.y, batch_size=32, optimizer=optimizer, seed=seed)
    for _ in range(task.epochs):
        trainer.epoch()
        epoch_ends()
    return network.logits
