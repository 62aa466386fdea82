"""Each rule sees the sign that it is for, in a run made to show it, and not in a healthy run."""

import math

import pytest

from tunewell.diagnosis.findings import LABELS
from tunewell.diagnosis.rules import RULES, see
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure

GUESS = math.log(3)
UNFIT = {"train_accuracy": lambda _: 0.7, "val_accuracy": lambda _: 0.7}


def noisy(low, high):
    return lambda epoch: low if epoch % 2 else high


SHOWS = {
    "nothing_left_to_gain": {},
    "diverges": {"train_loss": lambda epoch: None if epoch > 4 else 1.0},
    "swings": {"train_accuracy": noisy(0.5, 0.8)},
    "large_updates": {"update_ratio": 0.2},
    "loss_jumps_at_once": {"steps": [1.1, 9.0, 8.0, 4.0, *([1.0] * 40)]},
    "rate_above_usual": {"config": {"lr": 0.1}},
    "small_updates": {"update_ratio": 1e-5},
    "crawls": {"train_loss": lambda epoch: 1.1 - 0.01 * epoch},
    "rate_below_usual": {"config": {"lr": 1e-5}},
    "hardly_moves": {"train_loss": lambda epoch: 1.1 - 0.001 * epoch},
    "decayed_while_learning": {"lr": lambda epoch: 1e-3 if epoch < 5 else 1e-6, **UNFIT},
    "stops_while_improving": {
        "train_loss": lambda epoch: 1.1 * 0.9**epoch,
        "val_loss": lambda epoch: 1.1 * 0.9**epoch,
    },
    "few_epochs": {"config": {"batch_size": 900}},
    "training_error_stays": {**UNFIT, "train_loss": 0.7, "val_loss": 0.7},
    "narrow_network": {"config": {"hidden": [1]}, **UNFIT},
    "validation_loss_rises": {"val_loss": lambda epoch: 0.5 + 0.1 * epoch, "val_accuracy": 0.7},
    "wide_gap": {"val_accuracy": 0.7},
    "more_weights_than_rows": {"config": {"n_params": 900_000}, "val_accuracy": 0.7},
    "strong_dropout": {"config": {"dropout": 0.8}, **UNFIT},
    "better_without_dropout": {"config": {"dropout": 0.6}, "train_accuracy": 0.7},
    "strong_decay": {"config": {"weight_decay": 0.5}, **UNFIT},
    "weights_shrink": {"weight_norm": lambda epoch: 8 * 0.9**epoch},
    "few_updates": {"config": {"batch_size": 450}},
    "batch_above_noise_scale": {"grad_noise_scale": 0.5},
    "tiny_batch": {"config": {"batch_size": 2}},
    "batch_below_noise_scale": {"grad_noise_scale": 4000.0, "train_loss": noisy(0.5, 0.9)},
    "starts_far_from_guessing": {"steps": [25.0, 12.0, 5.0, 2.0]},
    "starts_at_exactly_guessing": {"steps": [GUESS, GUESS, 1.09, 1.08]},
    "weights_start_unusually": {"layers": {0: {"weight_norm": 300.0}}},
    "signal_fades_or_swells": {"layers": {0: {"activation_std": 1e-4}}},
    "units_never_fire": {"dead_fraction": 0.9, "layers": {0: {"dead_fraction": 0.95}}},
    "gradient_fades": {"layers": {0: {"grad_norm": 1e-5}}},
    "deep_and_saturating": {"config": {"hidden": [32] * 9, "activation": "sigmoid"}, "train_loss": 1.1},
    "saturates": {"layers": {0: {"saturated_fraction": 0.9}}},
    "gradient_swells": {"layers": {0: {"grad_norm": 90.0}, 1: {"grad_norm": 6.0}}},
    "gradient_bursts": {"grad_norm_max": lambda epoch: None if epoch == 7 else 1.0},
    "evaluation_mode_fails": {"config": {"batch_norm": True}, "train_eval_accuracy": 0.4, "val_accuracy": 0.4},
    "batch_norm_of_few": {"config": {"batch_norm": True, "batch_size": 2}},
    "validation_jumps": {"val_accuracy": noisy(0.5, 0.9)},
    "layers_ignore_gradients": {"layers": {0: {"update_ratio": 0.0}}},
    "layers_stand_still": {"layers": {0: {"update_ratio": 0.0}}},
    "gradients_pile_up": {"grad_norm": lambda epoch: 1.6**epoch, "train_loss": 0.9},
    "loss_waves": {"train_loss": lambda epoch: 1.5 + math.sin(epoch)},
    "rare_classes_missed": {"val_balanced_accuracy": 0.5},
    "classes_unequal": {"data": {"class_counts_train": [860, 20, 20]}},
    "begins_above_chance": {"val_accuracy": 0.93},
    "below_chance": {"val_accuracy": 0.05},
    "validation_at_chance": {"val_accuracy": 0.34},
    "sure_and_wrong": {"val_loss": 5.0, "val_accuracy": 0.3},
    "learnt_by_heart": {"train_accuracy": 0.6, "val_accuracy": 0.4, "val_loss": lambda epoch: 1 + 0.05 * epoch},
    "loss_below_zero": {"train_loss": lambda epoch: -0.04 * epoch},
    "loss_has_a_floor": {"train_loss": 0.56, "train_accuracy": 0.99},
    "loss_above_its_accuracy": {"train_loss": 0.6, "train_accuracy": 0.99},
    "inputs_off_scale": {"data": {"train_inputs": {"mean": 120.0, "std": 60.0, "min": 0.0, "max": 255.0}}},
    "features_of_unlike_scale": {"data": {"feature_std_min": 1e-2, "feature_std_max": 1e3}},
    "validation_leads": {"train_eval_accuracy": 0.8, "train_accuracy": 0.8},
    "no_gap_where_one_must_be": {"config": {"n_params": 90_000}, "top": {"n_train": 90}, "val_accuracy": 0.999},
    "validation_follows_memory": {
        "config": {"n_params": 90_000},
        "top": {"n_train": 300},
        "train_loss": lambda epoch: 1.1 * 0.7**epoch,
        "train_accuracy": lambda epoch: 0.4 + 0.03 * epoch,
        "val_accuracy": lambda epoch: 0.4 + 0.03 * epoch,
    },
    "splits_differ": {"data": {"val_inputs": {"mean": 3.0, "std": 2.0, "min": -4.0, "max": 9.0}}},
    "gap_from_the_start": {"val_accuracy": 0.4},
}


