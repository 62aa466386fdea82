"""Handwritten digits in Keras, on any backend, ready to be tuned; two lines are tunewell's.

KERAS_BACKEND=jax python examples/keras_digits.py                       trains once, with the defaults
KERAS_BACKEND=jax tunewell tune examples/keras_digits.py --budget 10    tunes it
"""

from __future__ import annotations

import keras

import tunewell as tw
from tunewell.adapters.keras import TuneCallback  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_accuracy"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


def train(run: tw.Run) -> keras.Model:
    """Train a network with the run's setting."""
    keras.utils.set_random_seed(run.seed)
    layers = [keras.layers.Dense(run.params.hidden, activation="relu"), keras.layers.Dropout(0.2)]
    model = keras.Sequential([keras.Input((64,)), *layers, keras.layers.Dense(10)])
    model.compile(
        optimizer=keras.optimizers.Adam(run.params.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(
        *part("train", 0),
        validation_data=part("validation", 0),
        batch_size=64,
        epochs=EPOCHS,
        callbacks=[TuneCallback(run)],  # tunewell
        verbose=0,
    )
    return model


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
