"""JAX's arrays and what is made of them: saved and restored bit for bit, and trained on as if nothing had been."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

import tunewell as tw
from tunewell import checkpoint
from tunewell.commands import Rewind
from tunewell.errors import CheckpointError
from tunewell.probing import repeatable
from tunewell.runners import Execution, run_inline, run_processes

jax = pytest.importorskip("jax")
jnp = jax.numpy
pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
SPACE = tw.Space(rate=tw.Float(1e-3, 0.1, scale="log", default=0.01))
EPOCHS = 4


class Moments(NamedTuple):
    count: Any
    mean: Any
    update: Any = None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Frozen:
    weights: Any
    step: Any


@jax.tree_util.register_pytree_node_class
class Node(dict):
    """As Flax's FrozenDict: no container that is known, and with a way of its own to be pickled."""

    __slots__ = ()

    def __reduce__(self):
        return Node, (dict(self),)

    def tree_flatten(self):
        return tuple(self.values()), tuple(self)

    @classmethod
    def tree_unflatten(cls, names, parts):
        return cls(zip(names, parts, strict=True))


def state_of(seed):
    key = jax.random.key(seed)
    weights = {"w": jax.random.normal(key, (3, 2)), "b": jnp.full(2, seed, jnp.bfloat16)}
    return {
        "weights": weights,
        "moments": (Moments(jnp.int32(seed), jax.tree.map(lambda one: one * seed, weights), jnp.add), ()),
        "frozen": Frozen(jnp.arange(3) * seed, jnp.asarray(seed)),
        "key": key,
        "keys": jax.random.split(jax.random.key(seed, impl="rbg"), 2),
        "old key": jax.random.PRNGKey(seed),
        "small": [jnp.array([seed / 2], jnp.float8_e4m3fn), jnp.array(seed > 3), jnp.array(1j * seed)],
        "empty": jnp.zeros((0, seed - seed + 2)),
        "weak": jnp.asarray(0.1 * seed),
        "partial": jax.tree_util.Partial(jnp.add, jnp.ones(2) * seed),
        "none": None,
        "plain": seed,
    }


def bits(leaf):
    if jnp.issubdtype(getattr(leaf, "dtype", np.int64), jax.dtypes.prng_key):
        return str(jax.random.key_impl(leaf)), np.asarray(jax.random.key_data(leaf)).tobytes()
    return str(getattr(leaf, "dtype", "")), getattr(leaf, "weak_type", None), np.shape(leaf), np.asarray(leaf).tobytes()


def test_arrays_keys_and_trees_of_them_come_back_bit_for_bit(tmp_path):
    saved, live = state_of(3), state_of(5)
    checkpoint.write(tmp_path / "a.npz", checkpoint.capture({"state": saved}))
    checkpoint.refill({"state": live}, checkpoint.read(tmp_path / "a.npz"))
    assert jax.tree.structure(live) == jax.tree.structure(saved)
    assert list(map(bits, jax.tree.leaves(live))) == list(map(bits, jax.tree.leaves(saved)))
    assert isinstance(live["moments"][0], Moments)
    assert float(jax.random.normal(live["key"])) == float(jax.random.normal(saved["key"]))


@pytest.mark.parametrize(
    ("live", "said"),
    [
        (jnp.zeros(3), "shape"),
        (jnp.zeros(2, jnp.int32), "dtype"),
        (Moments(1, 2), "track the same objects"),
        (Frozen(1, 2), "track the same objects"),
    ],
)
def test_what_is_not_alike_is_refused(live, said):
    tree = checkpoint.capture({"state": {"a": jnp.ones(2)}, "more": {"m": Moments(jnp.ones(1), 1)}})
    present = {"state": {"a": jnp.zeros(2)}, "more": {"m": live}}
    if not isinstance(live, Frozen | Moments):
        present["state"], present["more"] = {"a": live}, {"m": Moments(jnp.zeros(1), 0)}
    if isinstance(live, Moments):
        tree["more"] = checkpoint.capture({"more": {"m": Frozen(jnp.ones(1), 1)}})["more"]
    before = list(map(bits, jax.tree.leaves(present)))
    with pytest.raises(CheckpointError, match=said):
        checkpoint.refill(present, tree)
    assert list(map(bits, jax.tree.leaves(present))) == before


@pytest.mark.parametrize("value", [jnp.ones(2), jax.random.key(0), Moments(1, 2), Frozen(1, 2)])
def test_what_is_replaced_and_not_filled_is_tracked_in_a_dict(value):
    with pytest.raises(CheckpointError, match=r"state is .* cannot be filled again in place; put it in a dict"):
        tw.Run({}).track(state=value)


def training(run):
    """Its loss depends on all that it tracks."""
    state = {"w": jnp.zeros(3), "moments": Moments(jnp.int32(0), jnp.zeros(3)), "key": jax.random.key(run.seed)}
    run.track(state=state)
    for _ in run.epochs(EPOCHS):
        state["key"], drawn = jax.random.split(state["key"])
        gradient = state["w"] - 1 + 0.1 * jax.random.normal(drawn, (3,))
        mean = 0.9 * state["moments"].mean + gradient
        state["moments"] = Moments(state["moments"].count + 1, mean)
        state["w"] = state["w"] - run.params.rate * mean * state["moments"].count
        run.report(loss=float(jnp.sum((state["w"] - 1) ** 2)))


def losses(study, trial=0):
    return [report.metrics["loss"] for report in study.reports(trial)]


def alone(params, seed):
    run = tw.Run(params, seed=seed)
    training(run)
    return [report["loss"] for report in run.reports]


def test_a_training_goes_on_from_its_checkpoint_as_if_nothing_had_been():
    assert repeatable(training, SPACE, epochs=EPOCHS).checkpoint.name == "exact"


@pytest.mark.parametrize("run", [run_inline, run_processes])
def test_trials_that_paused_and_were_given_up_have_the_curves_of_those_that_did_not(run, tmp_path):
    study = tw.Study(
        SPACE, metric="loss", max_epochs=EPOCHS, budget="4trials", scheduler="asha", store=tmp_path / "t.db"
    )
    run(study, training, Execution(keep=0))
    for trial in study.trials:
        step_seed = trial.seed
        assert losses(study, trial.number) == alone(trial.params, step_seed)[: trial.epochs]


class RewindsOnce:
    """A controller."""

    def __init__(self):
        self.done = False

    def on_step(self, study, step):
        pass

    def on_step_end(self, study, trial):
        pass

    def on_report(self, study, trial, epoch, metrics):
        if epoch == 3 and not self.done:
            self.done = True
            study.steer(trial, Rewind(1))


def test_a_training_is_rewound_to_the_same_numbers(tmp_path):
    study = tw.Study(
        SPACE, metric="loss", max_epochs=EPOCHS, budget="1trials", scheduler="full", store=tmp_path / "t.db"
    )
    run_inline(study, training, Execution(checkpoint_every=1), controllers=[RewindsOnce()])
    assert len(study.trials) == 2
    branch = study.trials[1]
    assert branch.parent_epoch == 1
    assert losses(study, 1) == alone(study.trials[0].params, study.trials[0].seed)[1 : 1 + len(losses(study, 1))]
    assert losses(study, 1)
