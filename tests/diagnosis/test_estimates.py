"""Curves that were not reported, from those that were."""

import numpy as np
import pytest

from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals.estimates import loss_of, with_estimates
from tunewell.diagnosis.signals.units import Units


def whole(rows, n_classes=10):
    run = read_record({"n_classes": n_classes, "epochs": rows})
    return with_estimates(run, Units.of(run))


@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_accuracy_comes_from_the_loss_and_the_loss_from_accuracy(n_classes):
    accuracies = np.linspace(1.02 / n_classes, 0.999, 30)
    losses = loss_of(accuracies, n_classes)
    found = whole([{"train_loss": loss} for loss in losses], n_classes)
    assert found["train_accuracy"] == pytest.approx(accuracies, abs=0.01)
    assert found.estimated == {"train_accuracy"}
    found = whole([{"val_accuracy": accuracy} for accuracy in accuracies], n_classes)
    assert found["val_loss"] == pytest.approx(losses, abs=0.02)


def test_what_was_measured_stays_and_what_nothing_tells_is_not_made_up():
    rows = [{"train_loss": 1.0, "train_accuracy": 0.2}, {"train_loss": 0.9, "train_accuracy": 0.3}]
    found = whole(rows)
    assert found["train_accuracy"].tolist() == [0.2, 0.3]
    assert not found.estimated
    assert np.isnan(found["val_loss"]).all()


def test_a_loss_beyond_guessing_is_taken_for_chance_and_one_that_broke_tells_nothing():
    found = whole([{"train_loss": 50.0}, {"train_loss": None}])
    assert found["train_accuracy"][0] == pytest.approx(0.1)
    assert np.isnan(found["train_accuracy"][1])
    assert np.isnan(whole([{"train_loss": None, "train_accuracy": 0.5}])["train_loss"]).all()
