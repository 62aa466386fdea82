"""The answer: what it names, that it is one for any record at all, and that units do not matter to it."""

import copy
import json
import math
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tunewell as tw
from tunewell.diagnosis import LABELS, Finding, NextChange, examine
from tunewell.diagnosis.model import LEVELS, Forest, Trees, _coarse, forest, joined, pack, pruned, unpack
from tunewell.diagnosis.next_change import next_change
from tunewell.diagnosis.rules import see
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure
from tunewell.errors import RecordError

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
AT_CHANCE = {
    **dict.fromkeys(("train_loss", "val_loss", "train_eval_loss"), 1.0985),
    **dict.fromkeys(("train_accuracy", "val_accuracy", "train_eval_accuracy", "val_balanced_accuracy"), 0.34),
    "val_top_prediction_share": 1.0,
}
DIVERGED = {
    "train_loss": lambda epoch: None if epoch > 4 else 1.0 + epoch,
    "val_loss": lambda epoch: None if epoch > 4 else 2.0 + epoch,
    "train_accuracy": 0.34,
    "val_accuracy": 0.33,
    "train_eval_loss": None,
    "train_eval_accuracy": 0.34,
    "update_ratio": 0.9,
}
lenient = settings(
    max_examples=settings.default.max_examples * 2 // 5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def is_an_answer(findings):
    confidences = [finding.confidence for finding in findings]
    return (
        {finding.label for finding in findings} <= set(LABELS)
        and confidences == sorted(confidences, reverse=True)
        and all(0 <= confidence <= 1 for confidence in confidences)
        and all(finding.evidence for finding in findings)
        and all(finding.next.param for finding in findings if finding.label != "healthy")
    )


def curves_alone(record):
    return {"epochs": [{name: row[name] for name in ("epoch", *CURVES)} for row in record["epochs"]]}


def test_a_healthy_run_is_healthy(healthy):
    assert tw.diagnose(healthy)[0].label == "healthy"
    assert tw.diagnose(curves_alone(healthy))[0].label == "healthy"


@pytest.mark.parametrize(
    ("label", "changes"),
    [
        (
            "dead_relus",
            {**AT_CHANCE, "dead_fraction": 0.9, "layers": {0: {"dead_fraction": 0.9}, 1: {"dead_fraction": 0.9}}},
        ),
        ("dropout_too_high", {"config": {"dropout": 0.9}, "train_accuracy": 0.6, "train_loss": 0.8}),
        ("class_imbalance", {"val_balanced_accuracy": 0.4, "data": {"class_counts_train": [860, 20, 20]}}),
    ],
)
def test_a_plain_fault_is_among_the_first_two(changed, label, changes):
    assert label in [finding.label for finding in tw.diagnose(changed(**changes))[:2]]


def test_a_diverged_run_is_told_with_the_epoch_and_the_rate(changed):
    record = changed(**DIVERGED, config={"lr": 0.8, "optimizer": "sgd"})
    found = next(finding for finding in tw.diagnose(record) if finding.label == "lr_too_high")
    assert "epoch 5" in found.evidence
    assert "0.8" in found.evidence
    assert (found.next.param, found.next.direction) == ("lr", "decrease")
    assert found.next.value < 0.8


def test_a_loss_that_suddenly_rises_points_at_a_large_rate():
    losses = [0.9, 0.5, 0.31, 2.9, 2.5, 2.6, 2.4, 2.5]
    shares = [0.6, 0.8, 0.88, 0.3, 0.25, 0.2, 0.25, 0.22]
    config = {
        "lr": 0.8,
        "optimizer": "sgd",
        "momentum": 0.9,
        "hidden": [64, 64],
        "batch_size": 64,
        "activation": "relu",
    }
    record = {
        "config": config | {"dropout": 0.0, "weight_decay": 0.0, "batch_norm": False},
        "n_classes": 10,
        "epochs": [
            {"train_loss": loss, "val_loss": loss, "train_accuracy": share, "val_accuracy": share}
            for loss, share in zip(losses, shares, strict=True)
        ],
    }
    found = next(finding for finding in tw.diagnose(record)[:2] if finding.label == "lr_too_high")
    assert "0.31" in found.evidence


def without(record, *names):
    return record | {"epochs": [{k: v for k, v in row.items() if k not in names} for row in record["epochs"]]}


ACCURACIES = ("train_accuracy", "val_accuracy", "train_eval_accuracy", "val_balanced_accuracy")


def test_overfitting_is_seen_without_accuracies():
    losses = [(2.3 * 0.8**e, max(0.6, 2.3 * 0.85**e) + 0.05 * max(0, e - 7)) for e in range(1, 21)]
    found = tw.diagnose({"epochs": [{"train_loss": train, "val_loss": val} for train, val in losses]})[0]
    assert found.label == "overfitting"
    assert found.evidence.startswith("validation loss had its least, 0.677, at epoch 8 and is 1.25 at epoch 20")


def test_dropout_is_seen_without_the_accuracy_in_training(changed):
    record = changed(config={"dropout": 0.9}, train_accuracy=0.6, train_loss=0.8)
    findings = tw.diagnose(without(record, *ACCURACIES))
    assert findings[0].label == "dropout_too_high"
    assert not any("unknown share" in finding.evidence for finding in findings)


@pytest.mark.parametrize("lost", [ACCURACIES, ("train_loss", "val_loss", "train_eval_loss")])
def test_a_healthy_run_is_healthy_without_its_accuracies_and_without_its_losses(healthy, lost):
    assert tw.diagnose(without(healthy, *lost))[0].label == "healthy"


def test_what_was_not_measured_is_told_as_an_estimate(changed):
    record = without(changed(config={"dropout": 0.8}, train_loss=0.9), *ACCURACIES)
    found = next(finding for finding in tw.diagnose(record) if finding.label == "dropout_too_high")
    assert re.search(r"about [\d.]+ % \(as the loss has it\)", found.evidence)


def test_without_validation_a_healthy_run_is_told_with_a_reserve(healthy):
    record = without(healthy, "val_loss", "val_accuracy", "val_balanced_accuracy", "val_top_prediction_share")
    found = next(finding for finding in tw.diagnose(record) if finding.label == "healthy")
    assert found.evidence.endswith("without validation nothing is known of new rows")


def test_text_in_place_of_a_number_is_refused_and_not_taken_for_a_divergence():
    with pytest.raises(RecordError, match=r"train_loss must be a number, or None .* got 'tensor\(2.3\)'"):
        tw.diagnose({"epochs": [{"train_loss": "tensor(2.3)"}]})
    assert tw.diagnose({"epochs": [{"train_loss": "2.3"}, {"train_loss": "nan"}]})[0].label == "lr_too_high"


def test_a_configuration_is_understood_by_the_usual_names(healthy):
    told = {name: value for name, value in healthy["config"].items() if name not in ("lr", "optimizer", "activation")}
    other = {"learning_rate": healthy["config"]["lr"], "optimizer": "Adam", "activation": "ReLU"}
    assert tw.diagnose(healthy | {"config": told | other}) == tw.diagnose(healthy)


def test_a_setting_that_cannot_be_is_not_known(healthy):
    impossible = {"lr": "high", "batch_size": 0, "dropout": 2, "momentum": 1.0, "weight_decay": -1, "hidden": [0]}
    without = {name: value for name, value in healthy["config"].items() if name not in impossible}
    told = tw.diagnose(healthy | {"config": healthy["config"] | impossible, "n_classes": 1})
    rest = {key: value for key, value in healthy.items() if key != "n_classes"}
    assert told == tw.diagnose(rest | {"config": without})


def test_what_the_record_rules_out_is_not_named(changed):
    record = changed(
        config={"dropout": 0.0, "weight_decay": 0.0, "batch_norm": False, "activation": "tanh"}, val_accuracy=0.5
    )
    ruled_out = {"dropout_too_high", "weight_decay_too_high", "batchnorm_misuse", "dead_relus"}
    assert not ruled_out & {finding.label for finding in tw.diagnose(record)[:2]}


def test_a_loss_below_zero_settles_the_matter(changed):
    found = tw.diagnose(changed(train_loss=lambda epoch: -0.04 * epoch))[0]
    assert (found.label, found.next.param) == ("loss_output_mismatch", "loss")
    assert found.confidence > 0.9


def test_a_finding_reads_as_an_object_and_as_a_mapping(healthy):
    finding = tw.diagnose(healthy)[0]
    assert finding["label"] == finding.label
    assert dict(finding["next"])["param"] == finding.next.param
    assert json.loads(json.dumps(finding.as_dict()))["confidence"] == finding.confidence
    assert pickle.loads(pickle.dumps(finding)) == finding
    assert "values" not in Finding("healthy", 1.0, "", NextChange("", ""))


@lenient
@given(data=st.data())
def test_any_record_with_keys_missing_gets_an_answer(healthy, data):
    record = copy.deepcopy(healthy)
    for key in data.draw(st.sets(st.sampled_from([key for key in record if key != "epochs"]))):
        del record[key]
    if "config" in record:
        for key in data.draw(st.sets(st.sampled_from(list(record["config"])))):
            del record["config"][key]
    kept = data.draw(st.sampled_from(CURVES))
    lost = data.draw(st.sets(st.sampled_from([name for name in record["epochs"][0] if name != kept])))
    n_epochs = data.draw(st.integers(1, len(record["epochs"])))
    record["epochs"] = [{k: v for k, v in row.items() if k not in lost} for row in record["epochs"][:n_epochs]]
    assert is_an_answer(tw.diagnose(record))


@lenient
@given(data=st.data())
def test_numbers_that_are_not_finite_get_an_answer(healthy, data):
    record = copy.deepcopy(healthy)
    odd = st.sampled_from([None, math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0, "nan", [], True])
    for row in record["epochs"]:
        for name in data.draw(st.sets(st.sampled_from(list(row)), max_size=4)):
            row[name] = data.draw(odd)
    for name in data.draw(st.sets(st.sampled_from(list(record["config"])), max_size=4)):
        record["config"][name] = data.draw(odd)
    record["step_losses"] = data.draw(st.lists(odd, max_size=5))
    assert is_an_answer(tw.diagnose(record))


def test_nan_from_the_first_epoch_on_gets_an_answer():
    record = {"epochs": [dict.fromkeys(CURVES, math.nan)]}
    assert is_an_answer(tw.diagnose(record))


@lenient
@given(order=st.permutations(range(20)))
def test_the_order_of_the_epochs_does_not_matter(healthy, order):
    shuffled = {**healthy, "epochs": [healthy["epochs"][i] for i in order]}
    assert tw.diagnose(shuffled) == tw.diagnose(healthy)


def test_percentages_mean_what_fractions_do(changed):
    record = changed(val_accuracy=0.6)
    rescaled = copy.deepcopy(record)
    for row in rescaled["epochs"]:
        for name in ("train_accuracy", "val_accuracy", "train_eval_accuracy", "val_balanced_accuracy"):
            row[name] *= 100
        row["val_top_prediction_share"] *= 100
    assert [f.label for f in tw.diagnose(rescaled)] == [f.label for f in tw.diagnose(record)]


def test_epochs_may_count_from_0(healthy):
    from_0 = {**healthy, "epochs": [{**row, "epoch": row["epoch"] - 1} for row in healthy["epochs"]]}
    assert tw.diagnose(from_0) == tw.diagnose(healthy)


def test_what_the_units_of_the_record_are_makes_no_difference_to_arrays(healthy):
    as_arrays = {**healthy, "step_losses": np.array(healthy["step_losses"])}
    as_arrays["epochs"] = [{**row, "train_loss": np.float32(row["train_loss"])} for row in healthy["epochs"]]
    assert tw.diagnose(as_arrays)[0].label == tw.diagnose(healthy)[0].label


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({}, "needs 'epochs'"),
        ({"epochs": []}, "needs 'epochs'"),
        ({"epochs": "many"}, "needs 'epochs'"),
        ({"epochs": [1, 2]}, "an epoch must be a mapping"),
        ({"epochs": [{"epoch": 1, "loss_tr": 0.3}]}, "'loss_tr'"),
        ([1], "must be a mapping"),
    ],
)
def test_what_is_no_record_is_refused_in_a_line(record, says):
    with pytest.raises(RecordError, match=says) as error:
        tw.diagnose(record)
    assert "\n" not in str(error.value)


