"""Curves drawn with characters."""

import math

from tunewell.display.plots import curve, sparkline


def test_a_curve_has_its_lowest_value_at_the_bottom_and_its_epochs_below():
    lines = list(curve([3.0, 2.0, 1.0], height=3))
    assert lines == ["3.000 ┤•", "      ┤ •", "1.000 ┤  •", "      └───", "       1 3"]


def test_a_curve_leaves_out_what_is_not_finite_and_may_be_flat_or_empty():
    assert list(curve([math.nan, math.inf])) == []
    assert list(curve([2.0, math.nan, 2.0])) == ["2.000 ┤• •", "      └───", "       1 3"]


def test_a_long_curve_is_as_wide_as_it_may_be():
    lines = list(curve(list(range(1000)), width=40))
    assert max(map(len, lines)) <= 40 + len("999.0 ┤")
    assert lines[-1].split() == ["1", "1000"]


def test_a_sparkline_goes_from_the_lowest_bar_to_the_highest():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([math.nan, 1.0, math.inf, 2.0]) == "▁█"
    assert sparkline([]) == ""


def test_a_sparkline_of_many_values_is_as_wide_as_it_may_be():
    assert len(sparkline(list(range(1000)), width=20)) == 20
