"""Programs that were written when the diagnosis was done, and judged once: nothing was mended after that."""

from __future__ import annotations

import numpy as np
import torch
from brought_case import Brought, Trained
from brought_torch import (
    CROSS,
    HEALTHY,
    Encoder,
    Recurrent,
    best,
    cnn,
    digits,
    mlp,
    reviews,
    scaled,
    seeded,
    shifted,
    split,
    trained,
    usual,
)
from sklearn.datasets import load_wine, make_classification
from sklearn.metrics import f1_score, r2_score, roc_auc_score
from torch import Tensor, nn


def adam(model: nn.Module, rate: float, decay: float = 0.0) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay)


def numbers(
    model: nn.Module, optimizer: torch.optim.Optimizer, data: tuple[Tensor, Tensor, Tensor, Tensor], n: int, line: str
) -> Trained:
    """Train by the squared error, and print a line an epoch."""
    lines, reached = [], []
    for e in trained(model, nn.MSELoss(), optimizer, data, batch=32, n=n):
        mae = float((e.outputs - e.targets).abs().mean())
        r2 = float(r2_score(e.targets, e.outputs)) if bool(torch.isfinite(e.outputs).all()) else float("nan")
        lines.append(line.format(n=e.number, loss=e.loss, val=e.val_loss, mae=mae, r2=r2))
        reached.append(e.val_loss)
    return Trained("\n".join(lines), best(reached, least=True))


# nothing wrong