@pytest.fixture
def trees():
    leaf = [
        [1.0, *[0.0] * 23],
        [0.0, 1.0, *[0.0] * 22],
        [0.0] * 23 + [1.0],
        [0.0, 1.0, *[0.0] * 22],
        [1.0, *[0.0] * 23],
    ]
    return Trees(
        names=("a", "b"),
        roots=np.array([0, 5]),
        feature=np.array([0, -1, 1, -1, -1, 1, -1, -1]),
        threshold=np.array([0.5, 0, 2.0, 0, 0, -1.0, 0, 0]),
        left=np.array([1, 0, 3, 1, 2, 6, 3, 4]),
        unknown_left=np.array([True, False, False, False, False, True, False, False]),
        votes=np.array(leaf),
    )


SCALES = {
    "log_weight": np.zeros(24),
    "rule_weight": 1.0,
    "temperature": 1.0,
    "floor": 1e-3,
}


def test_a_forest_is_the_same_when_it_is_packed_and_read_again(trees):
    fitted = Forest(trees, **SCALES)
    again = unpack(pack(fitted, "curves"), "curves")
    assert again.trees.left.tolist() == trees.left.tolist()
    assert again.trees.mean_vote(np.array([math.nan, 0.0])).tolist() == trees.mean_vote(np.array([0.0, 0.0])).tolist()
    assert again.trees.mean_vote(np.array([1.0, 3.0]))[23] == 0.5


