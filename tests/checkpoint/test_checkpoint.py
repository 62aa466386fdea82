"""Checkpoints: what they hold, what they say of what they cannot hold, and that a training goes on bit for bit."""

# NumPy's global generator is among what a checkpoint holds

import json
import random
import threading
import zipfile
from collections import Counter, OrderedDict, defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from tunewell import checkpoint
from tunewell.errors import CheckpointError
from tunewell.space.values import Params


@dataclass
class Layer:
    weights: np.ndarray
    bias: np.ndarray


@dataclass
class Network:
    layers: list[Layer]

    def forward(self, x):
        hidden = [x]
        for layer in self.layers:
            hidden.append(np.tanh(hidden[-1] @ layer.weights + layer.bias))
        return hidden

    @property
    def arrays(self):
        return [array for layer in self.layers for array in (layer.weights, layer.bias)]


@dataclass
class Adam:
    """Holds the network's own arrays, and makes its moments at the first step."""

    arrays: list[np.ndarray]
    steps: int = 0
    moments: list[tuple[np.ndarray, np.ndarray]] | None = None

    def step(self, gradients):
        self.steps += 1
        if self.moments is None:
            self.moments = [(np.zeros_like(array), np.zeros_like(array)) for array in self.arrays]
        for array, gradient, (mean, square) in zip(self.arrays, gradients, self.moments, strict=True):
            mean[:] += 0.1 * (gradient - mean)
            square[:] += 0.001 * (gradient**2 - square)
            array[:] -= 0.01 * mean / (1 - 0.9**self.steps) / (np.sqrt(square / (1 - 0.999**self.steps)) + 1e-8)


class Training:
    """A small network on noise, with all that a real training has: batches in random order, and Adam."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        sizes = (5, 8, 3)
        self.network = Network(
            [
                Layer(self.rng.normal(size=(n, m)).astype(np.float32), np.zeros(m, np.float32))
                for n, m in pairwise(sizes)
            ]
        )
        self.optimizer = Adam(self.network.arrays)
        self.data = np.random.default_rng(9).normal(size=(40, 8)).astype(np.float32)

    @property
    def objects(self):
        return {"network": self.network, "optimizer": self.optimizer, "rng": self.rng}

    def train(self, epochs):
        losses = []
        for _ in range(epochs):
            for batch in self.rng.permutation(len(self.data)).reshape(4, 10):
                x, y = self.data[batch, :5], self.data[batch, 5:]
                hidden = self.network.forward(x)
                error = hidden[-1] - y
                losses.append(float(np.mean(error**2)))
                gradients = []
                for layer, above, below in zip(self.network.layers[::-1], hidden[::-1], hidden[-2::-1], strict=False):
                    error = error * (1 - above**2)
                    gradients = [below.T @ error, error.sum(axis=0), *gradients]
                    error = error @ layer.weights.T
                self.optimizer.step(gradients)
        return losses


class Stateful:
    """A stranger's object with a state of its own making."""

    def __init__(self, state, *, taken=True):
        self.state = state
        self.taken = taken

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        if not self.taken:
            raise KeyError("momentum")
        self.state = state


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b=None):
        self.a = a
        if b is not None:
            self.b = b


@dataclass(frozen=True)
class Frozen:
    weights: np.ndarray
    rate: float = 0.1


@dataclass
class Anything:
    content: object = None
    more: dict[str, object] = field(default_factory=dict)


def through_a_file(tmp_path, objects):
    checkpoint.write(tmp_path / "c.npz", checkpoint.capture(objects))
    return checkpoint.read(tmp_path / "c.npz")


def refilled(tmp_path, saved, live):
    """`live` filled from what was saved of `saved`."""
    checkpoint.refill({"it": live}, through_a_file(tmp_path, {"it": saved}))
    return live


def complaint(value, name="model"):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.capture({name: value})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_training_goes_on_from_a_file_bit_for_bit(tmp_path):
    whole = Training().train(10)
    first, second = Training(), Training(seed=1)
    losses = first.train(6)
    checkpoint.write(tmp_path / "c.npz", checkpoint.capture(first.objects))
    del first
    checkpoint.refill(second.objects, checkpoint.read(tmp_path / "c.npz"))
    assert losses + second.train(4) == whole


