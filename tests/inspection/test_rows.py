"""Looks at rows: what is found in faulty ones, and what is not in those that merely look like it."""

import numpy as np
import pytest

from tunewell.inspection import KINDS, rows


def rng():
    return np.random.default_rng(0)


def kinds(found):
    assert all(one.kind in KINDS and one.seen and one.mend for one in found)
    return [one.kind for one in found]


def table(n=200, columns=5):
    return rng().normal(size=(n, columns)).astype("float32")


def pixels(n=60, size=10):
    return rng().integers(0, 256, size=(n, size, size, 1)).astype("uint8")


SCALED = {
    "standardized": table(),
    "pixels in 0..1": pixels() / 255,
    "pixels in -1..1": pixels() / 127.5 - 1,
    "digits of 16 levels": rng().integers(0, 17, size=(50, 64)),
    "a measured length": np.arange(0, 5, 0.1)[:, None],
    "one-hot": np.eye(30)[rng().integers(30, size=100)],
    "counts of words": rng().poisson(0.3, size=(100, 200)),
    "a bias of a large size": np.hstack([table(), np.full((200, 1), 500.0)]),
    "small numbers": table() * 1e-3,
    "with gaps": np.where(table() > 2, np.nan, table() * 1000),
    "words": np.array([["a"], ["b"]]),
    "flags": table() > 0,
    "one row": np.full((1, 3), 1e6),
    "none": np.zeros((0, 3)),
}
UNSCALED = {
    "pixels": pixels(),
    "pixels in rows": pixels().reshape(60, -1).astype("float32"),
    "sound": rng().normal(0, 3000, size=(20, 400)).astype("int16"),
    "a table in the thousands": table() * [1, 1, 2000, 1, 1],
    "years": np.hstack([table(), rng().integers(1990, 2024, size=(200, 1))]),
    "columns of very different size": table() * [0.01, 1, 1, 1, 30],
    "in the hundreds, one column": rng().uniform(100, 900, size=300),
}


@pytest.mark.parametrize("name", SCALED)
def test_inputs_of_a_usual_scale_are_not_accused(name):
    assert rows.inputs_not_scaled(SCALED[name]) == []


@pytest.mark.parametrize("name", UNSCALED)
def test_inputs_of_an_unusual_scale_are_found(name):
    assert kinds(rows.inputs_not_scaled(UNSCALED[name])) == ["inputs-not-scaled"]


def test_what_is_seen_has_the_numbers_of_the_rows():
    [found] = rows.inputs_not_scaled(pixels())
    assert "from 0 to 255" in found.seen
    assert found.mend == "divide them by 255"
    [found] = rows.inputs_not_scaled(table() * [1, 1, 2000, 1, 1])
    assert "column 2" in found.seen
    assert not found.path


def test_splits_that_are_prepared_differently_are_found():
    x, other = table(), np.random.default_rng(1).normal(size=(80, 5))
    found = [
        rows.splits_prepared_differently(x, other * 30 + 400),
        rows.splits_prepared_differently(x * 50 + 500, other),
        rows.splits_prepared_differently(pixels() / 255, pixels(40)),
        rows.splits_prepared_differently((pixels() - 128.0) / 74, pixels(40) / 255),
        rows.splits_prepared_differently(x, other + 20),
    ]
    assert [kinds(one) for one in found] == [["splits-prepared-differently"]] * 5


def test_splits_that_merely_differ_are_not_accused():
    walk = np.cumsum(rng().normal(size=(1000, 4)), axis=0)
    heavy = rng().standard_t(2, size=(300, 6))
    for x, other in (
        (table(), table(80) * 1.4 + 0.3),
        ((walk[:700] - walk[:700].mean(0)) / walk[:700].std(0), (walk[700:] - walk[:700].mean(0)) / walk[:700].std(0)),
        (heavy[:200], heavy[200:]),
        (pixels() / 255, np.clip(pixels() / 255 * 1.3, 0, 1)),
        (np.sin(np.arange(4000) / 9).reshape(40, 100), 0.3 * np.sin(np.arange(3000) / 9).reshape(30, 100) ** 9),
        (table(), table(10) * 100),
        (table(), table(80, columns=4) * 100),
        (np.eye(5)[rng().integers(5, size=90)], np.eye(5)[rng().integers(2, size=40)]),
    ):
        assert rows.splits_prepared_differently(x, other) == []


