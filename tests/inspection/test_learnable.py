"""Labels that do not depend on their rows, and hard data whose labels do."""

import numpy as np
import pytest

from tunewell.inspection.learnable import labels_not_learnable
from tunewell.inspection.observing import observe


@pytest.fixture
def random():
    return np.random.default_rng(0)


def clusters(random, n=600, k=4):
    """Rows of classes around centers of their own."""
    labels = random.integers(0, k, n)
    return random.normal(size=(k, 10))[labels] * 4 + random.normal(size=(n, 10)), labels


def kinds(x, labels):
    return [mistake.kind for mistake in labels_not_learnable(x, labels)]


def found_of(random, x, labels, n=8):
    """The orders of the labels, of so many, that are found out: by chance, some look as if they meant something."""
    orders = [random.permutation(labels) for _ in range(n)]
    return [order for order in orders if kinds(x, order) == ["labels-not-learnable"]]


def test_labels_that_were_shuffled_apart_are_found(random):
    x, labels = clusters(random)
    assert kinds(x, labels) == []
    assert len(found_of(random, x, labels)) >= 7


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_noisy_labels_are_not_accused(random, share):
    x, labels = clusters(random, n=1000)
    noisy = random.random(len(labels)) < share
    labels[noisy] = random.integers(0, 4, int(noisy.sum()))
    assert kinds(x, labels) == []


def test_copies_of_a_row_do_not_hide_that_its_label_is_anothers(random):
    x, labels = clusters(random)
    labels = found_of(random, x, labels)[0]
    assert kinds(np.concatenate([x, x]), np.concatenate([labels, labels])) == ["labels-not-learnable"]


def test_what_cannot_be_judged_is_not_accused(random):
    x, labels = clusters(random)
    shuffled = random.permutation(labels)
    assert kinds(x[:300], shuffled[:300]) == []  # few rows
    assert kinds(x, shuffled % 2) == []  # an outcome in a table
    assert kinds(random.normal(size=(600, 10)), shuffled) == []  # no structure that labels could follow
    assert kinds(np.full((600, 10), np.nan), shuffled) == []
    assert kinds(x, np.arange(600)) == []


def test_rows_of_a_run_are_looked_at(random):
    x, labels = clusters(random)
    torch = pytest.importorskip("torch")

    def train(run):
        rows, targets = run.data(x.astype(np.float32), labels)
        model = torch.nn.Linear(10, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in run.epochs(1):
            loss = torch.nn.functional.cross_entropy(model(torch.tensor(rows)), torch.tensor(targets))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.report(loss=loss.item())

    assert [mistake.kind for mistake in observe(train, {}, max_steps=5)] == []
    labels = found_of(random, x, labels)[0]
    assert [mistake.kind for mistake in observe(train, {}, max_steps=5)] == ["labels-not-learnable"]
