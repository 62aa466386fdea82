"""Keras 3, on the backend that `KERAS_BACKEND` names."""

from __future__ import annotations

import os

from problem import EpochEnds, Predict, Task

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras

PACKAGES = ("keras", {"jax": "jax", "torch": "torch", "tensorflow": "tensorflow-cpu"}[keras.backend.backend()])
IMPORTS = "keras"
if keras.backend.backend() == "torch":
    import torch

    torch.set_num_threads(1)


def fit(task: Task, seed: int, epoch_ends: EpochEnds) -> Predict:
    """Train, and return what predicts."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    if task.is_image:
        model = keras.Sequential(
            [
                layers.Reshape((8, 8, 1)),
                layers.Conv2D(16, 3, padding="same", activation="relu"),
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(10),
            ]
        )
    else:
        # the lines from here on are counted
        model = keras.Sequential([layers.Dense(100, activation="relu"), layers.Dense(10)])
    optimizer = keras.optimizers.SGD(task.rate, momentum=0.9)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    ends = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: epoch_ends())
    model.fit(task.x, task.y, batch_size=32, epochs=task.epochs, verbose=0, callbacks=[ends])
    return lambda x: model.predict(x, verbose=0)
