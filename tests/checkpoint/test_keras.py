"""Checkpoints of Keras models: trained on from one, the curve is the one that was not interrupted."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import tunewell as tw
from tunewell.checkpoint import kind_of, untracked
from tunewell.errors import CheckpointError
from tunewell.probing import repeatable

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
SPACE = tw.Space(learning_rate=tw.Float(1e-4, 0.1, scale="log", default=0.01, live=True))
X = np.random.default_rng(0).normal(size=(96, 5)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")


def compiled(rate):
    hidden = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.5)]
    model = keras.Sequential([keras.Input((5,)), *hidden, keras.layers.Dense(2)])
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


def test_another_model_is_filled_and_trains_on_alike(tmp_path):
    run, other = tw.Run({}), tw.Run({})
    model, fresh = compiled(0.01), compiled(0.01)
    for one in (run, other):
        one.track(model=model if one is run else fresh)
    model.fit(X, Y, shuffle=False, verbose=0)
    run.checkpoint(tmp_path / "model.npz")
    model.fit(X, Y, shuffle=False, verbose=0)
    other.restore(tmp_path / "model.npz")  # the random states too, from which PyTorch's dropout draws
    fresh.fit(X, Y, shuffle=False, verbose=0)
    assert np.array_equal(model.predict(X, verbose=0), fresh.predict(X, verbose=0))


def test_a_model_and_its_optimizer_are_known_for_what_they_are():
    model = compiled(0.01)
    assert kind_of(model) == "weights"
    assert kind_of(model.optimizer) == "optimizer"
    assert untracked({"optimizer": model.optimizer, "layer": model.layers[0]}, [model]) == {}


@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_another_backend_keeps_to_all_of_it(backend, tmp_path):
    if backend == keras.backend.backend() or find_spec(backend) is None or "INSIDE" in os.environ:
        pytest.skip("it is this one, or not installed")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", __file__]
    environment = {**os.environ, "KERAS_BACKEND": backend, "INSIDE": "1"}
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path}/inside"], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
