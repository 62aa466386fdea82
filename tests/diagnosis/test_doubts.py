"""Doubts: runs that look healthy and may not be are not said to be with confidence; what is sure otherwise stays."""

import math

import pytest

import tunewell as tw
from tunewell.diagnosis.rules.doubts import doubts
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure


def of(record):
    return doubts(measure(read_record(record)))


def health(record):
    return next((one.confidence for one in tw.diagnose(record) if one.label == "healthy"), 0.0)


def rows(n, **curves):
    return [{"epoch": e + 1, **{name: told(e) for name, told in curves.items()}} for e in range(n)]


def settled(e):
    return 0.3 + 0.5 * math.exp(-e / 3)


def unsettled(e):
    return settled(e) * (1.6 if e % 3 == 1 else 0.8)


def accuracy_of(loss):
    return lambda e: 1 - 0.35 * loss(e)


def curves_of(loss, n=24):
    named = {
        "train_loss": loss,
        "val_loss": loss,
        "train_accuracy": accuracy_of(loss),
        "val_accuracy": accuracy_of(loss),
    }
    return {"epochs": rows(n, **named), "n_classes": 4}


def test_a_healthy_run_raises_none(healthy):
    assert not of(healthy)


def test_a_loss_that_keeps_jumping_is_not_sure_to_be_healthy():
    jumping, smooth = curves_of(unsettled), curves_of(settled)
    first = of(jumping)[0]
    assert "does not settle" in first.sign.evidence
    assert {"lr_too_high", "missing_zero_grad"} <= first.causes.keys()
    assert not of(smooth)
    assert health(jumping) < 0.6 * health(smooth)


@pytest.mark.parametrize("n", [3, 6])
def test_few_epochs_of_which_the_last_took_much_off_the_loss_are_too_few(n):
    falling = {
        "epochs": rows(n, train_loss=lambda e: 0.65 * 0.93**e, val_loss=lambda e: 0.66 * 0.94**e),
        "n_classes": 2,
    }
    first = of(falling)[0]
    assert first.causes["too_few_epochs"] > 0
    assert f"of {n} epochs" in first.sign.evidence
    assert tw.diagnose(falling)[0].label in {"too_few_epochs", "lr_too_low"}


def test_a_loss_that_is_nearly_gone_is_on_no_way():
    done = {"train_loss": lambda e: 0.1 * 0.7**e, "train_accuracy": lambda e: 1 - 0.03 * 0.7**e}
    assert not of({"epochs": rows(5, **done), "n_classes": 2})


def test_a_rate_below_the_usual_is_likelier_than_too_few_epochs():
    falling = {"epochs": rows(5, train_loss=lambda e: 0.65 * 0.93**e), "n_classes": 2}
    low = of({**falling, "config": {"optimizer": "adam", "lr": 2e-5}})[0].causes
    high = of({**falling, "config": {"optimizer": "adam", "lr": 2e-2}})[0].causes
    assert low["lr_too_low"] > low["too_few_epochs"]
    assert high["lr_too_low"] < high["too_few_epochs"]


@pytest.mark.parametrize("n_train", [None, 4])
def test_a_handful_of_rows_that_is_not_learned_by_heart_is_not_healthy(n_train):
    curves = {"train_loss": lambda e: 0.7 - e / 400, "train_accuracy": lambda e: 0.5 if e < 20 else 0.75}
    record = {"epochs": rows(40, **curves), "n_classes": 2} | ({"n_train": n_train} if n_train else {})
    first = of(record)[0]
    assert "of 4 training rows 25 % are still wrong" in first.sign.evidence
    assert tw.diagnose(record)[0].label != "healthy"


def test_accuracies_of_many_rows_are_not_those_of_a_handful():
    curves = {"train_loss": lambda e: 0.7 - e / 400, "train_accuracy": lambda e: 0.5 + e / 97}
    assert not any("by heart" in doubt.sign.evidence for doubt in of({"epochs": rows(24, **curves), "n_classes": 2}))


def test_an_error_in_numbers_is_healthy_by_no_more_than_a_half_where_nothing_tells_what_is_possible():
    level = {"train_loss": lambda e: 1e-3 + math.exp(-e), "val_loss": lambda e: 1.1e-3 + math.exp(-e)}
    record = {"epochs": rows(30, **level), "config": {"loss": "mse"}}
    assert health(record) <= 0.55
    assert health({**record, "config": {"loss": "mse", "target_variance": 1.0}}) > health(record)


def test_usual_dropout_without_which_rows_are_no_better_is_hardly_too_high(changed):
    curves = {"train_accuracy": 0.6, "val_accuracy": 0.6, "train_loss": 0.9, "val_loss": 0.9}
    record = changed(config={"dropout": 0.5}, train_eval_accuracy=0.6, train_eval_loss=0.9, **curves)
    named = {one.label: one.confidence for one in tw.diagnose(record)}
    assert named.get("dropout_too_high", 0.0) < 0.1
