"""Handwritten digits: a plain NumPy network with a space of hyperparameters, ready to be tuned and to be copied.

    tunewell tune examples/digits.py --budget 15

Images of 8 x 8 pixels in, ten classes out, one hidden layer. What a tuner needs is `space`, `metric` and `train`.
Shapes: N is the batch, H the hidden units.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

import tunewell as tw

Floats = NDArray[np.float32]
Labels = NDArray[np.intp]
Network = dict[str, Floats]

EPOCHS = 60
metric = "val_accuracy"
space = tw.Space(
    learning_rate=tw.learning_rate(optimizer="sgd"),
    batch_size=tw.batch_size(),
    hidden_units=tw.hidden_units(),
    momentum=tw.momentum(),
    dropout=tw.dropout(),
    weight_decay=tw.weight_decay(),
    lr_decay=tw.Float(0.0, 1.0, tier=3, default=1.0),  # the share of the learning rate that is gone by the last epoch
    shift=tw.Float(0.0, 1.0, tier=3, default=0.3),  # the share of images that are moved by a pixel, anew in each batch
)


def train(run: tw.Run, split: int = 0) -> None:
    """Train one network with the run's setting; `split` seeds the division of the images into parts."""
    p = run.params
    images, labels = part("train", split)
    network = new_network(p.hidden_units, run.rng)
    velocity = {name: np.zeros_like(weights) for name, weights in network.items()}
    run.track(network=network, velocity=velocity)

    for epoch in run.epochs(EPOCHS):
        rate = p.learning_rate * (1 - p.lr_decay * (epoch - 1) / EPOCHS)
        losses = []
        for batch in batches(len(images), p.batch_size, run.rng):
            seen = shifted(images[batch], p.shift, run.rng)
            loss, gradient = loss_and_gradient(network, seen, labels[batch], p.dropout, run.rng)
            for name, weights in network.items():  # in place: what is tracked stays the same arrays
                velocity[name] *= p.momentum
                velocity[name] -= rate * (gradient[name] + p.weight_decay * weights)
                weights += velocity[name]
            losses.append(loss)
        val_loss, val_accuracy = evaluate(network, *part("validation", split))
        run.report(train_loss=float(np.mean(losses)), val_loss=val_loss, val_accuracy=val_accuracy)


def part(name: str, split: int) -> tuple[Floats, Labels]:
    """The images (N, 64), from 0 to 1, and labels of `train` (60 %), `validation` (20 %) or `test` (20 %)."""
    with files("tunewell.demo").joinpath("digits.npz").open("rb") as file, np.load(file) as data:
        images, labels = data["images"], data["labels"].astype(np.intp)
    # rows shuffled, then ordered by class and dealt out like cards: each part gets its share of every class
    order = np.random.default_rng(split).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    rows = order[np.isin(np.arange(len(order)) % 5, {"train": [0, 1, 2], "validation": [3], "test": [4]}[name])]
    return images[rows].reshape(-1, 64) / np.float32(6) - np.float32(.8), labels[rows]


def batches(n: int, size: int, rng: np.random.Generator) -> Iterator[Labels]:
    """The numbers of n rows in a random order, `size` at a time."""
    order = rng.permutation(n)
    for start in range(0, n, size):
        yield order[start : start + size]


def shifted(images: Floats, share: float, rng: np.random.Generator) -> Floats:
    """The images with a share of them moved by up to one pixel: a digit a little aside is the same digit."""
    moved = rng.random(len(images)) < share
    squares = images.reshape(-1, 8, 8)
    squares[moved] = np.roll(squares[moved], rng.integers(-1, 2, size=2), axis=(1, 2))
    return squares.reshape(-1, 64)


def new_network(hidden_units: int, rng: np.random.Generator) -> Network:
    """Weights drawn as He et al. (2015) advise for ReLU."""
    return {
        "w1": rng.normal(0, np.sqrt(2 / 64), (64, hidden_units)).astype(np.float32),
        "b1": np.zeros(hidden_units, np.float32),
        "w2": rng.normal(0, np.sqrt(2 / hidden_units), (hidden_units, 10)).astype(np.float32),
        "b2": np.zeros(10, np.float32),
    }


def loss_and_gradient(
    network: Network, images: Floats, labels: Labels, dropout: float, rng: np.random.Generator
) -> tuple[float, Network]:
    """The batch's mean cross-entropy, in nats, and its gradient by each of the weights."""
    rows = np.arange(len(labels))
    hidden = np.maximum(images @ network["w1"] + network["b1"], 0)
    # inverted dropout: units are silenced at random, and the others raised, so that nothing changes in evaluation
    kept = (rng.random(hidden.shape, np.float32) >= dropout) / np.float32(1 - dropout)
    hidden *= kept
    log_p = log_softmax(hidden @ network["w2"] + network["b2"])

    d_logits = np.exp(log_p)  # softmax with cross-entropy: (probabilities - one-hot labels) / N
    d_logits[rows, labels] -= 1
    d_logits /= len(labels)
    d_hidden = (d_logits @ network["w2"].T) * kept * (hidden > 0)
    gradient = {
        "w1": images.T @ d_hidden,
        "b1": d_hidden.sum(axis=0),
        "w2": hidden.T @ d_logits,
        "b2": d_logits.sum(axis=0),
    }
    return float(-log_p[rows, labels].mean()), gradient


def evaluate(network: Network, images: Floats, labels: Labels) -> tuple[float, float]:
    """The mean cross-entropy and the share of images that are classified rightly; nothing is dropped."""
    hidden = np.maximum(images @ network["w1"] + network["b1"], 0)
    log_p = log_softmax(hidden @ network["w2"] + network["b2"])
    loss = -log_p[np.arange(len(labels)), labels].mean()
    return float(loss), float((log_p.argmax(axis=1) == labels).mean())


def log_softmax(logits: Floats) -> Floats:
    """Logarithms of the classes' probabilities, row by row."""
    shifted_down = logits - logits.max(axis=1, keepdims=True)  # exp never overflows
    return shifted_down - np.log(np.exp(shifted_down).sum(axis=1, keepdims=True))


def test_accuracy(network: Network, split: int = 0) -> float:
    """Accuracy on the part that no training and no decision has seen: for the very end, once."""
    return evaluate(network, *part("test", split))[1]
