"""Programs in PyTorch that people asked about, written anew."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from asked_case import Asked, Rows
from sklearn.datasets import load_digits, make_classification
from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor], Tensor]


def digits(n: int = 1200) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images of 8 x 8, from 0 to 1, and their digits; those after n are for validation."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = torch.tensor(x[order] / 16, dtype=torch.float32), torch.tensor(y[order])
    return x[:n], y[:n], x[n:], y[n:]


def epochs(
    model: nn.Module,
    loss_of: Loss,
    optimizer: torch.optim.Optimizer,
    data: tuple[Tensor, ...],
    *,
    batch: int,
    n: int,
    names: tuple[str, str, str, str] = ("train_loss", "train_acc", "val_loss", "val_acc"),
    scores: Callable[[Tensor, Tensor], dict[str, float]] | None = None,
    resets: bool = True,
) -> Rows:
    """Train by the usual loop.

    data: rows and targets, and perhaps those of validation.
    names: of losses and accuracies; "" is not printed.
    scores: what is printed of outputs and targets of validation.
    """
    x, y, rows = data[0], data[1], []
    for epoch in range(1, n + 1):
        model.train()
        losses, right = [], []
        for part in torch.randperm(len(x)).split(batch):
            outputs = model(x[part])
            loss = loss_of(outputs, y[part])
            if resets:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item() * len(part))
            right.append(hits(outputs, y[part]))
        row = {"epoch": float(epoch), names[0]: sum(losses) / len(x), names[1]: sum(right) / y.numel()}
        if len(data) == 4:
            model.eval()
            with torch.no_grad():
                outputs = model(data[2])
                row |= {names[2]: loss_of(outputs, data[3]).item(), names[3]: hits(outputs, data[3]) / data[3].numel()}
                row |= scores(outputs, data[3]) if scores else {}
        rows.append({name: value for name, value in row.items() if name})
        if not math.isfinite(row[names[0]]):
            break
    return rows


def hits(outputs: Tensor, targets: Tensor) -> float:
    """How many outputs are right: of classes the largest, of one output its sign."""
    if targets.dtype == torch.int64:
        return float((outputs.argmax(1) == targets).sum())
    return float(((outputs > 0) == (targets > 0.5)).sum())


def mlp(*widths: int, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), act()]
    return nn.Sequential(*layers[:-1])


def seeded(seed: int = 0) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(seed)


# classification


class Encoder(nn.Module):
    """Tokens to classes by a small transformer."""

    def __init__(self, words: int, length: int, classes: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, 64), nn.Parameter(0.1 * torch.randn(length, 64))
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(64, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        body: Tensor = self.body(self.words(tokens) + self.places)
        logits: Tensor = self.head(body[:, 0])
        return logits


def sentences(n: int, length: int = 16, words: int = 60) -> tuple[Tensor, Tensor]:
    """Tokens, and which of the marks 1 and 2 is in the sentence."""
    x, y = torch.randint(3, words, (n, length)), torch.randint(0, 2, (n,))
    x[torch.arange(n), torch.randint(1, length, (n,))] = 1 + y
    return x, y


def encoder_rate(*, is_cured: bool) -> Rows:
    seeded()
    data = (*sentences(1200), *sentences(400))
    model = Encoder(60, 16, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4 if is_cured else 0.03)
    names = ("loss", "", "eval_loss", "eval_accuracy")
    return epochs(model, nn.CrossEntropyLoss(), optimizer, data, batch=32, n=8, names=names)


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.body = nn.Embedding(200, 32), nn.LSTM(32, 48, batch_first=True, bidirectional=True)
        self.head = nn.Linear(96, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(self.words(tokens))[0])
        return logits.transpose(1, 2)


def tagger_rate(*, is_cured: bool) -> Rows:
    seeded()
    x = torch.randint(0, 200, (600, 14))
    before = torch.roll(x, 1, dims=1)
    y = torch.where(
        x % 4 == 0, torch.where(before % 2 == 0, 1, 2), torch.where(x % 4 == 1, 3 + (before % 3 == 0).long(), 0)
    )
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005 if is_cured else 0.3)

    def f1(outputs: Tensor, targets: Tensor) -> dict[str, float]:
        named = outputs.argmax(1)
        found = float(((named == targets) & (targets > 0)).sum())
        return {"f1": 100 * 2 * found / max(float((named > 0).sum() + (targets > 0).sum()), 1)}

    data = (x[:450], y[:450], x[450:], y[450:])
    names = ("train loss", "", "", "acc")
    return epochs(model, nn.CrossEntropyLoss(), optimizer, data, batch=20, n=12, names=names, scores=f1)


def spots(n: int) -> tuple[Tensor, Tensor]:
    """Noisy images of 16 x 16 with a faint spot of four pixels, and its mask."""
    images, masks = torch.randn(n, 1, 16, 16), torch.zeros(n, 1, 16, 16)
    for i, (row, column) in enumerate(torch.randint(0, 15, (n, 2)).tolist()):
        masks[i, 0, row : row + 2, column : column + 2] = 1
    return images + 1.8 * masks, masks


def segments(*, is_cured: bool) -> Rows:
    seeded()
    data = (*spots(300), *spots(100))
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(20.0) if is_cured else None)

    def dice(outputs: Tensor, targets: Tensor) -> dict[str, float]:
        named = (outputs > 0).float()
        return {"val_dice": float(2 * (named * targets).sum() / (named.sum() + targets.sum() + 1e-6))}

    return epochs(model, loss, optimizer, data, batch=8, n=12, scores=dice)


def collapse(*, is_cured: bool) -> Rows:
    seeded(1)
    x, y, xv, yv = digits()
    model = nn.Sequential(
        *(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 1)),
    )
    optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    if is_cured:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    odd, odd_v = (y % 2).float()[:, None], (yv % 2).float()[:, None]
    return epochs(model, nn.BCEWithLogitsLoss(), optimizer, (x, odd, xv, odd_v), batch=64, n=15)


def small_init(*, is_cured: bool) -> Rows:
    seeded()
    model = mlp(64, 64, 64, 64, 64, 10)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.15 if is_cured else 0.01)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return epochs(model, nn.CrossEntropyLoss(), optimizer, digits(), batch=32, n=12)


def head_left_out(*, is_cured: bool) -> Rows:
    seeded()
    x, y, xv, yv = digits()
    body, other = mlp(64, 64, 32), nn.Linear(32, 2)
    first = torch.optim.Adam([*body.parameters(), *other.parameters()], lr=1e-3)
    epochs(nn.Sequential(body, nn.ReLU(), other), nn.CrossEntropyLoss(), first, (x, (y > 4).long()), batch=32, n=5)
    head = nn.Linear(32, 10)
    groups = [{"params": body.parameters(), "lr": 3e-5}]
    groups += [{"params": head.parameters(), "lr": 5e-3}] if is_cured else []
    optimizer = torch.optim.AdamW(groups)
    model = nn.Sequential(body, nn.ReLU(), head)
    return epochs(model, nn.CrossEntropyLoss(), optimizer, (x, y, xv, yv), batch=16, n=15)


def too_few_rows(*, is_cured: bool) -> Rows:
    seeded()
    x, y = make_classification(900, 70, n_informative=12, n_redundant=0, n_classes=4, flip_y=0.1, random_state=1)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    model = mlp(70, 8, 4) if is_cured else mlp(70, 200, 200, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=0.01 if is_cured else 0.0)
    return epochs(model, nn.CrossEntropyLoss(), optimizer, (x[:450], y[:450], x[450:], y[450:]), batch=32, n=40)


# sequences with a state


class Forgetful(nn.Module):
    """A GRU cell by hand, whose state is cut off from its past."""

    def __init__(self, *, is_cured: bool) -> None:
        super().__init__()
        self.before, self.cell, self.head = nn.Linear(3, 16), nn.GRUCell(16, 24), nn.Linear(24, 1)
        self.is_cured = is_cured

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 24)
        for step in x.unbind(1):
            state = self.cell(torch.tanh(self.before(step)), state if self.is_cured else state.detach())
        logits: Tensor = self.head(state)
        return logits


def state_cut_off(*, is_cured: bool) -> Rows:
    seeded()
    x = torch.randn(900, 8, 3)
    y = (x[:, 0, 0] + x[:, 1, 1] > 0).float()[:, None]
    model = Forgetful(is_cured=is_cured)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    data = (x[:700], y[:700], x[700:], y[700:])
    return epochs(model, nn.BCEWithLogitsLoss(), optimizer, data, batch=32, n=20)


class Pooled(nn.Module):
    """Words to a class by an LSTM in both directions and the maximum over time."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.body = nn.Embedding(300, 24), nn.LSTM(24, 24, batch_first=True, bidirectional=True)
        self.head = nn.Linear(48, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(self.words(tokens))[0].amax(1))
        return logits


