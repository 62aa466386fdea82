"""TensorFlow, with a loop of one's own; `make tensorflow` runs this."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import AdapterContract, Framework, Searched

if "tensorflow" not in sys.modules and os.environ.get("KERAS_BACKEND") != "tensorflow":
    pytest.skip("Keras has one backend a process, and this is not TensorFlow's", allow_module_level=True)
pytest.importorskip("tensorflow")
FRAMEWORK = Framework(
    "tensorflow_digits.py",
    imports="tensorflow",
    weights=lambda trained: [one.numpy() for part in trained for one in part.variables],
    rate=lambda trained: float(trained[1].learning_rate),
    environment={"KERAS_BACKEND": "tensorflow"},
    test_file="test_tensorflow",
)


class TestTensorFlow(AdapterContract):
    framework = FRAMEWORK