def test_what_is_kept_of_a_forest_is_kept_again_as_it_is():
    for level in LEVELS:
        shipped = forest(level)
        again = unpack(pack(shipped, level), level)
        np.testing.assert_allclose(again.trees.votes, shipped.trees.votes, atol=0.15)  # in fifths, made to sum to 1
        for name in ("roots", "feature", "threshold", "left", "unknown_left"):
            np.testing.assert_allclose(getattr(again.trees, name), getattr(shipped.trees, name), err_msg=name)


@given(st.integers(0, 2**32 - 1))
def test_of_few_thresholds_each_is_kept_and_of_many_the_nearest(seed):
    rng = np.random.default_rng(seed)
    feature = rng.integers(0, 3, 400)
    few = rng.choice(rng.normal(size=(3, 20)).astype(np.float32).ravel(), 400)
    many = rng.normal(size=400).astype(np.float32)
    for thresholds in (few, many):
        place, values, counts = _coarse(thresholds, feature, 3)
        first = np.concatenate([[0], np.cumsum(counts, dtype=int)])
        assert counts.max() <= 60
        for one in range(3):
            own = feature == one
            kept = values[first[one] : first[one + 1]]
            taken = kept[place[own]]
            nearest = kept[np.abs(thresholds[own][:, None] - kept[None]).argmin(axis=1)]
            np.testing.assert_allclose(np.abs(taken - thresholds[own]), np.abs(nearest - thresholds[own]), atol=1e-6)
            if len(np.unique(thresholds[own])) <= 32:
                np.testing.assert_array_equal(taken, thresholds[own])