def emotions(**_: bool) -> Rows:
    """Nothing is wrong: one label in six is a matter of taste."""
    seeded()
    x = torch.randint(8, 300, (1500, 12))
    y = torch.randint(0, 4, (1500,))
    for column in (2, 5, 9):
        x[:, column] = 2 * y + torch.randint(0, 2, (1500,))
    y = torch.where(torch.rand(1500) < 0.2, torch.randint(0, 4, (1500,)), y)
    model = Pooled()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return epochs(model, nn.CrossEntropyLoss(), optimizer, (x[:1200], y[:1200], x[1200:], y[1200:]), batch=32, n=12)


def all_right(**_: bool) -> Rows:
    """Nothing is wrong: training rows are right, and nearly all others."""
    seeded()
    optimizer = torch.optim.Adam((model := mlp(64, 64, 10)).parameters(), lr=2e-3)
    names = ("", "train_acc", "", "val_acc")
    return epochs(model, nn.CrossEntropyLoss(), optimizer, digits(1400), batch=32, n=40, names=names)


# numbers


def squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return torch.mean((outputs - targets) ** 2)


LOSS_ONLY = ("loss", "", "", "")


def gradients_add_up(*, is_cured: bool) -> Rows:
    seeded(2)
    x, y = torch.rand(8, 4), torch.rand(8, 2)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    names = ("Loss error", "", "", "")
    return epochs(model, squared, optimizer, (x, y), batch=8, n=100, names=names, resets=is_cured)


