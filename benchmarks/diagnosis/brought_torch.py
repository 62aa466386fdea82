"""Programs in PyTorch as people write them: each of its own kind, with the lines that its author would print."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import torch
from brought_case import Brought, Trained
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    make_classification,
)
from sklearn.metrics import f1_score, r2_score, roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

Loss = Callable[[Tensor, Tensor], Tensor]
Data = tuple[Tensor, Tensor, Tensor, Tensor]
CROSS = nn.CrossEntropyLoss()


def seeded(seed: int = 0) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(seed)


def split(x: object, y: object, n: int, seed: int = 0) -> Data:
    """Shuffled; the first n rows are for training, scaled by their own mean and spread where x is a table."""
    x, y = np.asarray(x, np.float32), np.asarray(y)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = torch.tensor(x[order]), torch.tensor(y[order])
    return x[:n], y[:n], x[n:], y[n:]


def scaled(data: Data) -> Data:
    x, y, xv, yv = data
    mean, spread = x.mean(0), x.std(0) + 1e-8
    return (x - mean) / spread, y, (xv - mean) / spread, yv


def digits(n: int = 1200, scale: float = 1 / 16) -> Data:
    x, y = load_digits(return_X_y=True)
    return split(x * scale, y, n)


def mlp(*widths: int, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    parts: list[nn.Module] = []
    for before, after in pairwise(widths):
        parts += [nn.Linear(before, after), act()]
    return nn.Sequential(*parts[:-1])


def cnn(*, batch_norm: bool = False, channels: int = 16, classes: int = 10) -> nn.Sequential:
    norm = [nn.BatchNorm2d(channels)] if batch_norm else []
    norm2 = [nn.BatchNorm2d(2 * channels)] if batch_norm else []
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, channels, 3, padding=1), *norm, nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(channels, 2 * channels, 3, padding=1), *norm2, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Linear(8 * channels, classes),
    )


def right(outputs: Tensor, y: Tensor) -> float:
    named = outputs.argmax(1) if y.dtype == torch.int64 else (outputs > 0).float()
    return float((named == y).float().mean())


class Epoch:
    """What an epoch measured."""

    def __init__(
        self, number: int, loss: float, share: float, val_loss: float, outputs: Tensor, targets: Tensor
    ) -> None:
        self.number, self.loss, self.share, self.val_loss = number, loss, share, val_loss
        self.outputs, self.targets = outputs, targets
        self.val_share = right(outputs, targets) if targets.ndim == 1 or outputs.shape == targets.shape else math.nan


def trained(
    model: nn.Module,
    loss_of: Loss,
    optimizer: torch.optim.Optimizer,
    data: Data,
    *,
    batch: int,
    n: int,
    each_step: Callable[[], object] | None = None,
    each_epoch: Callable[[], object] | None = None,
    change: Callable[[Tensor], Tensor] | None = None,
    clip: float = 0.0,
    resets: bool = True,
    evaluates: bool = True,
) -> Iterator[Epoch]:
    """Train by the usual loop, and yield what each epoch measured."""
    x, y, xv, yv = data
    for number in range(1, n + 1):
        model.train()
        losses, shares = 0.0, 0.0
        for part in torch.randperm(len(x)).split(batch):
            rows = change(x[part]) if change else x[part]
            outputs = model(rows)
            loss = loss_of(outputs, y[part])
            if resets:
                optimizer.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            if each_step:
                each_step()
            losses += loss.item() * len(part)
            if outputs.ndim == y[part].ndim + 1 or outputs.shape == y[part].shape:
                shares += right(outputs.detach(), y[part]) * len(part)
        if each_epoch:
            each_epoch()
        model.train(not evaluates)
        with torch.no_grad():
            outputs = model(xv)
            val_loss = float(loss_of(outputs, yv))
        yield Epoch(number, losses / len(x), shares / len(x), val_loss, outputs, yv)
        if not math.isfinite(losses):
            break


def best(values: list[float], *, least: bool = False) -> float:
    known = [value for value in values if math.isfinite(value)]
    return (min(known) if least else max(known)) if known and math.isfinite(values[-1]) else math.nan


# nothing wrong, in tables


def digits_mlp(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    model = mlp(64, 128, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3 * rate)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, digits(), batch=32, n=30 * longer):
        lines.append(
            f"Epoch {e.number}/{30 * longer} - train_loss: {e.loss:.4f} - train_acc: {e.share:.4f} - "
            f"val_loss: {e.val_loss:.4f} - val_acc: {e.val_share:.4f}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def noisy_labels(rate: float = 1, longer: int = 1) -> Trained:
    """Three rows in ten have any of four labels, so about 77 % is all there is."""
    seeded()
    rng = np.random.default_rng(1)
    x = rng.standard_normal((6000, 12))
    y = 2 * (x[:, 0] + x[:, 1] > 0) + (x[:, 2] - 0.5 * x[:, 3] > 0)
    y = np.where(rng.random(6000) < 0.3, rng.integers(0, 4, 6000), y)
    model = mlp(12, 32, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3 * rate, weight_decay=0.01)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, split(x, y.astype(np.int64), 5000), batch=64, n=12 * longer):
        lines.append(
            f"epoch {e.number:2d}  train loss {e.loss:.3f} acc {e.share:.3f}  valid loss {e.val_loss:.3f} "
            f"acc {e.val_share:.3f}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def coin_like(rate: float = 1, longer: int = 1) -> Trained:
    """Yes or no, where the features tell little: 70 % is what the way that the data were made allows."""
    seeded(3)
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4000, 8))
    y = (rng.random(4000) < 1 / (1 + np.exp(-1.1 * x[:, 0] - 0.7 * x[:, 1]))).astype(np.float32)
    model = mlp(8, 16, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 * rate)
    data = split(x, y[:, None], 3000)
    lines, reached = [], []
    for e in trained(model, nn.BCEWithLogitsLoss(), optimizer, data, batch=50, n=10 * longer):
        lines.append(
            f"[{e.number}] loss={e.loss:.4f} accuracy={100 * e.share:.1f}% val_loss={e.val_loss:.4f} "
            f"val_accuracy={100 * e.val_share:.1f}%"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def cancer(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    x, y = load_breast_cancer(return_X_y=True)
    data = scaled(split(x, y[:, None].astype(np.float32), 400))
    model = mlp(30, 16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05 * rate, momentum=0.9, weight_decay=1e-3)
    lines, reached = [], []
    for e in trained(model, nn.BCEWithLogitsLoss(), optimizer, data, batch=32, n=15 * longer):
        auc = float(roc_auc_score(e.targets[:, 0], e.outputs[:, 0]))
        lines.append(f"Epoch: {e.number:03d}, Loss: {e.loss:.4f}, Val AUC: {auc:.4f}, Val loss: {e.val_loss:.4f}")
        reached.append(auc)
    return Trained("\n".join(lines), best(reached))


def iris(rate: float = 1, longer: int = 1) -> Trained:
    seeded(1)
    data = scaled(split(*load_iris(return_X_y=True), 100))
    model = mlp(4, 16, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2 * rate)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, data, batch=8, n=25 * longer):
        lines.append(f"epoch {e.number} loss {e.loss:.3f} acc {e.share:.3f} test_acc {e.val_share:.3f}")
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def rare_found(rate: float = 1, longer: int = 1) -> Trained:
    """One row in twenty is of the class that matters, and it is found."""
    seeded()
    x, y = make_classification(
        5000, 12, n_informative=8, n_redundant=0, weights=[0.95], class_sep=2.2, flip_y=0, random_state=1
    )
    data = split(x, y[:, None].astype(np.float32), 4000)
    model = mlp(12, 48, 24, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 * rate)
    lines, reached = [], []
    for e in trained(model, nn.BCEWithLogitsLoss(), optimizer, data, batch=64, n=20 * longer):
        f1 = float(f1_score(e.targets[:, 0], e.outputs[:, 0] > 0))
        lines.append(f"Epoch {e.number}: train loss {e.loss:.4f} | val loss {e.val_loss:.4f} | val F1 {f1:.3f}")
        reached.append(f1)
    return Trained("\n".join(lines), best(reached))


def tags(rate: float = 1, longer: int = 1) -> Trained:
    """Eight labels to a row, of which one in ten is wrong."""
    seeded()
    rng = np.random.default_rng(5)
    x = rng.standard_normal((3000, 20))
    y = x @ rng.standard_normal((20, 8)) > 1.5
    y = np.where(rng.random(y.shape) < 0.07, ~y, y).astype(np.float32)
    model = mlp(20, 64, 8)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 * rate)
    lines, reached = [], []
    for e in trained(model, nn.BCEWithLogitsLoss(), optimizer, split(x, y, 2400), batch=64, n=8 * longer):
        f1 = float(f1_score(e.targets, e.outputs > 0, average="micro"))
        lines.append(f"epoch={e.number} train_loss={e.loss:.4f} val_loss={e.val_loss:.4f} micro_f1={f1:.4f}")
        reached.append(f1)
    return Trained("\n".join(lines), best(reached))


# nothing wrong, in images


def shifted(x: Tensor) -> Tensor:
    images = functional.pad(x.view(-1, 8, 8), (1, 1, 1, 1))
    down, across = torch.randint(0, 3, (2,)).tolist()
    return images[:, down : down + 8, across : across + 8].reshape(-1, 64)


def digits_cnn(rate: float = 1, longer: int = 1) -> Trained:
    """Augmented, so that training rows are harder than the others."""
    seeded()
    model = cnn(batch_norm=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05 * rate, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15 * longer)
    lines, reached = [], []
    run = trained(model, CROSS, optimizer, digits(), batch=64, n=15 * longer, each_epoch=schedule.step, change=shifted)
    for e in run:
        lines.append(
            f"Train Epoch: {e.number} Loss: {e.loss:.6f} Accuracy: {100 * e.share:.2f}%\n"
            f"Test set: Average loss: {e.val_loss:.4f}, Accuracy: {100 * e.val_share:.2f}%"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def one_cycle(rate: float = 1, longer: int = 1) -> Trained:
    """A rate that is huge at its peak, with batch norm."""
    seeded()
    model, n = cnn(batch_norm=True), 12 * longer
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.6 * rate, total_steps=19 * n + 1)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, digits(), batch=64, n=n, each_step=schedule.step):
        lines.append(
            f"epoch {e.number}, lr {optimizer.param_groups[0]['lr']:.5f}, train_loss {e.loss:.4f}, train_acc "
            f"{e.share:.4f}, val_loss {e.val_loss:.4f}, val_acc {e.val_share:.4f}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def warm_restarts(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    model = mlp(64, 100, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3 * rate, momentum=0.9, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 10)
    lines, reached = ["epoch,lr,loss,acc,val_loss,val_acc"], []
    for e in trained(model, CROSS, optimizer, digits(), batch=64, n=30 * longer, each_epoch=schedule.step):
        lines.append(
            f"{e.number},{optimizer.param_groups[0]['lr']:.4f},{e.loss:.4f},{e.share:.4f},{e.val_loss:.4f},"
            f"{e.val_share:.4f}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def pretrained(classes: range, seed: int = 0) -> tuple[nn.Sequential, Data]:
    """A body that was trained on other digits, and the data of these."""
    x, y, xv, yv = digits(1400)
    other, other_v = (torch.tensor([int(v) not in classes for v in part]) for part in (y, yv))
    body = nn.Sequential(*cnn(channels=24)[:-1])
    seeded(seed)
    whole = nn.Sequential(body, nn.Linear(192, 10))
    optimizer = torch.optim.Adam(whole.parameters(), lr=2e-3)
    for _ in trained(whole, CROSS, optimizer, (x[other], y[other], xv[other_v], yv[other_v]), batch=32, n=6):
        pass
    return body, (x[~other], y[~other] - classes.start, xv[~other_v], yv[~other_v] - classes.start)


def fine_tuned(rate: float = 1, longer: int = 1) -> Trained:
    """High from the first epoch on."""
    seeded()
    body, data = pretrained(range(5, 10))
    model = nn.Sequential(body, nn.Linear(192, 5))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3 * rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, 5 * longer)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, data, batch=16, n=5 * longer, each_epoch=schedule.step):
        lines.append(
            f"{{'loss': {e.loss:.4f}, 'learning_rate': {optimizer.param_groups[0]['lr']:.3e}, 'epoch': {e.number}.0}}"
        )
        lines.append(f"{{'eval_loss': {e.val_loss:.4f}, 'eval_accuracy': {e.val_share:.4f}, 'epoch': {e.number}.0}}")
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def discs(n: int) -> tuple[Tensor, Tensor]:
    """Noisy images of 16 x 16 with a bright square, and its mask."""
    images, masks = 0.5 * torch.randn(n, 1, 16, 16), torch.zeros(n, 1, 16, 16)
    for i, (row, column, size) in enumerate(torch.randint(3, 8, (n, 3)).tolist()):
        masks[i, 0, row : row + size, column : column + size] = 1
    return images + masks, masks


def masks(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    data = (*discs(400), *discs(100))
    model = nn.Sequential(
        *(nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU()),
        nn.Conv2d(12, 1, 1),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 * rate)
    lines, reached = [], []
    for e in trained(model, nn.BCEWithLogitsLoss(), optimizer, data, batch=8, n=10 * longer):
        named = (e.outputs > 0).float()
        dice = float(2 * (named * e.targets).sum() / (named.sum() + e.targets.sum()))
        lines.append(f"Epoch {e.number} | Loss {e.loss:.4f} | Val Loss {e.val_loss:.4f} | Val Dice {dice:.4f}")
        reached.append(dice)
    return Trained("\n".join(lines), best(reached))


class Variational(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.mean, self.spread = mlp(64, 64, 32), nn.Linear(32, 6), nn.Linear(32, 6)
        self.back = mlp(6, 64, 64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        inner = torch.relu(self.body(x))
        mean, spread = self.mean(inner), self.spread(inner)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * spread)
        return self.back(code), mean, spread


def variational(rate: float = 1, longer: int = 1) -> Trained:
    """A variational autoencoder: its loss is a sum over pixels, and far from 0 at its best."""
    seeded()
    x, _, xv, _ = digits(1400)
    model = Variational()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 * rate)

    def loss_of(rows: Tensor) -> Tensor:
        back, mean, spread = model(rows)
        kl = -0.5 * (1 + spread - mean**2 - spread.exp()).sum()
        return functional.binary_cross_entropy_with_logits(back, rows, reduction="sum") + kl

    lines, reached = [], []
    for number in range(1, 40 * longer + 1):
        total = 0.0
        for part in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss = loss_of(x[part])
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            test = float(loss_of(xv)) / len(xv)
        lines += [f"====> Epoch: {number} Average loss: {total / len(x):.4f}", f"====> Test set loss: {test:.4f}"]
        reached.append(test)
    return Trained("\n".join(lines), best(reached, least=True))


def codes(rate: float = 1, longer: int = 1) -> Trained:
    """An autoencoder of whose training only the loss is printed."""
    seeded()
    x, _, xv, _ = digits(1400)
    model = mlp(64, 64, 12, 64, 64, act=nn.ELU)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 * rate)
    lines, reached = [], []
    for e in trained(model, nn.MSELoss(), optimizer, (x, x, xv, xv), batch=32, n=60 * longer):
        lines.append(f"epoch [{e.number}/{60 * longer}], loss:{e.loss:.4f}")
        reached.append(e.val_loss)
    return Trained("\n".join(lines), best(reached, least=True))


# nothing wrong, in sequences


class Recurrent(nn.Module):
    """The last state of an LSTM, a GRU or a plain recurrent layer, and a line from it."""

    def __init__(self, kind: type[nn.Module], inputs: int, units: int, outputs: int, words: int = 0) -> None:
        super().__init__()
        self.words = nn.Embedding(words, inputs) if words else nn.Identity()
        self.body = kind(inputs, units, batch_first=True)
        self.head = nn.Linear(units, outputs)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.body(self.words(x))[0][:, -1])
        return outputs


def reviews(n: int, noise: float, length: int = 15) -> tuple[Tensor, Tensor]:
    """Words of which some are good and some are bad, and what there is more of; a share of the labels is wrong."""
    x = torch.randint(0, 100, (n, length))
    y = ((x < 25).sum(1) > (x >= 75).sum(1)).long()
    return x, torch.where(torch.rand(n) < noise, 1 - y, y)


def opinions(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    data = (*reviews(6000, 0.1), *reviews(800, 0.1))
    model = Recurrent(nn.LSTM, 16, 32, 2, words=100)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3 * rate)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, data, batch=50, n=6 * longer, clip=1.0):
        lines.append(
            f"Epoch: {e.number:02} | Epoch Time: 0m 2s\n\tTrain Loss: {e.loss:.3f} | Train Acc: {100 * e.share:.2f}%\n"
            f"\t Val. Loss: {e.val_loss:.3f} |  Val. Acc: {100 * e.val_share:.2f}%"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def waves(n: int, noise: float, length: int = 24) -> tuple[Tensor, Tensor]:
    """Noisy waves and their next value, of spread 0.7 and noise as given."""
    start, step = 6.3 * torch.rand(n, 1), 0.2 + 0.3 * torch.rand(n, 1)
    values = torch.sin(start + step * torch.arange(length + 1)) + noise * torch.randn(n, length + 1)
    return values[:, :-1, None], values[:, -1:]


def forecast(rate: float = 1, longer: int = 1) -> Trained:
    """A GRU that tells the next value of a noisy wave."""
    seeded()
    data = (*waves(1500, 0.2), *waves(400, 0.2))
    model = Recurrent(nn.GRU, 1, 32, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3 * rate)
    lines, reached = [], []
    for e in trained(model, nn.MSELoss(), optimizer, data, batch=32, n=15 * longer, clip=1.0):
        lines.append(f"Epoch {e.number}, train MSE: {e.loss:.5f}, val MSE: {e.val_loss:.5f}")
        reached.append(e.val_loss)
    return Trained("\n".join(lines), best(reached, least=True))


class Encoder(nn.Module):
    def __init__(self, words: int, length: int, classes: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, 32), nn.Parameter(0.1 * torch.randn(length, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(self.words(tokens) + self.places).mean(1))
        return logits


def warmed_up(rate: float = 1, longer: int = 1) -> Trained:
    """A transformer with warm-up and decay, printed as the Trainer of Hugging Face does."""
    seeded()
    data, n = (*reviews(2400, 0.0), *reviews(600, 0.0)), 6 * longer
    model = Encoder(100, 15, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3 * rate, weight_decay=0.01)
    total = n * 75
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 45, max(0.0, (total - step) / (total - 45)))
    )
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, data, batch=32, n=n, each_step=schedule.step, clip=1.0):
        norm = sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None) ** 0.5
        lines.append(
            f"{{'loss': {e.loss:.4f}, 'grad_norm': {norm:.4f}, 'learning_rate': "
            f"{optimizer.param_groups[0]['lr']:.4e}, 'epoch': {e.number}.0}}"
        )
        lines.append(
            f"{{'eval_loss': {e.val_loss:.4f}, 'eval_accuracy': {e.val_share:.4f}, 'eval_runtime': 0.41, "
            f"'epoch': {e.number}.0}}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


class Reader(nn.Module):
    """The next letter, from an LSTM."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.words, self.body = nn.Embedding(letters, 24), nn.LSTM(24, 48, batch_first=True)
        self.head = nn.Linear(48, letters)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(self.words(x))[0])
        return logits.transpose(1, 2)


