"""PyTorch, with a loop that is written out."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import AdapterContract, Framework, Searched

pytest.importorskip("torch")
FRAMEWORK = Framework(
    "torch_digits.py",
    imports="torch",
    weights=lambda trained: [one.detach().numpy() for one in trained[0].state_dict().values()],
    rate=lambda trained: trained[1].param_groups[0]["initial_lr"],
    test_file="test_torch",
)


class TestTorch(AdapterContract):
    framework = FRAMEWORK
