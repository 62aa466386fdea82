"""Handwritten digits in skorch, ready to be tuned; two lines are tunewell's.

python examples/skorch_digits.py                        trains once, with the defaults
tunewell tune examples/skorch_digits.py --budget 10     tunes it
"""

from __future__ import annotations

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn

import tunewell as tw
from tunewell.adapters.skorch import TuneCallback  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "valid_loss"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


def train(run: tw.Run) -> NeuralNetClassifier:
    """Train a network with the run's setting."""
    torch.manual_seed(run.seed)
    x, y, x_val, y_val = (np.asarray(one) for name in ("train", "validation") for one in part(name, 0))
    hidden = run.params.hidden
    net = NeuralNetClassifier(
        nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 10)),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=run.params.learning_rate,
        max_epochs=EPOCHS,
        train_split=predefined_split(Dataset(x_val.astype("float32"), y_val.astype("int64"))),
        iterator_train__shuffle=True,
        callbacks=[TuneCallback(run)],  # tunewell: callbacks=[],
        verbose=0,
    )
    return net.fit(x.astype("float32"), y.astype("int64"))


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