def letters(n: int, length: int = 20, kinds: int = 30) -> tuple[Tensor, Tensor, float]:
    """A text in which each letter is drawn by the one before it, and the perplexity of knowing how."""
    rng = np.random.default_rng(0)
    follows = rng.dirichlet(np.full(kinds, 0.15), kinds)
    at, rows = rng.integers(0, kinds, n), []
    for _ in range(length + 1):
        rows.append(at)
        at = (follows[at].cumsum(1) < rng.random((n, 1))).sum(1).clip(0, kinds - 1)
    text = torch.tensor(np.stack(rows, 1))
    seen = follows[text[:, :-1].numpy(), text[:, 1:].numpy()]
    return text[:, :-1], text[:, 1:], float(np.exp(-np.log(seen).mean()))


def language(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    x, y, _ = letters(2500)
    model = Reader(30)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3 * rate)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, (x[:2000], y[:2000], x[2000:], y[2000:]), batch=50, n=8 * longer):
        lines.append(
            f"| epoch {e.number:3d} | time:  2.31s | train loss {e.loss:5.2f} | train ppl {math.exp(e.loss):8.2f}\n"
            f"| end of epoch {e.number:3d} | valid loss {e.val_loss:5.2f} | valid ppl {math.exp(e.val_loss):8.2f}"
        )
        reached.append(math.exp(e.val_loss))
    return Trained("\n".join(lines), best(reached, least=True))