def test_joined_trees_vote_as_each_would(trees):
    other = replace(trees, names=("b", "c"))
    both = joined(trees, other)
    values = np.array([[0.0, 3.0, -2.0], [1.0, math.nan, 0.4]])
    apart = trees.mean_votes(values[:, :2]), other.mean_votes(values[:, 1:])
    assert both.names == ("a", "b", "c")
    assert both.mean_votes(values) == pytest.approx((apart[0] + apart[1]) / 2)
    assert unpack(pack(Forest(both, **SCALES), "curves"), "curves").trees.left.tolist() == both.left.tolist()


@given(st.integers(0, 2**32 - 1))
def test_pruned_trees_vote_alike_with_fewer_tests(seed):
    rng = np.random.default_rng(seed)
    inner = np.array([True, True, True, False, True, False, False, False, False, True, False, False])
    votes = np.array([[1.0, 0.0], [0.0, 1.0], [0.58, 0.42], [0.62, 0.38]])[rng.integers(0, 4, 7)]
    trees = Trees(
        names=("a", "b"),
        roots=np.array([0, 9]),
        feature=np.where(inner, rng.integers(0, 2, 12), -1),
        threshold=rng.normal(size=12),
        left=np.array([1, 3, 5, 0, 7, 1, 2, 3, 4, 10, 5, 6]),
        unknown_left=rng.random(12) < 0.5,
        votes=votes,
    )
    fewer = pruned(trees)
    values = np.where(rng.random((50, 2)) < 0.2, np.nan, rng.normal(size=(50, 2)))
    coarse = replace(trees, votes=np.round(votes * 5) / 5)
    np.testing.assert_allclose(fewer.mean_votes(values), coarse.mean_votes(values))
    left = fewer.left[fewer.feature >= 0]
    both_are_leaves = (fewer.feature[left] < 0) & (fewer.feature[left + 1] < 0)
    siblings = fewer.left[left[both_are_leaves]]
    assert not (fewer.votes[siblings] == fewer.votes[siblings + 1]).all(axis=1).any()


