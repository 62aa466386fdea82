"""One function a fault: it plants the fault into a sane training, or answers None where it does not fit.

`FAULTS` has them by label. A planted fault is only a candidate: `judging` trains it and its twin, and keeps it if it
truly holds the run back. A new fault is one function and one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

import data_faults
import numpy as np
import other_problems
import problems
import torch
from cases import Case, Constant
from torch import Tensor, nn

T = TypeVar("T")
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault in a training."""

    case: Case
    also: tuple[str, ...] = ()
    """Other labels by which this very fault can fairly be called."""
    twin: Case | None = None
    """The healthy twin, where it is not the training that the fault was planted into."""


def lr_too_high(case: Case, rng: Random) -> Planted:
    factor = _log(rng, 10, 300) if case.optimizer == "sgd" else _log(rng, 15, 500)
    return Planted(replace(case, lr=_round(case.lr * factor), grad_clip=None if rng.random() < 0.7 else case.grad_clip))


def lr_too_low(case: Case, rng: Random) -> Planted:
    return Planted(replace(case, lr=_round(case.lr / _log(rng, 15, 2000))))


def lr_decays_too_early(case: Case, rng: Random) -> Planted:
    share = rng.uniform(0.04, 0.25)
    early = max(1, round(case.epochs * share))
    schedules = (
        {"name": "step", "step_epochs": early, "gamma": float(rng.choice([0.1, 0.05, 0.01, 0.2]))},
        {"name": "exponential", "gamma": round(float(rng.uniform(1e-4, 1e-2) ** (1 / (early * 2 + 1))), 3)},
        {"name": "cosine", "t_max": early},
    )
    return Planted(replace(case, schedule=schedules[rng.integers(3)]), twin=replace(case, schedule=dict(Constant)))


def too_few_epochs(case: Case, rng: Random) -> Planted | None:
    """The rate stays where it is: a schedule that was cut off would be another fault."""
    epochs = max(2, round(case.epochs * rng.uniform(0.06, 0.3)))
    if case.schedule["name"] not in ("constant", "cosine") or epochs > case.epochs // 2:
        return None
    return Planted(replace(case, epochs=epochs))


def model_too_small(case: Case, rng: Random) -> Planted | None:
    if case.pretrained:
        return None
    if case.model == "cnn":
        small = replace(case, channels=(1,) * len(case.channels), hidden=tuple(2 for _ in case.hidden), dropout=0.0)
    elif case.model == "rnn":
        small = replace(case, hidden=(int(rng.integers(1, 4)),))
    elif case.model == "transformer":
        small = replace(case, hidden=(2,), heads=1, dropout=0.0)
    elif case.data.task == "autoencoder":
        small = replace(case, hidden=(case.hidden[0], 1, case.hidden[-1]))
    elif not case.hidden:
        return None
    else:
        choices = [(), *((int(rng.integers(1, 4)),) * n for n in range(1, len(case.hidden) + 1))]
        squeezed = (*case.hidden[:-1], int(rng.integers(1, 3)))
        small = replace(case, hidden=(*choices, squeezed)[rng.integers(len(choices) + 1)], dropout=0.0)
    return Planted(small)


def dropout_too_high(case: Case, rng: Random) -> Planted | None:
    if not case.hidden or case.data.task == "autoencoder":
        return None
    return Planted(replace(case, dropout=round(float(rng.uniform(0.6, 0.97)), 2)), twin=replace(case, dropout=0.0))


def weight_decay_too_high(case: Case, rng: Random) -> Planted:
    ranges = {"sgd": (0.02, 1.0), "adam": (0.005, 1.0), "adamw": (1.0, 60.0)}
    decay = _log(rng, *ranges[case.optimizer])
    if case.optimizer == "sgd":  # lr * decay / (1 - momentum) of 1 would be another fault: divergence
        decay = min(decay, 0.5 * (1 - case.momentum) / case.lr)
    return Planted(replace(case, weight_decay=_round(decay)))


