"""Grid search wastes trials where random search does not (Bergstra and Bengio, 2012)."""

import runpy
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "search" / "grid_against_random.py"


@pytest.fixture(scope="module")
def rows():
    return {row.sampler: row for row in runpy.run_path(str(BENCHMARK))["compare"](n_studies=40)}


def test_nine_grid_trials_try_three_values_of_the_parameter_that_matters_and_nine_random_trials_nine(rows):
    assert rows["grid"].values_tried == 3
    assert rows["random"].values_tried == 9
    assert rows["sobol"].values_tried == 9


@pytest.mark.parametrize("grid", ["grid", "grid, inset"])
def test_random_finds_the_better_value(rows, grid):
    assert rows["random"].best > rows[grid].best + 0.1
    assert rows["random"].found > rows[grid].found + 0.1


def test_sobol_finds_a_better_one_still(rows):
    assert rows["sobol"].best > rows["random"].best + 0.05
