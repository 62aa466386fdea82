"""What more time would buy, where it is known what it does."""

import numpy as np
import pytest

from tunewell.analysis.more_time import gain_of

FULL = 10


def searches(n, epochs, *, dimensions=2, floor=0.1):
    """Yield what the epochs of searches report: trainings of random settings, around an optimum."""
    rng = np.random.default_rng(0)
    for _ in range(n):
        distance = np.linalg.norm(rng.uniform(-1, 1, (epochs // FULL, dimensions)), axis=1)
        final = floor + distance[:, None] ** 2
        yield (final * (1 + np.exp(-np.arange(1, FULL + 1) / 2))).ravel()


@pytest.mark.parametrize("dimensions", [1, 2, 4])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_what_more_epochs_gain_lies_in_the_interval(dimensions, share):
    gained, found = [], []
    for values in searches(120, 800, dimensions=dimensions):
        said = gain_of(values[:400], int(400 * share), FULL)
        assert 0 <= said.low <= said.mean
        assert said.low <= said.high
        gained.append(values[:400].min() - values[: 400 + int(400 * share)].min())
        found.append(said)
    held = [one.low <= true <= one.high for one, true in zip(found, gained, strict=True)]
    assert np.mean(held) >= 0.75
    if dimensions > 1:  # of one parameter nearly all is found by then
        assert np.mean([one.mean for one in found]) < 5 * np.mean(gained) < 10 * np.mean([one.mean for one in found])


def test_a_search_that_still_gains_gains_more_than_one_that_has_stopped_to():
    epochs = np.arange(1.0, 401.0)
    gaining, stopped = gain_of(1 / epochs, 200, FULL), gain_of(np.maximum(1 / epochs, 1 / 40), 200, FULL)
    assert gaining.low > 0
    assert gaining.low <= 1 / 400 - 1 / 600 <= gaining.high
    assert stopped.mean < gaining.mean / 2
    assert stopped.low == 0


def test_nothing_is_said_of_a_search_that_has_just_begun_nor_of_longer_than_it_has_gone_on():
    epochs = np.arange(1.0, 101.0)
    assert gain_of(1 / epochs[:39], 10, FULL) is None
    assert gain_of(1 / epochs[:40], 10, FULL) is not None
    assert gain_of(1 / epochs, 10_000, FULL).epochs == 50
    assert gain_of(np.full(100, np.nan), 10, FULL) is None
    assert gain_of(np.empty(0), 10, FULL) is None


def test_the_unit_is_the_metrics_own():
    values = 1 / np.arange(1.0, 401.0)
    one, other = gain_of(values, 100, FULL), gain_of(1000 * values - 7, 100, FULL)
    assert (other.low, other.mean, other.high) == pytest.approx((1000 * one.low, 1000 * one.mean, 1000 * one.high))
