"""What `tunewell space` shows: histograms on an axis that fits the range, so that a wrong scale is seen."""

import numpy as np
import pytest

import tunewell as tw
from tunewell import Choice, Float, Int, Space
from tunewell.space.preview import lines, preview


def _one(param, n=2000):
    (histogram,) = preview(Space(x=param), np.random.default_rng(0), n)
    return histogram


def _picture(param):
    return lines([_one(param)])[0][3:35]


@pytest.mark.parametrize(
    "param",
    [
        Float(1e-4, 1, scale="log"),
        Float(0.9, 0.999, scale="log1m"),
        Float(0, 0.6),
        Int(16, 512, scale="log"),
        Int(10, 40),
        Choice([0.1]),
    ],
    ids=repr,
)
def test_a_scale_that_fits_its_range_looks_flat(param):
    assert set(_picture(param)) <= set("▇█")


def test_a_linear_scale_over_decades_has_its_draws_in_the_last_decade():
    histogram = _one(Float(1e-4, 1))
    assert histogram.axis == "log"
    assert sum(histogram.shares[-8:]) == pytest.approx(0.9, abs=0.01)
    assert set(_picture(Float(1e-4, 1))[:16]) <= set(" ▁")


def test_a_linear_scale_up_to_near_one_has_its_draws_far_from_it():
    assert _one(Float(0.9, 0.999)).axis == "log1m"
    assert sum(_one(Float(0.9, 0.999)).shares[16:]) == pytest.approx(0.09, abs=0.01)


@pytest.mark.parametrize(
    "param", [Float(1e-4, 1), Int(3, 700), Int(1, 4), Choice(["a", "b", "c"]), tw.beta2()], ids=repr
)
def test_shares_are_of_all_draws(param):
    histogram = _one(param)
    assert sum(histogram.shares) == pytest.approx(1)
    assert len(histogram.shares) == (len(histogram.bars) or len(histogram.edges) - 1)


def test_a_few_whole_numbers_and_choices_have_a_bar_each():
    assert _one(Int(1, 4)).bars == (1, 2, 3, 4)
    assert _one(Choice(["a", "b"])).bars == ("a", "b")
    assert _one(Choice(["a", "b"])).quantiles == ()


def test_the_share_in_which_a_parameter_is_active_is_told():
    space = Space(o=Choice(["a", "b", "c", "d"]), x=Float(0, 1, when={"o": "a"}))
    histograms = preview(space, np.random.default_rng(0), 2000)
    assert histograms[1].active == pytest.approx(0.25)
    assert lines(histograms)[3].endswith("active in 25%")


def test_the_picture_has_its_axis_below_and_the_declaration_beside():
    first, second = lines([_one(tw.learning_rate())])
    assert first == "x  ████████████████████████████████  log float, tier 1, default 0.01, live"
    assert second == "   0.0001        0.01    0.1      1  half below 0.01"


def test_lines_fit_in_a_hundred_columns():
    space = Space(
        {
            f"a_rather_long_name_for_a_parameter_{n}": Choice([f"{'long' * n}_{i}" for i in range(n)])
            for n in range(1, 30)
        },
        learning_rate=tw.learning_rate(),
        held=Choice([0.123456789]),
        widest_of_them_all=Float(0, 1e-9, default=1.23456e-10, live=True, when={"held": 0.123456789}),
        verbose=Choice(["a" * 50, "b"], default="a" * 50),
    )
    for line in lines(preview(space, np.random.default_rng(0), 100)):
        assert len(line) <= 100


def test_a_parameter_that_no_draw_made_active_has_an_empty_picture():
    space = Space(o=Choice(list(range(100))), x=Float(0, 1, when={"o": 7}))
    *_, histogram = preview(space, np.random.default_rng(0), 1)
    assert histogram.active == 0
    assert lines([histogram])[0].startswith("x" + " " * 36)


def test_the_same_generator_gives_the_same_preview():
    space = Space(x=tw.momentum(), y=Float(0, 1))
    assert preview(space, np.random.default_rng(3), 50) == preview(space, np.random.default_rng(3), 50)


@pytest.mark.parametrize(
    "param",
    [
        Int(16, 256, scale="log"),
        Int(16, 256),
        Int(100, 1600, scale="log"),
        Float(0.01, 0.2, scale="log"),
        Float(0.8, 0.95, scale="log1m"),
        Float(1.0, 20.0),
    ],
    ids=repr,
)
def test_a_range_that_calls_for_no_scale_is_flat_on_the_declared_one(param):
    shown = _one(param)
    assert shown.axis == param.scale
    widths = np.diff(param.to_unit(shown.edges))
    inner = (np.array(shown.shares) / widths)[1:-1]
    assert inner.max() < 1.6 * inner.min()
