"""Parameter changes: what a finding lets one change within a space."""

import pytest

import tunewell as tw
from tunewell.diagnosis import Finding, NextChange
from tunewell.rescue.parameter_changes import (
    ParameterChange,
    further_change,
    parameter_changes,
    takes_back,
    with_change,
)

SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log", default=0.01),
    batch_size=tw.Int(16, 256, scale="log", default=32),
    hidden=tw.Int(4, 128, scale="log", default=32),
    momentum=tw.Float(0.0, 0.999, scale="log1m", default=0.9),
    lr_decay=tw.Float(0.5, 0.999, scale="log1m", default=0.97),
    dropout=tw.Float(0.0, 0.9, default=0.1),
    batch_norm=tw.Choice([False, True]),
    activation=tw.Choice(["relu", "tanh", "leaky_relu"], default="relu"),
)


def found(label, param="", direction="", value=None):
    return Finding(label, 0.9, "", NextChange(param, direction, value))


def planned(finding, *, tried=(), epochs=20, **given):
    setting = SPACE.filled(given)
    return [
        (one.param, one.old, one.new)
        for one in parameter_changes(finding, SPACE, setting, [setting, *map(SPACE.filled, tried)], epochs)
    ]


def test_the_change_that_the_finding_names_comes_first_and_stays_in_the_range():
    assert planned(found("lr_too_low", "lr", "increase", 0.3)) == [("learning_rate", 0.01, 0.3)]
    assert planned(found("lr_too_low", "lr", "increase", 50.0)) == [("learning_rate", 0.01, 1.0)]


def test_without_a_value_the_usual_step_is_taken():
    assert planned(found("model_too_small"))[0] == ("hidden", 32, 128)
    assert planned(found("batch_size_too_large"), batch_size=256)[0] == ("batch_size", 256, 64)
    assert planned(found("dropout_too_high"), dropout=0.8) == [("dropout", 0.8, 0.0)]


def test_what_can_move_no_further_is_not_offered():
    assert planned(found("lr_too_low", "lr", "increase", 5.0), learning_rate=1.0) == []
    assert planned(found("dropout_too_high", "dropout", "decrease", 0.2), dropout=0.1) == []


def test_a_step_that_went_too_far_is_halved_until_nothing_is_left_to_tell_apart():
    steps, tried = [], []
    while plan := planned(found("lr_too_low", "lr", "increase", 1.0), tried=tried):
        steps.append(plan[0][2])
        tried.append({"learning_rate": steps[-1]})
    assert steps[:3] == pytest.approx([1.0, 0.1, 10**-1.5], rel=1e-6)
    assert len(steps) < 6


def test_settings_that_differ_in_more_do_not_count_as_tried():
    tried = [{"learning_rate": 1.0, "dropout": 0.5}]
    assert planned(found("lr_too_low", "lr", "increase", 1.0), tried=tried) == [("learning_rate", 0.01, 1.0)]


def test_a_momentum_beyond_the_usual_is_the_first_suspect():
    high = found("lr_too_high", "lr", "decrease", 0.001)
    assert [name for name, *_ in planned(high)] == ["learning_rate", "momentum"]
    assert planned(high, momentum=0.99)[0] == ("momentum", 0.99, 0.9)


def test_a_schedule_is_slowed_so_that_a_twentieth_is_left_in_the_end():
    ((name, _, new),) = planned(found("lr_decays_too_early", "lr_schedule", "slower", {"name": "cosine"}), lr_decay=0.6)
    assert name == "lr_decay"
    assert new**20 == pytest.approx(0.05)


def test_choices_are_switched_by_name():
    assert planned(found("vanishing_gradients", "activation", "change", "relu"), activation="tanh")[:2] == [
        ("activation", "tanh", "relu"),
        ("batch_norm", False, True),
    ]
    assert planned(found("dead_relus", "activation", "change", "leaky_relu"))[0] == ("activation", "relu", "leaky_relu")


def test_a_fault_in_code_or_data_has_no_parameter_change():
    for label in ("healthy", "labels_mismatched", "data_leak", "frozen_layers", "class_imbalance"):
        assert planned(found(label)) == []


def test_a_learning_rate_that_was_moved_goes_further_the_same_way_unless_somebody_was_there():
    before = SPACE.filled({"learning_rate": 0.001})
    (done,) = parameter_changes(found("lr_too_low", "lr", "increase", 0.01), SPACE, before, [before], 20)
    now = with_change(SPACE, before, done)
    more = further_change(done, SPACE, now, [before, now], "it helped")
    assert more is not None
    assert more.new == pytest.approx(10**-1.5)
    assert further_change(done, SPACE, now, [before, now, with_change(SPACE, now, more)], "it helped") is None
    assert further_change(None, SPACE, now, [now], "it helped") is None


def test_a_change_of_a_parameter_that_others_hang_on_fills_these_in():
    space = tw.Space(
        batch_norm=tw.Choice([False, True]),
        bn_momentum=tw.Float(0.01, 0.5, default=0.1, when={"batch_norm": True}),
    )
    setting = space.defaults()
    (plan,) = parameter_changes(
        found("vanishing_gradients", "batch_norm", "enable", True), space, setting, [setting], 20
    )
    assert with_change(space, setting, plan) == {"batch_norm": True, "bn_momentum": 0.1}


def test_a_move_that_the_run_speaks_against_is_not_offered_whatever_the_cause():
    def moves(label, *opposed):
        given = SPACE.filled({"momentum": 0.99})
        return [one.param for one in parameter_changes(found(label), SPACE, given, [given], 20, set(opposed))]

    assert moves("batch_size_too_large") == ["batch_size", "learning_rate"]
    assert moves("batch_size_too_large", ("lr", "increase")) == ["batch_size"]
    assert "hidden" in moves("dead_relus")
    assert "hidden" not in moves("dead_relus", ("width", "increase"))
    assert moves("bad_initialisation", ("lr", "decrease")) == []
    assert "learning_rate" in moves("lr_too_high", ("lr", "decrease"))  # that a loss falls does not make a rate low


def test_a_rate_that_diverges_is_raised_no_further():
    done = ParameterChange(found("lr_too_low"), "learning_rate", 0.001, 0.1)
    setting = SPACE.filled({"learning_rate": 0.1})
    assert further_change(done, SPACE, setting, [setting], "it helped").new > 0.1
    assert further_change(done, SPACE, setting, [setting], "it helped", {("lr", "increase")}) is None


@pytest.mark.parametrize(
    ("param", "old", "new", "then", "is_back"),
    [
        ("learning_rate", 0.001, 0.1, 0.03, True),
        ("learning_rate", 0.001, 0.1, 0.3, False),
        ("learning_rate", 0.1, 0.01, 0.03, True),
        ("activation", "relu", "tanh", "relu", True),
        ("activation", "relu", "tanh", "leaky_relu", False),
    ],
)
def test_a_change_takes_another_one_back_if_it_moves_its_parameter_the_way_that_it_came(param, old, new, then, is_back):
    done = ParameterChange(found("lr_too_low"), param, old, new)
    assert takes_back(ParameterChange(found("lr_too_high"), param, new, then), done) is is_back
    assert not takes_back(ParameterChange(found("dropout_too_high"), "dropout", 0.9, 0.0), done)
    assert not takes_back(done, None)