def test_there_is_a_forest_for_each_level_and_its_probabilities_sum_to_1():
    for level in LEVELS:
        trees = forest(level)
        unknown = np.full(len(trees.names), np.nan)
        assert trees.probabilities(unknown, np.zeros(len(LABELS))).sum() == pytest.approx(1)
        assert trees.trees.votes.sum(axis=1) == pytest.approx(1, abs=0.03)


def test_the_place_of_the_evidence_is_on_the_curve(changed):
    diagnosis = examine(changed(**DIVERGED, config={"lr": 0.8, "optimizer": "sgd"}))
    place = next(sign for sign, f in zip(diagnosis.signs, diagnosis.findings, strict=True) if f.label == "lr_too_high")
    assert (place.curve, place.epoch) == ("train_loss", 5)


def regression(*losses, **more):
    """Return the record of a regression."""
    rows = [
        {"epoch": e, "train_loss": train, "val_loss": val, "val_mae": abs(val) ** 0.5}
        for e, (train, val) in enumerate(losses, start=1)
    ]
    return {"epochs": rows, **more}


REGRESSIONS = {
    "healthy": [(100 * 0.5**e + 8, 100 * 0.5**e + 8.5) for e in range(20)],
    "overfitting": [(100 * 0.7**e, max(20, 100 * 0.7**e) + max(0, e - 5)) for e in range(20)],
    "lr_too_high": [(90, 90), (80, 80), (math.nan, math.nan), (math.nan, math.nan)],
    "lr_too_low": [(100 - 0.05 * e, 101 - 0.05 * e) for e in range(20)],
    "too_few_epochs": [(100 * 0.7**e, 101 * 0.7**e) for e in range(6)],
}
OF_CLASSES = re.compile(r"accurac|class|knowing nothing|cross entropy|right", re.IGNORECASE)


@pytest.mark.parametrize("label", REGRESSIONS)
@pytest.mark.parametrize(
    "config", [{}, {"target_variance": 100.0}, {"lr": 1e-4, "optimizer": "adam", "batch_size": 32}]
)
def test_a_regression_is_diagnosed_by_its_losses(label, config):
    diagnosis = examine(regression(*REGRESSIONS[label], config=config))
    assert diagnosis.run.task == "regression"
    assert label in [finding.label for finding in diagnosis.findings[:2]]
    for finding in diagnosis.findings:
        assert not OF_CLASSES.search(f"{finding.label} {finding.evidence} {finding.next.value} {finding.next.why}")


@lenient
@given(data=st.data())
def test_no_sign_of_a_regression_speaks_of_classes(healthy, data):
    record = copy.deepcopy(healthy) | {"task": "regression"}
    for name in data.draw(st.sets(st.sampled_from(list(record["config"])))):
        del record["config"][name]
    factor = data.draw(st.floats(1e-3, 1e3))
    for row in record["epochs"]:
        row["train_loss"] *= factor * data.draw(st.floats(0.5, 2.0))
        row["val_loss"] *= factor
    signals = measure(read_record(record))
    signs = [sign for sign in see(signals).values() if sign.strength > 0]
    assert not [sign.evidence for sign in signs if OF_CLASSES.search(sign.evidence)]
    changes = [next_change(label, signals) for label in LABELS if label != "class_imbalance"]
    assert not [change for change in changes if OF_CLASSES.search(f"{change.value} {change.why}")]