def test_validation_rows_that_are_trained_on_are_found():
    x, shown = table(300), pixels(60)
    for one, other in (
        (x, x),
        (x, x.copy()),
        (x, x[200:]),
        (x, x[rng().permutation(300)][:40]),
        (np.repeat(x, 2, axis=0), np.vstack([x[:10], np.random.default_rng(5).normal(size=(90, 5)).astype("float32")])),
        (shown, shown[40:]),
        (shown / 255, shown[40:] / 255),
        (x.astype("float64"), x[200:]),
    ):
        assert kinds(rows.validation_rows_in_training(one, other)) == ["validation-rows-in-training"]


def test_rows_that_are_equal_by_chance_are_not_accused():
    generator = rng()
    categories = generator.integers(4, size=(400, 6)).astype("float32")
    words = generator.integers(3, size=(400, 80))
    blank = np.zeros((100, 8, 8), dtype="float32")
    hot = np.eye(20, dtype="float32")[generator.integers(20, size=500)]
    rounded = np.round(table(4000, 2), 1)
    for one, other in (
        (categories[:300], categories[300:]),
        (words[:300], words[300:]),
        (blank[:60], blank[60:]),
        (hot[:400], hot[400:]),
        (rounded[:3000], rounded[3000:]),
        (table(), np.random.default_rng(1).normal(size=(80, 5)).astype("float32")),
        (np.eye(2)[[0, 1, 0, 1]], np.eye(2)[[0, 1, 0, 1]]),
        (table(), table(80, columns=4)),
    ):
        assert rows.validation_rows_in_training(one, other) == []


def test_labels_are_read_as_classes_where_they_are():
    assert rows.class_labels(np.array([0, 2, 1])).tolist() == [0, 2, 1]
    assert rows.class_labels(np.array([[0.0], [2.0]])).tolist() == [0, 2]
    assert rows.class_labels(np.eye(3)[[2, 0]]).tolist() == [2, 0]
    assert rows.class_labels(np.array([True, False])).tolist() == [1, 0]
    for none in (
        np.array([0.5]),
        np.array([[1, 1], [0, 1]]),
        np.array(["a"]),
        np.zeros((2, 2, 2)),
        np.array([np.nan]),
        np.zeros(0),
    ):
        assert rows.class_labels(none) is None


def test_labels_that_are_all_the_same_are_found():
    assert kinds(rows.labels_constant(np.zeros(50))) == ["labels-constant"]
    assert kinds(rows.labels_constant(np.eye(3)[[1] * 30])) == ["labels-constant"]
    assert rows.labels_constant(np.arange(50) % 2) == []
    assert rows.labels_constant(np.eye(3)[np.arange(30) % 3]) == []
    assert rows.labels_constant(np.zeros(5)) == []


def test_rows_that_are_all_the_same_are_found():
    assert kinds(rows.inputs_constant(np.tile(table(1), (60, 1)))) == ["inputs-constant"]
    assert kinds(rows.inputs_constant(np.ones((60, 4, 4)))) == ["inputs-constant"]
    assert rows.inputs_constant(table()) == []
    assert rows.inputs_constant(np.tile(table(2), (40, 1))) == []
    assert rows.inputs_constant(np.ones((10, 3))) == []


def test_rows_with_several_labels_are_told_from_classes():
    several = (rng().random((100, 4)) < 0.5).astype(int)
    assert "several labels" in rows.several_labels(several)
    assert rows.several_labels(np.eye(4)[np.arange(100) % 4]) == ""
    assert rows.several_labels(np.full((100, 4), 0.5)) == ""  # soft labels of another network
    assert rows.several_labels(several[:, :1]) == ""


