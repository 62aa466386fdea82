"""What the first steps of a program in JAX show."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

from tunewell.inspection.jax.findings import Gradients, Losses  # noqa: E402
from tunewell.inspection.jax.likelihood import raw_likelihood_in  # noqa: E402
from tunewell.inspection.jax.shapes import broadcast_in  # noqa: E402
from tunewell.inspection.observing import Limits, observed  # noqa: E402
from tunewell.inspection.places import Place  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
PROGRAM = """
import numpy as np, jax, jax.numpy as jnp, optax
rng = np.random.default_rng(0)
y = rng.integers(0, 3, 320)
x = (rng.normal(size=(3, 8))[y] * 3 + rng.normal(size=(320, 8))).astype(np.float32)
{prepare}
params = {{"w": jax.random.normal(jax.random.key(0), (8, 3)) * 0.3, "b": jnp.zeros(3)}}
optimizer = optax.adam(1e-2)
state = optimizer.init(params)
def loss(params, x, y, key):
    keep = jax.random.bernoulli(key, 0.9, x.shape)
    outputs = (x * keep) @ params["w"] + params["b"]
    return {loss}
@jax.jit
def step(params, state, x, y, key):
    value, grads = jax.value_and_grad(loss)(params, x, y, key)
    updates, state = optimizer.update(grads, state, params)
    new = optax.apply_updates(params, updates)
    return {returned}, state, value
key = jax.random.key(1)
for epoch in range(100):
    for i in range(0, 320, 32):
        key, sub = {split}
        params, state, value = step(params, state, x[i:i + 32], y[i:i + 32], sub)
