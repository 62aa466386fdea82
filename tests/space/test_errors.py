"""A wrong parameter or space fails when it is made, in one line that names the thing and the mend."""

import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import tunewell as tw
from tunewell import Choice, Float, Int, Space
from tunewell.errors import SpaceError

WRONG_PARAMETERS = {
    "a low above the high": (lambda: Float(1, 0), "got low=1.0 and high=0.0; swap them"),
    "an empty range": (lambda: Int(3, 3), r"to hold the value use Choice\(\[3\]\)"),
    "a log scale from 0": (lambda: Float(0, 1, scale="log"), "needs low > 0, .* such as low=0.0001, or scale='linear'"),
    "a log scale of ints from 0": (lambda: Int(0, 8, scale="log"), "use low=1 or scale='linear'"),
    "a log1m scale to 1": (lambda: Float(0.5, 1, scale="log1m"), "needs high < 1, .* a high such as 0.999"),
    "an unknown scale": (lambda: Float(0, 1, scale="lgo"), "no scale 'lgo'; choose one of 'linear', 'log', 'log1m'"),
    "log1m of ints": (lambda: Int(1, 8, scale="log1m"), "Int has no scale 'log1m'; choose one of 'linear', 'log'"),
    "an infinite bound": (lambda: Float(0, math.inf), "high must be finite, got inf"),
    "a bound that is not a number": (lambda: Float(math.nan, 1), "low must be finite, got nan"),
    "a bound beyond floats": (lambda: Float(0, 10**400), "high must be finite"),
    "bounds too far apart": (lambda: Float(-1e308, 1e308), "cannot tell apart"),
    "a string for a bound": (lambda: Float("0", 1), "low must be a number, got '0'"),
    "a bool for a bound": (lambda: Float(0, True), "high must be a number, got True"),
    "a fraction for an int": (lambda: Int(1, 2.5), "high must be a whole number, got 2.5; round it, or use a Float"),
    "an int too large": (lambda: Int(1, 2**50), "use a Float"),
    "a default outside": (lambda: Float(0, 1, default=2), "default=2 does not fit: the value must be from 0.0 to 1.0"),
    "a fractional default": (lambda: Int(0, 8, default=0.5), "default=0.5 does not fit: .* a whole number"),
    "a default not listed": (lambda: Choice(["a", "b"], default="c"), "default='c' does not fit: .* one of 'a', 'b'"),
    "no choices": (lambda: Choice([]), "the list of values is empty"),
    "a string for choices": (lambda: Choice("sgd"), r"must be a list, got 'sgd'; write \['sgd'\]"),
    "choices without an order": (lambda: Choice({"a", "b"}), "their order counts"),
    "a choice twice": (lambda: Choice(["a", "b", "a"]), "'a' is listed twice"),
    "a step": (
        lambda: Float(0, 1, step=0.25),
        r"no setting 'step'; .* Choice\(\[0.0, 0.25, 0.5, 0.75, 1.0\], ordered=True",
    ),
    "a step of ints": (lambda: Int(16, 64, step=16), r"Choice\(\[16, 32, 48, 64\], ordered=True\)"),
    "a quantum": (lambda: Float(0, 1, q=0.5), r"Choice\(\[0.0, 0.5, 1.0\], ordered=True\)"),
    "log as a setting": (lambda: Float(1e-4, 1, log=True), "a float has no setting 'log'; write scale = \"log\""),
    "a setting with a typo": (lambda: Int(1, 2, defualt=1), "an int has no setting 'defualt'; did you mean 'default'"),
    "a number and its text": (
        lambda: Choice([1, "1"]),
        "1 and '1' in .* cannot be told apart in a file or on a command",
    ),
    "a truth and its text": (lambda: Choice(["True", True]), "'True' and True in .* cannot be told apart"),
    "a truth and a number": (lambda: Choice([True, 1]), "True and 1 in .* cannot be told apart"),
    "a whole number and a float": (lambda: Choice([1, 2, 1.0]), "1 and 1.0 in .* cannot be told apart"),
    "a choice that no file can hold": (lambda: Choice([None, "l2"]), "got None; name it by a string"),
    "a choice of infinity": (lambda: Choice([1.0, math.inf]), "must be finite, got inf"),
    "a tier beyond 4": (lambda: Float(0, 1, tier=5), "tier must be 1, 2, 3 or 4, got 5"),
    "a bool for a tier": (lambda: Float(0, 1, tier=True), "tier must be 1, 2, 3 or 4, got True"),
    "tier 4 with nothing to hold": (lambda: Float(0, 1, tier=4), "give a default or another tier"),
    "live that is not a bool": (lambda: Float(0, 1, live="yes"), "live must be True or False, got 'yes'"),
    "ordered that is not a bool": (lambda: Choice([1, 2], ordered=1), "ordered must be True or False, got 1"),
    "a condition on nothing": (lambda: Float(0, 1, when="sgd"), r"as in \{'optimizer': 'sgd'\}; got 'sgd'"),
    "a condition without values": (lambda: Float(0, 1, when={"a": []}), r"when=\{'a': \[\]\}: the list of values is"),
    "an unknown optimizer": (lambda: tw.learning_rate("lion"), "'lion'; choose one of sgd, momentum, .* give a range"),
    "too few samples": (lambda: tw.batch_size(1), "n_train must be at least 2, got 1"),
}

