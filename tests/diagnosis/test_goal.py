"""What is known to be possible: a run far below is not healthy, and one that is there is."""

import math

import numpy as np
import pytest

import tunewell as tw
from tunewell.diagnosis import Possible, examine
from tunewell.diagnosis.goal import lower_is_better
from tunewell.errors import SettingError
from tunewell.logs.scores import SCORES
from tunewell.study.metric import direction_of


def at(accuracy, **more):
    rows = [{"train_loss": 1 - 0.02 * e, "val_loss": 1 - 0.02 * e, "val_accuracy": accuracy} for e in range(20)]
    return {"epochs": rows, **more}


def test_a_run_far_below_its_target_is_not_healthy_and_the_words_say_why(healthy):
    assert tw.diagnose(healthy)[0].label == "healthy"
    reached = max(row["val_accuracy"] for row in healthy["epochs"])
    lower = {
        **healthy,
        "epochs": [{**row, "val_accuracy": row["val_accuracy"] * 0.704 / reached} for row in healthy["epochs"]],
    }
    findings = tw.diagnose(lower, target=0.97)
    assert "healthy" not in {one.label for one in findings}
    assert findings[0].evidence.startswith("validation accuracy reached 70.4 % at epoch ")
    assert "97 % is known to be possible; " in findings[0].evidence


def curves(train_loss, val_loss, train_accuracy, val_accuracy):
    names = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")
    rows = zip(train_loss, val_loss, train_accuracy, val_accuracy, strict=True)
    return {"n_classes": 2, "n_val": 1000, "epochs": [dict(zip(names, row, strict=True)) for row in rows]}


SLOW = np.linspace(0.69, 0.58, 30)
LEVEL = 0.45 + 0.24 * np.exp(-np.arange(30) / 3)
ACCURACY = np.linspace(0.5, 0.72, 30)


def test_a_run_that_was_still_on_its_way_when_it_fell_short_had_steps_too_short_or_too_few():
    findings = tw.diagnose(curves(SLOW, SLOW, ACCURACY, ACCURACY), target=0.97)
    assert findings[0].label == "lr_too_low"
    assert "was still falling, to 0.58 at epoch 30: the last quarter of the epochs took 24.1 %" in findings[0].evidence
    few = next(one for one in findings if one.label == "too_few_epochs")
    assert "was still falling" in few.evidence


def test_noise_about_a_level_is_no_fall():
    noisy = LEVEL + 0.02 * np.random.default_rng(0).normal(size=30)
    accuracy = 0.78 - 0.28 * np.exp(-np.arange(30) / 3)
    findings = tw.diagnose(curves(noisy, noisy, accuracy, accuracy), target=0.97)
    assert not any("still falling" in one.evidence for one in findings)


def test_a_run_whose_own_rows_are_where_others_could_be_overfits():
    fit = 1 - 0.5 * np.exp(-np.arange(30) / 4)
    findings = tw.diagnose(curves(1 - fit + 0.01, LEVEL, fit, 0.9 * ACCURACY + 0.1), target=0.95)
    assert findings[0].label == "overfitting"


def test_a_plain_sign_stays_ahead_of_how_a_run_ended(changed):
    faulty = changed(train_loss=math.nan, train_accuracy=0.1, val_accuracy=0.1)
    assert tw.diagnose(faulty, target=0.97)[0].label == tw.diagnose(faulty)[0].label


def test_what_is_impossible_stays_so_when_a_run_falls_short():
    steep = np.concatenate([[0.7, 90.0, 90.0], np.linspace(80, 60, 27)])
    labels = {one.label for one in tw.diagnose(curves(steep, steep, ACCURACY, ACCURACY), target=0.97)}
    assert not labels & {"lr_too_low", "too_few_epochs", "healthy"}


def test_a_run_that_reached_its_target_is_healthy_by_that(changed):
    for record in (at(0.98), changed(val_accuracy=0.7)):
        findings = tw.diagnose(record, target=0.7)
        assert findings[0].label == "healthy"
        assert findings[0].confidence >= 0.95
        assert "70 % is known to be possible" in findings[0].evidence


def test_a_run_that_reached_its_target_and_diverged_is_not_healthy():
    rows = [{"train_loss": 1.0, "val_accuracy": 0.98}] * 5 + [{"train_loss": math.nan, "val_accuracy": 0.1}] * 5
    assert "healthy" not in {one.label for one in tw.diagnose({"epochs": rows}, target=0.97)}


@pytest.mark.parametrize("target", [np.float32(0.97), np.int64(97)])
def test_a_target_may_be_a_number_of_numpy(target):
    assert examine(at(0.7), possible=Possible(target)).goal.possible == pytest.approx(0.97)


def test_a_run_of_no_finite_number_is_diagnosed_though_nothing_can_be_compared_with_the_target():
    rows = [{"train_loss": math.nan, "val_loss": math.nan}] * 5
    diagnosis = examine({"epochs": rows}, possible=Possible(0.97))
    assert diagnosis.goal is None
    assert diagnosis.findings[0].label == "lr_too_high"
    assert "healthy" not in {found.label for found in diagnosis.findings}


@pytest.mark.parametrize(("rows", "is_noise"), [(50, True), (5000, False)])
def test_a_difference_within_the_noise_of_the_validation_rows_is_none(rows, is_noise):
    goal = examine(at(0.90, n_val=rows), possible=Possible(0.95)).goal
    assert goal.falls_short is not is_noise
    assert not goal.is_reached


def test_a_target_in_percent_is_a_share():
    assert examine(at(0.7), possible=Possible(97)).goal.possible == pytest.approx(0.97)
    assert examine(at(70), possible=Possible(97)).goal.falls_short


def test_the_metric_is_the_one_that_is_named_or_the_most_telling():
    rows = [{"train_loss": 1 / e, "val_loss": 1 / e, "val_f1": 0.5} for e in range(1, 9)]
    record = {"epochs": rows}
    assert examine(record, possible=Possible(0.8)).goal.metric == "val_f1"
    of_loss = examine(record, possible=Possible(0.01, "val_loss")).goal
    assert of_loss.falls_short
    assert of_loss.in_words == "validation loss reached 0.125 at epoch 8; 0.01 is known to be possible"
    assert examine(record, possible=Possible(0.2, "val_loss")).goal.is_reached


@pytest.mark.parametrize("score", [*SCORES, "loss", "accuracy"])
def test_a_study_and_a_diagnosis_hold_the_same_for_better(score):
    assert lower_is_better(f"val_{score}") is (direction_of(f"val_{score}") == "minimize")


@pytest.mark.parametrize("score", ["val_mse", "val_perplexity", "val_wer"])
def test_of_an_error_less_is_better(score):
    rows = [{"train_loss": 1 / e, score: 10 / e} for e in range(1, 9)]
    assert examine({"epochs": rows}, possible=Possible(0.1, score)).goal.falls_short
    assert examine({"epochs": rows}, possible=Possible(5.0, score)).goal.is_reached


@pytest.mark.parametrize(
    ("target", "metric", "says"),
    [
        (math.nan, None, "target must be a finite number, got nan"),
        (True, None, "target must be a finite number, got True"),
        (970, None, "target must be a share, or in percent, for val_accuracy; got 970"),
        (-0.1, None, "target must be a share"),
        (0.9, "val_acuracy", "the run has no val_acuracy; did you mean"),
    ],
)
def test_what_is_no_target_is_refused_in_a_line(target, metric, says):
    with pytest.raises(SettingError, match=says):
        tw.diagnose(at(0.7), target=target, metric=metric)
