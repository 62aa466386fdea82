"""Flax's Linen, with Optax: a state that is replaced, in a dictionary."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import AdapterContract, Framework, Searched

pytest.importorskip("flax")
FRAMEWORK = Framework(
    "flax_digits.py",
    imports="jax",
    weights=lambda state: sys.modules["jax"].tree_util.tree_leaves(state.params),
    rate=lambda state: float(state.opt_state.hyperparams["learning_rate"]),
    test_file="test_flax",
)


class TestFlax(AdapterContract):
    framework = FRAMEWORK
