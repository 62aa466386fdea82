"""What a run cannot have is not named: one table, and the properties that all of it keeps."""

import copy
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tunewell as tw
from tunewell.diagnosis import LABELS, examine
from tunewell.diagnosis.causes import CAUSES, line_of
from tunewell.diagnosis.findings import NextChange
from tunewell.diagnosis.next_change import next_change, opposed
from tunewell.diagnosis.possible import POSSIBLE_IF, has_diverged, impossible, is_broken, with_possible
from tunewell.diagnosis.run_config import FRAMEWORKS
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure

lenient = settings(
    max_examples=settings.default.max_examples // 4, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def bare(**config):
    """Return the signals of a run of which hardly anything is known."""
    rows = [{"train_loss": 2 / e, "val_loss": 2.1 / e} for e in range(1, 9)]
    return measure(read_record({"epochs": rows, "config": config}))


def curves(*losses, **more):
    return measure(read_record({"epochs": [{"train_loss": loss} for loss in losses], **more}))


def test_every_cause_has_a_line_in_the_table_and_its_words():
    assert set(POSSIBLE_IF) == set(LABELS) == set(CAUSES)
    for label, cause in CAUSES.items():
        assert set(cause.others) <= set(LABELS) - {label}
        assert cause.means
        assert cause.check


def test_where_nothing_is_known_all_stays_possible():
    assert impossible(bare()) == {}


@pytest.mark.parametrize(
    ("config", "gone"),
    [
        ({"batch_norm": False}, {"batchnorm_misuse"}),
        ({"model": "transformer"}, {"batchnorm_misuse"}),
        ({"model": "transformer", "batch_norm": True}, set()),
        ({"dropout": 0.0}, {"dropout_too_high"}),
        ({"weight_decay": 0}, {"weight_decay_too_high"}),
        ({"activation": "tanh"}, {"dead_relus"}),
        ({"activation": "relu"}, set()),
        ({"hidden": []}, {"dead_relus", "vanishing_gradients"}),
        ({"lr_schedule": "constant"}, {"lr_decays_too_early"}),
        ({"lr_schedule": "cosine"}, set()),
        ({"batch_size": 2}, {"batch_size_too_large"}),
        ({"batch_size": 512}, {"batch_size_too_small"}),
        ({"task": "regression"}, {"class_imbalance"}),
        ({"framework": "keras"}, {"missing_zero_grad"}),
        ({"framework": "TensorFlow"}, {"missing_zero_grad"}),
        ({"framework": "lightning"}, {"missing_zero_grad"}),
        ({"framework": "pytorch"}, set()),
        ({"framework": "tunewell"}, {"missing_zero_grad", "loss_output_mismatch"}),
    ],
)
def test_what_settings_rule_out_is_impossible(config, gone):
    assert set(impossible(bare(**config))) == gone


def test_boosted_trees_have_nothing_of_a_network():
    gone = set(impossible(bare(framework="xgboost")))
    assert {"dead_relus", "batchnorm_misuse", "missing_zero_grad", "dropout_too_high", "frozen_layers"} <= gone
    assert not gone & {"overfitting", "lr_too_high", "lr_too_low", "labels_mismatched"}


def test_a_rate_that_is_known_to_be_constant_does_not_decay_too_early():
    rows = [{"train_loss": 2 / e, "lr": 0.1} for e in range(1, 9)]
    assert "lr_decays_too_early" in impossible(measure(read_record({"epochs": rows})))
    rows[-1]["lr"] = 0.001
    assert "lr_decays_too_early" not in impossible(measure(read_record({"epochs": rows})))


def test_without_validation_nothing_of_validation_is_accused():
    assert {"overfitting", "data_leak", "distribution_shift"} <= set(impossible(curves(2.0, 1.0, 0.5, 0.4)))
    assert not {"overfitting", "data_leak"} & set(impossible(bare()))


def test_inputs_near_unit_scale_are_not_the_cause():
    def of(**summary):
        rows = [{"train_loss": 2 / e} for e in range(1, 9)]
        summary = {"train_inputs": {"mean": 0.3, "std": 0.6, "min": 0.0, "max": 2.0}, **summary}
        return set(impossible(measure(read_record({"epochs": rows, "data_summary": summary}))))

    assert "unnormalised_inputs" in of(feature_std_min=0.3, feature_std_max=0.9)
    assert "unnormalised_inputs" not in of(feature_std_min=0.01, feature_std_max=0.9)
    assert "unnormalised_inputs" not in of()


@pytest.mark.parametrize(
    "losses", [(2.0, math.nan), (1.0, 300.0, 0.9), (1.0, 0.8, 1.2, 2.5), (5.7e6, 3.1e10, 1e9, 1430.0)]
)
def test_a_loss_that_diverges_is_neither_healthy_nor_that_of_a_rate_too_low_or_a_network_too_small(losses):
    signals = curves(*losses)
    assert has_diverged(signals)
    assert {"healthy", "lr_too_low", "model_too_small", "too_few_epochs"} <= set(impossible(signals))


@pytest.mark.parametrize("losses", [(2.3, 2.2, 2.1), (2.3, 0.5, 0.6, 0.4), (2.3, 2.3, 2.31), (0.5, 0.6, 0.55)])
def test_a_loss_that_wavers_has_not_diverged(losses):
    assert not has_diverged(curves(*losses))


def test_a_network_in_which_nothing_moves_is_not_too_small():
    assert is_broken(curves(*[2.303] * 8))
    assert "model_too_small" in impossible(curves(*[2.303] * 8))


def test_a_batch_is_not_too_large_and_too_small_at_once():
    rng = np.random.default_rng(0)
    for _ in range(40):
        losses = np.abs(rng.normal(1, 0.5, 12)).tolist()
        labels = {
            one.label for one in examine({"epochs": [{"train_loss": one, "val_loss": one} for one in losses]}).findings
        }
        assert not {"batch_size_too_large", "batch_size_too_small"} <= labels


def test_what_is_left_after_a_certainty_that_was_impossible_is_no_certainty():
    chances = np.full(len(LABELS), 0.0)
    chances[LABELS.index("missing_zero_grad")] = 0.96
    chances[LABELS.index("batch_size_too_small")], chances[LABELS.index("lr_too_high")] = 0.035, 0.005
    left = with_possible(chances, bare(framework="keras"), np.zeros(len(LABELS)))
    assert left.sum() == pytest.approx(1)
    assert left[LABELS.index("missing_zero_grad")] == 0
    assert left[LABELS.index("batch_size_too_small")] < 0.8


numbers = st.one_of(st.floats(1e-4, 1e4), st.floats(-10, -1e-4), st.sampled_from([math.nan, 0.0, 2.303, 1e8, 1e-9]))
some_config = st.fixed_dictionaries(
    {},
    optional={
        "lr": st.floats(1e-6, 10),
        "optimizer": st.sampled_from(["sgd", "adam", "adamw", "lion"]),
        "framework": st.sampled_from(list(FRAMEWORKS)),
        "model": st.sampled_from(["mlp", "cnn", "rnn", "transformer"]),
        "activation": st.sampled_from(["relu", "tanh", "gelu"]),
        "batch_norm": st.booleans(),
        "bn_momentum": st.floats(0, 1),
        "batch_size": st.integers(1, 4096),
        "dropout": st.floats(0, 0.95),
        "weight_decay": st.floats(0, 1),
        "hidden": st.lists(st.integers(1, 512), max_size=4),
        "loss": st.sampled_from(["mse", "nll", "cross_entropy"]),
        "task": st.sampled_from(["classification", "regression", "other"]),
    },
)
some_epochs = st.lists(
    st.fixed_dictionaries(
        {"train_loss": numbers},
        optional={
            "val_loss": numbers,
            "val_accuracy": st.floats(0, 1),
            "train_accuracy": st.floats(0, 1),
            "update_ratio": st.floats(0, 1),
            "dead_fraction": st.floats(0, 1),
            "grad_norm": st.floats(0, 1e6),
        },
    ),
    min_size=1,
    max_size=12,
)


@lenient
@given(config=some_config, epochs=some_epochs)
def test_no_change_raises_a_rate_that_diverges_or_enlarges_a_network_that_is_broken(config, epochs):
    signals = measure(read_record({"epochs": epochs, "config": config}))
    diverged, broken = has_diverged(signals), is_broken(signals)
    for label in LABELS:
        change = next_change(label, signals)
        assert not (diverged and (change.param, change.direction) == ("lr", "increase"))
        assert not (broken and (change.param, change.direction) == ("width", "increase"))
        assert not (config.get("model") in ("rnn", "transformer") and change.param == "batch_norm")
        if config.get("framework") not in (None, "pytorch"):
            assert "zero_grad" not in line_of(change, signals.run)


@lenient
@given(config=some_config, epochs=some_epochs)
def test_no_finding_is_of_empty_words_or_of_what_is_impossible(config, epochs):
    record = {"epochs": epochs, "config": config}
    diagnosis = examine(record)
    gone = impossible(measure(read_record(record)))
    for finding in diagnosis.findings:
        assert finding.confidence == 0 or finding.label not in gone
        assert any(letter.isdigit() for letter in finding.evidence) or finding.evidence == "no loss was finite"
        assert finding.means
        assert finding.check
        assert not (set(gone) & {part.partition(",")[0] for part in finding.otherwise.split("; ")})
        assert "{" not in finding.next.line.replace("{k:", "").replace("{row.", "")
        if finding.next.param:
            assert finding.next.why


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_line_is_in_the_words_of_its_framework(framework):
    config = {"framework": framework, "optimizer": "adam", "lr": 0.1, "batch_size": 64, "dropout": 0.5, "epochs": 10}
    signals = bare(**config)
    own = {"pytorch": ("keras.", "optax."), "keras": ("torch.", "nn.", "optax."), "jax": ("torch.", "keras.")}
    for label in LABELS:
        line = line_of(next_change(label, signals), signals.run)
        assert not [other for other in own.get(framework, ()) if other in line]


def test_keras_is_not_advised_to_pass_logits_to_its_default_loss():
    def change(**config):
        signals = bare(n_classes=10, **config)
        found = next_change("loss_output_mismatch", signals)
        return f"{found.value} {found.why} {line_of(found, signals.run)}"

    assert "from_logits=True" in change(framework="keras")
    assert "raw logits" not in change(framework="keras")
    assert "raw logits" in change(framework="pytorch")
    assert "nn.CrossEntropyLoss" in change(framework="lightning")
    assert "Keras" in change()
    assert "raw logits" not in change()


def test_a_line_lacks_no_part_of_it():
    run = bare(framework="pytorch").run
    assert line_of(NextChange("lr", "decrease", 0.1), run) == ""  # the optimizer is unknown
    run = bare(framework="pytorch", optimizer="adamw").run
    assert (
        line_of(NextChange("lr", "decrease", 0.1), run) == "optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)"
    )
    assert line_of(NextChange("lr", "decrease"), run) == ""
    schedule = NextChange("lr_schedule", "slower", {"name": "cosine", "t_max": 30})
    assert "T_max=30" in line_of(schedule, run)
    run = bare(framework="keras").run
    assert line_of(NextChange("bn_momentum", "change", 0.1), run).endswith("BatchNormalization(momentum=0.9)")


def test_a_record_is_not_changed_by_its_diagnosis(healthy):
    record = copy.deepcopy(healthy)
    tw.diagnose(record, target=0.99)
    assert record == healthy


@pytest.mark.parametrize("likelier", ["batch_size_too_large", "batch_size_too_small"])
def test_of_a_batch_too_large_and_too_small_the_likelier_is_left(likelier):
    pair = ("batch_size_too_large", "batch_size_too_small")
    chances = np.array([0.4 if label == likelier else 0.3 if label in pair else 0.01 for label in LABELS])
    left = with_possible(chances, bare(batch_size=32), np.zeros(len(LABELS)))
    assert {label for label in pair if left[LABELS.index(label)] > 0} == {likelier}


@pytest.mark.parametrize(
    ("losses", "config", "against"),
    [
        ((0.7, 0.69, 0.68, 0.67), {}, {("lr", "decrease")}),
        (
            (0.7, 0.69, 0.68, 0.67),
            {"lr": 1.0, "optimizer": "adam"},
            set(),
        ),  # far above the usual rate it may be lowered
        ((0.7, 0.69, 0.71, 0.67), {}, set()),
        ((1.0, 50.0, 900.0, 1.4), {}, {("lr", "increase"), ("width", "increase"), ("depth", "increase")}),
        ((1.0, math.nan, math.nan), {}, {("lr", "increase"), ("width", "increase"), ("batch_size", "decrease")}),
    ],
)
def test_a_run_speaks_against_the_moves_that_its_loss_rules_out(losses, config, against):
    found = opposed(curves(*losses, config=config))
    assert against <= found
    assert bool(found) is bool(against)


def test_a_step_that_sees_all_rows_has_no_noise_that_more_rows_would_take_away():
    assert "batch_size_too_small" in impossible(curves(0.7, 0.71, 0.69, n_train=4, config={"batch_size": 4}))
    assert "batch_size_too_small" not in impossible(curves(0.7, 0.71, 0.69, n_train=5, config={"batch_size": 4}))


@pytest.mark.parametrize(
    ("more", "is_named"),
    [({}, True), ({"epochs": 300}, False), ({"optimizer": "sgd"}, False), ({"lr": 0.1}, False)],
)
def test_steps_of_adam_that_move_no_weight_far_are_too_few_or_too_small(more, is_named):
    config = {"optimizer": "adam", "lr": 1e-3, "batch_size": 32, "epochs": 5, "hidden": [2], **more}
    rows = [{"train_loss": loss, "train_accuracy": 0.5} for loss in (0.776, 0.772, 0.769)]
    findings = tw.diagnose({"epochs": rows, "config": config, "n_train": 200, "n_classes": 2})
    text = "steps of adam at a rate of 0.001 move no weight by more than about 0.035"
    assert any(text in one.evidence for one in findings) is is_named
    if is_named:
        assert {one.label for one in findings[:2]} == {"too_few_epochs", "lr_too_low"}
