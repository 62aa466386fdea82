"""A simulated study decides as a real one does."""

import math

import pytest

from tunewell import schedulers
from tunewell.samplers import RandomSampler
from tunewell.space.params import Float
from tunewell.space.space import Space
from tunewell.study import Study
from tunewell.testing import simulate
from tunewell.trial import Resume, TrialState

SPACE = Space(x=Float(0.0, 1.0))


def curve(params, epoch):
    """The best settings go wrong, so that they get far enough for it."""
    if params["x"] < 0.1 and epoch == 4:
        raise RuntimeError("out of memory")
    return math.inf if 0.1 < params["x"] < 0.2 and epoch == 3 else params["x"] + 1 / epoch


def trained(study, step):
    """Train a step as a user's loop would."""
    for epoch in step.epochs:
        try:
            value = curve(step.params, epoch)
        except RuntimeError as error:
            return study.tell(step.trial, error=f"{error} in trial {step.trial}")
        if not study.report(step.trial, epoch, val_loss=value):
            break
    return study.tell(step.trial)


@pytest.mark.parametrize("name", schedulers.NAMES)
def test_a_simulation_takes_the_steps_that_a_study_takes(name):
    scheduler = schedulers.by_name(name, RandomSampler())
    epochs = 60 if name == "freeze_thaw" else 150  # it takes its time
    study = Study(SPACE, metric="val_loss", max_epochs=9, budget=f"{epochs}epochs", scheduler=scheduler, seed=3)
    steps = []
    while (step := study.ask()) is not None:
        steps.append((step.trial, step.epochs[0], step.epochs[-1]))
        trained(study, step)
    log = simulate(scheduler, SPACE, curve, max_epochs=9, epochs=epochs, seed=3)
    assert steps == [(step.trial, step.first, step.until) for step in log.steps]
    assert [trial.params for trial in study.trials] == [trial.params for trial in log.trials]
    if name != "freeze_thaw":  # which learns where trainings diverge
        assert {trial.state for trial in log.trials} >= {TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED}


def test_workers_overlap_and_the_clock_is_the_time_of_the_longest():
    scheduler = schedulers.by_name("full", RandomSampler())
    alone = simulate(scheduler, SPACE, lambda p, _: p["x"], max_epochs=5, epochs=40)
    together = simulate(scheduler, SPACE, lambda p, _: p["x"], max_epochs=5, epochs=40, n_workers=4)
    assert (alone.finished_at, together.finished_at) == (40.0, 10.0)
    assert alone.epochs_spent == together.epochs_spent == 40


class Stubborn:
    """Resumes trial 0 for ever."""

    def next(self, space, history, allowance, rng):
        sampler = schedulers.FullScheduler(RandomSampler())
        return Resume(0, until=9) if len(history) else sampler.next(space, history, allowance, rng)


def test_a_scheduler_that_breaks_its_promise_is_told_which():
    with pytest.raises(AssertionError, match="resumes trial 0, which is complete"):
        simulate(Stubborn(), SPACE, lambda p, _: p["x"], max_epochs=9, epochs=100)
    with pytest.raises(AssertionError, match="resumes trial 0, which is running"):
        simulate(Stubborn(), SPACE, lambda p, _: p["x"], max_epochs=9, epochs=100, n_workers=2)