def test_labels_without_a_unit_are_found():
    assert rows.labels_out_of_range(np.arange(5), 5) == []
    assert rows.labels_out_of_range(np.arange(3), 5) == []
    [found] = rows.labels_out_of_range(np.arange(1, 6), 5)
    assert (found.kind, found.mend) == ("labels-out-of-range", "subtract 1 from the labels")
    [found] = rows.labels_out_of_range(np.array([-1, 0, 1]), 3)
    assert found.mend == "add 1 to the labels"
    assert kinds(rows.labels_out_of_range(np.arange(10), 4)) == ["units-and-classes-differ"]
    assert kinds(rows.labels_out_of_range(np.array([0, 5, 90]), 3)) == ["labels-out-of-range"]


def test_batches_of_one_class_each_are_found():
    ordered = np.repeat(np.arange(5), 40)
    assert kinds(rows.rows_not_shuffled(list(rows.batches_of(ordered, 8)))) == ["rows-not-shuffled"]
    assert kinds(rows.rows_not_shuffled(list(rows.batches_of(np.repeat([0, 1], 5000), 32)))) == ["rows-not-shuffled"]


def test_batches_that_are_of_one_class_by_chance_are_not_accused():
    generator = rng()
    for labels, size in (
        (generator.integers(5, size=400), 16),
        (generator.integers(2, size=400), 1),
        (generator.integers(2, size=400), 2),
        ((generator.random(4000) < 0.002).astype(int), 32),
        (np.zeros(400, dtype=int), 16),
        (np.repeat([0, 1], 30), 32),
        (np.arange(400), 1),
    ):
        assert rows.rows_not_shuffled(list(rows.batches_of(labels, size))) == []


def test_a_split_of_sorted_rows_is_found():
    ordered = np.repeat(np.arange(10), 30)
    assert kinds(rows.split_by_class(ordered[:240], ordered[240:])) == ["rows-not-shuffled"]
    two = np.repeat([0, 1], 100)
    assert kinds(rows.split_by_class(two[:160], two[160:])) == ["rows-not-shuffled"]
    mixed = rng().permutation(ordered)
    assert rows.split_by_class(mixed[:240], mixed[240:]) == []
    many = rng().integers(200, size=400)
    assert rows.split_by_class(many[:300], many[300:]) == []
    rare = (rng().random(1000) < 0.002).astype(int)
    assert rows.split_by_class(rare[:800], rare[800:]) == []
    assert rows.split_by_class(np.zeros(90), np.zeros(10)) == []


def test_one_class_of_nearly_all_rows_is_found():
    assert kinds(rows.classes_unequal((np.arange(5000) < 10).astype(int))) == ["classes-unequal"]
    assert rows.classes_unequal((np.arange(5000) < 250).astype(int)) == []
    assert rows.classes_unequal(np.arange(5000) % 1000) == []
    assert rows.classes_unequal((np.arange(300) < 1).astype(int)) == []
    assert rows.classes_unequal(np.zeros(5000, dtype=int)) == []


def test_numbers_that_are_not_finite_are_found():
    x = table()
    assert rows.not_finite("x", x) == []
    x[7, 2] = np.nan
    [found] = rows.not_finite("x", x)
    assert found.seen == "1 of the numbers of x are not finite, the first in row 7, column 2 is not a number"
    assert "infinite" in rows.not_finite("y", np.array([1.0, np.inf]))[0].seen
    assert rows.not_finite("x", np.arange(4)) == []


def test_rows_are_left_as_they_are():
    x, y = table(), np.arange(200) % 3
    before = x.copy(), y.copy()
    rows.inputs_not_scaled(x)
    rows.splits_prepared_differently(x, x * 40)
    rows.validation_rows_in_training(x, x[100:])
    rows.rows_not_shuffled(list(rows.batches_of(y, 8)))
    assert np.array_equal(before[0], x)
    assert np.array_equal(before[1], y)