WRONG_SPACES = {
    "no parameters": (Space, "at least one parameter"),
    "a bare range": (lambda: Space(lr=(0, 1)), r"lr: \(0, 1\) is no parameter; .* write tw.Float\(0, 1\)"),
    "a bare range of factors": (
        lambda: Space(lr=[1e-4, 1e-1]),
        r"lr: \[0.0001, 0.1\] is no .* write tw.Float\(0.0001, 0.1, scale=\"log\"\), .* tw.Choice\(\[0.0001, 0.1\]\)",
    ),
    "a bare range of whole numbers": (lambda: Space(n=(16, 256)), r"n: .* write tw.Int\(16, 256\)"),
    "Python's range": (lambda: Space(n=range(1, 9)), r"n: range\(1, 9\) .* write tw.Int\(1, 8\)"),
    "an array": (lambda: Space(lr=np.logspace(-4, -1, 50)), r"lr: a ndarray .* tw.Float\(0.0001, 0.1, scale=\"log\"\)"),
    "scikit-optimize's": (lambda: Space(lr=(1e-4, 1e-2, "log-uniform")), r"tw.Float\(0.0001, 0.01, scale=\"log\"\)"),
    "SciPy's": (lambda: Space(lr=stats.loguniform(1e-4, 0.1)), r"lr: a rv_.* tw.Float\(0.0001, 0.1, scale=\"log\"\)"),
    "Ray Tune's grid": (lambda: Space(n={"grid_search": [1, 2]}), r"write tw.Choice\(\[1, 2\]\)"),
    "Ray Tune's range": (lambda: Space(n=SimpleNamespace(lower=0.0, upper=3.0)), r"n: .* write tw.Float\(0.0, 3.0\)"),
    "Optuna's": (lambda: Space(x=SimpleNamespace(low=1, high=9, log=True)), r"x: .* tw.Int\(1, 9, scale=\"log\"\)"),
    "Optuna's choices": (lambda: Space(x=SimpleNamespace(choices=("a", "b"))), r"x: .* tw.Choice\(\['a', 'b'\]\)"),
    "W&B's": (lambda: Space(x={"min": 0.5, "max": 1.5}), r"x: .* write tw.Float\(0.5, 1.5\)"),
    "plain data": (lambda: Space(x={"type": "int", "low": 1, "high": 2}), r"x: .* tw.Space.from_dict"),
    "a class of parameters": (lambda: Space(x=Float), r"x: the class Float is no .* write an instance"),
    "a bare list": (lambda: Space(o=["a", "b"]), r"o: .* write tw.Choice\(\['a', 'b'\]\)"),
    "a bare value": (lambda: Space(lr=0.1), r"lr: .* write tw.Choice\(\[0.1\]\)"),
    "a function not called": (lambda: Space(lr=tw.learning_rate), "lr: .* call it"),
    "nothing": (lambda: Space(lr=None), "lr: None is no parameter; write"),
    "parameters without names": (lambda: Space([Float(0, 1)]), "parameters need names"),
    "a name with a dash": (lambda: Space({"a-b": Float(0, 1)}), "call it 'a_b'"),
    "a name with a digit first": (lambda: Space({"2x": Float(0, 1)}), "call it 'p_2x'"),
    "a name that is no string": (lambda: Space({1: Float(0, 1)}), "must be a string, got 1"),
    "a name that params have": (lambda: Space(items=Float(0, 1)), "call it 'items_'"),
    "a name twice": (lambda: Space({"a": Float(0, 1)}, a=Float(0, 1)), "a: given twice"),
    "an unknown parent": (
        lambda: Space(m=Float(0, 1, when={"optimiser": "sgd"}), optimizer=Choice(["sgd", "adam"])),
        "m: its condition is on 'optimiser', which is not in the space; did you mean 'optimizer'",
    ),
    "a value that the parent cannot take": (
        lambda: Space(m=Float(0, 1, when={"optimizer": "sdg"}), optimizer=Choice(["sgd", "adam"])),
        "m: its condition on 'optimizer' can never hold: the value must be one of 'sgd', 'adam'; got 'sdg'",
    ),
    "a condition on a float": (lambda: Space(m=Float(0, 1, when={"x": 0.5}), x=Float(0, 1)), "m: .* 'x', a Float"),
    "conditions in a circle": (
        lambda: Space(a=Choice([1, 2], when={"b": 1}), b=Choice([1, 2], when={"a": 1})),
        "a: its condition depends on itself, a -> b -> a",
    ),
}

