"""The engine beside PyTorch, JAX and Keras themselves, where they are installed."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from tunewell.nn import ops

os.environ.setdefault("KERAS_BACKEND", "jax")
HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # theirs are not ours
]
RNG = np.random.default_rng(0)
Z = RNG.normal(size=(8, 5)) * 3
Y = np.eye(5)[RNG.integers(0, 5, 8)]
GAMMA, BETA, DY = RNG.normal(size=5), RNG.normal(size=5), RNG.normal(size=(8, 5))


def test_the_references_are_what_pytorch_answers_today(tmp_path):
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("make_references", HERE / "make_references.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in (HERE / "references").iterdir())
    for name in made:
        with np.load(tmp_path / name) as new, np.load(HERE / "references" / name) as old:
            assert set(new) == set(old)
            for key in new:
                if new[key].dtype.kind == "f":
                    np.testing.assert_allclose(new[key], old[key], rtol=1e-9, atol=1e-12, err_msg=f"{name} {key}")
                else:
                    np.testing.assert_array_equal(new[key], old[key], err_msg=f"{name} {key}")


@pytest.fixture
def jax():
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        yield jax


def test_softmax_and_cross_entropy_are_those_of_jax(jax):
    def loss(z):
        return -(Y * jax.nn.log_softmax(z)).sum(axis=1).mean()

    np.testing.assert_allclose(ops.softmax(Z), jax.nn.softmax(Z), rtol=1e-12)
    ours, gradient = ops.softmax_cross_entropy(Z, Y)
    theirs, their_gradient = jax.value_and_grad(loss)(Z)
    assert ours == pytest.approx(float(theirs), rel=1e-12)
    np.testing.assert_allclose(gradient, their_gradient, rtol=1e-9, atol=1e-15)


def test_batch_normalization_and_its_gradient_are_those_of_jax(jax):
    def normalized(z, gamma, beta):
        return jax.nn.standardize(z, axis=0, epsilon=1e-5) * gamma + beta

    ours, cache = ops.batch_norm_forward(Z, GAMMA, BETA, epsilon=1e-5)
    theirs, backward = jax.vjp(normalized, Z, GAMMA, BETA)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    for mine, other in zip(ops.batch_norm_backward(DY, cache), backward(DY), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-12)


@pytest.fixture
def keras():
    keras = pytest.importorskip("keras")
    before = keras.config.floatx()
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        keras.config.set_floatx("float64")
        yield keras
    keras.config.set_floatx(before)


def test_softmax_and_cross_entropy_are_those_of_keras(keras):
    np.testing.assert_allclose(ops.softmax(Z), np.asarray(keras.ops.softmax(Z)), rtol=1e-12)
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, dtype="float64")(Y, Z)
    assert ops.softmax_cross_entropy(Z, Y)[0] == pytest.approx(float(theirs), rel=1e-12)


def test_batch_normalization_is_that_of_keras_once_its_conventions_are_ours(keras):
    """Keras: momentum weighs the old, the running variance is biased, epsilon is 0.001; it computes in float32."""
    layer = keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3, dtype="float64")
    layer.build(Z.shape)
    layer.gamma.assign(GAMMA)
    layer.beta.assign(BETA)
    theirs = np.asarray(layer(Z, training=True))
    ours, _ = ops.batch_norm_forward(Z, GAMMA, BETA, epsilon=1e-3)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)

    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.01 * Z.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.99 + 0.01 * Z.var(axis=0), rtol=1e-5, atol=1e-6)
    mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    ours = ops.batch_norm_evaluate(Z, GAMMA, BETA, mean, variance, epsilon=1e-3)
    np.testing.assert_allclose(ours, np.asarray(layer(Z, training=False)), rtol=1e-5, atol=1e-6)


def test_the_running_statistics_of_keras_and_ours_differ_where_the_docs_say():
    mean, variance = np.zeros(5), np.ones(5)
    mean, variance = ops.update_running(mean, variance, Z.mean(axis=0), Z.var(axis=0), len(Z), momentum=0.01)
    np.testing.assert_allclose(mean, 0.01 * Z.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, 0.99 + 0.01 * Z.var(axis=0) * 8 / 7, rtol=1e-12)
