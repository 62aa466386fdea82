"""What `run.data` reports of the rows, of whatever they come as."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import tunewell as tw
from tunewell.diagnosis.readers.trial import record_of
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure
from tunewell.errors import ReportError
from tunewell.training.rows import classes_of, rows_of, spreads_of

RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, size=(300, 4)).astype(np.float32)
Y = np.arange(300) % 3
Y[:150] = 0  # 200 of class 0, 50 of each other


def reported(*arrays, **more):
    run = tw.Run({})
    same = run.data(*arrays, **more)
    assert same is arrays[0] if len(arrays) == 1 else all(one is other for one, other in zip(same, arrays, strict=True))
    run.report(val_loss=1.0)
    return run.reports[0]


def as_lists(x, y):
    return x.tolist(), y.tolist()


def as_table(x, y):
    table = pd.DataFrame(x, columns=list("abcd"))
    return table.assign(name="text"), pd.Series(y)


LABELS = {
    "whole numbers": lambda y: y,
    "floats": lambda y: y.astype(np.float32),
    "one column": lambda y: y[:, None],
    "one column of floats": lambda y: y[:, None].astype(np.float64),
    "one-hot": lambda y: np.eye(3)[y],
    "from 1": lambda y: y + 1,
    "names": lambda y: np.array(["cat", "dog", "owl"])[y],
    "names in a series": lambda y: pd.Series(np.array(["cat", "dog", "owl"])[y]),
    "a category": lambda y: pd.Series(np.array(["cat", "dog", "owl"])[y]).astype("category"),
    "a list": lambda y: y.tolist(),
}


@pytest.mark.parametrize("kind", LABELS)
def test_classes_are_counted_however_labels_are_written(kind):
    first = reported(X, LABELS[kind](Y))
    assert first["n_classes"] == 3
    assert [first[f"data.class_counts_train.{k}"] for k in range(3)] == [200, 50, 50]
    assert "target_variance" not in first


@pytest.mark.parametrize("given", [as_lists, as_table, lambda x, y: (x, y)])
def test_the_scale_of_inputs_is_summarized(given):
    first = reported(*given(X, Y))
    assert first["n_train"] == 300
    assert first["data.train_inputs.mean"] == pytest.approx(float(X.mean()), abs=1e-3)
    assert first["data.train_inputs.std"] == pytest.approx(float(X.std()), abs=1e-3)
    assert first["data.feature_std_max"] == pytest.approx(float(X.std(axis=0, ddof=1).max()), abs=1e-3)


@pytest.mark.parametrize(
    "targets", [X[:, 0] ** 2, X[:, :1] ** 2, RNG.integers(0, 500, 300) * 3, np.linspace(0.0, 1.0, 300).tolist()]
)
def test_targets_of_a_regression_have_a_variance_and_make_it_one(targets):
    first = reported(X, targets)
    assert "n_classes" not in first
    assert first["target_variance"] == pytest.approx(float(np.var(targets)), rel=1e-3)
    run = read_record(record_of({}, [first | {"train_loss": 1.0}]))
    assert run.task == "regression"
    assert measure(run).units.baseline == "variance"


def test_labels_of_several_classes_at_once_are_neither():
    first = reported(X, RNG.integers(0, 2, (300, 5)))
    assert not {"n_classes", "target_variance"} & set(first)


@pytest.mark.parametrize("labels", [RNG.integers(0, 99, (300, 8)), RNG.integers(0, 3, (300, 4, 4))])
def test_words_and_pixels_that_are_predicted_are_no_regression(labels):
    assert "target_variance" not in reported(X, labels)


def test_truth_values_are_two_classes():
    first = reported(X, Y > 0, validation=(X, (Y > 0)[:, None]))
    assert [first[f"data.class_counts_{name}.{k}"] for name in ("train", "val") for k in (0, 1)] == [200, 100] * 2


def test_words_by_number_have_no_scale_and_bytes_do():
    assert "data.train_inputs.mean" not in reported(RNG.integers(0, 5000, (300, 20)), Y)
    assert reported(RNG.integers(0, 256, (300, 8, 8), dtype=np.uint8), Y)["data.train_inputs.max"] == 255


def test_validation_rows_are_summarized_beside():
    first = reported(X, Y, validation=(X[:50] * 10, Y[:50]))
    assert first["n_val"] == 50
    assert first["data.val_inputs.std"] > 5 * first["data.train_inputs.std"]
    assert first["data.class_counts_val.0"] == 50
    record = record_of({}, [first])
    assert record["data_summary"]["val_inputs"]["std"] == first["data.val_inputs.std"]
    assert (record["n_train"], record["n_val"], record["n_classes"]) == (300, 50, 3)
    assert "n_train" not in record["epochs"][0]
    assert measure(read_record(record))["shift_spread"] > 0.5


def test_validation_rows_that_are_none_or_have_other_labels_are_not_counted():
    assert reported(X, Y, validation=(X[:0], Y[:0]))["n_val"] == 0
    for labels in (np.eye(3)[Y], np.array(["cat", "dog", "owl"])[Y]):
        assert not [name for name in reported(X, Y, validation=(X, labels)) if name.startswith("data.class_counts_val")]


def test_numbers_whose_squares_no_float_holds_are_left_out():
    first = reported(X.astype(float) * 1e200, X[:, 0].astype(float) * 1e200)
    assert all(map(np.isfinite, first.values()))
    assert "target_variance" not in first


def test_a_border_of_pixels_is_no_feature_that_differs_in_scale():
    images = np.zeros((400, 6, 6))
    images[:, 1:5, 1:5] = RNG.uniform(0, 1, (400, 4, 4))
    images[:3, 0, 0] = 0.01  # hardly ever anything else than 0
    spreads = spreads_of(images)
    assert spreads.max() / spreads.min() < 2


def test_large_inputs_are_looked_at_in_part():
    rows = rows_of((np.zeros((5000, 3, 64, 64), dtype=np.uint8), np.arange(5000) % 2))
    assert rows.inputs.size < 4_000_000
    assert len(rows.classes) == 5000
    inputs, labels = rows.pairs
    assert len(inputs) == len(labels)


class Tensor:
    """An array that takes no array of numbers, as those of TensorFlow."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __getitem__(self, i):
        raise TypeError("Only integers and slices are valid indices")

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize("kind", [Tensor, sparse.coo_array, sparse.csr_array])
def test_large_inputs_of_which_rows_cannot_be_taken_by_number(kind):
    x, y = np.tile(X, (20, 1)), np.tile(Y, 20)
    first = reported(kind(x), y)
    assert (first["n_train"], first["n_classes"]) == (6000, 3)
    assert first["data.train_inputs.mean"] == pytest.approx(2.0, abs=0.2)