WRONG_TOML = {
    "no TOML": ("lr =", "the space is not valid TOML"),
    "an empty document": ("", "at least one parameter"),
    "no table": ("lr = 3", "lr: needs a table .* got 3"),
    "no type": ("[lr]\nlow = 1", "lr: needs a type, one of 'float', 'int', 'choice'; has none"),
    "a type of other tuners": ("[lr]\ntype = 'loguniform'", "got 'loguniform'; write type = 'float', scale = 'log'"),
    "a list of other tuners": ("[o]\ntype = 'categorical'", "got 'categorical'; write type = 'choice', values = "),
    "a boolean type": ("[amp]\ntype = 'bool'", r"got 'bool'; write type = 'choice', values = \[false, true\]"),
    "an unknown type": ("[lr]\ntype = 'flaot'", "lr: needs a type, .* got 'flaot'"),
    "no bound": ("[lr]\ntype = 'float'\nlow = 1", "lr: a float needs 'high'"),
    "a misspelt setting": ("[lr]\ntype = 'float'\nlow = 1\nhigh = 2\nsacle = 'log'", "lr: .* did you mean 'scale'"),
    "another tool's log": (
        "[lr]\ntype = 'float'\nlow = 1\nhigh = 2\nlog = true",
        "lr: a float has no setting 'log'; write scale = \"log\"",
    ),
    "another tool's bound": (
        "[lr]\ntype = 'int'\nmin = 1\nhigh = 2",
        "lr: an int has no setting 'min'; write low",
    ),
    "an unknown setting": ("[lr]\ntype = 'float'\nlow = 1\nhigh = 2\nx = 1", "lr: a float has no setting 'x'; it has"),
    "a wrong setting": ("[lr]\ntype = 'float'\nlow = 1\nhigh = 0", "lr: Float needs low < high"),
}

WRONG_SETTINGS = {
    "an unknown name": ({"momentun": 0.9}, "there is no parameter 'momentun'; did you mean 'momentum'"),
    "a missing value": ({"optimizer": "sgd"}, "momentum: it has no value; give one, such as momentum=0.9"),
    "a value outside": ({"optimizer": "sgd", "momentum": 2}, "momentum: the value must be from 0.5 to 0.999, got 2.0"),
    "a value of the wrong kind": ({"optimizer": ["sgd"]}, "optimizer: the value must be one of 'sgd', 'adam'"),
}


def _cases(wrong):
    return pytest.mark.parametrize(("made", "message"), wrong.values(), ids=wrong.keys())


@_cases(WRONG_PARAMETERS)
def test_a_wrong_parameter_says_what_is_wrong(made, message):
    with pytest.raises(SpaceError, match=message):
        made()


@_cases(WRONG_SPACES)
def test_a_wrong_space_names_the_parameter(made, message):
    with pytest.raises(SpaceError, match=message):
        made()


@_cases(WRONG_TOML)
def test_wrong_toml_names_the_parameter(made, message):
    with pytest.raises(SpaceError, match=message):
        Space.from_toml(made)


@_cases(WRONG_SETTINGS)
def test_a_wrong_setting_names_the_parameter(made, message):
    space = Space(optimizer=Choice(["sgd", "adam"]), momentum=tw.momentum(when={"optimizer": "sgd"}))
    with pytest.raises(SpaceError, match=message):
        space.check(made)


def test_every_message_is_one_line_that_can_be_pickled():
    for made, _ in [*WRONG_PARAMETERS.values(), *WRONG_SPACES.values()]:
        with pytest.raises(SpaceError) as caught:
            made()
        assert "\n" not in str(caught.value)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_gap_in_a_point_is_an_error_where_the_parameter_is_active():
    with pytest.raises(SpaceError, match="dropout: the point is NaN there"):
        Space(dropout=tw.dropout()).decode(np.array([np.nan]))


def test_a_value_that_is_not_among_the_choices_has_no_unit():
    with pytest.raises(SpaceError, match="must be one of 'sgd', 'adam'; got 'lion'"):
        Choice(["sgd", "adam"]).to_unit(["sgd", "lion"])


def test_only_what_is_in_the_space_can_be_held():
    with pytest.raises(SpaceError, match="no parameter 'droput' to hold; did you mean 'dropout'"):
        Space(dropout=tw.dropout()).hold(["droput"])
