"""skorch."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import AdapterContract, Framework, Searched

pytest.importorskip("skorch")
FRAMEWORK = Framework(
    "skorch_digits.py",
    imports="skorch",
    weights=lambda net: [one.detach().numpy() for one in net.module_.state_dict().values()],
    rate=lambda net: net.optimizer_.param_groups[0]["lr"],
    test_file="test_skorch",
)


class TestSkorch(AdapterContract):
    framework = FRAMEWORK
