"""Small programs with one mistake each, and the same programs without it, in the habits of many people."""

from textwrap import dedent

TORCH = """
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
x, y = torch.randn(256, 8), torch.randint(0, 3, (256,))
train_loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
val_loader = DataLoader(TensorDataset(x + 1, y), batch_size=32)
"""

LOOP = """
for epoch in range(10):
    model.train()
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
"""


def program(*parts):
    """Put a program together."""
    return "\n".join(dedent(part) for part in parts)


def sequential(last, criterion="nn.CrossEntropyLoss()", units=3):
    return program(
        TORCH,
        f"""
        model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, {units}){last})
        criterion = {criterion}
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        """,
        LOOP,
    )


def network(forward, criterion="nn.CrossEntropyLoss()", made="", units=3):
    return program(
        TORCH,
        f"""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden = nn.Linear(8, 16)
                self.out = nn.Linear(16, {units})
                {made}

            def forward(self, x):
                x = torch.relu(self.hidden(x))
                {forward}

        model = Net().to("cpu")
        criterion = {criterion}
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        """,
        LOOP,
    )


def loop(body, before="", after=""):
    return program(
        TORCH,
        """
        model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
        criterion = nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        """,
        before,
        body + after,
    )


KERAS = """
import numpy as np
import keras
from keras import layers
x_train, y_train = np.random.randn(256, 8), np.random.randint(0, 3, 256)
x_test, y_test = np.random.randn(64, 8), np.random.randint(0, 3, 64)
"""


def keras_sequential(last, loss, units=3):
    return program(
        KERAS,
        f"""
        model = keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense({units}{last})])
        model.compile(optimizer="adam", loss={loss}, metrics=["accuracy"])
        model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=3)
        """,
    )
