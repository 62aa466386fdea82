"""What holds for every space: values come back, bounds hold, scales are even, spaces survive being written down."""

import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tunewell.space.params import Choice, Float, Int
from tunewell.space.scales import DEFAULT, SCALES, Span
from tunewell.space.space import Space

UNITS = st.floats(0, 1)
ANY_UNITS = st.floats(allow_nan=False)
AWKWARD = "aB0 _-.=#'\"\\\n\r\t\x00\x7f[]{}é☃𝔘"
TIERS = st.sampled_from([None, 1, 2, 3])


@st.composite
def ranges(draw, scale):
    """Bounds of a float on a scale."""
    start = draw(st.floats(-25, 25))
    low, high = sorted(float(scale.value(place)) for place in (start, start + draw(st.floats(0.02, 25))))
    assume(low < high and scale.misfit(Span(low, high)) is None)
    return low, high


@st.composite
def floats_on_any_scale(draw, **settings):
    scale = draw(st.sampled_from(list(SCALES.values())))
    return Float(*draw(ranges(scale)), scale=scale.name, **settings)


@st.composite
def far_floats(draw, **settings):
    low = draw(st.floats(-1e6, 1e6))
    return Float(low, low + draw(st.floats(1e-3, 1e6)), scale=DEFAULT, **settings)


@st.composite
def ints(draw, **settings):
    scale = draw(st.sampled_from([scale for scale in SCALES.values() if scale.whole]))
    lows = st.integers(1, 10**9) | st.integers(-(10**9), 10**9)
    low = draw(lows.filter(lambda low: scale.misfit(Span(low, low + 1, whole=True)) is None))
    return Int(low, low + draw(st.integers(1, 10**9)), scale=scale.name, **settings)


@st.composite
def choices(draw, **settings):
    value = st.one_of(
        st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(AWKWARD, max_size=5)
    )
    return Choice(
        draw(st.lists(value, min_size=1, max_size=6, unique_by=(lambda v: v, str))),
        ordered=draw(st.booleans()),
        **settings,
    )


def floats(**settings):
    return st.one_of(floats_on_any_scale(**settings), far_floats(**settings))


def params(**settings):
    return st.one_of(floats(**settings), ints(**settings), choices(**settings))


@st.composite
def spaces(draw):
    """Up to six parameters, some of them under a condition on a choice or an int, children before parents too."""
    parents = {"kind": draw(choices()), "depth": Int(1, 3)}
    found = dict(parents)
    for name in draw(st.lists(st.sampled_from("abcd"), unique=True)):
        parent = draw(st.sampled_from([None, *parents]))
        when = None
        if parent is not None:
            values = parents[parent].decode(draw(st.lists(UNITS, min_size=1, max_size=2)))
            when = {parent: values}
        plain = draw(params(tier=draw(TIERS), live=draw(st.booleans())))
        default = draw(st.none() | UNITS.map(lambda unit, param=plain: param.decode([unit])[0]))
        given_settings = {"tier": plain.tier, "live": plain.live, "default": default, "when": when}
        if isinstance(plain, Choice):
            found[name] = Choice(plain.values, ordered=plain.ordered, **given_settings)
        else:
            found[name] = type(plain)(plain.low, plain.high, scale=plain.scale, **given_settings)
    return Space({name: found[name] for name in draw(st.permutations(list(found)))})


@st.composite
def spaces_and_points(draw):
    space = draw(spaces())
    return space, np.array(draw(st.lists(UNITS, min_size=len(space.params), max_size=len(space.params))))


@given(param=floats(), unit=UNITS)
def test_a_float_comes_back_from_its_unit(param, unit):
    value = float(param.from_unit(unit))
    back = float(param.from_unit(param.to_unit(value)))
    # no closer than rounding on the scale allows, and rounding of the value
    axis, scale = param._axis, SCALES[param.scale]
    place, off = scale.place(value), 1e-14 * (abs(axis.start) + axis.length)
    assert abs(back - value) <= scale.value(place + off) - scale.value(place - off) + 4 * np.spacing(abs(value))