def test_of_wide_labels_a_part_is_looked_at():
    images = np.broadcast_to(np.float32(0.5), (100_000, 64, 64))  # 1.6 GB, were it copied
    rows = rows_of((images, images))
    assert rows.n == 100_000
    assert len(rows.labels) == len(rows.inputs) < 1000
    assert all(map(np.array_equal, rows.pairs, (rows.inputs, rows.labels)))


def test_what_has_no_rows_or_other_lengths_is_refused():
    with pytest.raises(ReportError, match="of equal lengths; got lengths 300, 299"):
        reported(X, Y[1:])
    with pytest.raises(ReportError, match="arrays of validation rows, of equal lengths"):
        reported(X, Y, validation=(X, Y[1:]))


@pytest.mark.parametrize(
    "labels",
    [np.array([3.5, 1.2]), np.array([0, 2, 5]), np.array([1, 1, 1]), np.zeros((3, 2)), np.array([np.nan, 1.0])],
)
def test_what_are_no_classes(labels):
    assert classes_of(labels) is None


def test_minus_1_and_1_are_two_classes():
    assert classes_of(np.array([-1, 1, 1, -1])).tolist() == [0, 1, 1, 0]


class Pairs:
    """A data set: rows by number."""

    def __init__(self, n=300):
        self.n, self.read = n, 0

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.read += 1
        np.random.random()
        return X[i % 300], int(Y[i % 300])


def test_a_data_set_is_looked_at_in_part_and_draws_nothing_from_the_training():
    data = Pairs(100_000)
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()
    first = reported(data)
    assert data.read < 200
    assert np.random.get_state()[1].tolist() == before
    assert first["n_train"] == 100_000
    assert first["n_classes"] == 3
    assert first["data.train_inputs.mean"] == pytest.approx(2.0, abs=0.5)


def test_a_stream_is_passed_through_unread():
    stream = iter([(X[:2], Y[:2])])
    run = tw.Run({})
    assert run.data(stream) is stream
    assert len(list(stream)) == 1


class OfWorkers(Pairs):
    """A data set that only the processes of its loader can read."""

    def __getitem__(self, i):
        raise RuntimeError("its file is opened in worker_init_fn")


def test_a_data_set_that_cannot_be_read_here_is_passed_through():
    assert set(reported(OfWorkers())) == {"epoch", "val_loss"}


class Batches:
    """Batches in turn, as TensorFlow has them."""

    element_spec = None

    def __init__(self, batches, n):
        self.batches, self.n = batches, n

    def cardinality(self):
        return self.n

    def __iter__(self):
        return iter(self.batches)


def test_batches_count_where_their_number_is_known():
    batches = [(X[i : i + 50], Y[i : i + 50]) for i in range(0, 300, 50)]
    assert reported(Batches(batches, 6))["n_train"] == 300
    assert reported(Batches(batches[:2], -2))["n_train"] == 100
    assert "n_train" not in reported(Batches(batches, -2))
    assert "n_train" not in reported(Batches(list(zip(X, Y, strict=True)), 300))


torch_is_there = importlib.util.find_spec("torch") is not None
jax_is_there = importlib.util.find_spec("jax") is not None


@pytest.mark.skipif(not torch_is_there, reason="needs torch")
def test_tensors_data_sets_and_loaders_of_pytorch():
    import torch

    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    data = torch.utils.data.TensorDataset(x, y)
    loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)
    for given in ((x, y), (x.requires_grad_(), y[:, None].float()), (data,), (loader,)):
        first = reported(*given)
        assert (first["n_train"], first["n_classes"]) == (300, 3)
        assert first["data.train_inputs.mean"] == pytest.approx(float(X.mean()), abs=0.6)
    assert reported(x.bfloat16(), y)["n_classes"] == 3


@pytest.mark.skipif(not jax_is_there, reason="needs jax")
def test_arrays_of_jax():
    import jax.numpy as jnp

    assert reported(jnp.asarray(X), jnp.asarray(Y))["n_classes"] == 3
