"""What the trials of a study teach besides the importance of parameters: known functions, known waste, known noise."""

import numpy as np
import pytest

from tunewell.analysis import in_common as common_module
from tunewell.analysis import noise as noise_module
from tunewell.analysis.importance import importances
from tunewell.analysis.in_common import in_common
from tunewell.analysis.interactions import interactions
from tunewell.analysis.noise import noise
from tunewell.analysis.waste import waste
from tunewell.history import History
from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.trial import Trial, TrialState

FOUR = Space(a=Float(0, 1), b=Float(0, 1), c=Float(1e-4, 1, scale="log"), d=Int(1, 100))
EMPTY = History(FOUR, 3)


def trials_of(space, points, lengths, **changes):
    """The trials, complete unless `states` says otherwise."""
    states = changes.pop("states", [TrialState.COMPLETE] * len(points))
    given = [{name: values[i] for name, values in changes.items()} for i in range(len(points))]
    params = [Params({}) if points is None else p for p in space.decode_many(np.asarray(points))]
    return [
        Trial(i, params[i], states[i], n, n, seed=0, started_at=0.0, **given[i]) for i, n in enumerate(lengths)
    ]  # fmt: skip


def history_of(space, points, curves, **changes):
    trials = trials_of(space, points, [len(curve) for curve in curves], **changes)
    history = History(space, max(map(len, curves)))
    values = [(i, epoch, value) for i, curve in enumerate(curves) for epoch, value in enumerate(curve, 1)]
    history.update(trials, np.array(values, dtype=float).reshape(-1, 3))
    return history


def drawn(space, losses_of, n, seed, noise=0.05):
    rng = np.random.default_rng(seed)
    points = rng.random((n, len(space.params)))
    return history_of(space, points, (losses_of(points) + noise * rng.standard_normal(n))[:, None])


@pytest.mark.parametrize("n", [60, 300])
def test_parameters_that_only_add_up_do_not_interact(n):
    sure = [
        bool(interactions(drawn(FOUR, lambda p: p[:, 0] + 2 * (p[:, 1] - 0.4) ** 2, n, seed)).sure)
        for seed in range(40)
    ]
    assert sum(sure) <= 5  # 5 % are two; nine of ten times it is at most four


@pytest.mark.parametrize("n", [60, 300])
def test_what_only_multiplies_adds_up_on_another_scale(n):
    def product(p):
        return np.exp(2 * p[:, 0] + 3 * (p[:, 1] - 0.4) ** 2)

    assert sum(bool(interactions(drawn(FOUR, product, n, seed, 0.1)).sure) for seed in range(20)) <= 3


@pytest.mark.parametrize("seed", range(5))
def test_a_product_of_both_signs_is_found_and_named_first(seed):
    found = interactions(drawn(FOUR, lambda p: (p[:, 0] - 0.5) * (p[:, 2] - 0.5) + 0.1 * p[:, 1], 100, seed, 0.02))
    assert found.pairs[0].names in (("a", "c"), ("c", "a"))
    assert [pair.names for pair in found.sure] == [found.pairs[0].names]
    assert found.pairs[0].share > 0.35


def test_a_valley_across_two_parameters_is_one_of_both():
    found = interactions(drawn(FOUR, lambda p: (p[:, 0] - p[:, 1]) ** 2, 200, 0, 0.01))
    assert set(found.sure[0].names) == {"a", "b"}


def test_the_share_is_that_of_the_functional_anova():
    """f = a + b + 2 sqrt(3) (a - 1/2)(b - 1/2), of variances 1/12 each: ranks bend it only a little."""
    found = interactions(
        drawn(FOUR, lambda p: p[:, 0] + p[:, 1] + 12**0.5 * (p[:, 0] - 0.5) * (p[:, 1] - 0.5), 3000, 1, 0.0)
    )
    assert found.pairs[0].share == pytest.approx(1 / 3, abs=0.08)


def test_choices_that_only_fit_together_are_found():
    space = Space(norm=Choice(["none", "batch", "layer"]), act=Choice(["relu", "tanh"]), x=Float(0, 1))
    found = interactions(drawn(space, lambda p: np.where((p[:, 0] < 1 / 3) == (p[:, 1] < 0.5), 0.0, 1.0), 120, 2, 0.05))
    assert set(found.sure[0].names) == {"norm", "act"}


def test_a_conditional_parameter_is_not_taken_for_an_interaction():
    space = Space(opt=Choice(["sgd", "adam"]), momentum=Float(0, 0.9, when={"opt": "sgd"}), x=Float(0, 1))
    found = interactions(drawn(space, lambda p: p[:, 2] + 0.5 * (p[:, 0] < 0.5), 150, 3))
    assert not found.sure