def test_what_predicting_the_mean_costs_follows_from_the_score():
    rows = [{"train_loss": 20 / e, "val_loss": 20 / e, "val_mse": 20 / e, "val_r2": 1 - 0.5 / e} for e in range(1, 9)]
    units = measure(read_record({"epochs": rows})).units
    assert (units.baseline, units.guess_loss) == ("variance", pytest.approx(40))


@pytest.mark.parametrize("score", ["val_f1", "val_auc", "val_dice", "train_iou", "val_perplexity", "val_map"])
def test_of_another_metric_no_accuracy_is_made(score):
    rows = [{"train_loss": 1 / e, "val_loss": 1 / e, score: 0.5 + e / 20} for e in range(1, 9)]
    diagnosis = examine({"epochs": rows})
    assert not diagnosis.run.estimated
    assert not any("accuracy" in finding.evidence for finding in diagnosis.findings)


@pytest.mark.parametrize(
    ("score", "values"),
    [
        ("val_f1", [0.0, 0.0, 0.0]),
        ("val_auc", [0.5, 0.51, 0.5]),
        ("val_iou", [0.05, 0.05, 0.06]),
        ("val_r2", [-0.4, -0.3, -0.31]),
        ("val_mcc", [0.0, 0.0, 0.01]),
    ],
)
def test_a_score_at_its_floor_is_not_healthy(score, values):
    rows = [{"train_loss": 0.6 - e / 20, "val_loss": 0.6 - e / 30, score: value} for e, value in enumerate(values)]
    first = tw.diagnose({"epochs": rows})[0]
    assert first.label != "healthy"
    assert f"on validation rows is {values[-1]:.3g} after 3 epochs" in first.evidence


STILL = {"train_loss": 5.87743, "train_accuracy": 0.4, "val_loss": 6.60705, "val_accuracy": 0.38}


@pytest.mark.parametrize("n_epochs", [3, 20])
@pytest.mark.parametrize("kept", [tuple(STILL), ("train_loss",), ("train_loss", "val_loss"), ("train_accuracy",)])
def test_a_run_in_which_nothing_moves_is_a_sign_by_itself(kept, n_epochs):
    findings = tw.diagnose({"epochs": [{name: STILL[name] for name in kept}] * n_epochs})
    unmoved = {"frozen_layers", "lr_too_low", "dead_relus", "loss_output_mismatch", "bad_initialisation"}
    assert findings[0].label in unmoved
    assert findings[0].evidence.startswith("nothing moves: ")
    assert not {"healthy", "weight_decay_too_high"} & {finding.label for finding in findings[:2]}


def test_a_run_that_has_learned_all_there_is_may_stand_still():
    done = {"train_loss": 0.0, "train_accuracy": 1.0, "val_loss": 0.0, "val_accuracy": 1.0}
    assert not any("nothing moves" in finding.evidence for finding in tw.diagnose({"epochs": [done] * 5}))


@pytest.mark.parametrize("cost", [15.94, 16.118, 100.0])
def test_outputs_that_are_exactly_0_or_1_are_seen_in_the_loss(cost):
    rows = [{"train_loss": cost * (1 - fit), "train_accuracy": fit} for fit in (0.6, 0.6313, 0.62)]
    first = tw.diagnose({"epochs": rows})[0]
    assert first.label == "loss_output_mismatch"
    assert "times the share of rows that are wrong" in first.evidence


def test_units_at_their_ends_may_be_driven_there_by_more_than_the_loss():
    rows = [{"train_loss": 16.118 * (1 - fit), "train_accuracy": fit} for fit in (0.6, 0.6313, 0.62)]
    named = {finding.label: finding.confidence for finding in tw.diagnose({"epochs": rows})}
    assert named["loss_output_mismatch"] < 0.8
    assert {"unnormalised_inputs", "lr_too_high"} <= named.keys()


