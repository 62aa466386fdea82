"""Handwritten digits in PyTorch on two processes (DistributedDataParallel); three lines are tunewell's.

torchrun --nproc-per-node 2 examples/ddp_digits.py      trains once, with the defaults
tunewell tune --space space.toml --metric val_accuracy --budget 10 -- torchrun --nproc-per-node 2 ddp_digits.py
"""

from __future__ import annotations

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import tunewell as tw
from tunewell.adapters.pytorch import report, tuned  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_accuracy"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


def train(run: tw.Run) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Train a network with the run's setting, on this rank of a process group."""
    x, y, x_val, y_val = (
        torch.from_numpy(np.asarray(one)) for name in ("train", "validation") for one in part(name, 0)
    )
    torch.manual_seed(run.seed + dist.get_rank())
    hidden = run.params.hidden
    network = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 10))
    model = DistributedDataParallel(network)
    optimizer = torch.optim.Adam(model.parameters(), lr=run.params.learning_rate)
    sampler: DistributedSampler[int] = DistributedSampler(TensorDataset(x, y), seed=run.seed)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, sampler=sampler)
    for epoch in tuned(range(EPOCHS), run, model=model, optimizer=optimizer):  # tunewell: for epoch in range(EPOCHS):
        sampler.set_epoch(epoch)
        model.train()
        for rows, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(rows), labels).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            outputs = network(x_val)
        report(val_accuracy=float((outputs.argmax(1) == y_val).float().mean()))  # tunewell
    return model, optimizer


if __name__ == "__main__":
    dist.init_process_group("gloo")
    train(tw.current_run(**space.defaults()))
    dist.destroy_process_group()
