"""Handwritten digits in PyTorch, ready to be tuned; three lines are tunewell's.

python examples/torch_digits.py                         trains once, with the defaults
tunewell tune examples/torch_digits.py --budget 10      tunes it
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import tunewell as tw
from tunewell.adapters.pytorch import report, tuned  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_accuracy"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


def train(run: tw.Run) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Train a network with the run's setting."""
    torch.manual_seed(run.seed)
    x, y, x_val, y_val = (
        torch.from_numpy(np.asarray(one)) for name in ("train", "validation") for one in part(name, 0)
    )
    hidden = run.params.hidden
    model = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=run.params.learning_rate)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    tracked = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    for _ in tuned(range(EPOCHS), run, **tracked):  # tunewell: for _ in range(EPOCHS):
        model.train()
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            outputs = model(x_val)
        val_loss = float(nn.functional.cross_entropy(outputs, y_val))
        val_accuracy = float((outputs.argmax(1) == y_val).float().mean())
        report(val_loss=val_loss, val_accuracy=val_accuracy)  # tunewell
        scheduler.step()
    return model, optimizer


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
