"""Which of the hyperparameters mattered."""

import numpy as np
import pytest

from tunewell.analysis.importance import MIN_TRIALS, importance, win_rates
from tunewell.history import History
from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space
from tunewell.trial import Trial, TrialState

SPACE = Space(rate=Float(1e-4, 1, scale="log"), width=Int(8, 512, scale="log"), idle=Float(0, 1), held=Choice(["relu"]))


def history_of(space, points, curves, states=None):
    """Trials that trained as many epochs as their curves are long; the longest is a full training."""
    max_epochs = max(map(len, curves))
    history = History(space, max_epochs)
    trials, values = [], []
    for number, (params, curve) in enumerate(zip(space.decode_many(points), curves, strict=True)):
        ended = TrialState.COMPLETE if len(curve) == max_epochs else TrialState.PAUSED
        state = states[number] if states else ended
        trials.append(Trial(number, params, state, len(curve), len(curve), seed=0, started_at=0.0))
        values += [(number, epoch, value) for epoch, value in enumerate(curve, 1)]
    history.update(trials, np.array(values, dtype=float).reshape(-1, 3))
    return history


def halved(points, losses, rng):
    """Curves of 9 epochs that end at the losses, cut at 1 and 3 epochs where others were better, as halving does."""
    curves = losses[:, None] + 1 / np.arange(1, 10) + 0.02 * rng.standard_normal((len(losses), 9))
    best = curves[:, 0].argsort()
    length = np.ones(len(losses), dtype=int)
    length[best[: len(best) // 3]] = 3
    length[best[: len(best) // 9]] = 9
    return [curve[:n] for curve, n in zip(curves, length, strict=True)]


def shares(history, **kwargs):
    found = importance(history, rng=np.random.default_rng(0), **kwargs)
    return {item.name: item.share for item in found}


@pytest.mark.parametrize("seed", range(5))
def test_what_decides_the_loss_ranks_before_what_does_nothing(seed):
    rng = np.random.default_rng(seed)
    points = rng.random((45, 4))
    losses = 3 * (points[:, 0] - 0.6) ** 2 + 0.6 * (points[:, 1] - 0.5) ** 2
    found = importance(history_of(SPACE, points, halved(points, losses, rng)), rng=rng)
    assert found[0].name == "rate"
    assert found[0].share > 0.5
    assert {item.name: item.share for item in found}["idle"] < 0.2


def test_shares_sum_to_one_and_lie_in_their_intervals():
    rng = np.random.default_rng(1)
    points = rng.random((40, 4))
    found = importance(history_of(SPACE, points, [[loss] for loss in points[:, 0]]), rng=rng)
    assert sum(item.share for item in found) == pytest.approx(1)
    assert [item.share for item in found] == sorted((item.share for item in found), reverse=True)
    assert all(0 <= item.low <= item.share <= item.high <= 1 for item in found)


def test_a_parameter_of_one_value_is_left_out():
    points = np.random.default_rng(2).random((20, 4))
    assert "held" not in shares(history_of(SPACE, points, [[loss] for loss in points[:, 1]]))


def test_the_order_of_trials_makes_no_difference():
    rng = np.random.default_rng(3)
    points = rng.random((30, 4))
    curves = halved(points, np.round(points[:, 0], 1), rng)  # with ties
    other = rng.permutation(30)
    here = importance(history_of(SPACE, points, curves), rng=np.random.default_rng(5))
    there = importance(history_of(SPACE, points[other], [curves[i] for i in other]), rng=np.random.default_rng(5))
    assert [item.name for item in here] == [item.name for item in there]
    for field in ("share", "low", "high"):
        assert [getattr(item, field) for item in here] == pytest.approx([getattr(item, field) for item in there])


def test_the_shares_do_not_depend_on_the_generator():
    points = np.random.default_rng(4).random((30, 4))
    history = history_of(SPACE, points, [[loss] for loss in points[:, 0] + points[:, 1]])
    here = importance(history, rng=np.random.default_rng(0), n_bootstrap=20)
    there = importance(history, rng=np.random.default_rng(1), n_bootstrap=20)
    assert [(item.name, item.share) for item in here] == [(item.name, item.share) for item in there]


def test_chance_alone_favours_no_parameter():
    total = np.zeros(3)
    for seed in range(300):
        rng = np.random.default_rng(seed)
        found = shares(history_of(SPACE, rng.random((30, 4)), rng.random((30, 1))), n_bootstrap=0)
        total += [found[name] for name in ("rate", "width", "idle")]
    assert total / total.sum() == pytest.approx([1 / 3] * 3, abs=0.08)


def test_trials_that_are_all_alike_show_nothing():
    points = np.random.default_rng(5).random((12, 4))
    points[:] = points[0]
    assert set(shares(history_of(SPACE, points, [[1.0]] * 12)).values()) == {0.0}


def test_a_choice_that_matters_is_found():
    space = Space(optimizer=Choice(["sgd", "adam", "rmsprop"]), idle=Choice([True, False]), other=Float(0, 1))
    points = np.random.default_rng(6).random((40, 3))
    found = shares(history_of(space, points, [[abs(point[0] - 0.5)] for point in points]))  # adam is best
    assert next(iter(found)) == "optimizer"
    assert found["optimizer"] > 0.7


def test_an_inactive_parameter_is_judged_by_the_trials_that_have_it():
    space = Space(
        optimizer=Choice(["sgd", "adam"]),
        momentum=Float(0, 0.99, when={"optimizer": "sgd"}),
        seldom=Float(0, 1, when={"optimizer": "adam"}),
    )
    rng = np.random.default_rng(7)
    points = rng.random((40, 3))
    points[:, 0] = np.where(np.arange(40) < 32, 0.25, 0.75)
    losses = np.where(points[:, 0] < 0.5, points[:, 1], 0.5)
    found = shares(history_of(space, points, losses[:, None]))
    assert next(iter(found)) == "momentum"
    assert found["seldom"] == 0  # eight trials say nothing


def test_too_few_trials_say_nothing():
    points = np.random.default_rng(8).random((MIN_TRIALS, 4))
    losses = points[:, :1]
    assert shares(history_of(SPACE, points[1:], losses[1:])) == {}
    assert shares(history_of(SPACE, points, losses)) != {}


def test_trials_are_compared_at_the_last_epoch_that_both_have():
    curves = [[0.5, 0.4, 0.1], [0.6, 0.3], [0.7, 0.2, 0.2], [0.4]]
    history = history_of(SPACE, np.full((4, 4), 0.5), curves)
    # at epoch 1 the last one beats all; at epoch 2: 2 before 1 before 0; at epoch 3: 0 before 2
    assert win_rates(history) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])


def test_a_failed_trial_is_worse_than_any_and_one_without_a_report_is_not_compared():
    states = [TrialState.COMPLETE, TrialState.FAILED, TrialState.RUNNING, TrialState.COMPLETE]
    history = history_of(SPACE, np.full((4, 4), 0.5), [[0.5, 0.4], [0.1], [], [0.9, 0.8]], states)
    assert win_rates(history) == pytest.approx([1, 0, np.nan, 0.5], nan_ok=True)


def test_a_history_with_no_trial_says_nothing():
    assert importance(History(SPACE, 3), rng=np.random.default_rng(0)) == []
