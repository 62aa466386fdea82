"""One training: the metric of each epoch, of dense networks by tunewell's engine, of others by PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from tasks import Task

from tunewell import nn


def trained(task: Task, setting: Mapping[str, float], seed: int) -> Iterator[float]:
    """The metric on rows that are not trained on, after each epoch; NaN from where it is not finite."""
    makes = dense if task.network == "dense" else in_pytorch
    alive = True
    for value in makes(task, setting, seed):
        alive = alive and math.isfinite(value)
        yield value if alive else math.nan


def dense(task: Task, setting: Mapping[str, float], seed: int) -> Iterator[float]:
    rows = task.rows
    outputs = int(rows.y.max()) + 1 if task.classes else rows.y.shape[1]
    sizes = [rows.x.shape[1], *[int(setting["hidden_units"])] * int(setting["layers"]), outputs]
    loss, norm = "softmax" if task.classes else "squared", "before" if task.norm else None
    network = nn.Network(sizes, norm=norm, dropout=setting["dropout"], loss=loss, seed=seed)
    rate, decay = setting["learning_rate"], setting["weight_decay"]
    optimizer = (
        nn.AdamW(rate, weight_decay=decay)
        if task.optimizer == "adam"
        else nn.SGD(rate, momentum=setting["momentum"], weight_decay=decay)
    )
    schedule = nn.Exponential(setting["lr_decay"]) if "lr_decay" in setting else nn.Constant()
    size = int(setting["batch_size"])
    trainer = nn.Trainer(network, rows.x, rows.y, batch_size=size, optimizer=optimizer, schedule=schedule, seed=seed)
    diverged = False
    for _ in range(task.epochs):
        diverged = diverged or not math.isfinite(trainer.epoch())
        if diverged:
            yield math.nan
            continue
        measured = network.evaluate(rows.unseen, rows.truth)
        yield measured["accuracy" if task.metric == "val_accuracy" else "loss"]


def in_pytorch(task: Task, setting: Mapping[str, float], seed: int) -> Iterator[float]:
    import torch  # noqa: PLC0415  seconds

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rows = task.rows
    width, layers, share = int(setting["hidden_units"]), int(setting["layers"]), setting["dropout"]
    outputs = int(rows.y.max()) + 1 if task.classes else rows.y.shape[1]
    model = _MODELS[task.network](rows.x.shape[1:], width, layers, share, outputs)
    rate, decay = setting["learning_rate"], setting["weight_decay"]
    optimizer: torch.optim.Optimizer = (
        torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
        if task.optimizer == "adam"
        else torch.optim.SGD(model.parameters(), lr=rate, momentum=setting["momentum"], weight_decay=decay)
    )
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, setting.get("lr_decay", 1.0))
    kind = torch.long if task.classes else torch.float32
    x, y = torch.tensor(rows.x), torch.tensor(rows.y, dtype=kind)
    unseen, truth = torch.tensor(rows.unseen), torch.tensor(rows.truth, dtype=kind)
    lose = torch.nn.functional.cross_entropy if task.classes else torch.nn.functional.mse_loss
    size = int(setting["batch_size"])
    for _ in range(task.epochs):
        model.train()
        for some in torch.randperm(len(x)).split(size):
            optimizer.zero_grad()
            lose(model(x[some]), y[some]).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            said = model(unseen)
            if not torch.isfinite(said).all():
                yield math.nan
            elif task.metric == "val_accuracy":
                yield float((said.argmax(1) == truth).float().mean())
            else:
                yield float(lose(said, truth))


def _cnn(shape: tuple[int, ...], width: int, layers: int, dropout: float, outputs: int) -> object:
    import torch  # noqa: PLC0415

    side = round(math.sqrt(shape[0]))
    parts: list[torch.nn.Module] = [torch.nn.Unflatten(1, (1, side, side))]
    channels = 1
    for _ in range(layers):
        parts += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
        channels, side = width, side // 2
    return torch.nn.Sequential(
        *parts, torch.nn.Flatten(), torch.nn.Dropout(dropout), torch.nn.Linear(channels * side * side, outputs)
    )


def _lstm(shape: tuple[int, ...], width: int, layers: int, dropout: float, outputs: int) -> object:
    import torch  # noqa: PLC0415

    class Last(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(shape[1], width, layers, batch_first=True)
            self.head = torch.nn.Sequential(torch.nn.Dropout(dropout), torch.nn.Linear(width, outputs))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            said: torch.Tensor = self.head(self.lstm(x)[0][:, -1])
            return said

    return Last()


def _transformer(shape: tuple[int, ...], width: int, layers: int, dropout: float, outputs: int) -> object:
    import torch  # noqa: PLC0415

    width = 4 * -(-width // 4)

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Linear(shape[1], width)
            self.place = torch.nn.Parameter(0.1 * torch.randn(shape[0], width))
            block = torch.nn.TransformerEncoderLayer(width, 2, 2 * width, dropout, batch_first=True, norm_first=True)
            self.blocks = torch.nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
            self.head = torch.nn.Linear(width, outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            said: torch.Tensor = self.head(self.blocks(self.embed(x) + self.place)[:, 0])
            return said

    return Pooled()


_MODELS: Mapping[str, Callable[..., object]] = {"cnn": _cnn, "lstm": _lstm, "transformer": _transformer}