"""
SOUND = {
    "prepare": "",
    "loss": "optax.softmax_cross_entropy_with_integer_labels(outputs, y).mean()",
    "returned": "new",
    "split": "jax.random.split(key)",
}
PROBABILITIES = "optax.softmax_cross_entropy_with_integer_labels(jax.nn.softmax(outputs), y).mean()"
FAULTS = [
    ("logits-expected", {"loss": PROBABILITIES}),
    ("no-step", {"returned": "params"}),
    ("random-key-reused", {"split": "key, key"}),
    ("inputs-not-scaled", {"prepare": "x = x * 1000"}),
    ("labels-constant", {"prepare": "y[:] = 1"}),
    ("inputs-constant", {"prepare": "x = np.ones_like(x)"}),
    ("log-probabilities-expected", {"loss": "-jnp.mean(jnp.sum(outputs * jax.nn.one_hot(y, 3), axis=1))"}),
    ("labels-out-of-range", {"prepare": "y = y + 1"}),
    ("shapes-broadcast", {"loss": "jnp.mean((outputs[:, :1] - y.astype(jnp.float32)) ** 2)"}),
    ("softmax-over-one-unit", {"loss": "optax.softmax_cross_entropy(outputs[:, :1], y[:, None] * 1.0).mean()"}),
]


def seen(tmp_path, changes):
    file = tmp_path / "train.py"
    file.write_text(PROGRAM.format(**SOUND | changes))
    code = compile(file.read_text(), str(file), "exec")
    return observed(lambda: exec(code, {"__name__": "__main__"}), Limits(40, 60.0), "train.py")


def test_a_sound_program_is_not_accused(tmp_path):
    assert seen(tmp_path, {}) == []


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "changes"), FAULTS, ids=[kind for kind, _ in FAULTS])
def test_a_mistake_is_seen(tmp_path, kind, changes):
    found = seen(tmp_path, changes)
    assert kind in [mistake.kind for mistake in found]
    assert all(mistake.path.endswith("train.py") and mistake.line for mistake in found)


X, Y = np.ones((6, 4), np.float32), np.arange(6) % 3
ONE_HOT = np.eye(3, dtype=np.float32)[Y]


def net(params):
    return X @ params["w"] + params["b"]


RAW = {
    "a sum over classes": lambda p: -(net(p) * ONE_HOT).sum(1).mean(),
    "the mean of all": lambda p: -1.0 * jax.numpy.mean(ONE_HOT * net(p)),
    "picked": lambda p: -net(p)[jax.numpy.arange(6), Y].mean(),
    "along an axis": lambda p: -jax.numpy.take_along_axis(net(p), Y[:, None], 1).sum() / 6,
    "of a compiled network": lambda p: -(jax.jit(net)(p) * ONE_HOT).sum() / 6,
}
NOT_RAW = {
    "of log-probabilities": lambda p: -(jax.nn.log_softmax(net(p)) * ONE_HOT).sum(1).mean(),
    "picked from log-probabilities": lambda p: -jax.numpy.log(jax.nn.softmax(net(p)))[jax.numpy.arange(6), Y].mean(),
    "a library's": lambda p: optax.softmax_cross_entropy(net(p), ONE_HOT).mean(),
    "a distance": lambda p: ((net(p) - ONE_HOT) ** 2).mean(),
    "a score that is to be large": lambda p: -net(p).mean(),
    "a product that is to be small": lambda p: (net(p) * ONE_HOT).sum(1).mean(),
}


@pytest.mark.parametrize("name", [*RAW, *NOT_RAW])
def test_a_likelihood_by_hand_is_of_log_probabilities(name):
    params = {"w": np.ones((4, 3), np.float32), "b": np.zeros(3, np.float32)}
    found = raw_likelihood_in(jax.make_jaxpr((RAW | NOT_RAW)[name])(params).jaxpr, 2)
    assert found == ((6, 3) if name in RAW else None)


def test_a_loss_is_looked_at_that_is_given_a_function_too(tmp_path):
    file = tmp_path / "train.py"
    loss = "jnp.mean((apply(params, x) - y) ** 2)"
    file.write_text(
        "import jax, jax.numpy as jnp\n"
        "def apply(params, x): return x @ params\n"
        f"def loss(params, apply, x, y): return {loss}\n"
        "params, x, y = jnp.zeros((4, 1)), jnp.eye(4), jnp.arange(4.0)\n"
        "for _ in range(3): params = params - 0.1 * jax.grad(loss)(params, apply, x, y)\n"
    )
    code = compile(file.read_text(), str(file), "exec")
    found = observed(lambda: exec(code, {"__name__": "__main__"}), Limits(40, 60.0), "train.py")
    assert [one.kind for one in found] == ["shapes-broadcast"]


def gradients(steps):
    found = Gradients(Place("train.py", 3))
    for parameters, norms, loss in steps:
        found.add(np.array(parameters), np.array(norms), loss)
    return [mistake.kind for mistake in found.placed()]


def test_parameters_that_never_change_though_they_have_gradients_are_found():
    assert gradients([([1.0, 2.0], [0.5, 0.5], 1.0)] * 40) == ["no-step"]
    assert gradients([([1.0, 2.0], [0.0, 0.0], 1.0)] * 40) == []
    assert gradients([([1.0, float(step // 8)], [0.5, 0.5], 1.0) for step in range(40)]) == []  # added up before a step
    assert gradients([([1.0, 2.0], [0.5, 0.5], 1.0)] * 10) == []


def test_numbers_that_stay_not_finite_are_found():
    sound, broken = ([1.0], [1.0], 1.0), ([1.0], [np.inf], 1.0)
    assert gradients([sound, broken, sound, broken, broken]) == []  # a scale of half precision that is found
    assert gradients([sound, broken, broken, broken]) == ["not-finite"]


def test_outputs_that_are_no_probabilities_are_not_accused():
    random = np.random.default_rng(0)
    for outputs, expected in (
        (random.normal(size=(50, 4)), []),
        (random.dirichlet(np.ones(4), 50), ["logits-expected"]),
    ):
        losses = Losses("softmax_cross_entropy", Place("train.py", 3), 4)
        for _ in range(5):
            losses.add(outputs, np.eye(4)[random.integers(0, 4, 50)])
        assert [mistake.kind for mistake in losses.placed()] == expected


def test_differences_of_outputs_and_targets_that_are_broadcast_are_seen_in_the_traced_loss():
    jnp = jax.numpy
    weights, x, y = jnp.ones((3, 1)), jnp.ones((5, 3)), jnp.ones(5)

    def found(loss):
        return broadcast_in(jax.make_jaxpr(loss)(weights, x, y).jaxpr, 1)

    assert found(lambda w, x, y: jnp.mean((x @ w - y) ** 2)) == ((5, 1), (5,))
    assert found(lambda w, x, y: jnp.mean((y - x @ w) ** 2)) == ((5, 1), (5,))
    assert found(lambda w, x, y: jnp.mean(((x @ w)[:, 0] - y) ** 2)) is None
    assert found(lambda w, x, y: jnp.mean((x @ w - y[:, None]) ** 2)) is None
    assert found(lambda w, x, y: jnp.mean((x @ w - (x @ w)[:, 0]) ** 2)) is None  # distances of outputs


@pytest.mark.parametrize("max_steps", [97, 99, 100])
def test_a_training_that_ends_by_itself_just_before_it_would_be_ended_is_looked_at_to_the_end(max_steps):
    """Its last steps are heard of late: the end that they ask for may not come while what was seen is weighed."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 8)).astype(np.float32), rng.integers(0, 3, 1000)

    def loss(weights, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(x @ weights, y).mean()

    def train():
        step = jax.jit(jax.value_and_grad(loss))
        weights = np.zeros((8, 3), np.float32)
        for i in range(0, 1000, 10):
            weights = weights - 0.1 * step(weights, x[i : i + 10], y[i : i + 10])[1]

    assert isinstance(observed(train, Limits(max_steps, 60.0), "the training"), list)


BIRTHS = [
    ("log", "jnp.mean(jnp.log(jax.nn.relu(outputs - 1e3)))", "", "log made the first one, of numbers up to 0"),
    (
        "root",
        "jnp.mean(jnp.sqrt(jnp.sum((outputs - outputs) ** 2, axis=1)))",
        "",
        "made the first one, of numbers up to",
    ),
    ("rows", "jnp.mean(outputs ** 2)", "x[:] = np.nan", "the rows that the step was given are not finite themselves"),
]


@pytest.mark.parametrize(("name", "loss", "prepare", "words"), BIRTHS, ids=[one[0] for one in BIRTHS])
def test_it_is_said_where_the_first_number_that_is_not_finite_was_made(name, loss, prepare, words, tmp_path):
    found = [one for one in seen(tmp_path, {"loss": loss, "prepare": prepare}) if one.kind == "not-finite"]
    assert len(found) == 1
    assert words in found[0].seen
    assert (found[0].line == line_of(tmp_path, loss)) is (name != "rows")


def test_a_step_that_overflows_is_named_by_its_numbers_and_an_update_that_broke_a_parameter_by_its_name(tmp_path):
    steep = {"returned": "jax.tree.map(lambda w: w * 1e12, new)", "loss": "jnp.mean(outputs ** 2)"}
    (overflow,) = [one for one in seen(tmp_path, steep) if one.kind == "not-finite"]
    assert "made the first one, of numbers up to" in overflow.seen
    assert overflow.mend.startswith("a lower learning rate")
    broken = {"returned": "jax.tree.map(lambda w: w / 0, new)"}
    (update,) = [one for one in seen(tmp_path, broken) if one.kind == "not-finite"]
    assert "['b'] was not finite before the step any more: an update broke it" in update.seen


def line_of(tmp_path, text):
    lines = (tmp_path / "train.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)
