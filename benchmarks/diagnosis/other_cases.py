"""Trainings that are like none of `cases`: other tasks and architectures, lengths and sizes, and Keras's defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import cases
import numpy as np
import other_problems
import problems
import torch
from cases import Case, drawn_optimizer, drawn_pace, log_uniform, log_uniform_int
from networks import build
from problems import Data
from torch import nn
from torch.nn import functional

Random = np.random.Generator
_BODY = (12, 24)  # channels
_SIDE = 10


def sane(rng: Random, seed: int) -> Case:
    """A training of any kind that is here."""
    draws: dict[Callable[[Random, int], Case], float] = {
        regression: 0.24,
        binary: 0.17,
        multilabel: 0.07,
        autoencoder: 0.05,
        language: 0.12,
        transformer: 0.1,
        residual: 0.08,
        fine_tuned: 0.09,
        many_classes: 0.08,
    }
    draw = list(draws)[rng.choice(len(draws), p=list(draws.values()))]
    case = draw(rng, seed)
    if rng.random() < 0.15 and len(case.data.x) > 60 and not case.pretrained:
        case = _small(case, rng)
    elif rng.random() < 0.12:
        case = replace(case, epochs=min(case.epochs, int(rng.integers(3, 8))))
    return as_in_keras(case, rng) if rng.random() < 0.45 else case


def regression(rng: Random, seed: int) -> Case:
    """Numbers from a table, or the next one of a series."""
    if rng.random() < 0.25:
        return _recurrent(rng, seed, other_problems.next_values(rng))
    return _dense(rng, seed, other_problems.numbers(rng))


def binary(rng: Random, seed: int) -> Case:
    """Yes or no, by one output: of a table, an image or a sequence."""
    data = other_problems.one_output(rng)
    draw = {2: _dense, 3: _recurrent, 4: _convolutional}[data.x.ndim]
    return draw(rng, seed, data)


def multilabel(rng: Random, seed: int) -> Case:
    """Several labels for a row."""
    return _dense(rng, seed, other_problems.labels(rng))


def many_classes(rng: Random, seed: int) -> Case:
    """A dozen classes to a hundred."""
    case = _dense(rng, seed, other_problems.many_classes(rng))
    pace = drawn_pace(rng, case.data, most_steps=500)
    return replace(case, hidden=tuple(max(width, 48) for width in case.hidden), **pace)


def autoencoder(rng: Random, seed: int) -> Case:
    """A dense network with a waist."""
    data = other_problems.itself(rng)
    waist = max(2, min(data.n_outputs // 2, int(rng.integers(4, 33))))
    wide = log_uniform_int(rng, max(16, waist), 128)
    return replace(_dense(rng, seed, data), hidden=(wide, waist, wide), batch_norm=False, dropout=0.0)


def language(rng: Random, seed: int) -> Case:
    """The next token, by a recurrent network or a transformer."""
    data = other_problems.text(rng)
    case = _attentive(rng, seed, data) if rng.random() < 0.5 else _recurrent(rng, seed, data)
    return replace(case, epochs=min(case.epochs, 20), batch_size=max(case.batch_size, 16))


def transformer(rng: Random, seed: int) -> Case:
    """Classes of texts, or of sequences of numbers."""
    data = other_problems.tokens(rng) if rng.random() < 0.65 else problems.sequence(rng)
    return _attentive(rng, seed, data)


def residual(rng: Random, seed: int) -> Case:
    """Images, by a small network of residual blocks."""
    data = problems.image(rng)
    width = int(rng.choice([6, 8, 10]))
    return Case(
        seed,
        data,
        "cnn",
        (),
        channels=(width,) * int(rng.integers(1, 3)),
        residual=True,
        batch_norm=True,
        he=True,
        **drawn_optimizer(rng, 1.0),
        **drawn_pace(rng, data, most_steps=120),
    )


def fine_tuned(rng: Random, seed: int) -> Case:
    """A body that has learned other images, and a new head: few rows, few epochs, a small rate."""
    data = _scarce_images(rng)
    optimizer = str(rng.choice(["adam", "adamw", "sgd"], p=[0.4, 0.4, 0.2]))
    pace = drawn_pace(rng, data, most_steps=300)
    return Case(
        seed,
        data,
        "cnn",
        (),
        channels=_BODY,
        optimizer=optimizer,
        lr=log_uniform(rng, 3e-3, 3e-2) if optimizer == "sgd" else log_uniform(rng, 3e-4, 4e-3),
        momentum=0.9 if optimizer == "sgd" else 0.0,
        weight_decay=0.01 if optimizer == "adamw" else 0.0,
        pretrained=True,
        initialize=_with_trained_body,
        **pace | {"epochs": max(3, min(pace["epochs"], int(rng.integers(3, 20))))},
    )


def _dense(rng: Random, seed: int, data: Data) -> Case:
    depth = int(rng.choice([1, 2, 3], p=[0.3, 0.5, 0.2]))
    width = log_uniform_int(rng, 16, 128)
    eager = 0.3 if data.task in ("regression", "autoencoder") else 1.0
    return Case(
        seed,
        data,
        "mlp",
        (width,) * depth,
        activation=str(rng.choice(["relu", "tanh", "leaky_relu", "elu", "gelu"], p=[0.68, 0.12, 0.08, 0.06, 0.06])),
        batch_norm=bool(rng.random() < 0.2),
        dropout=float(rng.choice([0.0, 0.0, 0.1, 0.2, 0.3])) if width >= 48 else 0.0,
        loss=_loss(rng, data),
        **drawn_optimizer(rng, eager),
        **_long(rng, data),
    )


def _convolutional(rng: Random, seed: int, data: Data) -> Case:
    case = cases.sane(rng, seed, "cnn")
    return replace(case, data=data, loss=_loss(rng, data), **drawn_pace(rng, data, most_steps=300))


def _recurrent(rng: Random, seed: int, data: Data) -> Case:
    optimizer = str(rng.choice(["adam", "adamw", "sgd"], p=[0.65, 0.2, 0.15]))
    return Case(
        seed,
        data,
        "rnn",
        (log_uniform_int(rng, 16, 48),) * int(rng.choice([1, 2], p=[0.85, 0.15])),
        optimizer,
        log_uniform(rng, 0.05, 0.3) if optimizer == "sgd" else log_uniform(rng, 2e-3, 1.5e-2),
        activation="tanh",
        cell=str(rng.choice(["gru", "lstm", "rnn"], p=[0.4, 0.5, 0.1])),
        momentum=0.9 if optimizer == "sgd" else 0.0,
        grad_clip=1.0 if optimizer == "sgd" or rng.random() < 0.4 else None,
        loss=_loss(rng, data),
        **drawn_pace(rng, data, most_steps=200),
    )


def _attentive(rng: Random, seed: int, data: Data) -> Case:
    warm = {"schedule": {"name": "warmup_cosine", "warmup": 1}} if rng.random() < 0.3 else {}
    return Case(
        seed,
        data,
        "transformer",
        (int(rng.choice([16, 24, 32, 48])),) * int(rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2])),
        str(rng.choice(["adam", "adamw"])),
        log_uniform(rng, 1e-3, 6e-3),
        activation=str(rng.choice(["relu", "gelu"])),
        dropout=float(rng.choice([0.0, 0.0, 0.1, 0.2])),
        weight_decay=float(rng.choice([0.0, 0.0, 1e-3])),
        grad_clip=1.0 if rng.random() < 0.4 else None,
        loss=_loss(rng, data),
        **drawn_pace(rng, data, most_steps=200) | warm,
    )


def _loss(rng: Random, data: Data) -> str:
    losses = cases.TASKS[data.task].losses
    return losses[0] if data.task in ("classes", "language") else str(rng.choice(losses))


def _long(rng: Random, data: Data) -> dict[str, object]:
    """Few rows are gone through more often: up to 200 times, where that is few steps."""
    pace = drawn_pace(rng, data, most_steps=600)
    if len(data.x) <= 400 and rng.random() < 0.5:
        pace |= {"epochs": int(rng.integers(40, 201)), "batch_size": max(8, len(data.x) // int(rng.integers(2, 9)))}
        pace["epochs"] = min(pace["epochs"], 900 * pace["batch_size"] // len(data.x))
    return pace


def _small(case: Case, rng: Random) -> Case:
    """The same with some dozens of rows."""
    n = int(rng.integers(30, max(40, min(len(case.data.x), 150))))
    few = other_problems.fewer_rows(case.data, n)
    return replace(case, data=few, batch_size=min(case.batch_size, max(4, n // 4)), epochs=min(60, 2 * case.epochs))


def as_in_keras(case: Case, rng: Random) -> Case:
    """With Keras's defaults, and an optimizer's own learning rate as often as not."""
    kept = case.pretrained or rng.random() < 0.4
    default = {"sgd": 0.01, "adam": 1e-3, "adamw": 1e-3}[case.optimizer]
    lr = case.lr if kept else default
    batch = case.batch_size if rng.random() < 0.4 else min(32, case.batch_size)
    return replace(case, keras=True, lr=lr, batch_size=batch, bn_momentum=0.01, he=False)


def _scarce_images(rng: Random) -> Data:
    """Digits of some kinds, or textures, in the body's size."""
    if rng.random() < 0.7:
        data = problems.mnist_images(rng, _SIDE)
        chosen = rng.permutation(10)[: int(rng.integers(2, 6))]
        place = np.full(10, -1)
        place[chosen] = np.arange(len(chosen))
        (x, y), (x_val, y_val) = (
            (x[place[y] >= 0], place[y][place[y] >= 0]) for x, y in ((data.x, data.y), (data.x_val, data.y_val))
        )
        n = int(rng.integers(60, 300))
        return Data(x[:n], y[:n], x_val, y_val, len(chosen), x[n:], y[n:], "other digits")
    for _ in range(60):
        data = problems.image(rng)
        if data.x.shape[1:] == (1, _SIDE, _SIDE):
            return other_problems.fewer_rows(data, min(len(data.x), int(rng.integers(80, 400))))
    return problems.mnist_images(rng, _SIDE)


def _with_trained_body(network: nn.Module) -> None:
    """Take over the weights of the convolutions."""
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for layer, (weight, bias) in zip(convolutions, _trained_body(), strict=True):
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)


@cache
def _trained_body() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The convolutions of a network that has learned digits."""
    rng = np.random.default_rng(0)
    data = problems.mnist_images(rng, _SIDE)
    case = Case(0, data, "cnn", (), "adam", 2e-3, 32, 4, channels=_BODY)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        network = build(case, data.x.shape[1:], data.n_outputs)
        optimizer = torch.optim.Adam(network.parameters(), lr=case.lr)
        x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
        for _ in range(case.epochs):
            for rows in torch.randperm(len(y)).split(case.batch_size):
                optimizer.zero_grad()
                functional.cross_entropy(network(x[rows]), y[rows]).backward()
                optimizer.step()
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return [(layer.weight.detach(), layer.bias.detach()) for layer in layers]
