"""Parameters and spaces, one fact each; what holds for all of them is in tests/property/test_space.py."""

import dataclasses
import inspect
import json
import pickle

import numpy as np
import pytest

import tunewell as tw
from tunewell import Choice, Float, Int, Params, Space
from tunewell.space import ready_made
from tunewell.space.params import Param

READY_MADE = [function for _, function in inspect.getmembers(ready_made, inspect.isfunction)]


@pytest.fixture
def space():
    return Space(
        beta1=tw.beta1(when={"optimizer": "adam"}),
        optimizer=Choice(["sgd", "adam"], default="sgd"),
        learning_rate=tw.learning_rate(),
        momentum=tw.momentum(when={"optimizer": ["sgd"]}),
        layers=tw.layers(),
        third=Int(1, 100, when={"layers": [3, 4, 5]}),
    )


def test_numpy_numbers_become_plain_ones():
    param = Float(np.float32(0.5), np.int64(2), default=np.float64(1))
    assert [type(value) for value in (param.low, param.high, param.default)] == [float, float, float]
    assert type(Int(np.int64(1), np.float64(8)).high) is int
    assert [type(value) for value in Choice(np.array([1, 2])).values] == [int, int]


def test_a_setting_is_of_plain_values_that_json_can_write(space):
    for params in space.decode_many(np.random.default_rng(0).random((20, 6))):
        assert json.loads(json.dumps(dict(params))) == dict(params)


def test_a_parameter_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Float(0, 1).low = 0.5


def test_parameters_and_spaces_are_read_back_from_their_repr(space):
    assert repr(Float(1e-4, 1, scale="log", live=True)) == "Float(0.0001, 1.0, scale='log', live=True)"
    assert repr(Choice(["a"], when={"b": 1})) == "Choice(['a'], when={'b': 1})"
    names = {"Float": Float, "Int": Int, "Choice": Choice, "Space": Space}
    assert eval(repr(space), names) == space


def test_equal_spaces_have_the_same_parameters_in_the_same_order(space):
    assert pickle.loads(pickle.dumps(space)) == space
    assert hash(pickle.loads(pickle.dumps(space))) == hash(space)
    assert Space(dict(reversed(space.params.items()))) != space
    assert len({*space.params.values()}) == 6


def test_the_parameters_of_a_space_cannot_be_changed(space):
    with pytest.raises(TypeError):
        space.params["more"] = Float(0, 1)


def test_a_mapping_and_keywords_make_one_space():
    assert Space({"a": Float(0, 1)}, b=Float(0, 1)).names == ("a", "b")


def test_decoded_numbers_are_short():
    assert Float(1e-4, 1, scale="log").decode([0.25, 0.5, 0.75]) == [0.001, 0.01, 0.1]
    assert Float(0.9, 0.999, scale="log1m").decode([0.5]) == [0.99]


def test_an_inactive_parameter_is_absent_from_the_setting_and_nan_in_the_point(space):
    point = np.array([0.5, 0.1, 0.5, 0.5, 0.1, 0.5])
    params = space.decode(point)
    assert list(params) == ["optimizer", "learning_rate", "momentum", "layers"]
    assert np.isnan(space.encode(params)).tolist() == [True, False, False, False, False, True]


def test_a_setting_with_inactive_values_is_encoded_without_them(space):
    values = {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9, "layers": 4, "third": 5, "beta1": 0.9}
    assert np.isnan(space.encode(values)).tolist() == [True, False, False, False, False, False]


def test_an_only_conditional_child_of_an_inactive_parent_is_inactive():
    space = Space(a=Choice([0, 1]), b=Choice([0, 1], when={"a": 1}), c=Float(0, 1, when={"b": 0}))
    assert list(space.decode(np.array([0.1, 0.1, 0.5]))) == ["a"]
    assert list(space.decode(np.array([0.9, 0.1, 0.5]))) == ["a", "b", "c"]


def test_defaults_are_the_middle_of_the_scale_where_none_is_given():
    space = Space(
        lr=Float(1e-4, 1, scale="log"),
        given=Float(0, 1, default=0.2),
        o=Choice(["a", "b"]),
        n=Choice([1, 2, 3], ordered=True),
    )
    assert space.defaults() == Params({"lr": 0.01, "given": 0.2, "o": "a", "n": 2})


def test_a_checked_setting_has_plain_values_in_the_order_of_the_space(space):
    params = space.check({"layers": 2.0, "momentum": 0.9, "learning_rate": 1, "optimizer": "sgd", "beta1": "unused"})
    assert list(params.items()) == [("optimizer", "sgd"), ("learning_rate", 1.0), ("momentum", 0.9), ("layers", 2)]
    assert [type(value) for value in params.values()] == [str, float, float, int]


def test_a_value_outside_a_range_counts_as_its_bound():
    assert Float(1e-4, 1, scale="log").to_unit([-3.0, 0.0, 7.0]).tolist() == [0, 0, 1]


