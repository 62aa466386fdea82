"""The networks that the cases train: dense, convolutional, residual, recurrent, attentive, each with plain modules."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from cases import Case

ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
}


def build(case: Case, shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """A network for inputs of a shape, with fresh weights from PyTorch's generator."""
    if case.model == "mlp":
        network: nn.Module = _dense(case, shape[0], n_outputs)
    elif case.model == "cnn":
        network = _residual(case, shape, n_outputs) if case.residual else _convolutional(case, shape, n_outputs)
    else:
        network = (_Attentive if case.model == "transformer" else _Recurrent)(case, shape, n_outputs)
    if case.he:
        _he(network)
    if case.keras:
        _as_in_keras(network)
    return network


def _dense(case: Case, n_inputs: int, n_outputs: int) -> nn.Sequential:
    widths = (n_inputs, *case.hidden)
    layers = [module for n_in, n_out in pairwise(widths) for module in _dense_layer(case, n_in, n_out)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], n_outputs))


def _dense_layer(case: Case, n_in: int, n_out: int) -> list[nn.Module]:
    norm = [nn.BatchNorm1d(n_out, momentum=case.bn_momentum)] if case.batch_norm else []
    drop = [nn.Dropout(case.dropout)] if case.dropout else []
    return [nn.Linear(n_in, n_out), *norm, ACTIVATIONS[case.activation](), *drop]


def _convolutional(case: Case, shape: tuple[int, ...], n_outputs: int) -> nn.Sequential:
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
    return nn.Sequential(*layers, *_dense(case, n_flat, n_outputs))


def _residual(case: Case, shape: tuple[int, ...], n_outputs: int) -> nn.Sequential:
    """A block for each number of channels, and the mean over all places at the end."""
    stem = nn.Conv2d(shape[0], case.channels[0], 3, padding=1)
    blocks = [
        _Block(case, n_in, n_out, halve=place % 2 == 1)
        for place, (n_in, n_out) in enumerate(pairwise((case.channels[0], *case.channels)))
    ]
    return nn.Sequential(
        stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *_dense(case, case.channels[-1], n_outputs)
    )


class _Block(nn.Module):
    """Two convolutions, and what came in beside them (He et al., 2016)."""

    def __init__(self, case: Case, n_in: int, n_out: int, *, halve: bool) -> None:
        super().__init__()
        step = 2 if halve else 1
        norms = [nn.BatchNorm2d(n_out, momentum=case.bn_momentum) if case.batch_norm else nn.Identity() for _ in "12"]
        self.inner = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, step, 1),
            norms[0],
            ACTIVATIONS[case.activation](),
            nn.Conv2d(n_out, n_out, 3, 1, 1),
            norms[1],
        )
        self.beside = nn.Identity() if n_in == n_out and step == 1 else nn.Conv2d(n_in, n_out, 1, step)
        self.last = ACTIVATIONS[case.activation]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.inner(x) + self.beside(x))


class _Recurrent(nn.Module):
    """Returns what follows from the last state, as of a GRU, an LSTM or a plain RNN; of a language, from each state."""

    def __init__(self, case: Case, shape: tuple[int, ...], n_outputs: int) -> None:
        super().__init__()
        width, depth = case.hidden[0], len(case.hidden)
        kinds = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}
        extra = {"nonlinearity": case.activation} if case.cell == "rnn" else {}
        self.embed = nn.Embedding(case.data.vocabulary, width) if case.data.vocabulary else nn.Identity()
        n_inputs = width if case.data.vocabulary else shape[-1]
        self.recurrent = kinds[case.cell](n_inputs, width, depth, batch_first=True, **extra)
        self.drop = nn.Dropout(case.dropout)
        self.head = nn.Linear(width, n_outputs)
        self.of_each_step = case.data.task == "language"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, time, D) or tokens (N, time) -> (N, outputs), or (N, time, outputs)."""
        outputs, _ = self.recurrent(self.embed(x))
        return self.head(self.drop(outputs if self.of_each_step else outputs[:, -1]))


class _Attentive(nn.Module):
    """Returns what follows from the mean over all steps of a transformer; of a language, from each step and before."""

    def __init__(self, case: Case, shape: tuple[int, ...], n_outputs: int) -> None:
        super().__init__()
        width, vocabulary = case.hidden[0], case.data.vocabulary
        self.embed = nn.Embedding(vocabulary, width) if vocabulary else nn.Linear(shape[-1], width)
        self.places = nn.Parameter(0.02 * torch.randn(shape[0], width))
        layer = nn.TransformerEncoderLayer(
            width, case.heads, 2 * width, case.dropout, case.activation, batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, len(case.hidden), enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_outputs)
        self.mask: torch.Tensor | None = None
        if case.data.task == "language":
            self.mask = nn.Transformer.generate_square_subsequent_mask(shape[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, time, D) or tokens (N, time) -> (N, outputs), or (N, time, outputs)."""
        states = self.norm(self.body(self.embed(x) + self.places, mask=self.mask))
        return self.head(states.mean(dim=1) if self.mask is None else states)


def _he(network: nn.Module) -> None:
    """He's initialization of rectified layers, in place of PyTorch's smaller one."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)


def _as_in_keras(network: nn.Module) -> None:
    """Glorot's initialization, orthogonal recurrent weights, no biases at first, and a wider margin in batch norm."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eps = 1e-3
        elif isinstance(module, nn.RNNBase):
            for name, parameter in module.named_parameters():
                if "weight_ih" in name:
                    nn.init.xavier_uniform_(parameter)
                elif "weight_hh" in name:
                    for gate in parameter.split(module.hidden_size):
                        nn.init.orthogonal_(gate)
                else:
                    nn.init.zeros_(parameter)
