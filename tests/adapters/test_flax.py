"""Flax's Linen, with Optax: a state that is replaced, in a dictionary."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tunewell as tw
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


def test_of_a_rate_that_is_a_constant_of_the_step_there_is_a_warning():
    optax = pytest.importorskip("optax")
    setting = {"learning_rate": 0.1}
    run, box = tw.Run(setting), {"state": optax.adam(0.1).init({"w": sys.modules["jax"].numpy.zeros(2)})}
    run.track(box=box)
    epochs = run.epochs(2)
    next(epochs)
    setting["learning_rate"] = 0.2
    with pytest.warns(RuntimeWarning, match=r"nothing follows it: a rate of optax is a constant"):
        next(epochs)
