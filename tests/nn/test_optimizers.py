"""Optimizers move as PyTorch's do, whatever they are given, and refuse settings that make no sense."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tunewell.errors import SettingError
from tunewell.nn import optimizers
from tunewell.nn.optimizers import SGD, Adam, AdamW, RMSprop

REFERENCE = np.load(Path(__file__).parent / "references" / "optimizers.npz")
EVERY = [
    SGD(weight_decay=0.1),
    SGD(momentum=0.9, weight_decay=0.1),
    SGD(momentum=0.9, nesterov=True, weight_decay=0.1),
    RMSprop(weight_decay=0.1),
    Adam(weight_decay=0.1),
    AdamW(weight_decay=0.1),
]
every = st.sampled_from(EVERY)
numbers = st.floats(-100, 100)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def gradients(n_steps):
    """Some steps' gradients, of one shape."""
    return shapes.flatmap(lambda shape: hnp.arrays(float, (n_steps, *shape), elements=numbers))


def walk(optimizer, theta, steps, *, decays):
    """Where a copy of theta gets to by a step along each gradient, and the two averages."""
    theta, first, second = theta.copy(), np.zeros_like(theta), np.zeros_like(theta)
    for step, gradient in enumerate(steps, 1):
        optimizer.update(
            theta, gradient, first, second, step=step, learning_rate=optimizer.learning_rate, decays=decays
        )
    return theta, first, second


@pytest.mark.parametrize("name", REFERENCE["names"])
def test_twenty_steps_are_those_of_pytorch(name):
    settings = json.loads(str(REFERENCE[f"{name}/settings"]))
    optimizer = getattr(optimizers, settings.pop("name"))(**settings)
    theta = REFERENCE["initial"].copy()
    first, second, path = np.zeros_like(theta), np.zeros_like(theta), []
    for step, (noise, factor) in enumerate(zip(REFERENCE["noise"], REFERENCE["factors"], strict=True), 1):
        gradient = REFERENCE["curvature"] @ (theta - REFERENCE["target"]) + noise
        rate = optimizer.learning_rate * factor
        optimizer.update(theta, gradient, first, second, step=step, learning_rate=rate, decays=True)
        path.append(theta.copy())
    np.testing.assert_allclose(path, REFERENCE[f"{name}/path"], rtol=1e-10)


def test_every_optimizer_has_its_own_code():
    assert [kind.code for kind in (SGD, RMSprop, Adam, AdamW)] == [0, 1, 2, 3]


def test_the_loop_gets_the_settings_as_six_numbers():
    given_numbers = {
        SGD(momentum=0.9, nesterov=True, weight_decay=0.1): [0.9, 0, 0, 0.1, 1, 0],
        SGD(): [0, 0, 0, 0, 0, 0],
        RMSprop(alpha=0.8, epsilon=1e-6): [0.8, 0, 1e-6, 0, 0, 0],
        Adam(beta1=0.8, beta2=0.99, weight_decay=0.2): [0.8, 0.99, 1e-8, 0.2, 0, 0],
        AdamW(): [0.9, 0.999, 1e-8, 0.01, 0, 0],
    }
    for optimizer, expected in given_numbers.items():
        assert optimizer.numbers().tolist() == expected
        assert optimizer.numbers().dtype == np.float64


@given(every, gradients(3), st.booleans())
def test_entries_of_any_shape_move_each_on_its_own(optimizer, steps, decays):
    theta = np.ones(steps.shape[1:])
    whole = walk(optimizer, theta, steps, decays=decays)
    flat = walk(optimizer, theta.ravel(), [gradient.ravel() for gradient in steps], decays=decays)
    for one, other in zip(whole, flat, strict=True):
        np.testing.assert_array_equal(one.ravel(), other)
        assert one.shape == theta.shape


@given(every, gradients(2), st.booleans(), st.sampled_from([np.float32, np.float64]))
def test_arrays_keep_their_precision_and_the_gradient_its_values(optimizer, steps, decays, dtype):
    steps = steps.astype(dtype)
    before = steps.copy()
    results = walk(optimizer, np.ones(steps.shape[1:], dtype), steps, decays=decays)
    assert {array.dtype for array in results} == {np.dtype(dtype)}
    np.testing.assert_array_equal(steps, before)


