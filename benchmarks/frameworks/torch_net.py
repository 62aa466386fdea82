"""PyTorch, as its tutorials have it; `COMPILED=1` compiles the model."""

from __future__ import annotations

import os

import torch
from problem import EpochEnds, Predict, Task
from torch import nn

PACKAGES = ("torch",)
IMPORTS = "torch"
torch.set_num_threads(1)


def fit(task: Task, seed: int, epoch_ends: EpochEnds) -> Predict:
    """Train, and return what predicts."""
    torch.manual_seed(seed)
    if task.is_image:
        model = nn.Sequential(
            nn.Unflatten(1, (1, 8, 8)),
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(512, 10),
        )
    else:
        # the lines from here on are counted
        model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    if os.environ.get("COMPILED"):
        model = torch.compile(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=task.rate, momentum=0.9)
    loss_of = nn.CrossEntropyLoss()
    x, y = torch.as_tensor(task.x), torch.as_tensor(task.y)
    for _ in range(task.epochs):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            loss_of(model(x[batch]), y[batch]).backward()
            optimizer.step()
        epoch_ends()
    return lambda x: model(torch.as_tensor(x)).detach().numpy()