@given(param=st.one_of(ints(), choices()), unit=UNITS)
def test_an_int_or_a_choice_comes_back_exactly_from_its_unit(param, unit):
    (value,) = param.decode([unit])
    (back,) = param.decode(param.to_unit([value]))
    assert back == value
    assert type(back) is type(value)


@given(param=floats(), unit=UNITS)
def test_a_unit_comes_back_from_its_float(param, unit):
    value = param.from_unit(unit)
    # where floats are coarser than the scale, no closer than to the next float
    coarse = abs(float(param.to_unit(np.nextafter(value, param.high)) - param.to_unit(np.nextafter(value, param.low))))
    assert abs(float(param.to_unit(value)) - unit) <= 1e-12 + coarse


@given(param=st.one_of(floats(), ints()), unit=ANY_UNITS)
def test_bounds_are_never_left_by_rounding_nor_by_units_outside(param, unit):
    assert param.low <= param.from_unit(unit) <= param.high
    assert param.low <= param.decode([unit])[0] <= param.high
    assert param.contains(param.decode([unit])[0])


@given(param=choices(), unit=ANY_UNITS)
def test_a_choice_is_one_of_its_values_whatever_the_unit(param, unit):
    assert param.from_unit(unit) in param.values


@given(param=st.one_of(floats(), ints()), value=st.floats(allow_nan=False))
def test_units_stay_in_the_cube_whatever_the_value(param, value):
    assert 0 <= param.to_unit(value) <= 1


@given(param=st.one_of(floats(), ints()), units=st.lists(UNITS, min_size=2))
def test_a_larger_unit_is_never_a_smaller_value(param, units):
    assert (np.diff(param.from_unit(np.sort(units))) >= 0).all()


@given(param=params())
def test_arrays_of_any_shape_go_both_ways(param):
    units = np.linspace(0, 1, 6).reshape(2, 3)
    assert param.from_unit(units).shape == (2, 3)
    assert param.to_unit(param.from_unit(units)).shape == (2, 3)


@given(low=st.integers(-8, 2), decades=st.integers(2, 8))
def test_a_log_scale_draws_as_often_from_each_decade_and_a_linear_one_does_not(low, decades):
    bounds = 10.0**low, 10.0 ** (low + decades)
    edges = 10.0 ** np.arange(low, low + decades + 1)
    assert _shares(Float(*bounds, scale="log"), edges) == pytest.approx([1 / decades] * decades, abs=0.002)
    assert _shares(Float(*bounds), edges)[-1] == pytest.approx(0.9, abs=0.01)


@given(nines=st.integers(1, 5), decades=st.integers(2, 5))
def test_a_log1m_scale_draws_as_often_from_each_decade_of_the_distance_to_one(nines, decades):
    edges = 1 - 10.0 ** -np.arange(nines, nines + decades + 1)
    param = Float(edges[0], edges[-1], scale="log1m")
    assert _shares(param, edges) == pytest.approx([1 / decades] * decades, abs=0.002)


def test_log1m_draws_as_often_from_90_to_99_as_from_99_to_999():
    assert _shares(Float(0.9, 0.999, scale="log1m"), [0.9, 0.99, 0.999]) == pytest.approx([0.5, 0.5], abs=0.001)


@given(scale=st.sampled_from(list(SCALES.values())), data=st.data())
def test_equal_stretches_of_any_scale_are_drawn_as_often(scale, data):
    param = Float(*data.draw(ranges(scale)), scale=scale.name)
    edges = scale.value(np.linspace(scale.place(param.low), scale.place(param.high), 5))
    assume((np.diff(edges) > 1e4 * np.spacing(np.abs(edges[1:]))).all())
    assert _shares(param, edges) == pytest.approx([1 / 4] * 4, abs=0.002)


@given(scale=st.sampled_from(list(SCALES.values())), data=st.data())
def test_a_range_is_widened_to_one_that_its_scale_has_places_for(scale, data):
    low, high = data.draw(ranges(scale))
    lower, higher = scale.widened(Span(low, high))
    wider = Float(min(low, lower), max(high, higher), scale=scale.name)
    assert wider.contains(low)
    assert wider.contains(high)


