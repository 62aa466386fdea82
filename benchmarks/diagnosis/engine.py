"""Trains a case with tunewell's own networks, where the case needs no more than they have.

Their records have no accuracy in training and no losses of steps, as their users' have not.
"""

from __future__ import annotations

import math
from typing import Any

from cases import Case

from tunewell import nn

_FLAT = "layers."


def trains(case: Case) -> bool:
    """Whether it is a dense network in which nothing is wrong that only PyTorch's users can get wrong."""
    return (
        case.model == "mlp"
        and case.data.task == "classes"
        and (
            case.initialize is case.head is case.trained is case.class_weights is None
            and case.zeroes_gradients
            and not case.evaluates_in_training_mode
        )
    )


def train(case: Case, *, watched: bool = True) -> dict[str, Any]:
    """The record of a run; without watching, only its curves."""
    data = case.data
    network = nn.Network(
        [data.x.shape[1], *case.hidden, data.n_classes],
        activation=case.activation,
        norm="before" if case.batch_norm else None,
        norm_momentum=case.bn_momentum or 1e-9,
        dropout=case.dropout,
        initialization="he" if case.he else "xavier",
        seed=case.seed,
    )
    optimizer = {
        "sgd": nn.SGD(case.lr, momentum=case.momentum, weight_decay=case.weight_decay),
        "adam": nn.Adam(case.lr, weight_decay=case.weight_decay),
        "adamw": nn.AdamW(case.lr, weight_decay=case.weight_decay),
    }[case.optimizer]
    trainer = nn.Trainer(
        network,
        data.x,
        data.y,
        batch_size=case.batch_size,
        optimizer=optimizer,
        clip=case.grad_clip or math.inf,
        seed=case.seed,
    )
    epochs = [_epoch(case, trainer, epoch, watched=watched) for epoch in _while_finite(case, trainer)]
    return {
        "config": {**case.config(), "n_params": int(network.theta.size)},
        "n_train": len(data.y),
        "n_val": len(data.y_val),
        "n_classes": data.n_classes,
        "epochs": epochs,
        "domain": {**case.domain, "framework": "tunewell"},
    }


def _while_finite(case: Case, trainer: nn.Trainer) -> Any:
    for epoch in range(case.epochs):
        yield epoch
        if not math.isfinite(float(abs(trainer.network.theta).max())):
            return


def _epoch(case: Case, trainer: nn.Trainer, epoch: int, *, watched: bool) -> dict[str, Any]:
    trainer.learning_rate = case.lr * case.rate(epoch)
    validation = (case.data.x_val, case.data.y_val)
    measured = {"train_loss": trainer.epoch(), "lr": trainer.learning_rate}
    measured |= {f"val_{name}": value for name, value in trainer.network.evaluate(*validation).items()}
    if watched:
        measured |= trainer.measure(validation)
    scalars = {name: _finite(value) for name, value in measured.items() if not name.startswith(_FLAT)}
    layers: dict[str, dict[str, Any]] = {}
    for name, value in measured.items():
        if name.startswith(_FLAT):
            layer, _, of = name.removeprefix(_FLAT).rpartition(".")
            layers.setdefault(layer, {"name": layer})[of] = _finite(value)
    return {"epoch": epoch + 1, **scalars, **({"layers": list(layers.values())} if layers else {})}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