def test_a_training_rewinds_to_a_snapshot_in_memory_as_often_as_one_likes():
    training = Training()
    training.train(2)
    snapshot = checkpoint.capture(training.objects)
    once = training.train(3)
    checkpoint.refill(training.objects, snapshot)
    again = training.train(3)
    checkpoint.refill(training.objects, snapshot)
    assert once == again == training.train(3)


def test_what_holds_an_array_goes_on_holding_it(tmp_path):
    trained, fresh = Training(), Training(seed=1)
    trained.train(1)
    checkpoint.refill(fresh.objects, through_a_file(tmp_path, trained.objects))
    assert fresh.optimizer.arrays[0] is fresh.network.layers[0].weights
    np.testing.assert_array_equal(fresh.network.layers[0].weights, trained.network.layers[0].weights)


def test_a_snapshot_shares_nothing_with_the_objects():
    state = {"w": np.zeros(2), "losses": [1.0], "deep": {"er": np.zeros(2)}}
    snapshot = checkpoint.capture({"state": state})
    state["w"] += 1
    state["losses"].append(2.0)
    state["deep"]["er"] += 1
    checkpoint.refill({"state": state}, snapshot)
    assert state["losses"] == [1.0]
    state["w"] += 1
    checkpoint.refill({"state": state}, snapshot)
    assert state["w"].tolist() == state["deep"]["er"].tolist() == [0.0, 0.0]


def test_dictionaries_and_lists_are_the_same_ones_afterwards_with_the_items_and_the_order_saved(tmp_path):
    live = {"gone": 1, "b": [1, 2, 3], "a": np.zeros(2)}
    array, items = live["a"], live["b"]
    refilled(tmp_path, {"a": np.ones(2), "b": [4], "new": {"x": (1, None)}}, live)
    assert list(live) == ["a", "b", "new"]
    assert live["a"] is array
    assert live["b"] is items
    assert items == [4]
    assert live["new"] == {"x": (1, None)}


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -0.0,
        float("inf"),
        2**127 + 1,
        -(7**20_000),
        1 + 2j,
        "ä \ud800 \0",
        b"\0\xff",
        (1, (2.0, "x"), []),
        {1, (2, "x")},
        frozenset({b"x"}),
        {3: "int", "3": "text", (1, 2): "tuple", None: "none", 1.5: "float"},
        {"tuple": [1], "array": 0},
        OrderedDict([("b", 1), ("a", 2)]),
        Counter("abca"),
        np.float32(0.1),
        np.int64(3),
        np.bool_(1),
        np.datetime64("2020-01-01"),
        np.str_("x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_values_come_back_as_what_they_were(tmp_path, value):
    live = refilled(tmp_path, {"value": value}, {})
    assert live["value"] == value
    assert type(live["value"]) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.0),
        np.zeros((0, 3), np.int8),
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.asfortranarray(np.random.default_rng(0).normal(size=(3, 4))),
        np.array([1 + 2j], np.complex64),
        np.array(["a", "bcd"]),
        np.array([(1, 2.0)], dtype=[("n", "i4"), ("x", "f8")]),
        np.array([np.nan, np.inf, -0.0], np.float16),
        np.arange(10)[::2],
    ],
)
def test_arrays_come_back_bit_for_bit(tmp_path, array):
    for live in ({}, {"a": np.zeros_like(array)}):
        refilled(tmp_path, {"a": array}, live)
        assert live["a"].dtype == array.dtype
        assert live["a"].shape == array.shape
        assert live["a"].tobytes() == array.tobytes()
        assert live["a"].flags.f_contiguous == array.flags.f_contiguous or not array.flags.c_contiguous


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.random.default_rng(3),
        lambda: np.random.Generator(np.random.MT19937(3)),
        lambda: np.random.RandomState(3),
        lambda: random.Random(3),
    ],
)
def test_generators_go_on_with_the_same_numbers(tmp_path, make):
    draw = lambda generator: [generator.random() for _ in range(5)]  # noqa: E731  a name for it
    trained, fresh = make(), make()
    draw(trained)
    refilled(tmp_path, trained, fresh)
    assert draw(fresh) == draw(trained)


