"""Flax's NNX, with Optax: a model and an optimizer that are changed where they are."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import Framework, InProcessContract, OtherProcessContract, Searched

pytest.importorskip("flax")
FRAMEWORK = Framework(
    "nnx_digits.py",
    imports="jax",
    weights=lambda trained: sys.modules["jax"].tree_util.tree_leaves(
        sys.modules["flax.nnx"].state(trained[0], sys.modules["flax.nnx"].Param)
    ),
    rate=lambda trained: float(trained[1].opt_state.hyperparams["learning_rate"][...]),
    test_file="test_nnx",
)


class TestNnx(InProcessContract):
    framework = FRAMEWORK


@pytest.mark.exhaustive  # the adapter is Flax's
class TestNnxInOtherProcesses(OtherProcessContract):
    framework = FRAMEWORK