def by_steps(rate: float = 1, longer: int = 1) -> Trained:
    """Only the loss of every tenth step is printed."""
    seeded()
    x, y, _ = letters(2500)
    model = Reader(30)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3 * rate)
    lines, step = [], 0
    x, y, xv, yv = x[:2000], y[:2000], x[2000:], y[2000:]
    for _ in range(8 * longer):
        for part in torch.randperm(len(x)).split(50):
            loss = CROSS(model(x[part]), y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if step % 10 == 0:
                lines.append(f"step {step}: loss {loss.item():.4f}")
    with torch.no_grad():
        return Trained("\n".join(lines), float(CROSS(model(xv), yv)))


def parity(rate: float = 1, longer: int = 1) -> Trained:
    """The parity of three of ten bits: nothing for some epochs, and then all of it."""
    seeded(1)
    x = torch.randint(0, 2, (2000, 10)).float() * 2 - 1
    y = (x[:, 0] * x[:, 3] * x[:, 7] > 0).long()
    model = mlp(10, 64, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 * rate)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, (x[:1600], y[:1600], x[1600:], y[1600:]), batch=32, n=30 * longer):
        lines.append(f"{e.number} train: {e.loss:.4f} ({e.share:.3f}) val: {e.val_loss:.4f} ({e.val_share:.3f})")
        reached.append(e.val_share)
    lines = [line.replace("train:", "train loss").replace("val:", "val loss") for line in lines]
    lines = [
        line.replace("(", "acc ", 1).replace(") val", " val").replace(" (", " val acc ").rstrip(")") for line in lines
    ]
    return Trained("\n".join(lines), best(reached))


