"""The difference that a change made, against made-up pairs of curves whose difference is known."""

import math

import numpy as np
import pytest

from tunewell.analysis.twins import difference


def pair(gain, noise, correlation, n, rng):
    errors = np.zeros(n)
    for i in range(n):
        errors[i] = correlation * (errors[i - 1] if i else 0) + noise * rng.normal()
    base = np.geomspace(2, 1, n)
    return base - gain + errors, base


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_the_interval_holds_the_true_difference_about_as_often_as_it_says(correlation):
    rng = np.random.default_rng(0)
    found = [difference(*pair(0.1, 0.05, correlation, 24, rng), 0) for _ in range(400)]
    held = np.mean([abs(one.mean - 0.1) <= one.margin for one in found])
    assert held > 0.88


def test_only_epochs_that_both_have_reported_count():
    changed, unchanged = np.array([9.0, 1.0, math.nan, 0.5]), np.array([9.0, 1.5, 1.0])
    found = difference(changed, unchanged, 1)
    assert (found.epochs, found.mean, found.margin) == (1, 0.5, math.inf)
    assert difference(changed, unchanged, 3) is None
    same = difference(unchanged, unchanged, 0)
    assert (same.mean, same.margin) == (0.0, 0.0)


def test_a_run_that_is_equal_to_its_twin_is_known():
    same = np.linspace(1.0, 0.5, 9)
    assert difference(same, same, 3).is_none
    assert not difference(same - 1e-9, same, 3).is_none
