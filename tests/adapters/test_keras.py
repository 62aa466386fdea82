"""Keras, on each backend that is installed: one a process."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import tunewell as tw
from tunewell.commands import Branch

os.environ.setdefault("KERAS_BACKEND", "jax")
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # one network is trained again and again: compiled once, it is quick
    os.environ |= {"JAX_COMPILATION_CACHE_DIR": tempfile.mkdtemp(), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"])
sys.path.insert(0, str(Path(__file__).parent))
from contract import AdapterContract, Framework, Searched

keras = pytest.importorskip("keras")
from tunewell.adapters.keras import TuneCallback

BACKEND = keras.backend.backend()
FRAMEWORK = Framework(
    "keras_digits.py",
    imports="keras",
    weights=lambda model: [keras.ops.convert_to_numpy(one) for one in (*model.variables, *model.optimizer.variables)],
    rate=lambda model: float(model.optimizer.learning_rate),
    environment={"KERAS_BACKEND": BACKEND},
    test_file="test_keras",
)


class TestKeras(AdapterContract):
    framework = FRAMEWORK


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_what_other_callbacks_remember_is_part_of_a_checkpoint(tmp_path):
    before = "keras.callbacks.ReduceLROnPlateau(monitor='loss', min_delta=9.0, patience=2)"
    after = "keras.callbacks.EarlyStopping(monitor='loss', min_delta=9.0, patience=3, restore_best_weights=True)"
    framework = replace(
        FRAMEWORK,
        replacing={"callbacks=[TuneCallback(run)]": f"callbacks=[{before}, TuneCallback(run), {after}]"},
        weights=lambda model: [*FRAMEWORK.weights(model), model.history.epoch, model.history.history["loss"]],
    )
    searched = Searched(framework, tmp_path).run({(0, 2): [Branch()]})
    assert list(searched.curve(0, "lr").values()) == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4])
    assert list(searched.curve(1, "lr").values()) == pytest.approx([1e-4, 1e-4])
    assert searched.trained[0] == searched.trained[1]


def fitted(run, rate=0.1, callbacks=(), **settings):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse")
    rows = np.ones((4, 2)), np.ones((4, 1))
    return model.fit(*rows, callbacks=[TuneCallback(run), *callbacks], verbose=0, **settings)


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_a_fit_that_begins_later_reports_the_epochs_that_it_has():
    run = tw.Run({})
    assert fitted(run, initial_epoch=2, epochs=4).epoch == [2, 3]
    assert [report["epoch"] for report in run.reports] == [1, 2]


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_a_training_that_another_callback_ends_waits_for_no_epoch_more():
    asked = []
    run = tw.Run({})
    run.connect(
        lambda channel: SimpleNamespace(
            **{name: getattr(channel, name) for name in ("begin", "report", "end")},
            may_train=lambda epoch: asked.append(epoch) or True,
        )
    )
    fitted(run, epochs=9, callbacks=[keras.callbacks.EarlyStopping(monitor="loss", min_delta=9.0, patience=1)])
    assert asked == [1, 2]


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_of_a_schedule_of_keras_that_follows_no_value_there_is_a_warning():
    setting = {"learning_rate": 0.1}
    change = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setting.update(learning_rate=0.2))
    with pytest.warns(RuntimeWarning, match="nothing follows it: ExponentialDecay computes the rate of SGD anew"):
        fitted(tw.Run(setting), keras.optimizers.schedules.ExponentialDecay(0.1, 9, 0.9), [change], epochs=3)


def test_what_is_private_of_keras_is_there():
    """The adapter begins a `fit` later by an attribute of Keras's own, as its `BackupAndRestore` does."""
    assert keras.Sequential()._initial_epoch is None, keras.__version__
    assert "initial_epoch" in keras.Model.fit.__code__.co_varnames or hasattr(keras.Model.fit, "__wrapped__")


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_a_rate_that_is_tracked_twice_is_set_once():
    setting = {"learning_rate": 0.1}
    run, model = tw.Run(setting), keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    run.track(model=model, optimizer=model.optimizer)
    for epoch in run.epochs(2):
        setting["learning_rate"] = 0.02
        assert float(model.optimizer.learning_rate) == pytest.approx(0.1 if epoch == 1 else 0.02)
        run.report(loss=0.0)


@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_another_backend_keeps_to_all_of_it(backend, tmp_path):
    if backend == BACKEND or find_spec(backend) is None or "INSIDE" in os.environ:
        pytest.skip("it is this one, or not installed")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", __file__]
    environment = {**os.environ, "KERAS_BACKEND": backend, "INSIDE": "1"}
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path}/inside"], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
