"""The operations: gradients against differences, values against PyTorch, and what holds for all inputs."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tunewell.errors import SettingError
from tunewell.nn import ops

REFERENCES = Path(__file__).parent / "references"
LOSSES = {"softmax": ops.softmax_cross_entropy, "sigmoid": ops.sigmoid_cross_entropy, "squared": ops.squared_error}
FORWARD = {name: activation.forward for name, activation in ops.ACTIVATIONS.items()}

moderate = arrays(np.float64, (6, 4), elements=st.floats(-20, 20))
large = arrays(np.float64, (6, 4), elements=st.floats(-1e4, 1e4))


def by_differences(loss, x, step=1e-5):
    """The gradient of a number by x, by central differences."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        moved = x.copy()
        moved[place] += step
        above = loss(moved)
        moved[place] -= 2 * step
        gradient[place] = (above - loss(moved)) / (2 * step)
    return gradient


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def reference(name):
    with np.load(REFERENCES / f"{name}.npz") as file:
        return dict(file)


# --- gradients


@pytest.mark.parametrize("name", ops.ACTIVATIONS)
def test_the_gradient_of_an_activation_is_that_of_differences(name):
    z, da = random(5, 3) + 0.01, random(5, 3, seed=1)
    forward, backward = ops.ACTIVATIONS[name].forward, ops.ACTIVATIONS[name].backward
    expected = by_differences(lambda moved: (da * forward(moved)).sum(), z)
    np.testing.assert_allclose(backward(da, z, forward(z)), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_gradients_of_batch_normalization_are_those_of_differences(axis):
    z, gamma, beta = random(6, 6), random(6, seed=1), random(6, seed=2)
    dy = random(6, 6, seed=3)

    def loss(z, gamma, beta):
        return (dy * ops.batch_norm_forward(z, gamma, beta, axis=axis)[0]).sum()

    _, cache = ops.batch_norm_forward(z, gamma, beta, axis=axis)
    found = ops.batch_norm_backward(dy, cache)
    expected = (
        by_differences(lambda moved: loss(moved, gamma, beta), z),
        by_differences(lambda moved: loss(z, moved, beta), gamma),
        by_differences(lambda moved: loss(z, gamma, moved), beta),
    )
    for gradient, by_difference in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient, by_difference, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 0.5, 0.0, 3.0])])
@pytest.mark.parametrize("total", [1.0, 0.7])
@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_loss_is_that_of_differences_whatever_targets_sum_to(name, total, weights):
    z, targets = random(5, 3), total * ops.softmax(random(5, 3, seed=1))
    _, gradient = LOSSES[name](z, targets, weights)
    expected = by_differences(lambda moved: LOSSES[name](moved, targets, weights)[0], z)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)


def test_the_gradient_of_dropout_is_that_of_differences():
    a, da = random(5, 3), random(5, 3, seed=1)
    kept = ops.mask(1, 2, 3, (5, 3), 0.4)
    expected = by_differences(lambda moved: (da * ops.dropout_forward(moved, kept, 0.4)).sum(), a)
    np.testing.assert_allclose(ops.dropout_backward(da, kept, 0.4), expected, rtol=1e-6, atol=1e-9)


def test_the_gradient_of_softmax_cross_entropy_is_a_less_y_over_m():
    z, targets = random(5, 3), np.eye(3)[[0, 1, 2, 1, 0]]
    np.testing.assert_allclose(ops.softmax_cross_entropy(z, targets)[1], (ops.softmax(z) - targets) / 5, rtol=1e-12)


# --- PyTorch