@given(scale=st.sampled_from(list(SCALES.values())), low=st.floats(-2, 2), length=st.floats(0.01, 3))
def test_a_scale_says_of_every_range_whether_it_has_a_place_for_it(scale, low, length):
    span = Span(low, low + length)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = [float(scale.place(low)), float(scale.place(low + length))]
    assert (scale.misfit(span) is None) == all(map(math.isfinite, places))


@given(low=st.integers(-1000, 1000), count=st.integers(2, 40))
def test_a_linear_int_draws_every_value_as_often(low, count):
    param = Int(low, low + count - 1)
    values, counts = np.unique(param.from_unit(_even(100 * count)), return_counts=True)
    assert values.tolist() == list(range(low, low + count))
    assert counts == pytest.approx(100, abs=1)


@given(param=choices())
def test_a_choice_draws_every_value_as_often(param):
    drawn = param.decode(_even(100 * len(param.values)))
    assert [drawn.count(value) for value in param.values] == pytest.approx([100] * len(param.values), abs=1)


def _even(n):
    return (np.arange(n) + 0.5) / n


def _shares(param, edges):
    edges = np.array(edges)
    edges[[0, -1]] = param.low, param.high
    counts, _ = np.histogram(param.from_unit(_even(2000)), edges)
    return counts / 2000


@given(case=spaces_and_points())
def test_encoding_undoes_decoding(case):
    space, point = case
    params = space.decode(point)
    encoded = space.encode(params)
    again = space.decode(encoded)
    assert list(again) == list(params)
    for name, value in params.items():
        if isinstance(space.params[name], Float):
            param = space.params[name]
            assert again[name] == pytest.approx(value, rel=1e-9, abs=1e-9 * (param.high - param.low))
        else:
            assert again[name] == value
    assert [name for name, unit in zip(space.names, encoded, strict=True) if not math.isnan(unit)] == list(params)


@given(case=spaces_and_points())
def test_a_parameter_is_there_exactly_when_its_condition_holds(case):
    space, point = case
    params = space.decode(point)
    for name, param in space.params.items():
        holds = all(params.get(parent) in values for parent, values in param.conditions.items())
        assert (name in params) == holds


@given(space=spaces(), seed=st.integers(0, 2**32))
def test_many_settings_are_coded_as_each_alone(space, seed):
    points = np.random.default_rng(seed).random((5, len(space.params)))
    many = space.decode_many(points)
    assert many == [space.decode(point) for point in points]
    np.testing.assert_array_equal(space.encode_many(many), [space.encode(params) for params in many])


@given(space=spaces(), seed=st.integers(0, 2**32))
def test_points_are_rounded_as_settings_are(space, seed):
    points = np.random.default_rng(seed).random((5, len(space.params)))
    for setting, again in zip(space.decode_many(points), space.decode_many(space.rounded(points)), strict=True):
        assert list(again) == list(setting)
        for name, value in setting.items():
            assert again[name] == (pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value)


@given(case=spaces_and_points())
def test_what_is_decoded_passes_the_check_unchanged(case):
    space, point = case
    params = space.decode(point)
    assert space.check(params) == params
    assert list(space.check(params)) == list(params)


@given(space=spaces())
def test_the_defaults_pass_the_check(space):
    assert space.check(space.defaults()) == space.defaults()


@given(space=spaces())
def test_a_space_survives_toml_json_and_pickle(space):
    assert Space.from_toml(space.to_toml()) == space
    assert Space.from_dict(json.loads(json.dumps(space.to_dict()))) == space
    assert pickle.loads(pickle.dumps(space)) == space


@given(space=spaces(), data=st.data())
def test_a_held_parameter_keeps_its_default_in_every_setting(space, data):
    held = data.draw(st.sets(st.sampled_from(space.names)))
    smaller = space.hold(held)
    for params in smaller.decode_many(np.random.default_rng(0).random((5, len(smaller.params)))):
        assert space.check(params) == params
        for name in held & params.keys():
            assert params[name] == space.params[name].usual
