"""Handwritten digits in a loop of Hugging Face's Accelerate, ready to be tuned; three lines are tunewell's.

accelerate launch --cpu examples/accelerate_digits.py          trains once, with the defaults
tunewell tune examples/accelerate_digits.py --budget 10        tunes it, on one process
tunewell tune --space space.toml --metric val_accuracy --budget 10 -- accelerate launch accelerate_digits.py
"""

from __future__ import annotations

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import tunewell as tw
from tunewell.adapters.pytorch import report, tuned  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_accuracy"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


def loader(name: str, *, shuffle: bool) -> DataLoader[tuple[torch.Tensor, ...]]:
    """Return the batches of a part of the images."""
    return DataLoader(TensorDataset(*(torch.from_numpy(np.asarray(one)) for one in part(name, 0))), 32, shuffle=shuffle)


def train(run: tw.Run) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Train a network with the run's setting, on each process that was launched."""
    torch.manual_seed(run.seed)
    accelerator = Accelerator(gradient_accumulation_steps=2)
    hidden = run.params.hidden
    network = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 10))
    adam = torch.optim.Adam(network.parameters(), lr=run.params.learning_rate)
    halving = torch.optim.lr_scheduler.StepLR(adam, 40, 0.5)
    model, optimizer, schedule, rows_of_training, rows_of_validation = accelerator.prepare(
        network, adam, halving, loader("train", shuffle=True), loader("validation", shuffle=False)
    )
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule, "rows": rows_of_training}
    for _ in tuned(range(EPOCHS), run, **parts):  # tunewell: for _ in range(EPOCHS):
        model.train()
        for rows, labels in rows_of_training:
            with accelerator.accumulate(model):
                accelerator.backward(nn.functional.cross_entropy(model(rows), labels))
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
        model.eval()
        hits = []
        for rows, labels in rows_of_validation:
            with torch.no_grad():
                found = model(rows).argmax(1)
            hits.append(accelerator.gather_for_metrics(found == labels).float())
        report(val_accuracy=float(torch.cat(hits).mean()))  # tunewell
    return network, optimizer


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
