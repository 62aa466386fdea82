"""Checkpoints of Keras models: trained on from one, the curve is the one that was not interrupted."""

import os

import numpy as np
import pytest

import tunewell as tw
from tunewell.errors import CheckpointError
from tunewell.probing import repeatable

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
SPACE = tw.Space(learning_rate=tw.Float(1e-4, 0.1, scale="log", default=0.01, live=True))
X = np.random.default_rng(0).normal(size=(96, 5)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")


def compiled(rate):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
    return model


def train(run):
    keras.utils.set_random_seed(run.seed)
    model = compiled(run.params.learning_rate)
    run.track(model=model)
    for _ in run.epochs(6):
        model.optimizer.learning_rate = run.params.learning_rate
        order = run.rng.permutation(len(X))
        history = model.fit(X[order], Y[order], batch_size=32, shuffle=False, verbose=0).history
        run.report(train_loss=history["loss"][0], val_loss=float(model.evaluate(X, Y, verbose=0)))


def test_a_keras_training_goes_on_from_its_checkpoint_as_if_nothing_had_been():
    found = repeatable(train, SPACE, epochs=4)
    assert found.seed.name in ("exact", "within 1e-6")
    assert found.checkpoint.name in ("exact", "within 1e-6")


def test_a_model_of_another_shape_is_refused(tmp_path):
    run, other = tw.Run({}), tw.Run({})
    run.track(model=compiled(0.01))
    run.checkpoint(tmp_path / "model.npz")
    other.track(model=keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)]))
    with pytest.raises(CheckpointError, match="build the model"):
        other.restore(tmp_path / "model.npz")