@given(every, gradients(3))
def test_where_nothing_decays_weight_decay_is_nothing(optimizer, steps):
    theta = np.ones(steps.shape[1:])
    without = type(optimizer)(**{name: getattr(optimizer, name) for name in optimizer.__slots__} | {"weight_decay": 0})
    for one, other in zip(
        walk(optimizer, theta, steps, decays=False), walk(without, theta, steps, decays=True), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@given(every)
def test_no_gradient_and_no_decay_is_no_step(optimizer):
    theta, first, second = walk(optimizer, np.ones(3), np.zeros((4, 3)), decays=False)
    np.testing.assert_array_equal(theta, np.ones(3))
    assert not first.any()
    assert not second.any()


@given(numbers.filter(lambda g: abs(g) > 1e-3), st.sampled_from([Adam(), AdamW()]))
def test_adams_first_step_is_the_learning_rate_long_whatever_the_gradient(gradient, optimizer):
    theta, _, _ = walk(optimizer, np.zeros(1), np.array([[gradient]]), decays=True)
    assert theta[0] == pytest.approx(-math.copysign(optimizer.learning_rate, gradient), rel=1e-4)


@given(numbers)
def test_adamw_takes_the_same_share_of_a_weight_whatever_the_gradient(gradient):
    with_decay, _, _ = walk(AdamW(weight_decay=0.5), np.ones(1), np.array([[gradient]]), decays=True)
    without, _, _ = walk(AdamW(weight_decay=0.5), np.ones(1), np.array([[gradient]]), decays=False)
    np.testing.assert_allclose(without - with_decay, 1e-3 * 0.5)


@given(gradients(4))
def test_without_momentum_sgd_adds_up_the_gradients(steps):
    theta, _, _ = walk(SGD(learning_rate=0.5), np.zeros(steps.shape[1:]), steps, decays=True)
    np.testing.assert_allclose(theta, -0.5 * steps.sum(0), atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (SGD, {"learning_rate": 0}, "learning_rate must be a finite number above 0, got 0"),
        (Adam, {"learning_rate": math.nan}, "learning_rate must be a finite number above 0, got nan"),
        (AdamW, {"learning_rate": math.inf}, "learning_rate must be a finite number above 0, got inf"),
        (RMSprop, {"learning_rate": "0.1"}, "learning_rate must be a finite number above 0, got '0.1'"),
        (SGD, {"learning_rate": True}, "learning_rate must be a finite number above 0, got True"),
        (SGD, {"momentum": 1.0}, "momentum must be a finite number of at least 0 and below 1, got 1.0"),
        (SGD, {"momentum": -0.1}, "momentum must be a finite number of at least 0 and below 1, got -0.1"),
        (SGD, {"nesterov": True}, "nesterov needs a momentum above 0, got 0; set momentum=0.9 or nesterov=False"),
        (SGD, {"nesterov": 1, "momentum": 0.9}, "nesterov must be True or False, got 1"),
        (SGD, {"weight_decay": -1}, "weight_decay must be a finite number of at least 0, got -1"),
        (RMSprop, {"alpha": 1}, "alpha must be a finite number of at least 0 and below 1, got 1"),
        (RMSprop, {"epsilon": 0}, "epsilon must be a finite number above 0, got 0"),
        (Adam, {"beta1": 1}, "beta1 must be a finite number of at least 0 and below 1, got 1"),
        (AdamW, {"beta2": 2}, "beta2 must be a finite number of at least 0 and below 1, got 2"),
        (AdamW, {"epsilon": None}, "epsilon must be a finite number above 0, got None"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(kind, settings, message):
    with pytest.raises(SettingError) as error:
        kind(**settings)
    assert str(error.value) == message


def test_numbers_of_numpy_are_numbers():
    assert SGD(learning_rate=np.float32(0.5), momentum=np.float64(0.9), nesterov=np.True_).numbers()[4] == 1