def test_of_many_parameters_those_that_matter_most_are_paired():
    space = Space({f"p{i}": Float(0, 1) for i in range(60)})
    found = interactions(drawn(space, lambda p: (p[:, 7] - 0.5) * (p[:, 9] - 0.5) + (p[:, 7] + p[:, 9]) / 2, 400, 4))
    assert {"p7", "p9"} <= set(found.parameters)
    assert len(found.parameters) + len(found.left_out) == 60
    assert set(found.pairs[0].names) == {"p7", "p9"}


@pytest.mark.parametrize("history", [EMPTY, drawn(FOUR, lambda p: p[:, 0], 12, 0)], ids=["none", "twelve"])
def test_of_too_few_trials_no_pair_is_known(history):
    found = interactions(history)
    assert found.pairs == ()
    assert "it takes 20" in found.too_few


def test_trials_that_are_all_equal_show_no_pair():
    assert not interactions(history_of(FOUR, np.random.default_rng(0).random((50, 4)), [[1.0]] * 50)).sure


def test_too_few_trials_are_a_result():
    found = importances(drawn(FOUR, lambda p: p[:, 0], 9, 0))
    assert len(found) == 0
    assert found.too_few == "9 trials can be compared with others, and it takes 10"
    assert importances(drawn(FOUR, lambda p: p[:, 0], 10, 0)).too_few is None


def test_a_thousand_trials_more_change_no_share_by_much():
    """Beyond a thousand, settings that are hardly apart are taken together, and some are resampled for all."""
    whole = drawn(FOUR, lambda p: (p[:, 0] - 0.3) ** 2 + 0.3 * p[:, 3] ** 2, 1001, 5)
    part = drawn(FOUR, lambda p: (p[:, 0] - 0.3) ** 2 + 0.3 * p[:, 3] ** 2, 1000, 5)
    for one in importances(whole):
        other = importances(part)[one.name]
        assert one.share == pytest.approx(other.share, abs=0.05)
        assert one.high - one.low == pytest.approx(other.high - other.low, abs=0.06)


def test_trials_that_failed_are_counted():
    states = [TrialState.FAILED] * 3 + [TrialState.COMPLETE] * 12
    points = np.random.default_rng(0).random((15, 4))
    found = importances(history_of(FOUR, points, points[:, :1], states=states))
    assert (found.trials, found.failed, found.left_out) == (15, 3, 0)


def test_the_range_of_the_best_is_in_the_parameters_units():
    found = in_common(drawn(FOUR, lambda p: np.abs(p[:, 2] - 0.5), 200, 0, 0.0))
    first = found.parameters[0]
    assert (first.name, found.best, found.trials) == ("c", 50, 200)
    assert [one.name for one in found.sure] == ["c"]
    # the best quarter has c within 0.125 of the middle of its scale, eight of ten of them within 0.1
    assert np.log10([first.low, first.high]) == pytest.approx([-2.4, -1.6], abs=0.12)
    assert np.log10([first.low_of_all, first.high_of_all]) == pytest.approx([-3.6, -0.4], abs=0.2)


def test_a_choice_is_told_by_the_shares_of_its_values():
    space = Space(kind=Choice(["a", "b", "c"]), x=Float(0, 1))
    found = in_common(drawn(space, lambda p: 1.0 * (p[:, 0] < 2 / 3), 120, 1))
    assert [one.name for one in found.sure] == ["kind"]
    assert found.sure[0].shares["c"] > 0.9
    assert sum(found.sure[0].shares_of_all.values()) == pytest.approx(1)


def test_luck_is_not_taken_for_something_in_common():
    space = Space({f"p{i}": Float(0, 1) for i in range(8)} | {"kind": Choice(["a", "b", "c"])})
    lucky = [bool(in_common(drawn(space, lambda p: 0 * p[:, 0], 60, seed, 1.0)).sure) for seed in range(60)]
    assert sum(lucky) <= 8


def test_the_chance_of_two_samples_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    one, other = rng.random(40), rng.random(160) ** 1.3
    assert common_module._smirnov(one, other) == pytest.approx(stats.ks_2samp(one, other).pvalue, rel=0.15)
    counts = np.array([[12, 20, 8], [40, 70, 50]])
    expected = stats.chi2_contingency(counts, correction=False).pvalue
    assert common_module._pearson(*counts) == pytest.approx(expected)


