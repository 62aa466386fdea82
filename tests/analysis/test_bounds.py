"""When the best lies at the end of a range."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.analysis.bounds import at_bounds
from tunewell.history import History
from tunewell.trial import Trial, TrialState


def advice(param, values, name="x"):
    """What is said of a parameter whose values these are, the best first."""
    space = tw.Space({name: param})
    history = History(space, 1)
    trials = [
        Trial(i, tw.Params({name: value}), TrialState.COMPLETE, epochs=1, until=1, seed=0, started_at=0.0)
        for i, value in enumerate(values)
    ]
    history.update(trials, np.array([[i, 1, float(i)] for i in range(len(values))]))
    return [(one.side, one.suggested) for one in at_bounds(history)]


RATES = [1.0, 1.0, 0.1, 0.1, 0.1, *[0.01] * 5]


def test_a_best_at_the_upper_bound_is_named_with_a_bound_a_third_of_the_scale_further():
    assert advice(tw.Float(1e-3, 1.0, scale="log"), RATES) == [("high", 10.0)]
    assert advice(tw.Float(0.0, 3.0), [3.0, 2.99, *[1.0] * 8]) == [("high", 4.0)]


def test_a_best_at_the_lower_bound_is_named_too():
    assert advice(tw.Float(1e-3, 1.0, scale="log"), [1e-3, 1e-3, *[0.1] * 8]) == [("low", 1e-4)]
    assert advice(tw.Float(-3.0, 3.0), [-3.0, -3.0, *[0.1] * 8]) == [("low", -5.0)]


@pytest.mark.parametrize(
    "values", [[0.5, 0.4, *[0.1] * 8], [1.0, 0.4, *[0.1] * 8], [0.4, 1.0, 1.0, 1.0, 1.0, *[0.1] * 5], [1.0] * 9]
)
def test_a_best_inside_one_lucky_trial_and_few_trials_are_not_named(values):
    assert advice(tw.Float(1e-3, 1.0, scale="log"), values) == []


@pytest.mark.parametrize(
    ("param", "best", "found"),
    [
        (tw.Float(0.0, 0.6), 0.0, []),  # nothing is below no dropout
        (tw.Float(0.1, 0.6), 0.1, [("low", 0.0)]),
        (tw.Float(0.0, 0.6), 0.6, [("high", 0.8)]),
        (tw.Float(0.0, 0.9), 0.9, [("high", 0.95)]),
        (tw.Float(0.0, 1.0), 1.0, []),
        (tw.Float(0.5, 0.99, scale="log1m"), 0.99, [("high", 0.9973)]),
    ],
)
def test_a_share_stays_a_share(param, best, found):
    assert advice(param, [best, best, *[0.55] * 8], "dropout_1") == found


@pytest.mark.parametrize(
    ("param", "best", "found"),
    [
        (tw.Int(1, 4), 4, [("high", 5)]),
        (tw.Int(1, 4), 1, []),
        (tw.Int(2, 4), 2, [("low", 1)]),
        (tw.Int(16, 512, scale="log"), 512, [("high", 1600)]),
        (tw.Int(0, 9), 0, []),
    ],
)
def test_the_last_of_a_few_whole_numbers_is_a_bound(param, best, found):
    assert advice(param, [best, best, *[3 if param.low < 3 else 100] * 8]) == found