def wines(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    data = scaled(split(*load_wine(return_X_y=True), 120))
    model = mlp(13, 32, 3)
    return usual(model, CROSS, adam(model, 3e-3 * rate, 1e-3), data, batch=16, n=15 * longer)


def blurred(rate: float = 1, longer: int = 1) -> Trained:
    """Images under so much noise that one in five is not told apart, with dropout of a half."""
    seeded()
    x, y, xv, yv = digits()
    x, xv = x + 0.45 * torch.randn_like(x), xv + 0.45 * torch.randn_like(xv)
    body = cnn(batch_norm=True)
    model = nn.Sequential(*body[:-1], nn.Dropout(0.5), body[-1])
    return usual(model, CROSS, adam(model, 2e-3 * rate), (x, y, xv, yv), batch=32, n=12 * longer)


def mixed_feelings(rate: float = 1, longer: int = 1) -> Trained:
    """A GRU over words, of which one label in five is wrong."""
    seeded()
    data = (*reviews(5000, 0.2, 8), *reviews(1000, 0.2, 8))
    model = Recurrent(nn.GRU, 16, 24, 2, words=100)
    lines, reached = [], []
    for e in trained(model, CROSS, adam(model, 4e-3 * rate), data, batch=64, n=5 * longer):
        lines.append(
            f"epoch {e.number} | loss {e.loss:.3f} | valid loss {e.val_loss:.3f} | valid acc {e.val_share:.3f}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def little_to_explain(rate: float = 1, longer: int = 1) -> Trained:
    """A regression that explains a third of the variance, as the data allow."""
    seeded()
    rng = np.random.default_rng(7)
    x = rng.standard_normal((3000, 6))
    y = (0.6 * x[:, 0] + 0.4 * np.tanh(2 * x[:, 1]) + rng.standard_normal(3000))[:, None].astype(np.float32)
    model = mlp(6, 16, 1)
    line = "Epoch {n:>2}: train_loss={loss:.4f} val_loss={val:.4f} val_mae={mae:.4f} val_r2={r2:.3f}"
    return numbers(model, adam(model, 3e-3 * rate), split(x, y, 2400), 10 * longer, line)


def a_line(rate: float = 1, longer: int = 1) -> Trained:
    """A line through noisy points, by SGD."""
    seeded()
    x = np.random.default_rng(8).standard_normal((400, 1))
    y = (2 * x + 1 + 0.3 * np.random.default_rng(9).standard_normal((400, 1))).astype(np.float32)
    model = mlp(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05 * rate)
    return numbers(model, optimizer, split(x, y, 300), 12 * longer, "epoch {n}, loss {loss:.5f}")


def stars(rate: float = 1, longer: int = 1) -> Trained:
    """One to five stars, of which nobody tells more than half to the star."""
    seeded()
    rng = np.random.default_rng(10)
    x = rng.standard_normal((6000, 10))
    y = np.clip(np.round(2 + 1.1 * (0.8 * x[:, 0] + 0.6 * x[:, 1]) + 0.75 * rng.standard_normal(6000)), 0, 4)
    model = mlp(10, 32, 5)
    return usual(model, CROSS, adam(model, 2e-3 * rate), split(x, y.astype(np.int64), 5000), batch=64, n=8 * longer)


def smoothed(rate: float = 1, longer: int = 1) -> Trained:
    """Smoothed labels: the loss cannot get below a half, and all is right."""
    seeded()
    model = cnn(channels=24)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    return usual(model, loss_of, adam(model, 2e-3 * rate), digits(), batch=32, n=15 * longer)


def hard_to_train_on(rate: float = 1, longer: int = 1) -> Trained:
    """Training rows are noisy and shifted on purpose, the others are not."""
    seeded()
    model = cnn(batch_norm=True)

    def change(x: Tensor) -> Tensor:
        return shifted(x) + 0.3 * torch.randn_like(x)

    lines, reached = [], []
    for e in trained(model, CROSS, adam(model, 3e-3 * rate), digits(), batch=32, n=15 * longer, change=change):
        lines.append(
            f"Epoch {e.number}: loss={e.loss:.4f} acc={100 * e.share:.1f} val_loss={e.val_loss:.4f} "
            f"val_acc={100 * e.val_share:.1f}"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def clicks(rate: float = 1, longer: int = 1) -> Trained:
    """One click in twelve, of which the features tell what an AUC of 0.8 says."""
    seeded()
    rng = np.random.default_rng(11)
    x = rng.standard_normal((8000, 12))
    y = (rng.random(8000) < 1 / (1 + np.exp(3.2 - 1.2 * x[:, 0] - 0.8 * x[:, 1])))[:, None].astype(np.float32)
    model = mlp(12, 24, 1)
    lines, reached = [], []
    for e in trained(
        model, nn.BCEWithLogitsLoss(), adam(model, 2e-3 * rate), split(x, y, 6000), batch=100, n=6 * longer
    ):
        auc = float(roc_auc_score(e.targets[:, 0], e.outputs[:, 0]))
        lines.append(f"Epoch {e.number}: logloss {e.loss:.4f}, val logloss {e.val_loss:.4f}, val AUC {auc:.4f}")
        reached.append(auc)
    return Trained("\n".join(lines), best(reached))


PROGRAMS_HEALTHY = (
    Brought(
        "wines",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=16 n_train=120 n_val=58 n_classes=3 hidden=32",
        wines,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "blurred",
        HEALTHY,
        "lr=0.002 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 model=cnn batch_norm=true "
        "dropout=0.5",
        blurred,
        "val_accuracy",
        0.75,
    ),
    Brought(
        "mixed-feelings",
        HEALTHY,
        "lr=0.004 optimizer=adam batch_size=64 n_train=5000 n_val=1000 n_classes=2 model=rnn hidden=24",
        mixed_feelings,
        "val_accuracy",
        0.77,
    ),
    Brought(
        "little-to-explain",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=32 n_train=2400 n_val=600 hidden=16 activation=relu loss=mse",
        little_to_explain,
        "val_loss",
        1.0,
        0.04,
    ),
    Brought(
        "a-line", HEALTHY, "lr=0.05 optimizer=sgd batch_size=32 n_train=300 loss=mse", a_line, "train_loss", 0.09, 0.05
    ),
    Brought(
        "stars",
        HEALTHY,
        "lr=0.002 optimizer=adam batch_size=64 n_train=5000 n_val=1000 n_classes=5 hidden=32 activation=relu",
        stars,
        "val_accuracy",
        0.48,
    ),
    Brought(
        "smoothed",
        HEALTHY,
        "lr=0.002 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 model=cnn activation=relu",
        smoothed,
        "val_accuracy",
        0.98,
    ),
    Brought(
        "hard-to-train-on",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 model=cnn batch_norm=true",
        hard_to_train_on,
        "val_accuracy",
        0.96,
    ),
    Brought(
        "clicks",
        HEALTHY,
        "lr=0.002 optimizer=adam batch_size=100 n_train=6000 n_val=2000 n_classes=2 hidden=24 activation=relu loss=bce",
        clicks,
        "val_auc",
        0.8,
    ),
)


# stuck


def one_unit_for_two(*, is_cured: bool) -> Trained:
    """A cross entropy over one unit: the loss is 0 from the first step on."""
    seeded()
    x, y, xv, yv = digits()
    data = (x, (y > 4).long(), xv, (yv > 4).long())
    model = mlp(64, 32, 2 if is_cured else 1)

    def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
        loss: Tensor = CROSS(outputs, targets if is_cured else torch.zeros_like(targets))
        return loss

    return usual(model, loss_of, adam(model, 1e-3), data, batch=32, n=10)


def one_and_two(*, is_cured: bool) -> Trained:
    """Labels 1 and 2 for a loss that takes 0 and 1."""
    seeded()
    x, y, xv, yv = digits()
    more = 0.0 if is_cured else 1.0
    data = (x, (y > 4).float()[:, None] + more, xv, (yv > 4).float()[:, None] + more)
    model = mlp(64, 32, 1)
    return usual(model, nn.BCEWithLogitsLoss(), adam(model, 1e-3), data, batch=32, n=10)


def up_to_ten(*, is_cured: bool) -> Trained:
    """A tanh behind the last layer, and targets from 0 to 10."""
    seeded()
    rng = np.random.default_rng(12)
    x = rng.standard_normal((1200, 5))
    y = np.clip(5 + 2 * x[:, 0] - x[:, 1], 0, 10)[:, None].astype(np.float32)
    model = mlp(5, 32, 1) if is_cured else nn.Sequential(mlp(5, 32, 1), nn.Tanh())
    line = "Epoch {n}/20 loss: {loss:.4f} val_loss: {val:.4f} val_mae: {mae:.4f}"
    return numbers(model, adam(model, 5e-3), split(x, y, 900), 20, line)


def far_too_long(*, is_cured: bool) -> Trained:
    seeded()
    rng = np.random.default_rng(13)
    x = rng.standard_normal((800, 8))
    y = (x @ rng.standard_normal(8))[:, None].astype(np.float32)
    model = mlp(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05 if is_cured else 0.9)
    return numbers(model, optimizer, split(x, y, 600), 12, "epoch {n} train loss {loss:.6g} val loss {val:.6g}")


def tiny_rate(*, is_cured: bool) -> Trained:
    seeded()
    model = cnn(channels=24)
    return usual(model, CROSS, adam(model, 2e-3 if is_cured else 3e-6), digits(), batch=32, n=12)


def row_by_row(*, is_cured: bool) -> Trained:
    """Single rows, at a rate for batches."""
    seeded()
    x, y, xv, yv = digits(600)
    model = mlp(64, 48, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return usual(model, CROSS, optimizer, (x, y, xv, yv), batch=32 if is_cured else 1, n=12)


def common_class(*, is_cured: bool) -> Trained:
    """Three classes, one of which is nine rows in ten."""
    seeded()
    x, y = make_classification(
        5000, 12, n_informative=6, n_classes=3, weights=[0.92, 0.04, 0.04], class_sep=0.8, flip_y=0, random_state=5
    )
    weights = torch.tensor([1.0, 20.0, 20.0]) if is_cured else None
    model = mlp(12, 16, 3)
    lines, reached = [], []
    run = trained(model, nn.CrossEntropyLoss(weight=weights), adam(model, 5e-4), split(x, y, 4000), batch=64, n=6)
    for e in run:
        f1 = float(f1_score(e.targets, e.outputs.argmax(1), average="macro"))
        lines.append(
            f"Epoch {e.number} train_loss {e.loss:.4f} train_acc {e.share:.4f} val_loss {e.val_loss:.4f} val_acc "
            f"{e.val_share:.4f} macro_f1 {f1:.3f}"
        )
        reached.append(f1)
    return Trained("\n".join(lines), best(reached))


def another_year(*, is_cured: bool) -> Trained:
    """Validation rows are of another time, in which the sensors have drifted."""
    seeded()
    x, y, xv, yv = digits()
    drift = torch.linspace(-1, 1, 64) * (0.0 if is_cured else 0.8)
    model = mlp(64, 64, 10)
    return usual(model, CROSS, adam(model, 2e-3), (x, y, xv + drift, yv), batch=32, n=12)


def dead(*, is_cured: bool) -> Trained:
    """Biases so far below zero that no unit fires."""
    seeded()
    model = mlp(64, 64, 64, 10)
    if not is_cured:
        for layer in model[:-1]:
            if isinstance(layer, nn.Linear):
                nn.init.constant_(layer.bias, -8.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=12)


def permuted(*, is_cured: bool) -> Trained:
    """Rows were shuffled, and their labels were not."""
    seeded()
    x, y, xv, yv = digits()
    model = mlp(64, 64, 10)
    order = torch.arange(len(y)) if is_cured else torch.randperm(len(y))
    return usual(model, CROSS, adam(model, 1e-3), (x, y[order], xv, yv), batch=32, n=20)


def pulled_down(*, is_cured: bool) -> Trained:
    seeded()
    model = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4 if is_cured else 0.1)
    return usual(model, CROSS, optimizer, digits(), batch=32, n=15)


def by_heart(*, is_cured: bool) -> Trained:
    """An LSTM and two hundred sentences."""
    seeded()
    data = (*reviews(4000 if is_cured else 200, 0.0, 12), *reviews(500, 0.0, 12))
    model = Recurrent(nn.LSTM, 24, 48, 2, words=100)
    lines, reached = [], []
    for e in trained(model, CROSS, adam(model, 5e-3), data, batch=20, n=6 if is_cured else 25):
        lines.append(
            f"Epoch: {e.number:02}\n\tTrain Loss: {e.loss:.3f} | Train Acc: {100 * e.share:.2f}%\n"
            f"\t Val. Loss: {e.val_loss:.3f} |  Val. Acc: {100 * e.val_share:.2f}%"
        )
        reached.append(e.val_share)
    return Trained("\n".join(lines), best(reached))


def transformer_rate(*, is_cured: bool) -> Trained:
    seeded()
    data = (*reviews(1600, 0.0), *reviews(400, 0.0))
    model = Encoder(100, 15, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3 if is_cured else 0.1)
    return usual(model, CROSS, optimizer, data, batch=32, n=6)


def sums_of_steps(*, is_cured: bool) -> Trained:
    """A GRU whose gradients are never reset."""
    seeded()
    data = (*reviews(1500, 0.0, 10), *reviews(400, 0.0, 10))
    model = Recurrent(nn.GRU, 16, 24, 2, words=100)
    return usual(model, CROSS, adam(model, 3e-3), data, batch=32, n=12, resets=is_cured)


def square_feet(*, is_cured: bool) -> Trained:
    """A regression on columns from 0.1 to 5,000."""
    seeded()
    rng = np.random.default_rng(14)
    z = rng.standard_normal((1200, 5))
    x = z * np.array([800.0, 1.0, 0.3, 15.0, 2000.0]) + np.array([1500.0, 3.0, 0.5, 40.0, 4000.0])
    y = (z[:, 0] + 0.7 * z[:, 1] - 0.5 * z[:, 3] + 0.1 * rng.standard_normal(1200))[:, None].astype(np.float32)
    data = split(x, y, 900)
    model = mlp(5, 32, 1)
    line = "Epoch {n}: train_loss {loss:.4f}, val_loss {val:.4f}, val_r2 {r2:.4f}"
    return numbers(model, adam(model, 1e-3), scaled(data) if is_cured else data, 25, line)


_DIGITS = "n_train=1200 n_val=597 n_classes=10 framework=pytorch activation=relu"
PROGRAMS_STUCK = (
    Brought(
        "one-unit-for-two",
        ("loss_output_mismatch",),
        "lr=0.001 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=2 hidden=32 framework=pytorch",
        one_unit_for_two,
        "val_accuracy",
        0.9,
        0.1,
    ),
    Brought(
        "one-and-two",
        ("loss_output_mismatch", "labels_mismatched"),
        "lr=0.001 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=2 hidden=32 loss=bce framework=pytorch",
        one_and_two,
        "val_accuracy",
        0.9,
        0.1,
    ),
    Brought(
        "up-to-ten",
        ("loss_output_mismatch", "unnormalised_inputs"),
        "lr=0.005 optimizer=adam batch_size=32 n_train=900 n_val=300 hidden=32 loss=mse framework=pytorch",
        up_to_ten,
        "val_loss",
        0.05,
        0.1,
    ),
    Brought(
        "far-too-long",
        ("lr_too_high",),
        "lr=0.9 optimizer=sgd batch_size=32 n_train=600 n_val=200 loss=mse framework=pytorch",
        far_too_long,
        "val_loss",
        0.01,
        0.1,
    ),
    Brought(
        "tiny-rate",
        ("lr_too_low",),
        f"lr=0.000003 optimizer=adam batch_size=32 model=cnn {_DIGITS}",
        tiny_rate,
        "val_accuracy",
        0.97,
        0.1,
    ),
    Brought(
        "row-by-row",
        ("batch_size_too_small", "lr_too_high"),
        "lr=0.05 momentum=0.9 optimizer=sgd batch_size=1 n_train=600 n_classes=10 hidden=48 activation=relu "
        "framework=pytorch",
        row_by_row,
        "val_accuracy",
        0.95,
        0.1,
    ),
    Brought(
        "common-class",
        ("class_imbalance",),
        "lr=0.0005 optimizer=adam batch_size=64 n_train=4000 n_val=1000 n_classes=3 hidden=16 activation=relu",
        common_class,
        "val_f1",
        0.45,
        0.05,
    ),
    Brought(
        "another-year",
        ("distribution_shift",),
        f"lr=0.002 optimizer=adam batch_size=32 hidden=64 {_DIGITS}",
        another_year,
        "val_accuracy",
        0.96,
        0.1,
    ),
    Brought(
        "dead",
        ("dead_relus", "bad_initialisation"),
        f"lr=0.05 momentum=0.9 optimizer=sgd batch_size=32 hidden=64,64 {_DIGITS}",
        dead,
        "val_accuracy",
        0.97,
        0.1,
    ),
    Brought(
        "permuted",
        ("labels_mismatched",),
        f"lr=0.001 optimizer=adam batch_size=32 hidden=64 {_DIGITS}",
        permuted,
        "val_accuracy",
        0.96,
        0.1,
    ),
    Brought(
        "pulled-down",
        ("weight_decay_too_high",),
        f"lr=0.1 momentum=0.9 weight_decay=0.1 optimizer=sgd batch_size=32 hidden=64 {_DIGITS}",
        pulled_down,
        "val_accuracy",
        0.97,
        0.1,
    ),
    Brought(
        "by-heart",
        ("overfitting",),
        "lr=0.005 optimizer=adam batch_size=20 n_train=200 n_val=500 n_classes=2 model=rnn hidden=48",
        by_heart,
        "val_accuracy",
        0.9,
        0.1,
    ),
    Brought(
        "transformer-rate",
        ("lr_too_high",),
        "lr=0.1 optimizer=adamw batch_size=32 n_train=1600 n_val=400 n_classes=2 model=transformer dropout=0.1",
        transformer_rate,
        "val_accuracy",
        0.95,
        0.1,
    ),
    Brought(
        "sums-of-steps",
        ("missing_zero_grad",),
        "lr=0.003 optimizer=adam batch_size=32 n_train=1500 n_val=400 n_classes=2 model=rnn hidden=24 "
        "framework=pytorch",
        sums_of_steps,
        "val_accuracy",
        0.9,
        0.05,
    ),
    Brought(
        "square-feet",
        ("unnormalised_inputs",),
        "lr=0.001 optimizer=adam batch_size=32 n_train=900 n_val=300 hidden=32 loss=mse framework=pytorch",
        square_feet,
        "val_loss",
        0.05,
        0.1,
    ),
)