def test_of_too_few_trials_nothing_is_in_common():
    assert "it takes 10" in in_common(EMPTY).too_few


def test_epochs_are_wasted_once_and_for_a_reason():
    rng = np.random.default_rng(0)
    points = rng.random((24, 4))
    points[20] = points[3]
    curves = [list(i / 10 + 1 / np.arange(1, 9)) for i in range(20)] + [[0.5] * 4, [0.5] * 3, [0.9, np.inf], [0.9]]
    states = [TrialState.COMPLETE] * 20 + [
        TrialState.COMPLETE, TrialState.FAILED, TrialState.STOPPED, TrialState.PAUSED
    ]  # fmt: skip
    history = history_of(FOUR, points, curves, states=states)
    found = waste(history, trials_of(FOUR, points, map(len, curves), states=states, retrained=[0] * 23 + [5]))
    assert {one.kind: one.epochs for one in found.kinds if one.kind != "hopeless"} == {
        "failed": 3, "diverged": 2, "repeated": 4, "retrained": 5
    }  # fmt: skip
    assert found["repeated"].trials == (20,)
    assert set(found["hopeless"].trials) <= set(range(8, 20))
    assert found.trained == 20 * 8 + 4 + 3 + 2 + 1
    assert found.share == pytest.approx(found.epochs / (found.trained + 5))


def test_a_trial_that_came_back_was_not_hopeless():
    points = np.random.default_rng(1).random((12, 4))
    curves = [[1.0, 1.0, 1.0, 1.0]] * 11 + [[2.0, 2.0, 2.0, 0.1]]
    history = history_of(FOUR, points, curves)
    assert waste(history, trials_of(FOUR, points, [4] * 12))["hopeless"].epochs == 0


def test_few_trials_are_no_median():
    points = np.random.default_rng(1).random((9, 4))
    curves = [[float(i)] * 4 for i in range(9)]
    assert waste(history_of(FOUR, points, curves), trials_of(FOUR, points, [4] * 9)).epochs == 0


def test_a_branch_pays_for_its_own_epochs_and_repeats_nothing():
    points = np.full((2, 4), 0.5)
    curves = [[1.0] * 6, [1.0] * 6]
    changes = {"parent": [None, 0], "parent_epoch": [None, 4], "states": [TrialState.COMPLETE, TrialState.FAILED]}
    history = history_of(FOUR, points, curves, **changes)
    found = waste(history, trials_of(FOUR, points, [6, 6], **changes))
    assert (found.trained, found["failed"].epochs, found["repeated"].epochs) == (8, 2, 0)


def test_no_trial_wastes_nothing():
    assert waste(EMPTY, []).share == 0


def test_confirmations_measure_the_noise():
    rng = np.random.default_rng(0)
    found = noise(EMPTY, [list(level + 0.1 * rng.standard_normal(6)) for level in range(8)])
    assert found.best.source == "confirmed"
    assert found.best.sd == pytest.approx(0.1, rel=0.3)
    assert "48 trainings of 8 settings" in found.best.learned_from
    assert found.margin == pytest.approx(2.77 * found.best.sd, rel=0.01)


def test_the_interval_holds_as_often_as_it_promises():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        estimate = noise_module._of_confirmed([rng.standard_normal(3) for _ in range(3)])
        held += estimate.low <= 1 <= estimate.high
    assert held / 300 == pytest.approx(0.9, abs=0.05)


def test_nearly_equal_settings_show_the_noise():
    rng = np.random.default_rng(2)
    points = np.repeat(rng.random((30, 4)), 2, axis=0)
    curves = (points[:, 0] + 0.05 * rng.standard_normal(60))[:, None]
    found = noise(history_of(FOUR, points, curves))
    assert found.best.source == "repeated"
    assert found.best.sd == pytest.approx(0.05, rel=0.4)


def test_the_ends_of_curves_show_what_is_left():
    rng = np.random.default_rng(3)
    points = rng.random((40, 4))
    curves = points[:, :1] - 0.01 * np.arange(20) + 0.02 * rng.standard_normal((40, 20))
    found = noise(history_of(FOUR, points, curves))
    assert found.best.source == "wobble"
    assert found.best.sd == pytest.approx(0.02, rel=0.3)


def test_an_exactly_repeated_training_has_no_noise():
    assert noise(EMPTY, [[0.5, 0.5, 0.5]]).best.sd == 0


def test_where_nothing_shows_the_noise_it_is_said():
    found = noise(EMPTY, [[0.5], [0.6]])
    assert found.best is None
    assert found.margin is None
    assert "--confirm" in found.too_few
