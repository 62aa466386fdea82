"""The experiments on a training in JAX, whose rows are JAX's arrays and whose gradients no hook sees."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.probing import probe
from tunewell.probing.probes import PROBES

jax = pytest.importorskip("jax")
pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours

SPACE = tw.Space(
    learning_rate=tw.Float(1e-5, 1.0, scale="log", default=0.1), weight_decay=tw.Float(0.0, 0.1, default=1e-4)
)


def rows(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    centers = np.array([[2, 0], [-2, 0], [0, 2.5]])
    return jax.numpy.asarray((centers[y] + rng.normal(size=(n, 2))).astype(np.float32)), jax.numpy.asarray(y)


def loss(params, x, y):
    (w, b), (v, c) = params
    outputs = jax.nn.log_softmax(jax.numpy.tanh(x @ w + b) @ v + c)
    return -jax.numpy.take_along_axis(outputs, y[:, None], axis=1).mean()


@jax.jit
def step(params, x, y, rate, decay):
    value, grads = jax.value_and_grad(loss)(params, x, y)
    return jax.tree.map(lambda p, g: p - rate * (g + decay * p), params, grads), value


def train(run):
    x_val, y_val = rows(120, 1)
    x, y = run.data(*rows(240, 0), validation=(x_val, y_val))
    keys = jax.random.split(jax.random.key(run.seed))
    params = [
        (jax.random.normal(keys[0], (2, 16)), jax.numpy.zeros(16)),
        (jax.random.normal(keys[1], (16, 3)) / 4, jax.numpy.zeros(3)),
    ]
    for _ in run.epochs(12):
        losses = []
        for start in range(0, 240, 40):
            part = slice(start, start + 40)
            params, value = step(params, x[part], y[part], run.params.learning_rate, run.params.weight_decay)
            losses.append(float(value))
        run.report(train_loss=np.mean(losses), val_loss=float(loss(params, x_val, y_val)))


@pytest.fixture(scope="module")
def too_low():
    return probe(train, SPACE, setting={"learning_rate": 1e-4})


def test_each_experiment_is_done(too_low):
    done = {one.name: one.why_not for one in too_low.probes}
    assert done == {one.name: "" for one in PROBES}


def test_a_rate_that_is_too_low_is_found(too_low):
    assert too_low.findings[0].label == "lr_too_low"


def test_no_mistake_is_seen_in_a_sound_one(too_low):
    assert [one.kind for one in too_low.mistakes] == []