@pytest.mark.parametrize("name", ops.ACTIVATIONS)
def test_activations_are_those_of_pytorch(name):
    torch = reference("activations")
    a = FORWARD[name](torch["z"])
    np.testing.assert_allclose(a, torch[f"{name}/a"], rtol=1e-10, atol=1e-14)
    dz = ops.ACTIVATIONS[name].backward(torch["da"], torch["z"], a)
    np.testing.assert_allclose(dz, torch[f"{name}/dz"], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("case", ["usual", "other"])
def test_batch_normalization_is_that_of_pytorch_with_its_running_statistics(case):
    torch = reference("batch_norm")
    case = torch["names"][["usual", "other"].index(case)]
    settings = json.loads(str(torch[f"{case}/settings"]))
    epsilon, momentum = settings.get("epsilon", 1e-5), settings.get("momentum", 0.1)
    gamma, beta = torch[f"{case}/gamma"], torch[f"{case}/beta"]
    mean, variance = np.zeros(5), np.ones(5)
    n_batches = sum(key.startswith(f"{case}/") and key.endswith("/dy") for key in torch)
    assert n_batches > 1
    for batch in range(n_batches):
        here = {name: torch[f"{case}/{batch}/{name}"] for name in ("z", "dy", "y", "dz", "dgamma", "dbeta")}
        y, cache = ops.batch_norm_forward(here["z"], gamma, beta, epsilon=epsilon)
        np.testing.assert_allclose(y, here["y"], rtol=1e-9, atol=1e-12)
        for found, name in zip(ops.batch_norm_backward(here["dy"], cache), ("dz", "dgamma", "dbeta"), strict=True):
            np.testing.assert_allclose(found, here[name], rtol=1e-7, atol=1e-11, err_msg=name)
        m = len(here["z"])
        mean, variance = ops.update_running(mean, variance, cache.mean, cache.variance, m, momentum=momentum)
        np.testing.assert_allclose(mean, torch[f"{case}/{batch}/running_mean"], rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(variance, torch[f"{case}/{batch}/running_variance"], rtol=1e-10)


@pytest.mark.parametrize("logits", ["moderate", "large"])
@pytest.mark.parametrize(("name", "targets"), [("softmax", "labels"), ("sigmoid", "bits"), ("squared", "values")])
def test_losses_are_those_of_pytorch(name, targets, logits):
    torch = reference("losses")
    if f"{name}/{logits}/loss" not in torch:
        pytest.skip("not among the references")
    y = np.eye(4)[torch["labels"]] if targets == "labels" else torch[targets]
    loss, dz = LOSSES[name](torch[logits], y)
    assert loss == pytest.approx(float(torch[f"{name}/{logits}/loss"]), rel=1e-10)
    np.testing.assert_allclose(dz, torch[f"{name}/{logits}/dz"], rtol=1e-8, atol=1e-14)


# --- what holds for all inputs


@given(large, st.integers(0, 1))
def test_softmax_sums_to_one_whatever_the_logits(z, axis):
    a = ops.softmax(z, axis=axis)
    assert (a >= 0).all()
    np.testing.assert_allclose(a.sum(axis=axis), 1.0, rtol=1e-12)


@given(moderate, st.floats(-1e3, 1e3))
def test_softmax_ignores_a_shift(z, shift):
    np.testing.assert_allclose(ops.softmax(z + shift), ops.softmax(z), rtol=1e-9, atol=1e-12)


@given(large)
def test_losses_of_huge_logits_are_finite(z):
    targets = np.eye(4)[[0, 1, 2, 3, 0, 1]]
    for loss in LOSSES.values():
        value, gradient = loss(z, targets)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@given(arrays(np.float64, (8, 3), elements=st.floats(-100, 100)))
def test_batch_normalization_with_gamma_sigma_and_beta_mu_is_the_identity(z):
    epsilon = 1e-12
    sigma, mu = np.sqrt(z.var(axis=0) + epsilon), z.mean(axis=0)
    y, _ = ops.batch_norm_forward(z, sigma, mu, epsilon=epsilon)
    np.testing.assert_allclose(y, z, rtol=1e-9, atol=1e-9)


@given(arrays(np.float64, (6, 6), elements=st.floats(-100, 100)))
def test_the_column_layout_is_the_row_layout_turned(z):
    gamma, beta = np.arange(1.0, 7.0), np.arange(6.0)
    rows, row_cache = ops.batch_norm_forward(z, gamma, beta)
    columns, column_cache = ops.batch_norm_forward(z.T, gamma, beta, axis=1)
    np.testing.assert_array_equal(columns, rows.T)
    down, across = ops.batch_norm_backward(z, row_cache), ops.batch_norm_backward(z.T, column_cache)
    np.testing.assert_allclose(across[0], down[0].T, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(ops.softmax(z.T, axis=0), ops.softmax(z).T)


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6), st.integers(1, 20), st.floats(0.0, 0.9))
def test_a_mask_follows_from_its_place_and_keeps_its_share(seed, step, layer, rate):
    kept = ops.mask(seed, step, layer, (100, 50), rate)
    np.testing.assert_array_equal(kept, ops.mask(seed, step, layer, (100, 50), rate))
    assert abs(kept.mean() - (1 - rate)) < 0.05
    if rate > 0.1:
        for other in ((seed + 1, step, layer), (seed, step + 1, layer), (seed, step, layer + 1)):
            assert (ops.mask(*other, (100, 50), rate) != kept).any()


def test_dropout_keeps_the_expectation():
    a = np.ones((400, 500))
    dropped = ops.dropout_forward(a, ops.mask(0, 0, 1, a.shape, 0.3), 0.3)
    assert dropped.mean() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype):
    z = random(6, 4).astype(dtype)
    ones = np.ones(4, dtype)
    y, cache = ops.batch_norm_forward(z, ones, ones)
    answers = [*(f(z) for f in FORWARD.values()), ops.softmax(z), y, *ops.batch_norm_backward(z, cache)]
    answers += [a.backward(z, z, a.forward(z)) for a in ops.ACTIVATIONS.values()]
    answers += [loss(z, z)[1] for loss in LOSSES.values()]
    answers += [ops.batch_norm_evaluate(z, ones, ones, ones, ones), ops.smooth(z, 0.1)]
    answers += [ops.dropout_forward(z, z > 0, 0.3)]
    assert {answer.dtype for answer in answers} == {np.dtype(dtype)}


def test_a_batch_of_one_cannot_be_learned_from_and_can_be_evaluated():
    one = np.ones((1, 4))
    with pytest.raises(SettingError, match="batch of one; use batches of 2 or more"):
        ops.batch_norm_forward(one, one[0], one[0])
    assert ops.batch_norm_evaluate(one, one[0], one[0], one[0], one[0]).shape == (1, 4)


@given(st.floats(0.0, 1.0))
def test_smoothed_targets_still_sum_to_one(smoothing):
    targets = ops.smooth(np.eye(4), smoothing)
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(targets.max(axis=1), 1 - smoothing * 3 / 4, rtol=1e-12)