def test_a_generator_of_another_kind_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"does not take the state saved: .*MT19937"):
        refilled(tmp_path, np.random.default_rng(3), np.random.Generator(np.random.MT19937(3)))


def test_containers_of_other_kinds_are_filled_where_they_are(tmp_path):
    saved = Anything(more={"recent": deque([1, 2], maxlen=2), "counts": defaultdict(int, a=3), "seen": {1, 2}})
    live = Anything(more={"recent": deque(maxlen=2), "counts": defaultdict(int), "seen": set()})
    refilled(tmp_path, saved, live)
    assert live == saved
    assert live.more["recent"].maxlen == 2
    assert live.more["counts"]["new"] == 0


def test_objects_are_filled_through_their_attributes_wherever_these_are(tmp_path):
    live = refilled(tmp_path, Slotted(np.ones(2), "b"), Slotted(np.zeros(2)))
    assert (live.a.tolist(), live.b) == ([1.0, 1.0], "b")
    live = refilled(tmp_path, Slotted(np.ones(2)), Slotted(np.zeros(2), "b"))
    assert not hasattr(live, "b")
    live = refilled(tmp_path, Frozen(np.ones(2), 0.2), Frozen(np.zeros(2)))
    assert (live.weights.tolist(), live.rate) == ([1.0, 1.0], 0.2)


def test_attributes_that_a_training_made_or_deleted_are_made_or_deleted(tmp_path):
    saved, live = Anything(1), Anything(2)
    saved.best = 0.5
    live.extra = 1
    refilled(tmp_path, saved, live)
    assert vars(live) == vars(saved)


def test_an_object_with_a_state_of_its_own_gets_a_copy_of_it(tmp_path):
    state = {0: {"step": np.ones(2), "betas": (0.9, 0.999), "lr": None}}
    live = refilled(tmp_path, Stateful(state), Stateful({}))
    assert live.state[0]["betas"] == (0.9, 0.999)
    assert live.state[0]["step"] is not state[0]["step"]
    assert live.state[0]["step"].tolist() == [1.0, 1.0]


def test_a_setting_that_an_object_holds_is_left_as_it_is(tmp_path):
    live = refilled(tmp_path, Anything(Params({"rate": 0.1})), Anything(Params({"rate": 0.2})))
    assert live.content == {"rate": 0.2}


def test_what_two_objects_share_may_be_saved_twice(tmp_path):
    shared = np.ones(2)
    live = Anything(np.zeros(2))
    live.more["same"] = live.content
    refilled(tmp_path, Anything(shared, {"same": shared}), live)
    assert live.more["same"] is live.content
    assert live.content.tolist() == [1.0, 1.0]


def test_what_a_checkpoint_cannot_hold_is_named_with_its_place():
    network = Training().network
    network.layers[1].hook = lambda: None
    assert complaint(network) == (
        "model.layers[1].hook is a function; a checkpoint holds arrays and plain data, "
        "or give the object state_dict and load_state_dict"
    )
    assert complaint({"lock": threading.Lock()}, "state").startswith("state['lock'] is a lock;")
    assert complaint([Layer]).startswith("model[0] is the class Layer;")
    assert complaint(iter(())).startswith("model is a tuple_iterator;")
    assert complaint({"at": Stateful({"x": Anything()})}).startswith("model['at'].state_dict()['x'] is an Anything;")
    assert complaint({Frozen(np.ones(1)).rate: {Stateful: 1}}).startswith("model[0.1] has the class Stateful as a key")
    assert "array of object" in complaint([np.array([None])])
    assert "is a MaskedArray" in complaint([np.ma.array([1.0])])


def test_what_cannot_be_filled_in_place_is_refused_when_it_is_tracked():
    assert complaint(3, "step") == "step is an int, which cannot be filled again in place; put it in a dict"
    assert complaint(None).startswith("model is None,")
    assert complaint((np.ones(1),)).startswith("model is a tuple,")