# nothing wrong, in numbers


def diabetes(rate: float = 1, longer: int = 1) -> Trained:
    """Half of the variance is all that anybody explains of these data."""
    seeded()
    x, y = load_diabetes(return_X_y=True)
    data = scaled(split(x, (y[:, None] / 100).astype(np.float32), 330))
    model = mlp(10, 16, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 * rate, weight_decay=1e-2)
    lines, reached = [], []
    for e in trained(model, nn.MSELoss(), optimizer, data, batch=32, n=30 * longer):
        r2 = float(r2_score(e.targets, e.outputs))
        lines.append(f"Epoch {e.number}: loss={e.loss:.4f}, val_loss={e.val_loss:.4f}, val_r2={r2:.3f}")
        reached.append(r2)
    return Trained("\n".join(lines), best(reached))


def prices(rate: float = 1, longer: int = 1) -> Trained:
    """Scaled targets, with the error printed in thousands; 10 of noise are in them."""
    seeded()
    rng = np.random.default_rng(4)
    x = rng.standard_normal((3000, 8))
    y = 240 + 60 * x[:, 0] + 40 * np.maximum(x[:, 1], 0) + 20 * x[:, 2] * x[:, 3] + 10 * rng.standard_normal(3000)
    data = split(x, ((y - 240) / 75)[:, None].astype(np.float32), 2400)
    model = mlp(8, 64, 32, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3 * rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30 * longer)
    lines, reached = [], []
    for e in trained(model, nn.MSELoss(), optimizer, data, batch=32, n=30 * longer, each_epoch=schedule.step):
        lines.append(f"epoch {e.number} train RMSE {75 * e.loss**0.5:.2f} val RMSE {75 * e.val_loss**0.5:.2f}")
        reached.append(75 * e.val_loss**0.5)
    return Trained("\n".join(lines), best(reached, least=True))