def test_a_loss_that_was_far_above_its_beginning_has_diverged():
    losses = [5.7e6, 3.1e10, 1.0e9, 4.2e8, 1.7e8, *[1430.0] * 50]
    config = {"loss": "mse", "optimizer": "sgd", "lr": 0.1, "batch_size": 32}
    findings = tw.diagnose({"epochs": [{"train_loss": loss} for loss in losses], "config": config, "n_train": 50})
    diverging = {"lr_too_high", "exploding_gradients", "unnormalised_inputs", "bad_initialisation", "missing_zero_grad"}
    assert sum(one.confidence for one in findings if one.label in diverging) > 0.3
    assert all(one.confidence < 0.5 for one in findings if one.label not in diverging)


def test_where_no_rule_sees_a_sign_what_weighs_most_is_named(healthy):
    record = {"epochs": [{"train_loss": 1 - 0.01 * e, "val_loss": 1.02 - 0.01 * e} for e in range(12)]}
    for finding in tw.diagnose(record) + tw.diagnose(healthy | {"n_classes": 9}):
        assert finding.label == "healthy" or re.search(r"\d", finding.evidence)
        assert "unknown" not in finding.evidence
        assert "nan" not in finding.evidence


def test_a_high_accuracy_that_never_changes_while_the_loss_does_is_that_of_one_class():
    rows = [{"train_loss": 0.06 - e / 200, "train_accuracy": 0.9969, "val_accuracy": 0.9968} for e in range(6)]
    first = tw.diagnose({"epochs": rows})[0]
    assert first.label == "class_imbalance"
    assert "training accuracy is 99.7 %, validation accuracy is 99.7 % in each of 6 epochs" in first.evidence


@pytest.mark.parametrize("accuracies", [(0.9969, 0.9970, 0.9975, 0.9981), (0.5, 0.5, 0.5, 0.5), (1.0, 1.0, 1.0, 1.0)])
def test_an_accuracy_that_rises_or_is_low_or_leaves_nothing_is_no_sign_of_one_class(accuracies):
    rows = [{"train_loss": 0.06 - e / 100, "train_accuracy": value} for e, value in enumerate(accuracies)]
    assert "named for all" not in tw.diagnose({"epochs": rows})[0].evidence


def test_a_loss_of_nothing_with_all_rows_wrong_is_diagnosed():
    assert tw.diagnose({"epochs": [{"train_loss": 0.0, "train_accuracy": 0.0}]})[0].label in LABELS


def test_losses_that_begin_beyond_guessing_are_those_of_a_regression():
    rows = [{"train_loss": 20 * 0.9**e + 1.5, "val_loss": 20 * 0.9**e + 2.0} for e in range(60)]
    assert tw.diagnose({"epochs": rows, "config": {"lr": 1e-3}})[0].label == "healthy"
    of_classes = tw.diagnose({"epochs": rows, "config": {"lr": 1e-3}, "n_classes": 10})
    assert "bad_initialisation" in {one.label for one in of_classes[:2]}


def confidence(findings, label):
    return next((one.confidence for one in findings if one.label == label), 0.0)


@pytest.mark.parametrize("part", [("batch_norm", True, "batchnorm_misuse"), ("dropout", 0.5, "dropout_too_high")])
def test_a_part_that_a_described_network_is_not_said_to_have_is_hardly_the_cause(part):
    name, value, label = part
    rows = [{"train_loss": 2.3, "train_accuracy": 0.1 + e % 3 / 50, "val_loss": 2.3 + e % 2} for e in range(12)]
    described = {"model": "mlp", "hidden": [64, 64], "activation": "relu", "lr": 0.1, "optimizer": "sgd"}
    without = tw.diagnose({"epochs": rows, "n_classes": 10, "config": described})
    with_it = tw.diagnose({"epochs": rows, "n_classes": 10, "config": described | {name: value}})
    assert confidence(without, label) <= 0.02
    assert confidence(without, label) <= confidence(with_it, label)