def test_what_holds_itself_is_refused():
    network = Training().network
    network.layers[1].network = network
    assert complaint(network) == ("model.layers[1].network is model again: a checkpoint cannot save what holds itself")
    nested = []
    for _ in range(5000):
        nested = [nested]
    assert "nested too deeply" in complaint(nested)


@pytest.mark.parametrize(
    ("saved", "live", "said"),
    [
        (np.zeros(2), np.zeros(3), "it has shape (3,) and dtype float64, but (2,) and float64 in the checkpoint"),
        (np.zeros(2), np.zeros(2, np.float32), "it has shape (2,) and dtype float32, but (2,) and float64"),
        ([Layer(np.zeros(1), np.zeros(1))], [], "it[0] is None, but in the checkpoint it is a Layer"),
        (Anything(), Frozen(np.zeros(1)), "it is a Frozen, but in the checkpoint it is an Anything"),
        ({"a": 1}, [1], "it is a list, but in the checkpoint it is a dict"),
        (Stateful({}), Stateful({}, taken=False), "it does not take the state saved: 'momentum'"),
        ({"x": deque()}, {"x": None}, "it['x'] is None, but in the checkpoint it is a deque"),
    ],
)
def test_objects_that_are_not_alike_are_refused(tmp_path, saved, live, said):
    with pytest.raises(CheckpointError) as caught:
        refilled(tmp_path, saved, live)
    assert str(caught.value).startswith(said)


def test_objects_that_are_refused_are_as_they_were(tmp_path):
    tree = through_a_file(tmp_path, {"a": {"w": np.ones(2), "n": 1}, "b": Stateful({}), "c": np.zeros(3)})
    live = {"a": {"w": np.zeros(2), "m": 2}, "b": Stateful({"x": 1}), "c": np.zeros(4)}
    array = live["a"]["w"]
    with pytest.raises(CheckpointError, match="c has shape"):
        checkpoint.refill(live, tree)
    assert live["a"]["w"] is array
    assert (array.tolist(), live["a"]["m"], live["b"].state) == ([0.0, 0.0], 2, {"x": 1})


def test_other_names_are_refused():
    with pytest.raises(CheckpointError, match="holds model, but what is to be filled is model, optimizer; track the"):
        checkpoint.refill({"model": {}, "optimizer": {}}, checkpoint.capture({"model": {}}))


# --- files


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "folder" / "c.npz"
    size = checkpoint.write(path, {"x": 1})
    assert size == path.stat().st_size
    with pytest.raises(TypeError):
        checkpoint.write(path, {"x": object()})
    assert checkpoint.read(path) == {"x": 1}
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"checkpoint .*/file/c\.npz cannot be written: File exists"):
        checkpoint.write(tmp_path / "file" / "c.npz", {})