class Ratings(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.users, self.films = nn.Embedding(100, 8), nn.Embedding(60, 8)
        self.user, self.film = nn.Embedding(100, 1), nn.Embedding(60, 1)
        self.mean = nn.Parameter(torch.tensor(3.5))
        for table in (self.users, self.films, self.user, self.film):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        of, at = x[:, 0].long(), x[:, 1].long()
        return self.mean + self.user(of) + self.film(at) + (self.users(of) * self.films(at)).sum(1, keepdim=True)


def ratings(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    rng = np.random.default_rng(6)
    of, at = rng.integers(0, 100, 5000), rng.integers(0, 60, 5000)
    stars = 3.4 + 0.5 * rng.standard_normal(100)[of] + 0.7 * rng.standard_normal(60)[at]
    stars = np.clip(np.round(stars + 0.7 * rng.standard_normal(5000)), 1, 5)
    data = split(np.stack([of, at], 1), stars[:, None].astype(np.float32), 4000)
    model = Ratings()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3 * rate, weight_decay=1e-3)
    lines, reached = [], []
    for e in trained(model, nn.MSELoss(), optimizer, data, batch=128, n=12 * longer):
        lines.append(f"epoch {e.number} train loss {e.loss:.3f} valid loss {e.val_loss:.3f}")
        reached.append(e.val_loss)
    return Trained("\n".join(lines), best(reached, least=True))


HEALTHY = ("healthy",)
PROGRAMS_HEALTHY = (
    Brought(
        "digits-mlp",
        HEALTHY,
        "lr=0.001 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 hidden=128,64 activation=relu",
        digits_mlp,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "noisy-labels",
        HEALTHY,
        "lr=0.002 optimizer=adamw weight_decay=0.01 batch_size=64 n_train=5000 n_val=1000 n_classes=4 hidden=32 "
        "activation=relu",
        noisy_labels,
        "val_accuracy",
        0.76,
    ),
    Brought(
        "coin-like",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=50 n_train=3000 n_val=1000 n_classes=2 hidden=16 activation=relu loss=bce",
        coin_like,
        "val_accuracy",
        0.7,
    ),
    Brought(
        "cancer",
        HEALTHY,
        "lr=0.05 momentum=0.9 optimizer=sgd weight_decay=0.001 batch_size=32 n_train=400 n_val=169 "
        "n_classes=2 hidden=16",
        cancer,
        "val_auc",
        0.99,
    ),
    Brought(
        "iris", HEALTHY, "lr=0.01 optimizer=adam batch_size=8 n_train=100 hidden=16", iris, "val_accuracy", 0.95, 0.05
    ),
    Brought(
        "rare-found",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=64 n_train=4000 n_val=1000 n_classes=2 hidden=48,24 activation=relu",
        rare_found,
        "val_f1",
        0.9,
    ),
    Brought(
        "tags",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=64 n_train=2400 n_val=600 hidden=64 activation=relu loss=bce",
        tags,
        "val_f1",
        0.8,
    ),
    Brought(
        "digits-cnn",
        HEALTHY,
        "lr=0.05 momentum=0.9 optimizer=sgd weight_decay=0.0005 batch_size=64 n_train=1200 n_val=597 n_classes=10 "
        "model=cnn batch_norm=true activation=relu",
        digits_cnn,
        "val_accuracy",
        0.98,
    ),
    Brought(
        "one-cycle",
        HEALTHY,
        "lr=0.6 momentum=0.9 optimizer=sgd batch_size=64 n_train=1200 n_val=597 n_classes=10 model=cnn batch_norm=true",
        one_cycle,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "warm-restarts",
        HEALTHY,
        "lr=0.3 momentum=0.9 optimizer=sgd weight_decay=0.001 batch_size=64 n_train=1200 n_val=597 n_classes=10 "
        "hidden=100 activation=relu",
        warm_restarts,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "fine-tuned",
        HEALTHY,
        "lr=0.003 optimizer=adamw batch_size=16 n_train=700 n_classes=5 model=cnn framework=huggingface",
        fine_tuned,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "masks",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=8 n_train=400 n_val=100 model=cnn loss=bce",
        masks,
        "val_dice",
        0.945,
    ),
    Brought(
        "variational",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=64 n_train=1400",
        variational,
        "val_loss",
        24.5,
        0.03,
    ),
    Brought(
        "codes",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=32 n_train=1400 loss=mse",
        codes,
        "train_loss",
        0.015,
        0.15,
    ),
    Brought(
        "opinions",
        HEALTHY,
        "lr=0.004 optimizer=adam batch_size=50 n_train=6000 n_val=800 n_classes=2 model=rnn hidden=32 grad_clip=1.0",
        opinions,
        "val_accuracy",
        0.89,
    ),
    Brought(
        "forecast",
        HEALTHY,
        "lr=0.005 optimizer=adam batch_size=32 n_train=1500 n_val=400 model=rnn hidden=32 loss=mse",
        forecast,
        "val_mse",
        0.055,
        0.06,
    ),
    Brought(
        "warmed-up",
        HEALTHY,
        "lr=0.002 optimizer=adamw weight_decay=0.01 batch_size=32 n_train=2400 n_val=600 n_classes=2 "
        "model=transformer dropout=0.1 framework=huggingface",
        warmed_up,
        "val_accuracy",
        0.965,
    ),
    Brought(
        "language",
        HEALTHY,
        "lr=0.005 optimizer=adam batch_size=50 n_train=2000 n_val=500 model=rnn hidden=48",
        language,
        "val_perplexity",
        letters(2500)[2],
        0.03,
    ),
    Brought("by-steps", HEALTHY, "lr=0.005 optimizer=adam batch_size=50 model=rnn", by_steps, "train_loss", 1.95, 0.03),
    Brought(
        "parity",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=32 n_train=1600 n_val=400 n_classes=2 hidden=64 activation=relu",
        parity,
        "val_accuracy",
        1.0,
    ),
    Brought(
        "diabetes",
        HEALTHY,
        "lr=0.003 optimizer=adam weight_decay=0.01 batch_size=32 n_train=330 n_val=112 hidden=16 loss=mse",
        diabetes,
        "val_r2",
        0.5,
        0.03,
    ),
    Brought(
        "prices",
        HEALTHY,
        "lr=0.004 optimizer=adam batch_size=32 n_train=2400 n_val=600 hidden=64,32 activation=relu loss=mse",
        prices,
        "val_rmse",
        11.0,
        0.05,
    ),
    Brought(
        "ratings",
        HEALTHY,
        "lr=0.005 optimizer=adam weight_decay=0.001 batch_size=128 n_train=4000 n_val=1000 loss=mse",
        ratings,
        "val_loss",
        0.56,
        0.03,
    ),
)


# stuck


def usual(model: nn.Module, loss_of: Loss, optimizer: torch.optim.Optimizer, data: Data, **how: object) -> Trained:
    """Train, and print a line an epoch."""
    lines, reached = [], []
    for e in trained(model, loss_of, optimizer, data, **how):  # type: ignore[arg-type]
        lines.append(
            f"Epoch {e.number}: train loss {e.loss:.4f}, train acc {e.share:.4f}, val loss {e.val_loss:.4f}, "
            f"val acc {e.val_share:.4f}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def two_softmaxes(*, is_cured: bool) -> Trained:
    seeded()
    model = cnn() if is_cured else nn.Sequential(cnn(), nn.Softmax(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=15)


def bytes_as_they_are(*, is_cured: bool) -> Trained:
    """Images from 0 to 255."""
    seeded()
    model = mlp(64, 128, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return usual(model, CROSS, optimizer, digits(scale=1 / 16 if is_cured else 255 / 16), batch=32, n=15)


def adam_at_a_tenth(*, is_cured: bool) -> Trained:
    seeded()
    model = cnn(channels=24)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3 if is_cured else 0.1)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=12)


def sgd_crawls(*, is_cured: bool) -> Trained:
    seeded()
    model = mlp(64, 100, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2 if is_cured else 1e-3)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=20)


def never_reset(*, is_cured: bool) -> Trained:
    seeded()
    model = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=20, resets=is_cured)


