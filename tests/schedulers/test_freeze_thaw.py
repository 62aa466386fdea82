"""Freeze-thaw: the model's gradient, what it says of settings, and what it does with odd values."""

import numpy as np
import pytest
from scipy.stats import norm
from threadpoolctl import threadpool_info

import tunewell as tw
from tunewell.samplers import SobolSampler
from tunewell.schedulers import FreezeThawScheduler, acquisition
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
        log = simulate(scheduler, SPACE, curve, max_epochs=9, epochs=6 * 9, seed=seed)
        return min(curve(trial.params, trial.epochs) for trial in log.trials)

    modelled = np.mean([best(FreezeThawScheduler(SobolSampler(seed)), seed) for seed in range(3)])
    drawn = np.mean([best(tw.FullScheduler(SobolSampler(seed)), seed) for seed in range(3)])
    assert modelled < drawn


@pytest.mark.parametrize("constant", [0.5, float("nan")])
def test_values_that_say_nothing_do_not_stop_it(constant):
    log = simulate(FreezeThawScheduler(SobolSampler(), n_first=3), SPACE, lambda *_: constant, max_epochs=9, epochs=60)
    assert log.trials


SMALL = tw.Space(optimizer=tw.Choice(["sgd", "adam", "rmsprop"]), norm=tw.Choice([True, False]))


def run_to_the_end(study, value):
    """The study, every trial reporting `value(params, epoch)`."""
    while (step := study.ask()) is not None:
        for epoch in step.epochs:
            if not study.report(step.trial, epoch, val_loss=value(step.params, epoch)):
                break
        study.tell(step.trial)
    return study


@pytest.mark.parametrize("value", [lambda p, e: len(p["optimizer"]) + 1 / e, lambda *_: 0.5], ids=["told", "constant"])
def test_a_space_of_six_settings_ends_when_each_was_trained(value):
    study = run_to_the_end(tw.Study(SMALL, metric="val_loss", max_epochs=9, budget=100), value)
    assert len(study.trials) == 6
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 6
    assert {trial.state for trial in study.trials} == {tw.TrialState.COMPLETE}


@pytest.mark.parametrize("d", [1, 40])
def test_one_parameter_and_forty_will_do(d):
    space = tw.Space({f"x{i}": tw.Float(0, 1) for i in range(d)})
    study = run_to_the_end(
        tw.Study(space, metric="val_loss", max_epochs=9, budget=5), lambda p, e: (p["x0"] - 0.3) ** 2 + 1 / e
    )
    assert study.spent.epochs == 45


@pytest.mark.parametrize("budget", ["1trials", "2trials", 1])
def test_budgets_of_one_or_two_trials_are_spent(budget):
    study = run_to_the_end(tw.Study(SPACE, metric="val_loss", max_epochs=9, budget=budget), lambda p, e: p["rate"] / e)
    assert study.trials
    assert study.best.value > 0


def test_trainings_of_a_single_epoch_are_modelled_too():
    study = run_to_the_end(
        tw.Study(SPACE, metric="val_loss", max_epochs=1, budget=30), lambda p, _: abs(np.log10(p["rate"]) + 2)
    )
    assert len(study.trials) == 30
    assert study.best.value < 0.2


def test_a_default_in_a_bad_corner_is_overcome():
    space = tw.Space(
        learning_rate=tw.Float(1e-4, 1.0, scale="log", default=1e-4), momentum=tw.Float(0.5, 0.99, default=0.5)
    )

    def loss(p, e):
        return 0.1 + (np.log10(p["learning_rate"]) + 1) ** 2 + (p["momentum"] - 0.9) ** 2 + 1 / e

    study = run_to_the_end(tw.Study(space, metric="val_loss", max_epochs=27, budget=8), loss)
    assert study.best.value < 0.1 + 1 / 27 + 0.05


def test_what_is_reported_at_other_epochs_than_the_rungs_counts():
    study = tw.Study(SPACE, metric="val_loss", max_epochs=30, budget=6)
    while (step := study.ask()) is not None:
        for epoch in step.epochs:
            if epoch == step.epochs[0] or epoch % 4 == 0:
                study.report(step.trial, epoch, val_loss=abs(np.log10(step.params["rate"]) + 2) + 1 / epoch)
        study.tell(step.trial)
    assert study.best.value < 0.5


def test_the_same_seed_gives_the_same_study_and_another_another():
    def settings(seed):
        study = tw.Study(SPACE, metric="val_loss", max_epochs=9, budget=4, seed=seed)
        return [dict(t.params) for t in run_to_the_end(study, lambda p, e: p["units"] / e).trials]

    assert settings(3) == settings(3)
    assert settings(3) != settings(4)


