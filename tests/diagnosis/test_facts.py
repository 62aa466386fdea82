"""Facts in the curves: each is seen where it is, is not seen in a healthy run, and names what can show it."""

import math

import pytest

import tunewell as tw
from tunewell.diagnosis.possible import impossible
from tunewell.diagnosis.rules import courses
from tunewell.diagnosis.rules import facts as all_facts
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure

LN_10 = math.log(10)


def rows(n, **curves):
    return [{"epoch": e + 1, **{name: told(e) for name, told in curves.items()}} for e in range(n)]


def seen(fact, record):
    return fact(measure(read_record(record)))


def hovering(e):
    return LN_10 * (1.02 + 0.01 * (-1) ** e)


GUESSING = {
    "n_classes": 10,
    "epochs": rows(8, train_loss=hovering, train_accuracy=lambda e: 0.1 + 0.005 * (-1) ** e),
}
TURNING = {
    "epochs": rows(
        10,
        train_loss=lambda e: 6.7 - 0.3 * e,
        val_loss=lambda e: 6.5 - 0.15 * min(e, 4) + 0.1 * max(e - 4, 0),
        val_perplexity=lambda e: 400.0,
    )
}
LAGGING = {
    "n_classes": 10,
    "epochs": rows(
        12,
        train_loss=lambda e: 2 * 0.5**e,
        train_accuracy=lambda e: 1 - 0.6 * 0.4**e,
        val_loss=lambda e: 2.2 - 0.06 * e,
        val_accuracy=lambda e: 0.4 + 0.025 * e,
    ),
}
PENALIZED = {
    "n_classes": 10,
    "epochs": rows(
        12, train_loss=lambda e: 2.2 + 30 * 0.55**e, train_accuracy=lambda e: min(0.15 + 0.15 * e, 0.6 - 0.03 * e)
    ),
}
HUGE_AT_FIRST = {"epochs": rows(12, train_loss=lambda e: 1e8 * 0.35**e, val_loss=lambda e: 9e7 * 0.35**e)}
AS_AT_THE_START = {
    "config": {"loss": "mse"},
    "epochs": rows(10, train_loss=lambda e: 0.5 + 0.002 * (-1) ** e, val_loss=lambda e: 0.51 + 0.001 * (-1) ** e),
}
ABOVE_A_GUESS = {
    "n_classes": 10,
    "config": {"lr": 1e-3, "optimizer": "adam"},
    "epochs": rows(10, train_loss=lambda e: 7.5 + 0.1 * (-1) ** e, train_accuracy=lambda e: 0.06),
}
NOTHING_FOR_OTHERS = {
    "config": {"loss": "mse"},
    "epochs": rows(10, train_loss=lambda e: 1.0 * 0.85**e, val_loss=lambda e: 1.02 + 0.005 * (-1) ** e),
}
NO_STEP = {
    "n_classes": 10,
    "config": {"lr": 1e-3, "optimizer": "adam"},
    "epochs": rows(
        6,
        train_loss=lambda e: 2.31 - 1e-4 * e,
        train_accuracy=lambda e: 0.1,
        update_ratio=lambda e: 0.0,
        weight_norm=lambda e: 10.0,
        grad_norm=lambda e: 0.5,
    ),
}
SHOWN = [
    (all_facts.no_step_arrives, NO_STEP, {"frozen_layers"}),
    (courses.validation_never_gains, NOTHING_FOR_OTHERS, {"overfitting", "labels_mismatched"}),
    (all_facts.stays_at_a_guess, GUESSING, {"lr_too_high", "lr_too_low", "loss_output_mismatch"}),
    (courses.validation_turns, TURNING, {"overfitting"}),
    (courses.validation_lags, LAGGING, {"batchnorm_misuse"}),
    (courses.loss_holds_a_penalty, PENALIZED, {"weight_decay_too_high"}),
    (courses.outputs_begin_huge, HUGE_AT_FIRST, {"bad_initialisation", "exploding_gradients"}),
    (courses.never_below_its_start, AS_AT_THE_START, {"loss_output_mismatch", "lr_too_low"}),
    (courses.stays_above_a_guess, ABOVE_A_GUESS, {"loss_output_mismatch", "unnormalised_inputs"}),
]
BY_NAME = pytest.mark.parametrize(("fact", "record", "causes"), SHOWN, ids=[fact.__name__ for fact, *_ in SHOWN])


