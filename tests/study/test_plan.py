"""What is left of a study, and what it costs."""

import time

import numpy as np
import pytest

import tunewell as tw
from tunewell.analysis.costs import costs
from tunewell.history import History
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.trial import Trial, TrialState

SPACE = tw.Space(learning_rate=tw.learning_rate(), hidden=tw.Int(16, 1024, scale="log"))
EPOCH_S = 0.02


def train(run):
    for epoch in run.epochs(5):
        time.sleep(EPOCH_S)
        run.report(val_loss=run.params.learning_rate + 1 / epoch)


def of(budget, **settings):
    return tw.Study(SPACE, metric="val_loss", budget=budget, scheduler="full", store="memory", **settings)


class Until:
    """A deadline that comes after so many epochs."""

    span_s = float("inf")

    def __init__(self, study, epochs):
        self.study, self.epochs = study, epochs

    @property
    def left_s(self):
        return self.epochs - self.study.spent.trained


@pytest.mark.parametrize("budget", ["100epochs", 20, "20trials"])
def test_what_is_left_of_a_budget_and_for_how_long(budget):
    study = of(budget)
    assert study.plan().time_left is None
    assert study.plan().unknown
    drive(study, train, Execution(deadline=Until(study, 40)))
    plan = study.plan()
    assert plan.epochs_left == 60
    assert plan.workers == 1
    assert plan.seconds_per_epoch >= EPOCH_S
    assert plan.time_left.high >= 60 * EPOCH_S
    assert plan.time_left.low <= plan.time_left.middle <= plan.time_left.high
    assert plan.trainings_per_hour == pytest.approx(3600 / plan.seconds_per_epoch / 5)
    drive(study, train)
    assert (study.plan().epochs_left, study.plan().time_left.high) == (0, 0)


def test_a_budget_that_is_a_time_says_itself_when_it_is_spent():
    study = of("1h", max_epochs=5)
    drive(study, train, Execution(deadline=Until(study, 10)))
    left = study.plan().time_left
    assert left.low == left.high
    assert left.high == pytest.approx(3600 - study.spent.seconds, abs=1)


def test_what_trains_side_by_side_is_counted(tmp_path):
    study = of("24trials", max_epochs=5)
    drive(study, train, Execution(workers=3, threads=True))
    assert study.plan().workers in (2, 3)  # what a busy machine makes of three


def test_what_more_time_would_buy_is_told_once_there_is_something_to_go_by():
    study = of("40trials", max_epochs=5)
    drive(study, train, Execution(deadline=Until(study, 15)))
    assert (study.plan().more, study.plan().more_unknown) == (None, "too little has been trained to tell")
    drive(study, train)
    more = study.plan().more
    assert more.gain.epochs == 100  # half as long as so far, which is no hour
    assert more.seconds == pytest.approx(100 * study.plan().seconds_per_epoch)
    assert 0 <= more.gain.low <= more.gain.mean
    assert study.plan().more_unknown is None


def test_a_study_that_was_never_run_has_a_plan():
    plan = of(3, max_epochs=5).plan()
    assert (plan.epochs_left, plan.seconds_per_epoch, plan.outlook) == (15, None, None)
    assert plan.costs.too_few


def paced(space, seconds, n=60):
    """Return a history of n trials drawn from a space, and what an epoch of each takes."""
    rng = np.random.default_rng(0)
    trials = [
        Trial(i, space.decode(rng.random(len(space.params))), TrialState.COMPLETE, 1, 1, 0, 0.0) for i in range(n)
    ]
    history = History(space, 1)
    history.update(trials, np.array([[i, 1, 0.5] for i in range(n)], dtype=float))
    noise = np.exp(0.1 * rng.normal(size=n))
    return history, np.array([seconds(trial.params) for trial in trials]) * noise


def test_what_makes_an_epoch_slow_is_found_with_its_factor():
    space = tw.Space(
        learning_rate=tw.learning_rate(),
        hidden=tw.Int(16, 1024, scale="log"),
        batch_size=tw.Int(16, 256, scale="log"),
        optimizer=tw.Choice(["sgd", "lbfgs", "adam"]),
    )
    weights = {"sgd": 1.0, "adam": 1.1, "lbfgs": 3.0}

    def seconds(p):
        return (p["hidden"] / 16) ** 0.5 * (16 / p["batch_size"]) ** 0.5 * weights[p["optimizer"]]

    found = {one.name: one for one in costs(*paced(space, seconds)).parameters}
    assert set(found) == {"hidden", "batch_size", "optimizer"}
    for name, factor, ends in (
        ("hidden", 8.0, (16, 1024)),
        ("batch_size", 4.0, (256, 16)),
        ("optimizer", 3.0, ("sgd", "lbfgs")),
    ):
        one = found[name]
        assert (one.cheap, one.dear) == ends
        assert one.factor == pytest.approx(factor, rel=0.15)
        assert one.low <= factor * 1.05
        assert one.high >= factor * 0.95


def test_an_even_cost_names_no_parameter_and_few_trials_tell_nothing():
    space = tw.Space(learning_rate=tw.learning_rate(), hidden=tw.Int(16, 1024, scale="log"))
    assert costs(*paced(space, lambda _: 1.0)).parameters == ()
    assert costs(*paced(space, lambda p: p["hidden"], n=9)).too_few
    history, pace = paced(space, lambda p: p["hidden"])
    pace[5:] = np.nan
    assert costs(history, pace).too_few
