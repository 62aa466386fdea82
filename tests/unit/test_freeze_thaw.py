"""Freeze-thaw: the model's gradient, what it says of settings, and what it does with odd values."""

import numpy as np
import pytest
from scipy.stats import norm

import tunewell as tw
from tunewell.samplers import SobolSampler
from tunewell.schedulers import FreezeThawScheduler
from tunewell.surrogate import CurveModel, Warp, log_expected_improvement
from tunewell.testing import simulate

SPACE = tw.Space(
    rate=tw.Float(1e-4, 1.0, scale="log"),
    units=tw.Int(4, 64, scale="log"),
    kind=tw.Choice(["a", "b", "c"]),
    momentum=tw.Float(0.5, 0.99, scale="log1m", when={"kind": "a"}),
)


def observations(m=12, seed=0):
    rng = np.random.default_rng(seed)
    points = SPACE.encode_many(SPACE.decode_many(rng.random((m, 4))))
    owner = np.r_[np.arange(m), np.arange(m // 2)]
    time = np.r_[np.full(m, 0.2), np.ones(m // 2)]
    y = (points[owner, 0] - 0.6) ** 2 * 8 - time + 0.05 * rng.normal(size=len(owner))
    return points, np.array([False, False, True, False]), owner, time, (y - y.mean()) / y.std()


def test_the_gradient_of_the_fit_is_that_of_differences():
    model = CurveModel(*observations())
    theta = np.random.default_rng(1).normal(size=9) * 0.5
    _, gradient = model.loss(theta)
    for i in range(len(theta)):
        step = np.eye(len(theta))[i] * 1e-6
        difference = (model.loss(theta + step)[0] - model.loss(theta - step)[0]) / 2e-6
        assert gradient[i] == pytest.approx(difference, rel=1e-4, abs=1e-5)


def test_the_model_knows_what_it_has_seen_and_doubts_the_rest():
    points, unordered, owner, time, y = observations()
    model = CurveModel(points, unordered, owner, time, y)
    seen = np.flatnonzero(time == 1.0)
    mean, deviation = model.predict(points[owner[seen]], owner[seen])
    assert np.corrcoef(mean, y[seen])[0, 1] > 0.95
    _, doubt = model.predict(points[owner[seen]], np.full(len(seen), -1))
    assert (doubt >= deviation - 1e-9).all()


def test_expected_improvement_is_exact_near_and_far():
    mean, deviation = np.array([-1.0, 0.0, 0.5, 3.0, 40.0]), np.array([0.5, 1.0, 0.5, 1.0, 1.0])
    z = -mean[:4] / deviation[:4]
    expected = np.log(deviation[:4] * (norm.pdf(z) + z * norm.cdf(z)))
    found = log_expected_improvement(mean, deviation, 0.0)
    assert found[:4] == pytest.approx(expected, rel=1e-6)
    assert -900 < found[4] < -800  # where the improvement itself is 0


@pytest.mark.parametrize(
    "values",
    [
        -np.array([0.1, 0.7, 0.95, 0.99]),
        -np.array([10.0, 70.0, 95.0, 99.0]),
        np.array([9.0, 3.0, 0.5, 0.1]),
        np.array([5.0, 1.0, -3.0, -200.0]),
    ],
)
def test_any_range_of_values_is_evened_in_order_and_outliers_do_no_harm(values):
    evened = Warp.of(values)(values)
    assert (np.diff(evened) <= 0).all()
    more = np.r_[values, values[:2], 1e9 if values[0] > 0 else 0.0, np.inf]
    with_outliers = Warp.of(more)(more)
    assert np.isfinite(with_outliers).all()
    assert with_outliers.max() < 5


def test_it_finds_a_good_setting_sooner_than_chance():
    def curve(params, epoch):
        gap = abs(np.log10(params["rate"]) + 1) + 0.5 * (params["kind"] != "b")
        return 0.1 + gap + 2.0 / epoch

    def best(scheduler, seed):
        log = simulate(scheduler, SPACE, curve, max_epochs=27, epochs=10 * 27, seed=seed)
        return min(curve(trial.params, trial.epochs) for trial in log.trials)

    modelled = np.mean([best(FreezeThawScheduler(SobolSampler(seed)), seed) for seed in range(3)])
    drawn = np.mean([best(tw.FullScheduler(SobolSampler(seed)), seed) for seed in range(3)])
    assert modelled < drawn


@pytest.mark.parametrize("constant", [0.5, float("nan")])
def test_values_that_say_nothing_do_not_stop_it(constant):
    log = simulate(FreezeThawScheduler(SobolSampler(), n_first=3), SPACE, lambda *_: constant, max_epochs=9, epochs=60)
    assert log.trials
