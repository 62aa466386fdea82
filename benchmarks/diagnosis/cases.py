"""A training, told in full: what its author meant, and what went wrong in code or data without showing in the settings.

`sane(rng)` draws one in which nothing is wrong on purpose; `faults` plants what is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import problems
from problems import Data
from tasks import TASKS, Task
from torch import Tensor, nn

Constant = {"name": "constant"}


@dataclass(frozen=True, slots=True)
class Case:
    """One training. All but the last group is in the config of its record."""

    seed: int
    data: Data
    model: str
    hidden: tuple[int, ...]
    optimizer: str
    lr: float
    batch_size: int
    epochs: int
    channels: tuple[int, ...] = ()
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    bn_momentum: float = 0.1
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: dict[str, Any] = field(default_factory=lambda: dict(Constant))
    grad_clip: float | None = None
    loss: str = "cross_entropy"

    residual: bool = False
    """Whether a convolutional network is one of residual blocks with batch norm."""
    heads: int = 2
    """Of attention, in a transformer."""
    keras: bool = False
    """Whether weights, batch norm and Adam begin as Keras has them, and not PyTorch."""
    engine: bool = False
    """Whether it is trained by tunewell's own networks, where those do, rather than by PyTorch."""
    cell: str = "gru"
    he: bool = False
    initialize: Callable[[nn.Module], None] | None = None
    """Changes the fresh weights."""
    pretrained: bool = False
    """Whether the body begins with the weights of another training."""
    head: Callable[[Tensor], Tensor] | None = None
    """Stands between the network's outputs and the loss."""
    threshold: float = 0.0
    """Of the head's output: above it is yes."""
    targets: Callable[[Tensor], Tensor] | None = None
    """Changes the targets on their way to the loss."""
    trained: Callable[[nn.Module], list[nn.Parameter]] | None = None
    """What the optimizer is given; everything, if None."""
    zeroes_gradients: bool = True
    evaluates_in_training_mode: bool = False
    evaluation_batch: int = 250
    sorts_evaluation: bool = False
    class_weights: tuple[float, ...] | None = None

    def config(self) -> dict[str, Any]:
        """As a record has it."""
        config: dict[str, Any] = {
            "model": self.model,
            "hidden": list(self.hidden),
            "activation": self.activation,
            "dropout": self.dropout,
            "batch_norm": self.batch_norm,
            "optimizer": self.optimizer,
            "lr": self.lr,
            "weight_decay": self.weight_decay,
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "lr_schedule": self.schedule,
            "loss": self.loss,
            "n_features": int(np.prod(self.data.x.shape[1:])),
        }
        if self.channels:
            config["channels"] = list(self.channels)
        if self.batch_norm:
            config["bn_momentum"] = self.bn_momentum
        if self.optimizer == "sgd":
            config["momentum"] = self.momentum
        if self.grad_clip is not None:
            config["grad_clip"] = self.grad_clip
        return config

    @property
    def task(self) -> Task:
        """What the network is trained for."""
        return TASKS[self.data.task]

    @property
    def domain(self) -> dict[str, str]:
        """The part of the world that the training is from: its architecture, its task, whose defaults it has."""
        architecture = "residual" if self.residual else "fine-tuned" if self.pretrained else self.model
        return {"architecture": architecture, "task": self.data.task, "framework": "keras" if self.keras else "pytorch"}

    def rate(self, epoch: int) -> float:
        """What multiplies the learning rate in an epoch, from 0."""
        schedule, name = self.schedule, self.schedule["name"]
        if name == "step":
            return float(schedule["gamma"] ** (epoch // schedule["step_epochs"]))
        if name == "exponential":
            return float(schedule["gamma"] ** epoch)
        warmup, length = schedule.get("warmup", 0), schedule.get("t_max", self.epochs)
        if epoch < warmup:
            return float((epoch + 1) / (warmup + 1))
        if name in ("cosine", "warmup_cosine"):
            return (1 + math.cos(math.pi * min((epoch - warmup) / max(length - warmup, 1), 1.0))) / 2
        return 1.0


def sane(rng: np.random.Generator, seed: int, model: str | None = None) -> Case:
    """A training as somebody who knows the trade might set it up."""
    model = model or str(rng.choice(["mlp", "cnn", "rnn"], p=[0.62, 0.24, 0.14]))
    if model == "mlp":
        return _sane_dense(rng, seed)
    if model == "cnn":
        return _sane_convolutional(rng, seed)
    return _sane_recurrent(rng, seed)


def linear(rng: np.random.Generator, seed: int) -> Case:
    """A linear model for data that are linear."""
    data = problems.linear_table(rng)
    return Case(seed, data, "mlp", (), **drawn_optimizer(rng, 3.0), **drawn_pace(rng, data))


def narrow(rng: np.random.Generator, seed: int) -> Case:
    """A small network for data that need no more."""
    data = problems.linear_table(rng)
    return Case(seed, data, "mlp", (int(rng.integers(4, 12)),), **drawn_optimizer(rng, 2.0), **drawn_pace(rng, data))


def modest(rng: np.random.Generator, seed: int) -> Case:
    """A hard problem, of which nobody can get everything right, and a network that does not try to."""
    case = sane(rng, seed)
    n = len(case.data.x)
    return replace(
        case,
        data=problems.noisy(case.data, rng.uniform(0.1, 0.45), rng),
        hidden=tuple(min(width, int(rng.integers(8, 33))) for width in case.hidden),
        channels=tuple(min(width, 12) for width in case.channels),
        dropout=float(rng.choice([0.0, 0.1, 0.2, 0.3])) if case.model != "rnn" else 0.0,
        weight_decay=float(rng.choice([1e-3, 3e-3, 0.01])) * (20 if case.optimizer == "adamw" else 1),
        epochs=max(8, min(case.epochs, int(rng.integers(300, 700)) * case.batch_size // n)),
    )


def deep(rng: np.random.Generator, seed: int) -> Case:
    """Many layers, well started."""
    data = problems.table(rng)
    depth, width = int(rng.integers(5, 9)), log_uniform_int(rng, 24, 80)
    normed = bool(rng.random() < 0.5)
    lr = {"adam": log_uniform(rng, 5e-4, 3e-3), "sgd": log_uniform(rng, 0.01, 0.05)}
    optimizer = str(rng.choice(list(lr)))
    momentum = 0.9 if optimizer == "sgd" else 0.0
    return Case(
        seed,
        data,
        "mlp",
        (width,) * depth,
        optimizer,
        lr[optimizer],
        momentum=momentum,
        batch_norm=normed,
        he=True,
        **drawn_pace(rng, data),
    )


def _sane_dense(rng: np.random.Generator, seed: int) -> Case:
    data = problems.table(rng)
    depth = int(rng.choice([1, 2, 3, 4], p=[0.35, 0.4, 0.17, 0.08]))
    width = log_uniform_int(rng, 16, 160)
    hidden = tuple(max(width // (2**layer if rng.random() < 0.3 else 1), 12) for layer in range(depth))
    activation = str(rng.choice(["relu", "tanh", "sigmoid", "leaky_relu"], p=[0.6, 0.18, 0.07, 0.15]))
    normed = bool(rng.random() < 0.3)
    eager = 3.0 if activation == "sigmoid" else 1.0
    return Case(
        seed,
        data,
        "mlp",
        hidden[:2] if activation == "sigmoid" else hidden,
        activation=activation,
        batch_norm=normed,
        bn_momentum=float(rng.choice([0.1, 0.1, 0.2, 0.05])),
        dropout=float(rng.choice([0.0, 0.0, 0.1, 0.2, 0.3])) if width >= 48 else 0.0,
        he=bool(rng.random() < 0.4) and activation in ("relu", "leaky_relu"),
        loss=str(rng.choice(["cross_entropy", "nll"], p=[0.85, 0.15])),
        engine=bool(rng.random() < 0.2),
        **drawn_optimizer(rng, eager),
        **drawn_pace(rng, data),
    )


def _sane_convolutional(rng: np.random.Generator, seed: int) -> Case:
    data = problems.image(rng)
    width = int(rng.choice([8, 12, 16]))
    channels = ((width,), (width, width * 2), (width, width, width * 2))[int(rng.choice(3, p=[0.2, 0.6, 0.2]))]
    return Case(
        seed,
        data,
        "cnn",
        (log_uniform_int(rng, 32, 96),) if rng.random() < 0.6 else (),
        channels=channels,
        activation=str(rng.choice(["relu", "leaky_relu", "tanh"], p=[0.8, 0.12, 0.08])),
        batch_norm=bool(rng.random() < 0.35),
        dropout=float(rng.choice([0.0, 0.0, 0.1, 0.3])),
        he=bool(rng.random() < 0.4),
        **drawn_optimizer(rng, 1.0),
        **drawn_pace(rng, data, most_steps=300),
    )


def _sane_recurrent(rng: np.random.Generator, seed: int) -> Case:
    data = problems.sequence(rng)
    depth = int(rng.choice([1, 2], p=[0.85, 0.15]))
    optimizer = str(rng.choice(["adam", "adamw", "sgd"], p=[0.6, 0.2, 0.2]))
    lr = log_uniform(rng, 0.1, 0.4) if optimizer == "sgd" else log_uniform(rng, 4e-3, 1.5e-2)
    return Case(
        seed,
        data,
        "rnn",
        (log_uniform_int(rng, 16, 40),) * depth,
        optimizer,
        lr,
        activation="tanh",
        cell=str(rng.choice(["gru", "lstm", "rnn"], p=[0.6, 0.15, 0.25])),
        momentum=0.9 if optimizer == "sgd" else 0.0,
        grad_clip=1.0 if optimizer == "sgd" or rng.random() < 0.5 else None,
        **drawn_pace(rng, data, most_steps=300),
    )


def drawn_optimizer(rng: np.random.Generator, eager: float) -> dict[str, Any]:
    """An optimizer with a learning rate that suits it, `eager` times as large where a model needs it."""
    kind = str(rng.choice(["sgd", "momentum", "adam", "adamw"], p=[0.15, 0.3, 0.35, 0.2]))
    decay = float(rng.choice([0.0, 0.0, 1e-4, 1e-3]))
    if kind == "sgd":
        return {"optimizer": "sgd", "lr": log_uniform(rng, 0.05, 0.3) * eager, "weight_decay": decay}
    if kind == "momentum":
        lr, momentum = log_uniform(rng, 0.01, 0.08) * eager, float(rng.choice([0.9, 0.9, 0.8, 0.95]))
        return {"optimizer": "sgd", "lr": lr, "momentum": momentum, "weight_decay": decay}
    if kind == "adamw":
        decay = float(rng.choice([0.0, 1e-3, 1e-2, 0.05]))
    return {"optimizer": kind, "lr": log_uniform(rng, 1e-3, 8e-3) * eager, "weight_decay": decay}


def drawn_pace(rng: np.random.Generator, data: Data, most_steps: int = 600) -> dict[str, Any]:
    """Batches, epochs and a schedule; few steps in all, so that many runs can be made."""
    n = len(data.x)
    epochs = log_uniform_int(rng, 8, 60)
    batch = int(rng.choice([8, 16, 32, 64, 128], p=[0.06, 0.24, 0.35, 0.25, 0.1]))
    while n / batch * epochs < 120 and batch > 8:
        batch //= 2
    epochs = max(8, min(epochs, int(most_steps * batch / n)))
    return {"batch_size": batch, "epochs": epochs, "schedule": drawn_schedule(rng, epochs)}


def drawn_schedule(rng: np.random.Generator, epochs: int) -> dict[str, Any]:
    name = str(
        rng.choice(["constant", "cosine", "step", "exponential", "warmup_cosine"], p=[0.5, 0.2, 0.13, 0.09, 0.08])
    )
    if name == "step":
        return {"name": name, "step_epochs": max(epochs * 2 // 5, 3), "gamma": float(rng.choice([0.1, 0.3, 0.5]))}
    if name == "exponential":
        return {"name": name, "gamma": round(float(rng.uniform(0.05, 0.5) ** (1 / epochs)), 4)}
    if name == "warmup_cosine":
        return {"name": name, "warmup": max(1, epochs // 10)}
    return {"name": name}


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.3g}")


def log_uniform_int(rng: np.random.Generator, low: int, high: int) -> int:
    return round(log_uniform(rng, low, high))