def test_the_same_tree_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        checkpoint.write(tmp_path / name, {"x": np.arange(3)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_arrays_can_be_read_without_tunewell(tmp_path):
    checkpoint.write(tmp_path / "c.npz", {"x": [np.arange(3)]})
    with np.load(tmp_path / "c.npz") as arrays:
        assert arrays["0"].tolist() == [0, 1, 2]


def test_no_damage_of_a_file_goes_unnoticed(tmp_path):
    path = tmp_path / "c.npz"
    checkpoint.write(path, checkpoint.capture({"x": {"w": np.arange(50.0), "b": b"bytes", "t": (1, 2)}}))
    whole, expected = path.read_bytes(), checkpoint.read(path)
    rng = np.random.default_rng(0)
    for cut in rng.integers(0, len(whole), 40):
        path.write_bytes(whole[:cut])
        with pytest.raises(CheckpointError, match=r"c\.npz is damaged"):
            checkpoint.read(path)
    for place in rng.integers(0, len(whole), 200):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with suppress(CheckpointError):
            np.testing.assert_equal(checkpoint.read(path), expected)  # a byte that nobody reads, such as a date


def written_by_hand(path, tree, compression=zipfile.ZIP_STORED, **header):
    with zipfile.ZipFile(path, "w", compression) as members:
        members.writestr(
            "tree.json", json.dumps({"format": "tunewell checkpoint", "version": 1} | header | {"tree": tree})
        )
    return path


@pytest.mark.parametrize(
    "tree",
    [
        {"x": {"array": 0}},
        {"x": {"array": "../../etc/passwd"}},
        {"x": {"nonsense": 0}},
        {"x": {"tuple": 1}},
        {"x": {"dict": [[[1], 2]]}},
        {"x": {"tuple": [], "set": []}},
        {"x": {}},
        {"x": {"tensor": [1]}},
        {"x": {"hex": "zz"}},
        {"x": {"complex": "no"}},
        [1, 2],
        None,
    ],
)
def test_what_is_no_tree_is_refused(tmp_path, tree):
    with pytest.raises(CheckpointError, match="damaged, or no checkpoint"):
        checkpoint.read(written_by_hand(tmp_path / "c.npz", tree))


def test_a_stranger_s_file_runs_no_code_and_fills_no_memory(tmp_path):
    with zipfile.ZipFile(tmp_path / "pickle.npz", "w") as members:
        members.writestr(
            "tree.json", json.dumps({"format": "tunewell checkpoint", "version": 1, "tree": {"x": {"array": 0}}})
        )
        with members.open("0.npy", "w") as member:
            np.lib.format.write_array(member, np.array([print]), allow_pickle=True)
    with pytest.raises(CheckpointError, match="allow_pickle=False"):
        checkpoint.read(tmp_path / "pickle.npz")
    bomb = written_by_hand(tmp_path / "bomb.npz", {"x": " " * 10**6}, zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match=r"tree\.json is compressed"):
        checkpoint.read(bomb)
    deep = tmp_path / "deep.npz"
    with zipfile.ZipFile(deep, "w") as members:
        members.writestr("tree.json", "[" * 10**6)
    with pytest.raises(CheckpointError, match="recursion"):
        checkpoint.read(deep)
    huge = tmp_path / "huge.npz"
    with zipfile.ZipFile(written_by_hand(huge, {"x": {"array": 0}}), "a") as members:
        header = repr({"descr": "<f8", "fortran_order": False, "shape": (10**15,)}).encode()
        members.writestr("0.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(CheckpointError, match=r"huge\.npz"):
        checkpoint.read(huge)


def test_files_that_are_something_else_say_so(tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*none.npz"):
        checkpoint.read(tmp_path / "none.npz")
    np.savez(tmp_path / "plain.npz", x=np.zeros(1))
    with pytest.raises(CheckpointError, match=r"plain.npz is damaged, or no checkpoint of tunewell: .*tree.json"):
        checkpoint.read(tmp_path / "plain.npz")
    with pytest.raises(CheckpointError, match="is of the format 'other'"):
        checkpoint.read(written_by_hand(tmp_path / "other.npz", {}, format="other"))
    with pytest.raises(CheckpointError, match=r"written by a newer tunewell \(format 2\); upgrade tunewell"):
        checkpoint.read(written_by_hand(tmp_path / "newer.npz", {}, version=2))
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.read(tmp_path)


# --- random states


@pytest.fixture
def own_random_states():
    states = checkpoint.random_states()
    yield
    checkpoint.set_random_states(states)


def draws():
    return random.random(), random.gauss(), float(np.random.random()), float(np.random.normal())


@pytest.mark.usefixtures("own_random_states")
def test_the_random_states_of_the_process_go_on_where_they_were(tmp_path):
    checkpoint.seed_everything(3)
    draws()
    checkpoint.write(tmp_path / "c.npz", checkpoint.random_states())
    expected = draws()
    checkpoint.set_random_states(checkpoint.read(tmp_path / "c.npz"))
    assert draws() == expected


@pytest.mark.usefixtures("own_random_states")
def test_the_same_seed_gives_the_same_draws():
    checkpoint.seed_everything(3)
    first = draws()
    checkpoint.seed_everything(3)
    assert draws() == first
