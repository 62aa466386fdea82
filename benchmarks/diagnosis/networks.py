"""The networks that the cases train: dense, convolutional, recurrent, each with plain modules."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from cases import Case

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "leaky_relu": nn.LeakyReLU}


def build(case: Case, shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """A network for inputs of a shape, with fresh weights from PyTorch's generator."""
    if case.model == "mlp":
        network: nn.Module = _dense(case, shape[0], n_classes)
    elif case.model == "cnn":
        network = _convolutional(case, shape, n_classes)
    else:
        network = _Recurrent(case, shape[-1], n_classes)
    if case.he:
        _he(network)
    return network


def _dense(case: Case, n_inputs: int, n_classes: int) -> nn.Sequential:
    widths = (n_inputs, *case.hidden)
    layers = [module for n_in, n_out in pairwise(widths) for module in _dense_layer(case, n_in, n_out)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], n_classes))


def _dense_layer(case: Case, n_in: int, n_out: int) -> list[nn.Module]:
    norm = [nn.BatchNorm1d(n_out, momentum=case.bn_momentum)] if case.batch_norm else []
    drop = [nn.Dropout(case.dropout)] if case.dropout else []
    return [nn.Linear(n_in, n_out), *norm, ACTIVATIONS[case.activation](), *drop]


def _convolutional(case: Case, shape: tuple[int, ...], n_classes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    side = shape[1]
    for n_in, n_out in pairwise((shape[0], *case.channels)):
        norm = [nn.BatchNorm2d(n_out, momentum=case.bn_momentum)] if case.batch_norm else []
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1), *norm, ACTIVATIONS[case.activation]()]
        if side >= 4:
            layers.append(nn.MaxPool2d(2))
            side //= 2
    layers.append(nn.Flatten())
    n_flat = case.channels[-1] * side * side
    return nn.Sequential(*layers, *_dense(case, n_flat, n_classes))


class _Recurrent(nn.Module):
    """The class is read from the last state, as of a GRU, an LSTM or a plain RNN."""

    def __init__(self, case: Case, n_inputs: int, n_classes: int) -> None:
        super().__init__()
        width, depth = case.hidden[0], len(case.hidden)
        kinds = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}
        extra = {"nonlinearity": case.activation} if case.cell == "rnn" else {}
        self.recurrent = kinds[case.cell](n_inputs, width, depth, batch_first=True, **extra)
        self.drop = nn.Dropout(case.dropout)
        self.head = nn.Linear(width, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, time, D) -> (N, C)."""
        outputs, _ = self.recurrent(x)
        return self.head(self.drop(outputs[:, -1]))


def _he(network: nn.Module) -> None:
    """He's initialization of rectified layers, in place of PyTorch's smaller one."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)
