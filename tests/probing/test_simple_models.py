"""Simple models on the same rows: they tell a network that is stuck from one that has learned all there is."""

import sys
from dataclasses import replace

import numpy as np
import pytest

import tunewell as tw
from tunewell import nn
from tunewell.probing.probes import PROBES, in_words, new_case, possible_of, rows_seen, simple_models
from tunewell.probing.simple_models import baselines
from tunewell.training.rows import rows_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 6))
SLICES = (np.floor(4 * np.arctan2(X[:, 0], X[:, 1]) / np.pi) % 2).astype(int)
FOR_PLANE = X[:, :2]
SPACE = tw.Space(learning_rate=tw.Float(1e-5, 10.0, scale="log", default=0.05))


def found_of(x, y, validation=None):
    return baselines(rows_of((x, y)), None if validation is None else rows_of(validation), 0)


def test_what_is_linear_is_found_by_the_linear_model():
    found = found_of(X, (X @ [1, -2, 0.5, 0, 0, 1] > 0).astype(int))
    assert found.best.model == "a linear model"
    assert found.best.score > 0.95
    assert (found.n_fitted, found.n_judged, found.on_validation) == (480, 120, False)


def test_what_is_not_linear_is_found_by_the_neighbours_or_trees():
    found = found_of(FOR_PLANE, SLICES)
    by_name = {one.model: one.score for one in found.found}
    assert found.best.score > 0.85
    assert by_name["a linear model"] < 0.65


def test_a_regression_is_judged_by_the_variance_that_is_explained():
    found = found_of(X, X @ np.arange(6.0) + 3)
    assert found.best.score > 0.99
    assert found.best.error < 0.1
    assert "of the variance explained" in in_words(found)


def test_validation_rows_judge_where_there_are_some():
    found = found_of(X[:500], SLICES[:500], (X[500:], SLICES[500:]))
    assert (found.n_fitted, found.n_judged, found.on_validation) == (500, 100, True)


def test_labels_that_say_nothing_are_learned_by_none():
    found = found_of(X, RNG.integers(0, 2, 600))
    assert found.best.score <= found.floor + found.noise
    assert possible_of(found, {}) is None


def test_images_are_reduced_and_that_is_reported():
    y = np.arange(400) % 2
    images = RNG.normal(size=(400, 28, 28)) * 0.3 + y[:, None, None] * np.eye(28)
    found = found_of(images, y)
    assert "784 features, of which 50 principal components" in in_words(found)
    assert found.best.score > 0.8


def test_it_does_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    assert {one.model for one in found_of(X, SLICES).found} == {"a linear model", "the nearest neighbours"}


def test_the_same_rows_give_the_same_scores():
    assert found_of(X, SLICES) == found_of(X, SLICES)


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        (X[:10], SLICES[:10], "10 rows are too few"),
        (np.full((50, 2), np.nan), SLICES[:50], "not all finite"),
        (X, RNG.integers(0, 2, (600, 4)), "a row has several labels"),
        (RNG.integers(0, 9999, (600, 20)), SLICES, "whole numbers, maybe words"),
        (X, np.zeros(600), "neither classes nor numbers that vary"),
        ([[1.0], [1.0, 2.0]] * 300, SLICES, "no arrays of numbers"),
        (np.array(["a", "b"] * 300)[:, None], SLICES, "no arrays of numbers"),
    ],
)
def test_rows_that_none_can_be_trained_on_are_left_out_with_the_reason(x, y, why):
    assert why in found_of(x, y)


def test_features_that_do_not_vary_do_no_harm():
    x = np.column_stack([np.ones(600), X, np.zeros(600)])
    assert found_of(x, (X[:, 0] > 0).astype(int)).best.score > 0.9
    assert found_of(np.ones((600, 2)), SLICES).best.score <= 0.7


def stuck(run):
    """Train a network on the slices that hardly learns, at a rate that its sweep does not accuse."""
    x, y = run.data(FOR_PLANE[:450], SLICES[:450], validation=(FOR_PLANE[450:], SLICES[450:]))
    network = nn.Network([2, 1, 2], seed=run.seed)
    trainer = nn.Trainer(network, x, y, batch_size=32, optimizer=nn.SGD(run.params.learning_rate), seed=run.seed)
    for _ in run.epochs(12):
        loss = trainer.epoch()
        held = network.evaluate(FOR_PLANE[450:], SLICES[450:])
        run.report(train_loss=loss, **{f"val_{name}": value for name, value in held.items()})


def test_a_network_that_a_simple_model_beats_is_not_healthy():
    report = tw.probe(stuck, SPACE)
    assert "healthy" not in {one.label for one in report.findings}
    assert report.findings[0].evidence.startswith("validation accuracy reached ")
    assert " of the validation rows right" in report.findings[0].evidence


def test_a_target_that_is_given_goes_before_what_a_simple_model_shows():
    report = tw.probe(stuck, SPACE, target=0.3)
    assert report.findings[0].label == "healthy"


def test_labels_that_no_simple_model_learns_point_to_the_data():
    labels = RNG.integers(0, 2, 600)

    def train(run):
        run.data(X, labels)
        for _ in run.epochs(4):
            run.report(train_loss=0.693, val_accuracy=0.5)

    case = new_case(train, SPACE, {}, 0)
    case.start = case.as_is = case.short(2, {})
    result = simple_models(case)
    assert result.points_to == ("labels_mismatched",)
    assert result.possible is None
    assert replace(result).epochs == 0


def test_an_error_in_numbers_is_compared_only_where_the_loss_is_known_to_be_the_same():
    found = found_of(X, X @ np.arange(6.0))
    assert possible_of(found, {}) is None
    assert possible_of(found, {"config": {"loss": "mse"}}).metric == "val_loss"
    assert possible_of(found, {}, has_r2=True).metric == "val_r2"


def test_the_rows_of_a_training_are_seen_without_training_it():
    epochs = []

    def train(run):
        run.data(X, SLICES)
        for epoch in run.epochs(5):
            epochs.append(epoch)
            run.report(val_loss=1.0)

    rows, validation = rows_seen(train, SPACE, {})
    assert (rows.n, validation, epochs) == (600, None, [])

    def without(run):
        for epoch in run.epochs(5):
            epochs.append(epoch)
            run.report(val_loss=1.0)

    assert rows_seen(without, SPACE, {}) is None
    assert epochs == []


def test_it_costs_no_epochs():
    probe = next(one for one in PROBES if one.name == "simple models")
    assert probe.max_epochs(new_case(stuck, SPACE, {}, 0), 50) == 0