def batch_size_too_large(case: Case, rng: Random) -> Planted | None:
    n = len(case.data.x)
    size = max(n // int(rng.choice([1, 1, 2, 3, 4])), 128)
    if size < 4 * case.batch_size:
        return None
    return Planted(replace(case, batch_size=int(size)))


def batch_size_too_small(case: Case, rng: Random) -> Planted | None:
    size = int(rng.choice([1, 2, 2, 4]))
    n = len(case.data.x)
    if case.batch_norm or case.model not in ("mlp", "cnn") or case.batch_size < 8 * size:
        return None
    epochs = max(4, min(case.epochs, 4000 * size // n))
    if epochs * n / size > 6000:
        return None
    twin = replace(case, lr=_round(case.lr * _log(rng, 1, 3)))
    return Planted(replace(twin, batch_size=size, epochs=epochs), twin=twin)


def bad_initialisation(case: Case, rng: Random) -> Planted | None:
    if case.pretrained:
        return None
    kind = str(rng.choice(["zeros", "constant", "huge", "tiny"], p=[0.2, 0.2, 0.4, 0.2]))
    value = float(rng.choice([0.01, 0.1, 0.5, 1.0]))
    factor = {"huge": _log(rng, 10, 100), "tiny": _log(rng, 1e-4, 1e-2)}.get(kind, 1.0)

    def initialize(network: nn.Module) -> None:
        for parameter in network.parameters():
            if kind == "zeros":
                parameter.zero_()
            elif kind == "constant":
                parameter.fill_(value)
            elif parameter.ndim >= 2:
                parameter.mul_(factor)

    also = {"huge": ("exploding_gradients",) if _depth(case) > 3 else (), "tiny": ("vanishing_gradients",)}
    plain = replace(case, batch_norm=False) if kind in ("huge", "tiny") else case
    return Planted(replace(plain, initialize=initialize), also.get(kind, ()), twin=plain)


def unnormalised_inputs(case: Case, rng: Random) -> Planted | None:
    if case.data.vocabulary or case.data.task == "autoencoder" or case.residual:
        return None
    return _with_data(replace(case, batch_norm=False), data_faults.raw(case.data, rng))


def labels_mismatched(case: Case, rng: Random) -> Planted | None:
    return _with_data(case, data_faults.mislabelled(case.data, rng), keep_twin=case)


def loss_output_mismatch(case: Case, rng: Random) -> Planted | None:
    """Outputs that the loss does not want: one of those that people write, by the task."""
    if case.data.task == "binary":
        return _binary_mismatch(case, rng)
    if case.data.task == "multilabel":
        head, threshold = _pick(rng, {(_softmax, 0.2): 0.5, (torch.sigmoid, 0.5): 0.3, (torch.relu, 0.0): 0.2})
        return Planted(replace(case, head=head, threshold=threshold))
    if case.data.task in ("regression", "autoencoder"):
        if case.data.task == "regression" and rng.random() < 0.25:
            # (N, 1) against (N,): every output against every target, so that their mean is learned
            return Planted(replace(case, targets=lambda y: y.flatten().expand(len(y), -1).mean(dim=1, keepdim=True)))
        return Planted(replace(case, head=_pick(rng, {torch.sigmoid: 0.3, torch.relu: 0.4, torch.tanh: 0.3})))
    kinds: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
        "softmax twice": ("cross_entropy", _softmax),
        "sigmoid first": ("cross_entropy", torch.sigmoid),
        "probabilities": ("nll", _softmax),
        "raw outputs": ("nll", lambda z: z),
        "rectified": ("cross_entropy", torch.relu),
        "squashed": ("cross_entropy", torch.tanh),
        "sigmoids": ("nll", torch.sigmoid),
    }
    loss, head = kinds[_pick(rng, dict(zip(kinds, [0.3, 0.13, 0.15, 0.1, 0.14, 0.09, 0.09], strict=True)))]
    return Planted(replace(case, loss=loss, head=head))


def _binary_mismatch(case: Case, rng: Random) -> Planted:
    """A sigmoid twice, an output that cannot say no, one that is always 1, or one squared error of raw outputs."""
    kind = _pick(rng, {"sigmoid twice": 0.45, "rectified": 0.25, "softmax of one": 0.2, "squashed": 0.1})
    if kind == "sigmoid twice":
        return Planted(replace(case, head=torch.sigmoid, threshold=0.5))
    if kind == "softmax of one":  # as a cross entropy takes it that wants probabilities, and cuts them off at 1e-7
        return Planted(replace(case, head=lambda z: _softmax(z) * 16.1))
    return Planted(replace(case, head=torch.relu if kind == "rectified" else torch.tanh))


def _softmax(outputs: Tensor) -> Tensor:
    return torch.softmax(outputs, dim=-1)


def dead_relus(case: Case, rng: Random) -> Planted | None:
    if case.activation != "relu" or not (*case.hidden, *case.channels) or case.batch_norm:
        return None
    if case.model not in ("mlp", "cnn") or case.pretrained or case.data.task == "autoencoder":
        return None
    negative = bool(rng.random() < 0.35)
    shift = rng.uniform(1.5, 8.0)

    def initialize(network: nn.Module) -> None:
        layers = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        for place, layer in enumerate(layers[:-1]):
            if negative and place > 0:
                layer.weight.copy_(-layer.weight.abs())
            else:
                layer.bias.sub_(shift * (layer.weight.flatten(1).norm(dim=1).mean() + 0.2))

    return Planted(replace(case, initialize=initialize), ("bad_initialisation",))


def vanishing_gradients(case: Case, rng: Random) -> Planted | None:
    """Many squashing layers, or small weights in each of many layers; or a plain recurrent network over a long time."""
    if case.model == "rnn" and case.data.task == "classes":
        return _forgetful(case, rng)
    if case.model != "mlp" or case.data.task == "autoencoder":
        return None
    depth = int(rng.integers(5, 12))
    width = int(rng.integers(16, 64))
    activation = str(rng.choice(["sigmoid", "sigmoid", "tanh", "relu"]))
    gain = 1.0 if activation == "sigmoid" else rng.uniform(0.15, 0.5)
    deep = replace(
        case, hidden=(width,) * depth, activation=activation, batch_norm=False, dropout=0.0, initialize=_scaled(gain)
    )
    return Planted(deep, () if gain == 1.0 else ("bad_initialisation",))


def exploding_gradients(case: Case, rng: Random) -> Planted | None:
    """Weights that stretch what passes through, layer after layer or step after step."""
    if case.model == "rnn":
        factor = rng.uniform(1.8, 4.0)

        def stretch(network: nn.Module) -> None:
            for name, parameter in network.named_parameters():
                if "weight_hh" in name:
                    nn.init.orthogonal_(parameter)
                    parameter.mul_(factor)

        activation = str(rng.choice(["relu", "tanh"]))
        plain = replace(case, cell="rnn", activation=activation, grad_clip=None, initialize=stretch)
        return Planted(plain, ("bad_initialisation",), twin=case)
    if case.model != "mlp" or case.data.task == "autoencoder":
        return None
    depth, width = int(rng.integers(5, 12)), int(rng.integers(24, 96))
    activation = str(rng.choice(["relu", "leaky_relu", "tanh"], p=[0.5, 0.25, 0.25]))
    deep = replace(
        case,
        hidden=(width,) * depth,
        activation=activation,
        batch_norm=False,
        dropout=0.0,
        grad_clip=None,
        he=True,
        initialize=_scaled(rng.uniform(1.6, 4.0)),
    )
    return Planted(deep, ("bad_initialisation",))


def batchnorm_misuse(case: Case, rng: Random) -> Planted | None:
    if case.model not in ("mlp", "cnn") or not (*case.hidden, *case.channels) or case.pretrained:
        return None
    if case.data.task == "autoencoder":
        return None
    normed = replace(case, batch_norm=True, bn_momentum=0.1)
    kind = str(rng.choice(["slow", "slow", "latest", "training mode", "sorted", "tiny batches"]))
    if kind == "sorted" and case.data.y.ndim > 1:
        kind = "training mode"
    if kind == "slow":
        return Planted(replace(normed, bn_momentum=float(rng.choice([0.0, 1e-4, 1e-3, 3e-3]))), twin=normed)
    if kind == "latest":
        faulty = replace(normed, bn_momentum=1.0, batch_size=min(case.batch_size, int(rng.choice([4, 8]))))
        return Planted(faulty, ("batch_size_too_small",), twin=replace(faulty, bn_momentum=0.1))
    if kind == "training mode":
        size = int(rng.choice([1, 2, 4])) if case.model == "cnn" else int(rng.choice([2, 4, 8]))
        return Planted(replace(normed, evaluates_in_training_mode=True, evaluation_batch=size), twin=normed)
    if kind == "sorted":
        sorted_ = replace(normed, evaluates_in_training_mode=True, sorts_evaluation=True, evaluation_batch=32)
        return Planted(sorted_, twin=normed)
    epochs = max(5, min(case.epochs, 4000 // len(case.data.x)))
    tiny = replace(normed, batch_size=int(rng.choice([2, 2, 3])), epochs=epochs)
    return Planted(tiny, ("batch_size_too_small",), twin=normed)


def frozen_layers(case: Case, rng: Random) -> Planted | None:
    if case.model == "mlp" and not case.hidden:
        return None
    kind = str(rng.choice(["not trainable", "not given", "only the first", "only biases"], p=[0.4, 0.35, 0.15, 0.1]))
    narrow = case
    if case.model == "mlp" and rng.random() < 0.6:
        narrow = replace(case, hidden=tuple(min(width, int(rng.integers(6, 24))) for width in case.hidden))

    def trained(network: nn.Module) -> list[nn.Parameter]:
        kinds = (nn.Linear, nn.Conv2d, nn.RNNBase, nn.TransformerEncoderLayer)
        layers = [m for m in network.modules() if isinstance(m, kinds)]
        if kind == "only biases":
            return [p for p in network.parameters() if p.ndim == 1]
        chosen = layers[:1] if kind == "only the first" else layers[-1:]
        kept = [p for layer in chosen for p in layer.parameters()]
        if kind == "not trainable":
            for parameter in network.parameters():
                parameter.requires_grad_(any(parameter is p for p in kept))
        return kept

    return Planted(replace(narrow, trained=trained), twin=narrow)


def missing_zero_grad(case: Case, rng: Random) -> Planted:  # noqa: ARG001  as all faults are called
    return Planted(replace(case, zeroes_gradients=False))


def overfitting(case: Case, rng: Random) -> Planted | None:
    """Few rows, many weights, nothing that holds them back; the twin has more rows."""
    if case.data.task != "classes" or case.model not in ("mlp", "cnn") or case.pretrained or case.residual:
        return _by_heart(case, rng)
    data = problems.scarce_image(rng) if case.model == "cnn" else problems.scarce_table(rng)
    batch = int(rng.choice([8, 16, 32]))
    greedy = replace(
        case,
        data=data,
        hidden=(int(rng.integers(64, 256)),) * int(rng.integers(1, 4)) if case.model == "mlp" else case.hidden,
        channels=tuple(2 * width for width in case.channels),
        dropout=0.0,
        weight_decay=0.0,
        batch_size=batch,
        epochs=int(np.clip(rng.integers(400, 1500) * batch / len(data.x), 15, 60)),
        schedule=dict(Constant),
    )
    n_more = min(len(data.spare_x), 6 * len(data.x))
    return Planted(greedy, twin=replace(greedy, data=data_faults.with_more_rows(data, n_more), epochs=15))


def _by_heart(case: Case, rng: Random) -> Planted | None:
    """The same problem, of which the network gets a small part of the rows, for as many steps."""
    n = len(case.data.x)
    few = max(20, int(n * rng.uniform(0.05, 0.2)))
    if n < 4 * few:
        return None
    batch = min(case.batch_size, max(4, few // 4))
    epochs = int(np.clip(case.epochs * n / case.batch_size / (few / batch), case.epochs, 100))
    wide = tuple(2 * width for width in case.hidden) if not case.pretrained else case.hidden
    data = other_problems.fewer_rows(case.data, few)
    greedy = replace(
        case,
        data=data,
        hidden=wide,
        dropout=0.0,
        weight_decay=0.0,
        batch_size=batch,
        epochs=epochs,
        schedule=dict(Constant),
    )
    return Planted(greedy, twin=replace(greedy, data=case.data, epochs=case.epochs, batch_size=case.batch_size))


def class_imbalance(case: Case, rng: Random) -> Planted | None:
    if case.data.task not in ("classes", "binary"):
        return None
    data = data_faults.imbalanced(case.data, rng)
    if data is None:
        return None
    counts = np.bincount(data.y, minlength=data.n_classes)
    weights = tuple(float(w) for w in counts.sum() / (data.n_classes * np.maximum(counts, 1)))
    faulty = replace(case, data=data, batch_size=min(case.batch_size, 32))
    return Planted(faulty, twin=replace(faulty, class_weights=weights))


def data_leak(case: Case, rng: Random) -> Planted | None:
    if case.data.task == "language":
        return None
    if case.model != "rnn" and rng.random() < 0.75:
        honest = overfitting(case, rng)
        case = case if honest is None else honest.case
    return _with_data(case, data_faults.leaking(case.data, rng), keep_twin=case)


def distribution_shift(case: Case, rng: Random) -> Planted | None:
    return _with_data(case, data_faults.shifted(case.data, rng), keep_twin=case)


FAULTS: dict[str, Callable[[Case, Random], Planted | None]] = {
    fault.__name__: fault
    for fault in (
        lr_too_high,
        lr_too_low,
        lr_decays_too_early,
        too_few_epochs,
        model_too_small,
        overfitting,
        dropout_too_high,
        weight_decay_too_high,
        batch_size_too_large,
        batch_size_too_small,
        bad_initialisation,
        unnormalised_inputs,
        labels_mismatched,
        loss_output_mismatch,
        dead_relus,
        vanishing_gradients,
        exploding_gradients,
        batchnorm_misuse,
        frozen_layers,
        missing_zero_grad,
        class_imbalance,
        data_leak,
        distribution_shift,
    )
}


def _with_data(case: Case, data: problems.Data | None, keep_twin: Case | None = None) -> Planted | None:
    return None if data is None else Planted(replace(case, data=data), twin=keep_twin)


def _forgetful(case: Case, rng: Random) -> Planted:
    data = problems.early_signal(rng)
    twin = replace(case, data=data, cell="gru", hidden=(24,), optimizer="adam", lr=0.01, momentum=0.0, epochs=15)
    activation = str(rng.choice(["tanh", "tanh", "relu"]))
    return Planted(replace(twin, cell="rnn", activation=activation, lr=_log(rng, 5e-4, 5e-3)), twin=twin)


def _scaled(factor: float) -> Callable[[nn.Module], None]:
    def initialize(network: nn.Module) -> None:
        for parameter in network.parameters():
            if parameter.ndim >= 2:
                parameter.mul_(factor)

    return initialize


def _depth(case: Case) -> int:
    return len(tuple(chain(case.hidden, case.channels)))


def _pick(rng: Random, weights: dict[T, float]) -> T:
    return list(weights)[rng.choice(len(weights), p=list(weights.values()))]


def _log(rng: Random, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _round(value: float) -> float:
    return float(f"{value:.3g}")