def line_diverges(*, is_cured: bool) -> Rows:
    seeded()
    x = torch.tensor([[5.0], [10.0], [15.0], [20.0], [25.0], [30.0], [35.0], [40.0]])
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001 if is_cured else 0.01)
    return epochs(model, squared, optimizer, (x, 0.4 * x), batch=8, n=60, names=LOSS_ONLY)


def divided_twice(*, is_cured: bool) -> Rows:
    seeded()
    left, _, left_v, _ = digits(800)
    scale = 1.0 if is_cured else 1 / 255
    x, xv = (scale * images.reshape(-1, 1, 8, 8) for images in (left, left_v))
    y, yv = torch.roll(x, 2, dims=3), torch.roll(xv, 2, dims=3)
    model = nn.Sequential(
        *(nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU()),
        nn.Conv2d(12, 1, 5, padding=2),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    variance = yv.var()

    def r2(outputs: Tensor, targets: Tensor) -> dict[str, float]:
        return {"left over": float(squared(outputs, targets) / variance)}

    names = ("train loss", "", "val loss", "")
    return epochs(model, squared, optimizer, (x, y, xv, yv), batch=16, n=15, names=names, scores=r2)


PROGRAMS = (
    Asked(
        "encoder-rate",
        "https://github.com/huggingface/transformers/issues/735",
        ("lr_too_high",),
        "lr=0.03 optimizer=adamw batch_size=32 n_train=1200 n_val=400 n_classes=2 model=transformer dropout=0.1",
        encoder_rate,
        "eval_accuracy",
    ),
    Asked(
        "tagger-rate",
        "https://github.com/guillaumegenthial/sequence_tagging/issues/47",
        ("lr_too_high", "exploding_gradients"),
        "lr=0.3 optimizer=adam batch_size=20 n_train=450 n_classes=5 model=rnn hidden=48",
        tagger_rate,
        "acc",
    ),
    Asked(
        "segments",
        "https://datascience.stackexchange.com/questions/129632",
        ("class_imbalance",),
        "lr=0.001 optimizer=adam batch_size=8 n_train=300 n_val=100 model=cnn activation=relu loss=bce",
        segments,
        "val_dice",
    ),
    Asked(
        "collapse",
        "https://datascience.stackexchange.com/questions/28481",
        ("lr_too_high", "dead_relus"),
        "lr=0.5 momentum=0.9 optimizer=sgd batch_size=64 n_train=1200 n_classes=2 model=cnn activation=relu loss=bce",
        collapse,
        "val_acc",
    ),
    Asked(
        "small-init",
        "https://github.com/ageron/handson-ml/pull/176",
        ("bad_initialisation", "vanishing_gradients"),
        "lr=0.05 momentum=0.9 optimizer=sgd batch_size=32 n_train=1200 n_classes=10 hidden=64,64,64,64 activation=relu",
        small_init,
        "val_acc",
    ),
    Asked(
        "head-left-out",
        "https://github.com/zjunlp/HVPNeT/issues/5",
        ("frozen_layers", "lr_too_low"),
        "lr=0.00003 optimizer=adamw batch_size=16 n_train=1200 n_classes=10 hidden=64,32 activation=relu",
        head_left_out,
        "val_acc",
    ),
    Asked(
        "too-few-rows",
        "https://datascience.stackexchange.com/questions/31555",
        ("overfitting",),
        "lr=0.001 optimizer=adam batch_size=32 n_train=450 n_val=450 n_classes=4 hidden=200,200 activation=relu",
        too_few_rows,
        "val_loss",
    ),
    Asked(
        "state-cut-off",
        "https://github.com/rtqichen/torchdiffeq/issues/79",
        ("frozen_layers", "vanishing_gradients"),
        "lr=0.005 optimizer=adam batch_size=32 n_train=700 n_val=200 n_classes=2 model=rnn hidden=24 loss=bce",
        state_cut_off,
        "val_acc",
    ),
    Asked(
        "gradients-add-up",
        "https://github.com/IBM/aihwkit/issues/446",
        ("missing_zero_grad",),
        "lr=0.1 optimizer=sgd batch_size=8 n_train=8 loss=mse framework=pytorch",
        gradients_add_up,
        "Loss error",
        columns={"train_loss": "Loss error"},
    ),
    Asked(
        "line-diverges",
        "https://stackoverflow.com/questions/48335501",
        ("lr_too_high", "unnormalised_inputs"),
        "lr=0.01 optimizer=sgd batch_size=8 n_train=8 loss=mse",
        line_diverges,
        "loss",
    ),
    Asked(
        "divided-twice",
        "https://github.com/anishmadan23/deep3d-pytorch/issues/1",
        ("unnormalised_inputs", "lr_too_low"),
        "lr=0.1 momentum=0.9 optimizer=sgd batch_size=16 n_train=800 loss=mse model=cnn activation=relu",
        divided_twice,
        "left over",
    ),
    Asked(
        "emotions",
        "https://discuss.pytorch.org/t/87913",
        ("healthy",),
        "lr=0.1 momentum=0.9 optimizer=sgd batch_size=32 n_train=1200 n_val=300 n_classes=4 model=rnn hidden=24",
        emotions,
    ),
    Asked(
        "all-right",
        "https://math.stackexchange.com/questions/3909320",
        ("healthy",),
        "lr=0.002 optimizer=adam batch_size=32 n_train=1400 n_val=397 n_classes=10 hidden=64 activation=relu",
        all_right,
    ),
)
