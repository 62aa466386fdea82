"""Handwritten digits in TensorFlow, with a loop of one's own, ready to be tuned; three lines are tunewell's.

python examples/tensorflow_digits.py                         trains once, with the defaults
tunewell tune examples/tensorflow_digits.py --budget 10      tunes it
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tunewell as tw
from tunewell.adapters.tensorflow import report, tuned  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_accuracy"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


def train(run: tw.Run) -> tuple[Any, Any]:
    """Train a network with the run's setting."""
    keras.utils.set_random_seed(run.seed)
    rng = np.random.default_rng(run.seed)
    layers = [keras.layers.Dense(run.params.hidden, activation="relu"), keras.layers.Dropout(0.2)]
    model = keras.Sequential([keras.Input((64,)), *layers, keras.layers.Dense(10)])
    optimizer = keras.optimizers.Adam(run.params.learning_rate)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer.build(model.trainable_variables)
    (x, y), (x_val, y_val) = part("train", 0), part("validation", 0)

    @tf.function
    def step(rows: Any, labels: Any) -> None:
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(rows, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    for _ in tuned(range(EPOCHS), run, model=model, optimizer=optimizer, rng=rng):  # tunewell: for _ in range(EPOCHS):
        order = rng.permutation(len(x))[: len(x) // 64 * 64]
        for rows in np.split(order, len(order) // 64):
            step(tf.constant(x[rows]), tf.constant(y[rows]))
        outputs = model(x_val)
        accuracy = np.mean(np.argmax(outputs, axis=1) == y_val)
        report(val_loss=float(loss_of(y_val, outputs)), val_accuracy=float(accuracy))  # tunewell
    return model, optimizer


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