@BY_NAME
def test_a_fact_is_seen_where_it_is_and_is_not_taken_for_health(fact, record, causes):
    found = seen(fact, record)
    assert found.sign.strength > 0.3
    assert causes <= found.causes.keys()
    assert any(letter.isdigit() for letter in found.sign.evidence)
    assert tw.diagnose(record)[0].label != "healthy"


@BY_NAME
def test_a_fact_is_not_seen_in_a_healthy_run(fact, record, causes, healthy):
    assert seen(fact, healthy).sign.strength == 0


@BY_NAME
def test_a_fact_is_not_seen_in_an_error_that_falls_and_levels_off(fact, record, causes):
    error = {"config": {"loss": "mse"}, "epochs": rows(20, train_loss=settled, val_loss=settled)}
    assert seen(fact, error).sign.strength == 0


def settled(e):
    return 0.05 + 0.9 * 0.6**e


def test_a_validation_loss_that_turns_is_overfitting_without_an_accuracy_too():
    assert tw.diagnose(TURNING)[0].label == "overfitting"


def test_a_rate_far_from_the_usual_explains_a_loss_at_a_guess():
    high = tw.diagnose({**GUESSING, "config": {"lr": 1.0}})
    assert high[0].label == "lr_too_high"
    assert high[0].next.direction == "decrease"
    assert tw.diagnose({**GUESSING, "config": {"lr": 1e-6, "optimizer": "adam"}})[0].label == "lr_too_low"


def test_a_network_that_says_nothing_of_its_rows_is_not_enlarged_unless_it_is_tiny():
    assert "model_too_small" in impossible(measure(read_record({**GUESSING, "config": {"hidden": [64]}})))
    assert "model_too_small" not in impossible(measure(read_record({**GUESSING, "config": {"hidden": [1]}})))


def test_classes_that_the_first_loss_overstates_are_taken_from_where_the_loss_stays():
    logged = [{**row, "train_loss": 3.5 if row["epoch"] == 1 else row["train_loss"]} for row in GUESSING["epochs"]]
    assert "of 10 classes" in seen(all_facts.stays_at_a_guess, {"epochs": logged}).sign.evidence


def test_a_loss_alone_is_at_a_guess_only_where_it_is_that_of_a_common_number_of_classes():
    def alone(loss):
        return {"epochs": rows(10, train_loss=lambda e: loss + 0.002 * (-1) ** e)}

    assert seen(all_facts.stays_at_a_guess, alone(LN_10)).sign.strength > 0.3
    assert seen(all_facts.stays_at_a_guess, alone(2.25)).sign.strength == 0


def test_an_auc_of_a_half_is_not_first_of_all_that_of_unequal_classes():
    coin = {"epochs": rows(8, train_loss=lambda e: 0.69, val_loss=lambda e: 0.693, val_auc=lambda e: 0.5)}
    assert tw.diagnose(coin)[0].label != "class_imbalance"


def test_where_hardly_a_row_is_wrong_nothing_else_is_a_fault():
    wild = {
        "n_classes": 10,
        "config": {"lr": 0.6, "momentum": 0.9, "optimizer": "sgd"},
        "epochs": rows(
            12,
            train_loss=lambda e: [1.3, 0.3, 0.4, 0.5, 0.2][e] if e < 5 else 0.05 * 0.6 ** (e - 5),
            train_accuracy=lambda e: [0.56, 0.88, 0.90, 0.91, 0.95][e] if e < 5 else 0.995,
            val_loss=lambda e: [0.3, 3.0, 2.2, 0.6, 0.3][e] if e < 5 else 0.1,
            val_accuracy=lambda e: [0.90, 0.75, 0.80, 0.89, 0.95][e] if e < 5 else 0.979,
        ),
    }
    assert tw.diagnose(wild)[0].label == "healthy"
    assert tw.diagnose(wild, target=1.0)[0].label != "healthy"


def test_what_is_said_of_a_loss_alone_names_no_accuracy():
    alone = {"epochs": rows(10, train_loss=lambda e: 2.1 * 0.8**e, val_loss=lambda e: 2.1 * 0.82**e)}
    assert all("accuracy" not in finding.evidence for finding in tw.diagnose(alone))


def test_the_health_of_a_run_with_a_score_says_its_score():
    scored = {"epochs": rows(8, train_loss=lambda e: 0.6 * 0.7**e, val_dice=lambda e: 0.85 - 0.5 * 0.5**e)}
    healthy = next(one for one in tw.diagnose(scored) if one.label == "healthy")
    assert "Dice on validation rows is 0.8" in healthy.evidence
    assert "without validation" not in healthy.evidence