def test_tiers_go_by_name_where_none_is_given():
    names = ("learning_rate", "lr", "batch_size", "momentum", "dropout", "dropout_2", "hidden3", "layers", "shift")
    space = Space({name: Float(0, 1) for name in names})
    assert [space.tier(name) for name in names] == [1, 1, 2, 2, 3, 3, 2, 3, 2]


def test_a_name_of_tier_4_is_tier_3_if_there_is_nothing_to_hold_it_at():
    space = Space(beta1=Float(0.5, 0.99), beta2=Float(0.5, 0.999, default=0.99), epsilon=tw.Float(0, 1, tier=1))
    assert [space.tier(name) for name in space.names] == [3, 4, 1]


def test_held_parameters_are_choices_of_one_value(space):
    held = space.hold(["learning_rate", "layers"])
    assert held.params["learning_rate"] == Choice([0.01], tier=1, default=0.01, live=True)
    assert held.names == ("beta1", "optimizer", "learning_rate", "momentum", "layers")
    assert [held.tier(name) for name in held.names] == [space.tier(name) for name in held.names]


def test_what_holding_makes_impossible_is_dropped_from_the_space(space):
    held = space.hold(["optimizer"])
    assert "beta1" not in held.names
    assert held.params["momentum"].conditions == {"optimizer": ("sgd",)}


def test_holding_nothing_changes_nothing(space):
    assert space.hold([]) == space


def test_toml_says_only_what_is_not_a_default():
    text = Space(lr=Float(1e-4, 1, scale="log"), o=Choice(["a", "b"], when={"lr_": 1}), lr_=Int(1, 2)).to_toml()
    assert text.startswith('[lr]\ntype = "float"\nlow = 0.0001\nhigh = 1.0\nscale = "log"\n\n[o]\ntype = "choice"')
    assert "[o.when]\nlr_ = 1\n" in text
    assert "tier" not in text


def test_whole_numbers_in_toml_may_be_bounds_of_a_float():
    assert Space.from_toml('[a]\ntype = "float"\nlow = 0\nhigh = 1') == Space(a=Float(0, 1))


@pytest.mark.parametrize("function", READY_MADE, ids=lambda function: function.__name__)
def test_a_ready_made_parameter_has_a_default_a_tier_and_a_source(function):
    param = function()
    assert isinstance(param, Param)
    assert param.contains(param.default)
    assert param.tier in (1, 2, 3, 4)
    assert "Source: " in function.__doc__
    assert Space({function.__name__: dataclasses.replace(param, tier=None)}).tier(function.__name__) == param.tier
    assert Space({function.__name__: param}).warnings() == []


def test_every_ready_made_parameter_is_offered_at_the_top():
    assert all(getattr(tw, function.__name__) is function for function in READY_MADE)


def test_a_ready_made_parameter_takes_other_settings():
    assert tw.momentum(high=0.99, default=0.8, tier=1, live=True) == Float(
        0.5, 0.99, scale="log1m", tier=1, default=0.8, live=True
    )
    assert tw.learning_rate("Adam", high=0.01, when={"a": 1}) == Float(
        1e-5, 0.01, scale="log", tier=1, default=1e-3, live=True, when={"a": 1}
    )


@pytest.mark.parametrize(("n_train", "bounds"), [(None, (16, 512)), (1347, (16, 512)), (100, (16, 100)), (3, (1, 3))])
def test_a_batch_has_no_more_samples_than_there_are(n_train, bounds):
    param = tw.batch_size(n_train)
    assert (param.low, param.high) == bounds
    assert param.contains(param.default)


@pytest.mark.parametrize(
    ("param", "warning"),
    [
        (Float(1e-4, 1), "x: on a linear scale 90% of the draws fall in the top decade, 0.1 to 1; scale='log'"),
        (Int(1, 1000), "90% of the draws fall in the top decade, 100 to 1000"),
        (
            Float(0.9, 0.999),
            "on a linear scale 9.1% of the draws lie above 0.99, where values differ most; scale='log1m' puts half",
        ),
        (Float(0.9, 0.999, scale="log"), "on a log scale 8.7% of the draws lie above 0.99"),
    ],
)
def test_a_scale_that_does_not_fit_its_range_is_warned_of_with_figures(param, warning):
    (found,) = Space(x=param).warnings()
    assert warning in found


def test_a_learning_rate_from_zero_is_warned_of():
    (found,) = Space(lr=Float(0, 1)).warnings()
    assert "Float(0.0001, 1, scale='log')" in found


@pytest.mark.parametrize(
    "param",
    [Float(0, 0.6), Float(0.1, 0.9), Float(1e-4, 1, scale="log"), Float(-1, 1), Int(16, 512), Choice([1e-4, 1.0])],
    ids=repr,
)
def test_a_scale_that_fits_is_not_warned_of(param):
    assert Space(x=param).warnings() == []
