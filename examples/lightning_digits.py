"""Handwritten digits in Lightning, ready to be tuned; two lines are tunewell's.

python examples/lightning_digits.py                         trains once, with the defaults
tunewell tune examples/lightning_digits.py --budget 10      tunes it
"""

from __future__ import annotations

from typing import Any

import lightning
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import tunewell as tw
from tunewell.adapters.lightning import TuneCallback  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_accuracy"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


class Digits(lightning.LightningModule):
    """A network for 8 x 8 pixels and ten classes."""

    def __init__(self, learning_rate: float, hidden: int) -> None:
        """Make the network."""
        super().__init__()
        self.learning_rate = learning_rate
        self.network = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 10))

    def training_step(self, batch: Any) -> torch.Tensor:
        """Return the loss of a batch."""
        rows, labels = batch
        return nn.functional.cross_entropy(self.network(rows), labels)

    def validation_step(self, batch: Any) -> None:
        """Log what a batch of validation rows measures."""
        rows, labels = batch
        outputs = self.network(rows)
        self.log("val_loss", nn.functional.cross_entropy(outputs, labels))
        self.log("val_accuracy", (outputs.argmax(1) == labels).float().mean())

    def configure_optimizers(self) -> Any:
        """Return the optimizer and its schedule."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]


def loader(name: str, *, shuffle: bool) -> DataLoader[Any]:
    """Return the batches of a part of the images."""
    rows = TensorDataset(*(torch.from_numpy(np.asarray(one)) for one in part(name, 0)))
    return DataLoader(rows, batch_size=64, shuffle=shuffle)


def train(run: tw.Run) -> lightning.Trainer:
    """Train a network with the run's setting."""
    torch.manual_seed(run.seed)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        callbacks=[TuneCallback(run)],  # tunewell
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Digits(**run.params), loader("train", shuffle=True), loader("validation", shuffle=False))
    return trainer


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