def test_a_loss_that_stands_above_guessing_is_of_layers_that_take_no_steps():
    rows = [{"train_loss": 2.61, "train_accuracy": 0.09, "val_loss": 2.63, "val_accuracy": 0.1}] * 10
    config = {"lr": 0.01, "optimizer": "sgd", "momentum": 0.9, "activation": "relu"}
    first, *rest = tw.diagnose({"epochs": rows, "n_classes": 10, "config": config})
    assert first.label == "frozen_layers"
    assert confidence(rest, "dead_relus") < first.confidence / 2


PLATEAU = [
    {"train_loss": 2.304 - e / 2000, "train_accuracy": 0.1 + e / 200, "val_loss": 2.305, "val_accuracy": 0.11}
    for e in range(15)
]


@pytest.mark.parametrize(
    ("config", "label"),
    [
        ({}, "loss_output_mismatch"),
        ({"hidden": [64] * 7, "activation": "sigmoid"}, "vanishing_gradients"),
        ({"weight_decay": 0.1}, "weight_decay_too_high"),
    ],
)
def test_a_loss_that_stays_at_guessing_at_a_usual_rate_is_not_of_the_rate(config, label):
    usual = {"lr": 1e-3, "optimizer": "adam", "batch_size": 32}
    findings = tw.diagnose({"epochs": PLATEAU, "n_classes": 10, "n_train": 3000, "config": usual | config})
    assert label in {one.label for one in findings[:3]}
    assert findings[0].label not in {"healthy", "lr_too_low"}
    assert findings[0].confidence < 0.9  # it may be one of several


def test_one_class_that_has_all_of_the_probability_is_of_something_large():
    rows = [{"train_loss": 16.118 * 0.89, "train_accuracy": 0.11, "val_loss": 14.3, "val_accuracy": 0.11}] * 6
    findings = tw.diagnose({"epochs": rows, "n_classes": 10})
    assert findings[0].label in {"lr_too_high", "unnormalised_inputs", "exploding_gradients"}
    assert findings[0].confidence < 0.7


def test_an_error_in_numbers_that_is_huge_and_stays_so_is_of_targets_out_of_scale():
    rows = [{"train_loss": 1.9e11 * 0.98**e, "val_loss": 1.9e11 * 0.98**e} for e in range(40)]
    findings = tw.diagnose({"epochs": rows, "config": {"loss": "mse", "lr": 1e-3, "optimizer": "adam"}})
    scale = next(one for one in findings[:2] if one.label == "unnormalised_inputs")
    assert "of targets far from a spread of 1" in scale.evidence
    assert "y = (y - y_train.mean())" in scale.next.line
    assert findings[0].label in {"unnormalised_inputs", "lr_too_low"}
    falling = [{"train_loss": 1.9e4 * 0.5**e + 40, "val_loss": 1.9e4 * 0.5**e + 60} for e in range(40)]
    assert tw.diagnose({"epochs": falling, "config": {"loss": "mse"}})[0].label == "healthy"


@pytest.mark.parametrize("config", [{"loss": "mse"}, {}])
def test_where_nothing_tells_what_loss_can_be_reached_health_is_no_more_than_even(config):
    rows = [{"train_loss": 0.45 + 0.3 * 0.4**e, "val_loss": 0.46 + 0.2 * 0.4**e} for e in range(30)]
    first = tw.diagnose({"epochs": rows, "config": config})[0]
    assert first.label == "healthy"
    assert first.confidence <= 0.5
    known = tw.diagnose({"epochs": rows, "config": config | {"target_variance": 8.0}}) if config else [first]
    assert known[0].confidence >= first.confidence


@pytest.mark.parametrize("rate", [None, 0.1, 0.01])
def test_an_error_in_numbers_that_explodes_is_first_of_the_rate(rate):
    losses = [5.7e6, 3.1e10, 1.0e9, 4.2e8, 1.7e8, *[1430.0] * 50]
    config = {"loss": "mse", "optimizer": "sgd", "batch_size": 32} | ({} if rate is None else {"lr": rate})
    findings = tw.diagnose({"epochs": [{"train_loss": loss} for loss in losses], "config": config, "n_train": 50})
    assert findings[0].label == "lr_too_high"
