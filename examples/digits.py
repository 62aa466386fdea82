"""Handwritten digits: a plain NumPy network that is ready to be tuned, written to be copied.

    tunewell tune examples/digits.py --budget 15

All that a tuner needs is here: a `space`, a `metric`, and a `train` that reports to the run, after each epoch, how well
it does. One hidden layer, 8 x 8 pixels in, ten classes out. Shapes: N images, H hidden units.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

import tunewell as tw

Array = NDArray[np.float32]
Labels = NDArray[np.intp]
Weights = dict[str, Array]

EPOCHS = 60  # a full training
PARTS = {"train": (0, 1, 2), "validation": (3,), "test": (4,)}  # of every five images of a class

metric = "val_accuracy"
about = {"config": {"optimizer": "sgd", "model": "mlp", "activation": "relu"}}  # optional: for the diagnosis
# the usual ranges, some of them narrowed: the images are few, and a training is short
space = tw.Space(
    learning_rate=tw.learning_rate(optimizer="sgd", low=1e-3),
    batch_size=tw.batch_size(high=128),
    hidden_units=tw.hidden_units(low=32),
    momentum=tw.momentum(high=0.99),
    lr_decay=tw.lr_decay(low=0.9, high=0.99),
    dropout=tw.dropout(),
    weight_decay=tw.weight_decay(),
    shift=tw.Float(0.0, 1.0, tier=3, default=0.2),  # the share of images that are moved by a pixel, anew in each batch
)

# the smallest network, and everything that is to keep it from overfitting turned up to the full: stuck near 70 %
POOR = {**space.defaults(), "hidden_units": 32, "dropout": 0.6, "weight_decay": 0.1, "shift": 1.0}


@np.errstate(over="ignore", invalid="ignore")  # a rate that is far too high ends in infinity: a result, not an accident
def train(run: tw.Run, split: int = 0) -> None:
    """Train a network with the run's setting. `split`: seeds the division of the images into parts."""
    p = run.params
    images, labels = run.data(*part("train", split))  # optional: lets the diagnosis know of the data, and probe it
    unseen, truth = part("validation", split)
    network = new_network(p.hidden_units, run.rng)
    velocity = {name: np.zeros_like(weights) for name, weights in network.items()}
    run.track(network=network, velocity=velocity)  # so that a checkpoint holds them; below they change in place

    for epoch in run.epochs(EPOCHS):
        rate = p.learning_rate * p.lr_decay ** (epoch - 1)
        order = run.rng.permutation(len(images))
        losses = []
        for start in range(0, len(order), p.batch_size):
            batch = order[start : start + p.batch_size]
            seen = shifted(images[batch], p.shift, run.rng)
            loss, gradient = loss_and_gradient(network, seen, labels[batch], p.dropout, run.rng)
            losses.append(loss)
            for name in network:
                velocity[name] *= p.momentum
                velocity[name] -= rate * (gradient[name] + p.weight_decay * network[name])
                network[name] += velocity[name]
        val_loss, val_accuracy = evaluate(network, unseen, truth)
        run.report(train_loss=float(np.mean(losses)), val_loss=val_loss, val_accuracy=val_accuracy)


def test_accuracy(network: Weights, split: int) -> float:
    """Return the accuracy on the images that no training and no decision has seen: once, at the very end."""
    return evaluate(network, *part("test", split))[1]


def part(name: str, split: int) -> tuple[Array, Labels]:
    """Return the images of a part, (N, 64), pixels of mean 0 and deviation 1 or nearly so, and their digits, (N,)."""
    with files("tunewell.demo").joinpath("digits.npz").open("rb") as file, np.load(file) as data:
        pixels, digits = data["images"].reshape(-1, 64), data["labels"].astype(np.intp)
    # shuffled, sorted by class and dealt out like cards, so that each part gets its share of every class
    order = np.random.default_rng(split).permutation(len(digits))
    order = order[np.argsort(digits[order], kind="stable")]
    rows = order[np.isin(np.arange(len(order)) % 5, PARTS[name])]
    return (pixels[rows] - np.float32(5)) / np.float32(6), digits[rows]


def shifted(images: Array, share: float, rng: np.random.Generator) -> Array:
    """Return the images, a share of them moved by a pixel: a digit a little to the side is the same digit."""
    squares = images.reshape(-1, 8, 8)
    chosen = rng.random(len(squares)) < share
    squares[chosen] = np.roll(squares[chosen], rng.integers(-1, 2, size=2), axis=(1, 2))
    return squares.reshape(-1, 64)


def new_network(hidden_units: int, rng: np.random.Generator) -> Weights:
    """Draw random weights, as large as suits ReLU (He et al., 2015), and no biases."""
    return {
        "w1": rng.normal(0, np.sqrt(2 / 64), (64, hidden_units)).astype(np.float32),
        "b1": np.zeros(hidden_units, np.float32),
        "w2": rng.normal(0, np.sqrt(2 / hidden_units), (hidden_units, 10)).astype(np.float32),
        "b2": np.zeros(10, np.float32),
    }


def forward(network: Weights, images: Array, kept: Array | float = 1.0) -> tuple[Array, Array]:
    """Return the hidden units (N, H), multiplied by `kept`, and the logarithms of the probabilities (N, 10)."""
    hidden = np.maximum(images @ network["w1"] + network["b1"], 0) * kept
    logits = hidden @ network["w2"] + network["b2"]
    logits -= logits.max(axis=1, keepdims=True)  # exp never overflows
    return hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def loss_and_gradient(
    network: Weights, images: Array, labels: Labels, dropout: float, rng: np.random.Generator
) -> tuple[float, Weights]:
    """Return the mean cross-entropy of a batch, in nats, and its gradient by each array of the network."""
    # those that are kept stand in for those that are dropped, so that nothing needs scaling in evaluation
    drawn = rng.random((len(images), len(network["b1"])), np.float32)
    kept = np.where(drawn < dropout, 0, 1 / (1 - dropout)).astype(np.float32)
    hidden, log_p = forward(network, images, kept)
    rows = np.arange(len(labels))
    d_logits = np.exp(log_p)
    d_logits[rows, labels] -= 1
    d_logits /= len(labels)
    d_hidden = d_logits @ network["w2"].T * kept * (hidden > 0)
    gradient = {
        "w1": images.T @ d_hidden,
        "b1": d_hidden.sum(axis=0),
        "w2": hidden.T @ d_logits,
        "b2": d_logits.sum(axis=0),
    }
    return float(-log_p[rows, labels].mean()), gradient


def evaluate(network: Weights, images: Array, labels: Labels) -> tuple[float, float]:
    """Return the mean cross-entropy, and the share of images that are recognized; nothing is dropped."""
    _, log_p = forward(network, images)
    loss = -log_p[np.arange(len(labels)), labels].mean()
    return float(loss), float((log_p.argmax(axis=1) == labels).mean())