def seen(record):
    return see(measure(read_record(record)))


def test_every_rule_has_a_run_that_shows_it():
    assert set(SHOWS) == {rule.name for rule in RULES}


@pytest.mark.parametrize("name", SHOWS)
def test_a_rule_sees_the_sign_that_it_is_for(changed, name):
    sign = seen(changed(**SHOWS[name]))[name]
    assert sign.strength >= 0.5
    assert "nan" not in sign.evidence
    assert "unknown" not in sign.evidence


@pytest.mark.parametrize(
    "name", [name for name in SHOWS if name not in ("nothing_left_to_gain", "begins_above_chance")]
)
def test_a_rule_sees_nothing_in_a_healthy_run(healthy, name):
    assert not seen(healthy)[name].strength > 0.25


def test_every_cause_has_a_rule_and_every_rule_a_source():
    assert {rule.label for rule in RULES} == set(LABELS)
    assert all(rule.see.__doc__ for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_a_rule_does_not_know_what_the_record_does_not_tell(healthy):
    bare = {"epochs": [{"train_loss": row["train_loss"]} for row in healthy["epochs"]]}
    signs = seen(bare)
    assert math.isnan(signs["units_never_fire"].strength)
    assert math.isnan(signs["tiny_batch"].strength)
    assert not math.isnan(signs["diverges"].strength)


def test_a_number_of_classes_that_was_guessed_is_told_as_a_guess(changed):
    record = changed(val_accuracy=0.93)
    assert seen(record)["begins_above_chance"].evidence.endswith("with 3 classes")
    bare = {key: value for key, value in record.items() if key not in ("n_classes", "data_summary")}
    assert seen(bare)["begins_above_chance"].evidence.endswith("classes (by the first loss)")


def test_a_loss_does_not_prove_the_number_of_classes_that_was_guessed_from_it(changed):
    record = changed(steps=[math.log(3), 1.0985, 1.09, 1.08])
    assert seen(record)["starts_at_exactly_guessing"].strength == 1
    bare = {key: value for key, value in record.items() if key not in ("n_classes", "data_summary")}
    assert math.isnan(seen(bare)["starts_at_exactly_guessing"].strength)


def test_what_the_last_quarter_took_off_the_loss_is_no_more_than_all_of_it():
    rows = [{"train_loss": loss, "val_loss": loss} for loss in (1.373, 0.2862)]
    evidence = seen({"n_classes": 10, "epochs": rows})["stops_while_improving"].evidence
    assert evidence.endswith("still took 79.2 % off it")
    assert seen({"epochs": rows[:1]})["few_epochs"].evidence == "the run had 1 epoch"
