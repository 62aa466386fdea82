"""Keras, on each backend that is installed: one a process."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
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
