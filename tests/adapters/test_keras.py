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
    others = "keras.callbacks.ReduceLROnPlateau(monitor='loss', min_delta=9.0, patience=2), "
    others += "keras.callbacks.EarlyStopping(monitor='loss', min_delta=9.0, patience=3, restore_best_weights=True), "
    framework = replace(FRAMEWORK, replacing={"callbacks=[TuneCallback": f"callbacks=[{others}TuneCallback"})
    searched = Searched(framework, tmp_path).run({(0, 2): [Branch()]})
    assert list(searched.curve(0, "lr").values()) == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4])
    assert list(searched.curve(1, "lr").values()) == pytest.approx([1e-4, 1e-4])
    assert searched.trained[0] == searched.trained[1]


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