def test_a_training_of_one_epoch_is_predicted_as_it_was_seen():
    study = tw.Study(tw.Space(rate=tw.Float(0, 1)), metric="val_loss", max_epochs=1, budget=20)
    run_to_the_end(study, lambda params, _: 0.1 + (params["rate"] - 0.3) ** 2)
    errors = [abs(study.best_of(n)[1] - why[0].mean) for n in range(20) if (why := study.why(n))]
    assert np.median(errors) < 0.01


def plateau(params, epoch):
    """The error of the commonest class, until a network that learns leaves it."""
    return 0.05 if epoch < 4 else 0.05 - 0.04 * params["rate"]


def test_a_plateau_at_the_start_is_waited_out():
    study = tw.Study(tw.Space(rate=tw.Float(0, 1), other=tw.Float(0, 1)), metric="val_loss", max_epochs=27, budget=8)
    run_to_the_end(study, plateau)
    assert study.best.value < 0.015
    assert study.why(len(study.trials) - 1)


def test_every_setting_that_is_given_is_tried():
    first = [{"rate": value / 10} for value in range(10)]
    study = tw.Study(tw.Space(rate=tw.Float(0, 1)), metric="val_loss", max_epochs=5, budget=6, first=first)
    run_to_the_end(study, lambda params, _: params["rate"])
    assert [dict(trial.params) for trial in study.trials[:10]] == first


def test_a_budget_of_trials_leaves_the_hopeless_ones_unfinished():
    study = tw.Study(tw.Space(rate=tw.Float(0, 1)), metric="val_loss", max_epochs=27, budget="20trials")
    run_to_the_end(study, lambda params, epoch: 0.1 + params["rate"] + 1 / epoch)
    assert len(study.trials) == 20
    assert study.history.epochs.max() == 27
    assert study.spent.epochs < 20 * 27 / 2


def test_losses_that_most_trials_diverge_to_leave_the_good_ones_apart():
    values = np.array([0.5, 0.6, 1e9, 1e10, 1e12, np.inf])
    warped = Warp.of(values)(values)
    assert warped[0] < warped[1] - 0.5
    assert (warped[2:] > warped[1]).all()


def test_the_fit_is_kept_also_where_trials_are_only_resumed():
    study = tw.Study(tw.Space(rate=tw.Int(1, 30)), metric="val_loss", max_epochs=27, budget=40)
    run_to_the_end(study, lambda params, epoch: 0.1 + params["rate"] / 30 + 1 / epoch)
    fits = {repr(trial.note["fit"]) for trial in study.trials if "fit" in trial.note}
    decisions = sum(len(study.why(trial.number)) for trial in study.trials)
    assert len(fits) < decisions / 4


BATCHES = tw.Space(rate=tw.Float(1e-4, 1.0, scale="log", default=0.01), batch=tw.Int(8, 512, scale="log", default=64))


def search_where_large_batches_break(error, *, broken_at=2, seed=0, budget="20trials"):
    """Return a study in which the larger the batch the better, and above 200 a training breaks at an epoch."""
    study = tw.Study(BATCHES, metric="val_loss", max_epochs=4, budget=budget, seed=seed)
    while (step := study.ask()) is not None:
        failed = None
        for epoch in step.epochs:
            breaks = step.params["batch"] > 200 and epoch >= broken_at
            if breaks and error:
                failed = f"MemoryError: out of memory in trial {step.trial}"
                break
            value = np.nan if breaks else 1 / step.params["batch"] / epoch
            if not study.report(step.trial, epoch, val_loss=value):
                break
        study.tell(step.trial, error=failed)
    return study


@pytest.mark.parametrize("error", [True, False], ids=["error", "nan"])
def test_it_leaves_a_region_whose_trials_break_after_a_good_first_epoch(error):
    study = search_where_large_batches_break(error)
    there = sum(trial.params["batch"] > 200 for trial in study.trials)
    assert there <= len(study.trials) / 2
    assert study.best.state == "complete"
    assert study.best.value < 1 / 64 / 4  # better than the default at its last epoch


def test_it_does_not_spend_all_on_first_looks():
    study = search_where_large_batches_break(True, broken_at=99, budget="14trials")
    assert study.history.epochs.max() > 1


def test_a_decision_leaves_the_cores_to_the_workers(monkeypatch):
    threads = []

    class Seen(acquisition.AcquisitionModel):
        def __init__(self, *args):
            threads.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
            super().__init__(*args)

    monkeypatch.setattr(acquisition, "AcquisitionModel", Seen)
    simulate(
        FreezeThawScheduler(SobolSampler()), SPACE, lambda p, epoch: p["rate"] / epoch, max_epochs=9, epochs=60, seed=0
    )
    assert set(threads) == {1}