def test_hooks_that_saw_no_step_do_not_raise_a_usual_rate_by_decades():
    found = {one.label: one for one in tw.diagnose(NO_STEP)}
    assert next(iter(found)) == "frozen_layers"
    assert "lr_too_low" not in found or found["lr_too_low"].confidence < 0.1


@pytest.mark.parametrize("died", [{"grad_norm": 0.0}, {"grad_norm": 1e-12}])
def test_a_dead_network_is_not_one_whose_steps_do_not_arrive(died):
    dead = {**NO_STEP, "epochs": [{**row, **died} for row in NO_STEP["epochs"]]}
    assert seen(all_facts.no_step_arrives, dead).sign.strength == 0


def test_a_network_that_took_steps_before_is_not_frozen():
    moved = {
        **NO_STEP,
        "epochs": [{**row, "update_ratio": 0.01 if row["epoch"] == 1 else 0.0} for row in NO_STEP["epochs"]],
    }
    assert seen(all_facts.no_step_arrives, moved).sign.strength == 0


def test_what_is_learned_at_once_and_is_one_class_for_all_rows_is_no_frozen_network():
    still = {"train_loss": lambda e: 0.2, "train_accuracy": lambda e: 0.97, "val_accuracy": lambda e: 0.97}
    assert tw.diagnose({"epochs": rows(6, **still), "n_classes": 2})[0].label == "class_imbalance"


@pytest.mark.parametrize(
    ("absolute", "cause"), [(0.97, "unnormalised_inputs"), (0.8, None), (0.866, None), (0.55, "loss_output_mismatch")]
)
def test_two_errors_tell_how_they_are_spread_over_the_rows(absolute, cause):
    record = {"epochs": rows(12, train_loss=lambda e: 4 + 2 * 0.5**e, train_mae=lambda e: absolute * 2 + 0.5**e)}
    found = seen(courses.errors_of_one_size, record)
    assert (found.sign.strength > 0) is (cause is not None)
    assert cause is None or cause in found.causes


def test_errors_of_one_size_are_no_offset_where_the_loss_has_come_down():
    fallen = {"epochs": rows(12, train_loss=lambda e: 4 + 60 * 0.5**e, train_mae=lambda e: 1.95 + 6 * 0.5**e)}
    assert seen(courses.errors_of_one_size, fallen).sign.strength == 0


def test_a_loss_that_is_the_absolute_error_has_no_second_error():
    same = {"epochs": rows(12, train_loss=lambda e: 0.9 + 0.5**e, train_mae=lambda e: 0.9 + 0.5**e)}
    assert seen(courses.errors_of_one_size, same).sign.strength == 0


def test_a_loss_that_rises_at_each_epoch_is_not_one_that_stays():
    rising = {"epochs": rows(8, train_loss=lambda e: 2 + 0.6 * e, train_accuracy=lambda e: 0.15), "n_classes": 10}
    assert seen(courses.stays_above_a_guess, rising).sign.strength == 0


def test_health_is_no_surer_than_the_wrong_rows_let_it_be_unless_a_target_is_reached():
    def at(accuracy):
        return {
            "n_classes": 4,
            "epochs": rows(
                20,
                train_loss=lambda e: (1 - accuracy) * 2.4 + 0.8 * 0.6**e,
                val_loss=lambda e: (1 - accuracy) * 2.45 + 0.8 * 0.6**e,
                train_accuracy=lambda e: accuracy - 0.3 * 0.6**e,
                val_accuracy=lambda e: accuracy - 0.01 - 0.3 * 0.6**e,
            ),
        }

    def health(**known):
        return next(one.confidence for one in tw.diagnose(at(0.75), **known) if one.label == "healthy")

    assert health() <= 0.7
    assert health(target=0.74) >= 0.95


def test_a_dropout_that_people_use_is_not_sure_to_be_too_strong():
    def dropped(share):
        return {
            "n_classes": 4,
            "config": {"dropout": share, "lr": 1e-3, "optimizer": "adam", "hidden": [32], "activation": "relu"},
            "epochs": rows(
                40,
                train_loss=lambda e: 0.98 + 0.5 * 0.9**e,
                train_accuracy=lambda e: 0.65 - 0.4 * 0.9**e,
                val_loss=lambda e: 0.91 + 0.5 * 0.9**e,
                val_accuracy=lambda e: 0.77 - 0.5 * 0.9**e,
            ),
        }

    def blamed(share):
        return next(one.confidence for one in tw.diagnose(dropped(share)) if one.label == "dropout_too_high")

    assert blamed(0.6) <= 0.7
    assert blamed(0.9) > 0.7
