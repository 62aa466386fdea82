"""Whole trainings: against PyTorch to the last few bits, and what else is promised of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tunewell import nn
from tunewell.errors import SettingError
from tunewell.nn.compiler import COMPILES

REFERENCES = Path(__file__).parent / "references"


def cases():
    for path in sorted(REFERENCES.glob("training_*.npz")):
        with np.load(path) as file:
            for name in file["names"]:
                yield pytest.param(path, str(name), id=f"{path.stem}-{name}")


def made(settings):
    """A schedule or an optimizer, from its name and fields."""
    fields = {key: made(value) if isinstance(value, dict) else value for key, value in settings.items()}
    return getattr(nn, fields.pop("name"))(**fields)


def trainer_of(settings, file):
    names = ("sizes", "activation", "norm", "dropout", "loss", "norm_momentum", "norm_epsilon")
    network = nn.Network(dtype="float64", **{name: settings[name] for name in names if name in settings})
    names = ("label_smoothing", "class_weights", "sample_weights", "clip")
    return nn.Trainer(
        network,
        file["x"],
        file[settings["targets"]],
        batch_size=int(file["batch_size"]),
        seed=int(file["seed"]),
        optimizer=made(settings["optimizer"]),
        schedule=made(settings.get("schedule", {"name": "Constant"})),
        **{name: settings[name] for name in names if name in settings},
    )


@pytest.mark.parametrize(("path", "name"), list(cases()))
def test_a_training_is_that_of_pytorch(path, name):
    """The same weights, order of rows and dropout; float64, so that nothing hides in rounding."""
    with np.load(path) as file:
        case = {key.removeprefix(f"{name}/"): file[key] for key in file if key.startswith(f"{name}/")}
        trainer = trainer_of(json.loads(str(case["settings"])), file)
        network = trainer.network
        network.theta[:] = case["initial"]
        losses = [trainer.epoch(order) for order in file["orders"]]
        logits = network.logits(file["x"])
    np.testing.assert_allclose(losses, case["losses"], rtol=1e-10)
    np.testing.assert_allclose(network.theta, case["final"], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(network.running[: len(case["running"])], case["running"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(logits, case["logits"], rtol=1e-8, atol=1e-10)


def test_the_same_holds_with_and_without_the_compiler():
    """One source and two ways to run it, chosen when the process starts: here runs the one, there the other."""
    compiled = "0" if COMPILES else "1"
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "pytorch"]
    environment = {**os.environ, "TUNEWELL_COMPILE": compiled}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def blobs(n=200, *, n_in=5, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    return rng.normal(size=(n_classes, n_in))[labels] * 2 + rng.normal(size=(n, n_in)), labels


def trainer(*, seed=0, batch_size=32, optimizer=None, **settings):
    x, labels = blobs()
    network = nn.Network([5, 16, 8, 3], **{"norm": "before", "dropout": 0.2, "seed": 1} | settings)
    return nn.Trainer(network, x, labels, seed=seed, batch_size=batch_size, optimizer=optimizer)


def test_it_learns():
    x, labels = blobs(seed=0)
    learning = trainer(optimizer=nn.AdamW(1e-2))
    losses = [learning.epoch() for _ in range(20)]
    assert losses[-1] < losses[0] / 2
    assert learning.network.evaluate(x, labels)["accuracy"] > 0.9


def test_a_seed_gives_one_training_and_another_another():
    one, same, other = (trainer(seed=seed) for seed in (3, 3, 4))
    assert [one.epoch() for _ in range(3)] == [same.epoch() for _ in range(3)] != [other.epoch() for _ in range(3)]
    np.testing.assert_array_equal(one.network.theta, same.network.theta)


@pytest.mark.parametrize("optimizer", [nn.SGD(0.1, momentum=0.9), nn.AdamW(1e-2)])
def test_a_training_taken_up_from_its_state_goes_on_to_the_last_bit(optimizer):
    whole, parts = trainer(optimizer=optimizer), trainer(optimizer=optimizer)
    expected = [whole.epoch() for _ in range(5)][2:]
    for _ in range(2):
        parts.epoch()
    weights, rest = parts.network.state_dict(), parts.state_dict()
    later = trainer(optimizer=optimizer, seed=0)
    later.network.load_state_dict(weights)
    later.load_state_dict(rest)
    assert [later.epoch() for _ in range(3)] == expected


def test_a_rate_that_is_far_too_high_ends_in_a_loss_that_is_not_finite_and_no_warning():
    wild = trainer(optimizer=nn.SGD(1e12), norm=None)
    losses = [wild.epoch() for _ in range(5)]
    assert not np.isfinite(losses[-1])
    assert not np.isfinite(wild.network.logits(blobs()[0])).all()


def test_what_is_live_may_change_between_epochs():
    still, moving = trainer(), trainer()
    still.epoch()
    moving.epoch()
    still.learning_rate = 0.0
    before = still.network.theta.copy()
    still.epoch()
    np.testing.assert_array_equal(still.network.theta, before)
    moving.network.dropout = 0.0
    assert moving.network.dropout == (0.0, 0.0)
    assert moving.epoch() < still.epoch()


def test_a_single_row_that_is_left_over_sits_out_where_the_batch_is_normalized():
    x, labels = blobs(33)
    network = nn.Network([5, 8, 3], norm="before")
    assert np.isfinite(nn.Trainer(network, x, labels, batch_size=32).epoch())
    assert np.isfinite(network.running).all()


def test_early_stopping_keeps_the_best_weights():
    x, labels = blobs(60)
    unseen = blobs(200, seed=5)[0], np.random.default_rng(0).integers(0, 3, 200)  # nothing to be learned of these
    network = nn.Network([5, 64, 3])
    history = nn.fit(nn.Trainer(network, x, labels, optimizer=nn.Adam(0.01)), 100, validation=unseen, patience=5)
    losses = [measured["val_loss"] for measured in history]
    assert len(history) == int(np.argmin(losses)) + 1 + 5
    assert network.evaluate(*unseen)["loss"] == min(losses)


def test_smoothed_labels_keep_the_network_from_being_certain():
    sure, unsure = (
        nn.Trainer(nn.Network([5, 32, 3], seed=0), *blobs(), optimizer=nn.Adam(0.01), label_smoothing=smoothing)
        for smoothing in (0.0, 0.2)
    )
    for learning in (sure, unsure):
        for _ in range(50):
            learning.epoch()
    x, _ = blobs()
    assert unsure.network.predict_proba(x).max() < sure.network.predict_proba(x).max()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"batch_size": 1}, "batch normalization cannot learn from a batch of one"),
        ({"y": np.arange(60)}, r"label 3 in row 3 is no class; classes are whole numbers from 0 to 2"),
        ({"y": np.zeros(7, int)}, "X has 60 rows and y has 7"),
        ({"x": np.zeros((60, 4))}, r"X must have shape \(rows, 5\), got \(60, 4\)"),
        ({"x": np.where(np.arange(5) == 2, np.nan, np.zeros((60, 5)))}, "nan in column 2 .first in row 0"),
        ({"x": np.zeros((0, 5)), "y": np.zeros(0, int)}, "X has no rows"),
        ({"class_weights": [1.0, 2.0]}, "class_weights must be 3 numbers above 0"),
        ({"sample_weights": np.ones(3)}, "sample_weights must be 60 numbers above 0, one a row"),
        ({"sample_weights": np.zeros(60)}, "leave out rows that do not count"),
    ],
)
def test_bad_input_is_named_before_anything_is_trained(change, named):
    x, labels = blobs(60)
    settings = {"x": x, "y": labels} | change
    with pytest.raises(SettingError, match=named):
        nn.Trainer(nn.Network([5, 8, 3], norm="before"), **settings)


def test_an_evaluation_counts_rows_by_their_weights_as_if_they_were_there_as_often():
    x, labels = blobs(60)
    counts = np.arange(60) % 4
    for network, y in (
        (nn.Network([5, 8, 3], seed=1, dtype="float64"), labels),
        (nn.Network([5, 8, 2], loss="sigmoid", seed=1, dtype="float64"), np.eye(3)[labels][:, :2]),
        (nn.Network([5, 8, 1], loss="squared", seed=1, dtype="float64"), x[:, 0]),
    ):
        repeated = network.evaluate(x.repeat(counts, axis=0), y.repeat(counts, axis=0))
        assert network.evaluate(x, y, counts) == pytest.approx(repeated)


def test_patience_needs_something_to_be_judged_by():
    with pytest.raises(SettingError, match="patience needs validation"):
        nn.fit(trainer(), 3, patience=2)


def measured_and_direct(clip=float("inf")):
    """What a trainer measures, and the gradients of the same batches by hand."""
    x = np.random.default_rng(0).normal(size=(160, 5))
    y = (x[:, 0] > 0).astype(int)
    network = nn.Network([5, 7, 2], activation="tanh", dtype="float64", seed=1)
    trainer = nn.Trainer(network, x, y, batch_size=20, optimizer=nn.SGD(0.5), clip=clip)
    before = network.theta.copy()
    measured = trainer.measure((x, y))
    np.testing.assert_array_equal(network.theta, before)
    order = np.random.default_rng([0, 0]).permutation(160).reshape(8, 20)
    gradients = [gradients_by_hand(network, x[rows], np.eye(2)[y[rows]]) for rows in order]
    return network, measured, gradients


def gradients_by_hand(network, x, y):
    first, last = network.weights(0), network.weights(1)
    a = np.tanh(x @ first)  # biases are zero at the start
    _, dz = nn.softmax_cross_entropy(a @ last, y)
    return x.T @ (dz @ last.T * (1 - a * a)), a.T @ dz


def test_a_trainer_measures_the_gradients_and_updates_of_its_next_steps():
    network, measured, gradients = measured_and_direct()
    norms = [np.sqrt(sum((g * g).sum() for g in pair)) for pair in gradients]
    assert measured["grad_norm"] == pytest.approx(np.mean(norms))
    assert measured["grad_norm_max"] == pytest.approx(max(norms))
    first = [np.linalg.norm(pair[0]) for pair in gradients]
    assert measured["layers.0.grad_norm"] == pytest.approx(np.mean(first))
    ratio = 0.5 * np.mean(first) / np.linalg.norm(network.weights(0))
    assert measured["layers.0.update_ratio"] == pytest.approx(ratio)
    whole = [sum((sum(pair[i] for pair in gradients) ** 2).sum() for i in (0, 1)) / 64, np.mean(np.square(norms))]
    assert measured["grad_noise_scale"] == pytest.approx(20 * (whole[1] - whole[0]) / whole[0])


def test_a_trainer_measures_gradients_before_they_are_clipped():
    network, measured, gradients = measured_and_direct(clip=0.01)
    assert measured["layers.0.grad_norm"] == pytest.approx(np.mean([np.linalg.norm(pair[0]) for pair in gradients]))
    assert measured["layers.0.update_ratio"] < 0.01 * 0.5 / np.linalg.norm(network.weights(0))


def test_a_trainer_measures_what_its_layers_put_out():
    x = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    network = nn.Network([5, 8, 8, 3], activation=["relu", "sigmoid"], norm="before", seed=0)
    network.theta[network.plan.vectors[0] + 8 :][:2] = -100  # beta of two units
    measured = nn.Trainer(network, x, np.arange(200) % 3).measure()
    assert measured["layers.0.dead_fraction"] == measured["dead_fraction"] == 2 / 8
    z = ((x @ network.weights(0)) / np.sqrt(1 + 1e-5))[:, 2:]
    mean = np.maximum(z, 0).sum() / (200 * 8)
    assert measured["layers.0.activation_mean"] == pytest.approx(mean, rel=1e-4)
    assert 0 <= measured["saturated_fraction"] == measured["layers.1.saturated_fraction"] < 1
    assert "layers.2.activation_mean" not in measured


def test_measuring_leaves_the_training_as_it_was():
    x = np.random.default_rng(0).normal(size=(100, 5))
    y = (x[:, 0] > 0).astype(int)

    def weights(*, measure):
        network = nn.Network([5, 8, 2], norm="before", dropout=0.2, seed=0)
        history = nn.fit(nn.Trainer(network, x, y, batch_size=16), 3, validation=(x, y), measure=measure)
        assert ("grad_norm" in history[-1]) == measure
        return network.theta

    np.testing.assert_array_equal(weights(measure=True), weights(measure=False))