def head_alone(*, is_cured: bool) -> Trained:
    """A body that was never trained, and that the optimizer does not hold."""
    seeded()
    body, head = mlp(64, 32, 12), nn.Linear(12, 10)
    model = nn.Sequential(body, nn.ReLU(), head)
    optimizer = torch.optim.Adam(model.parameters() if is_cured else head.parameters(), lr=3e-3)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=20)


def tiny_steps(*, is_cured: bool) -> Trained:
    """The rate of a large language model, for a new head."""
    seeded()
    body, data = pretrained(range(5, 10))
    model = nn.Sequential(body, nn.Linear(192, 5))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3 if is_cured else 2e-5)
    lines, reached = [], []
    for e in trained(model, CROSS, optimizer, data, batch=16, n=5):
        lines.append(f"{{'loss': {e.loss:.4f}, 'learning_rate': 2e-05, 'epoch': {e.number}.0}}")
        lines.append(f"{{'eval_loss': {e.val_loss:.4f}, 'eval_accuracy': {e.val_share:.4f}, 'epoch': {e.number}.0}}")
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def long_memory(*, is_cured: bool) -> Trained:
    """The first of forty numbers decides; a plain recurrent layer has forgotten it."""
    seeded()
    x = torch.randn(1500, 40 if not is_cured else 5, 1)
    y = (x[:, 0, 0] > 0).long()
    model = Recurrent(nn.RNN, 1, 24, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    return usual(model, CROSS, optimizer, (x[:1200], y[:1200], x[1200:], y[1200:]), batch=32, n=12)


class Sums(nn.Module):
    """A recurrent network by hand, with a ReLU and weights that make numbers grow."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer, self.head = nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 1)
        nn.init.normal_(self.outer.weight, std=0.32)

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 32)
        for step in x.unbind(1):
            state = torch.relu(self.inner(step) + self.outer(state))
        outputs: Tensor = self.head(state)
        return outputs


def bursts(*, is_cured: bool) -> Trained:
    seeded()
    x = torch.rand(1000, 30, 2)
    y = (x[:, :, 0] * (x[:, :, 1] > 0.8)).sum(1, keepdim=True) / 3
    model = Sums()
    if is_cured:
        nn.init.orthogonal_(model.outer.weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    lines, reached = [], []
    run = trained(model, nn.MSELoss(), optimizer, (x[:800], y[:800], x[800:], y[800:]), batch=32, n=15, clip=is_cured)
    for e in run:
        lines.append(f"epoch {e.number}: train_loss={e.loss:.5g} val_loss={e.val_loss:.5g}")
        reached.append(e.val_loss)
    return Trained("\n".join(lines), best(reached, least=True))


def nine_sigmoids(*, is_cured: bool) -> Trained:
    seeded()
    model = mlp(64, *(48,) * 8, 10, act=nn.ReLU if is_cured else nn.Sigmoid)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=12)


def frauds(*, is_cured: bool) -> Trained:
    """Three rows in a hundred, and no word of them in the loss."""
    seeded()
    x, y = make_classification(4000, 15, n_informative=5, weights=[0.97], class_sep=0.7, flip_y=0, random_state=3)
    data = split(x, y[:, None].astype(np.float32), 3000)
    loss_of = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(30.0) if is_cured else None)
    model = mlp(15, 16, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    lines, reached = [], []
    for e in trained(model, loss_of, optimizer, data, batch=64, n=8):
        f1 = float(f1_score(e.targets[:, 0], e.outputs[:, 0] > 0, zero_division=0))
        lines.append(
            f"Epoch {e.number}: loss {e.loss:.4f} acc {e.share:.4f} val_loss {e.val_loss:.4f} val_acc "
            f"{e.val_share:.4f} val_f1 {f1:.3f}"
        )
        reached.append(f1)
    return Trained("\n".join(lines), best(reached))


def sorted_labels(*, is_cured: bool) -> Trained:
    """The names of the validation rows were read in another order than their labels."""
    seeded()
    x, y, xv, yv = digits()
    model = mlp(64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    data = (x, y, xv, yv if is_cured else yv.sort().values)
    return usual(model, CROSS, optimizer, data, batch=32, n=15)


def step_each_batch(*, is_cured: bool) -> Trained:
    """A schedule that was meant to be stepped each epoch."""
    seeded()
    model = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 10, 0.5)
    lines, reached = [], []
    how = {"each_epoch": schedule.step} if is_cured else {"each_step": schedule.step}
    for e in trained(model, CROSS, optimizer, digits(), batch=32, n=20, **how):
        lines.append(
            f"Epoch {e.number} lr={optimizer.param_groups[0]['lr']:.2e} train_loss={e.loss:.4f} "
            f"train_acc={e.share:.4f} val_loss={e.val_loss:.4f} val_acc={e.val_share:.4f}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def all_rows_at_once(*, is_cured: bool) -> Trained:
    seeded()
    model = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return usual(model, CROSS, optimizer, digits(), batch=32 if is_cured else 1200, n=25)


def two_epochs(*, is_cured: bool) -> Trained:
    seeded()
    data = (*reviews(800, 0.0), *reviews(400, 0.0))
    model = Encoder(100, 15, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return usual(model, CROSS, optimizer, data, batch=32, n=30 if is_cured else 3)


def broadcast(*, is_cured: bool) -> Trained:
    """Outputs (N, 1) against targets (N,): each output is drawn to the mean of all targets."""
    seeded()
    data = (*waves(1200, 0.05), *waves(300, 0.05))
    if not is_cured:
        data = (data[0], data[1][:, 0], data[2], data[3][:, 0])
    model = Recurrent(nn.LSTM, 1, 32, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    lines, reached = [], []
    run = trained(model, lambda a, b: ((a - b) ** 2).mean(), optimizer, data, batch=32, n=15)
    for e in run:
        lines.append(f"Epoch {e.number} - train loss: {e.loss:.4f} - val loss: {e.val_loss:.4f}")
        reached.append(float(((e.outputs.flatten() - e.targets.flatten()) ** 2).mean()))
    return Trained("\n".join(lines), best(reached, least=True))


def two_units(*, is_cured: bool) -> Trained:
    seeded()
    model = mlp(64, 64 if is_cured else 2, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=30)


def zeros(*, is_cured: bool) -> Trained:
    """All weights begin at 0."""
    seeded()
    model = mlp(64, 64, 10)
    if not is_cured:
        for weights in model.parameters():
            nn.init.zeros_(weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=15)


def other_scale(*, is_cured: bool) -> Trained:
    """Training rows are standardized, validation rows are not."""
    seeded()
    x, y, xv, yv = digits(scale=1.0)
    mean, spread = x.mean(), x.std()
    data = ((x - mean) / spread, y, (xv - mean) / spread if is_cured else xv / 255, yv)
    model = cnn()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    return usual(model, CROSS, optimizer, data, batch=32, n=12)


def momentum_diverges(*, is_cured: bool) -> Trained:
    """A regression by SGD whose loss is no number after some steps."""
    seeded()
    x, y = load_diabetes(return_X_y=True)
    data = scaled(split(x, y[:, None].astype(np.float32), 330))
    model = mlp(10, 32, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5 if is_cured else 0.01, momentum=0.9)
    lines, reached = [], []
    for e in trained(model, nn.MSELoss(), optimizer, data, batch=32, n=20):
        lines.append(f"Epoch {e.number}: loss = {e.loss:.4f}, val loss = {e.val_loss:.4f}")
        reached.append(e.val_loss)
    return Trained("\n".join(lines), best(reached, least=True))


_DIGITS = "n_train=1200 n_val=597 n_classes=10 framework=pytorch"
PROGRAMS_STUCK = (
    Brought(
        "two-softmaxes",
        ("loss_output_mismatch",),
        f"lr=0.05 momentum=0.9 optimizer=sgd batch_size=32 model=cnn activation=relu {_DIGITS}",
        two_softmaxes,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "bytes-as-they-are",
        ("unnormalised_inputs", "lr_too_high"),
        f"lr=0.01 momentum=0.9 optimizer=sgd batch_size=32 hidden=128 activation=relu {_DIGITS}",
        bytes_as_they_are,
        "val_accuracy",
        0.96,
    ),
    Brought(
        "adam-at-a-tenth",
        ("lr_too_high",),
        f"lr=0.1 optimizer=adam batch_size=32 model=cnn activation=relu {_DIGITS}",
        adam_at_a_tenth,
        "val_accuracy",
        0.98,
    ),
    Brought(
        "sgd-crawls",
        ("lr_too_low",),
        f"lr=0.001 optimizer=sgd batch_size=32 hidden=100 activation=relu {_DIGITS}",
        sgd_crawls,
        "val_accuracy",
        0.96,
    ),
    Brought(
        "never-reset",
        ("missing_zero_grad",),
        f"lr=0.05 momentum=0.9 optimizer=sgd batch_size=32 hidden=64 activation=relu {_DIGITS}",
        never_reset,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "head-alone",
        ("frozen_layers",),
        f"lr=0.003 optimizer=adam batch_size=32 hidden=32,12 activation=relu {_DIGITS}",
        head_alone,
        "val_accuracy",
        0.96,
    ),
    Brought(
        "tiny-steps",
        ("lr_too_low",),
        "lr=0.00002 optimizer=adamw batch_size=16 n_train=700 n_classes=5 model=cnn framework=huggingface",
        tiny_steps,
        "val_accuracy",
        0.98,
    ),
    Brought(
        "long-memory",
        ("vanishing_gradients",),
        "lr=0.002 optimizer=adam batch_size=32 n_train=1200 n_val=300 n_classes=2 model=rnn hidden=24 activation=tanh",
        long_memory,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "bursts",
        ("exploding_gradients", "bad_initialisation"),
        "lr=0.001 optimizer=adam batch_size=32 n_train=800 n_val=200 model=rnn hidden=32 activation=relu loss=mse",
        bursts,
        "val_loss",
        0.1,
    ),
    Brought(
        "nine-sigmoids",
        ("vanishing_gradients",),
        f"lr=0.001 optimizer=adam batch_size=32 hidden=48,48,48,48,48,48,48,48 activation=sigmoid {_DIGITS}",
        nine_sigmoids,
        "val_accuracy",
        0.69,
    ),
    Brought(
        "frauds",
        ("class_imbalance",),
        "lr=0.0005 optimizer=adam batch_size=64 n_train=3000 n_val=1000 n_classes=2 hidden=16 activation=relu loss=bce",
        frauds,
        "val_f1",
        0.26,
        0.1,
    ),
    Brought(
        "sorted-labels",
        ("labels_mismatched",),
        f"lr=0.002 optimizer=adam batch_size=32 hidden=64 activation=relu {_DIGITS}",
        sorted_labels,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "step-each-batch",
        ("lr_decays_too_early",),
        f"lr=0.1 momentum=0.9 optimizer=sgd batch_size=32 hidden=64 activation=relu {_DIGITS}",
        step_each_batch,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "all-rows-at-once",
        ("batch_size_too_large", "too_few_epochs", "lr_too_low"),
        f"lr=0.05 momentum=0.9 optimizer=sgd batch_size=1200 hidden=64 activation=relu {_DIGITS}",
        all_rows_at_once,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "two-epochs",
        ("too_few_epochs", "lr_too_low"),
        "lr=0.001 optimizer=adamw batch_size=32 n_train=800 n_val=400 n_classes=2 model=transformer dropout=0.1",
        two_epochs,
        "val_accuracy",
        0.9,
    ),
    Brought(
        "broadcast",
        ("loss_output_mismatch",),
        "lr=0.005 optimizer=adam batch_size=32 n_train=1200 n_val=300 model=rnn hidden=32 loss=mse framework=pytorch",
        broadcast,
        "val_loss",
        0.02,
    ),
    Brought(
        "two-units",
        ("model_too_small",),
        f"lr=0.005 optimizer=adam batch_size=32 hidden=2 activation=relu {_DIGITS}",
        two_units,
        "val_accuracy",
        0.96,
    ),
    Brought(
        "zeros",
        ("bad_initialisation",),
        f"lr=0.1 momentum=0.9 optimizer=sgd batch_size=32 hidden=64 activation=relu {_DIGITS}",
        zeros,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "other-scale",
        ("distribution_shift",),
        f"lr=0.002 optimizer=adam batch_size=32 model=cnn activation=relu {_DIGITS}",
        other_scale,
        "val_accuracy",
        0.98,
    ),
    Brought(
        "momentum-diverges",
        ("lr_too_high", "unnormalised_inputs"),
        "lr=0.01 momentum=0.9 optimizer=sgd batch_size=32 n_train=330 n_val=112 hidden=32 loss=mse framework=pytorch",
        momentum_diverges,
        "val_loss",
        3700.0,
    ),
)
