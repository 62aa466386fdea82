"""What holds of rungs and of every scheduler, whatever the settings, the curves and the workers."""

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tunewell.samplers import RandomSampler
from tunewell.schedulers import AshaScheduler, FullScheduler, HalvingScheduler, HyperbandScheduler
from tunewell.schedulers.rungs import rungs
from tunewell.space.params import Float
from tunewell.space.space import Space
from tunewell.testing import simulate
from tunewell.trial import OPEN_END, TrialState

SPACE = Space(level=Float(0.0, 1.0), pace=Float(0.0, 1.0))
ETAS = st.integers(2, 5)
MAX_EPOCHS = st.integers(1, 60)
FIRST_RUNGS = st.none() | st.integers(1, 70)
WITH_RUNGS = st.one_of(
    st.builds(AshaScheduler, st.just(RandomSampler()), eta=ETAS, min_epochs=FIRST_RUNGS),
    st.builds(
        HalvingScheduler,
        st.just(RandomSampler()),
        eta=ETAS,
        min_epochs=FIRST_RUNGS,
        n_trials=st.none() | st.integers(1, 12),
    ),
    st.builds(HyperbandScheduler, st.just(RandomSampler()), eta=ETAS, min_epochs=st.integers(1, 20)),
)
FEWER = settings(max_examples=settings.default.max_examples * 3 // 5)  # each is a whole study
ANY = st.builds(FullScheduler, st.just(RandomSampler())) | WITH_RUNGS


@given(FIRST_RUNGS, MAX_EPOCHS, ETAS)
@example(1, 3, 2)  # a rung at two thirds of a training just counts
def test_rungs_rise_to_the_last_epoch_by_factors_of_eta(min_epochs, max_epochs, eta):
    *below, last = rungs(min_epochs, max_epochs, eta)
    assert last == max_epochs
    assert all(1 <= rung <= 2 / 3 * max_epochs for rung in below)
    assert below == [below[0] * eta**k for k in range(len(below))]
    if min_epochs is not None and below:
        assert below[0] == min_epochs
        assert last < below[-1] * eta * 1.5


def curve(params, epoch, trouble):
    """Falls to a level; in a share of the trials it breaks off at some epoch, by failing or diverging."""
    level, pace = params["level"], params["pace"]
    if level < trouble and epoch > 10 * pace:
        if pace < 0.5:
            raise RuntimeError("out of memory")
        return math.nan
    return level + math.exp(-epoch * pace)


def simulated(scheduler, max_epochs, n_workers, seed, trouble, **limits):
    return simulate(
        scheduler,
        SPACE,
        lambda params, epoch: curve(params, epoch, trouble),
        max_epochs=max_epochs,
        n_workers=n_workers,
        seed=seed,
        cost=lambda params: 1.0 + params["pace"],
        **limits,
    )


CONDITIONS = {
    "max_epochs": MAX_EPOCHS,
    "n_workers": st.integers(1, 6),
    "seed": st.integers(0, 1000),
    "trouble": st.sampled_from([0.0, 0.4, 1.0]),
}
KILLS = st.lists(st.floats(0.0, 100.0), max_size=3)


@FEWER
@given(scheduler=ANY, epochs=st.integers(1, 200), kills=KILLS, **CONDITIONS)
def test_a_budget_of_epochs_is_spent_exactly(scheduler, epochs, kills, **conditions):
    log = simulated(scheduler, **conditions, epochs=epochs, kills=kills)
    assert log.epochs_spent == epochs


@FEWER
@given(scheduler=ANY, trials=st.integers(1, 30), kills=KILLS, **CONDITIONS)
def test_a_budget_of_trials_is_spent_exactly_and_one_trial_reaches_its_end_if_any_can(
    scheduler, trials, kills, **conditions
):
    log = simulated(scheduler, **conditions, epochs=OPEN_END, trials=trials, kills=kills)
    states = [trial.state for trial in log.trials]
    assert len(states) == trials
    assert TrialState.COMPLETE in states or TrialState.PAUSED not in states


@FEWER
@given(scheduler=WITH_RUNGS, trials=st.integers(1, 30), kills=KILLS, **CONDITIONS)
def test_trials_come_to_rest_on_rungs_only(scheduler, trials, kills, **conditions):
    log = simulated(scheduler, **conditions, epochs=OPEN_END, trials=trials, kills=kills)
    steps = rungs(scheduler.min_epochs, conditions["max_epochs"], scheduler.eta)
    assert {trial.epochs for trial in log.trials if trial.state is TrialState.PAUSED} <= set(steps)


@FEWER
@given(scheduler=ANY, epochs=st.integers(1, 120), kills=KILLS, **CONDITIONS)
def test_a_decision_follows_from_the_log_alone(scheduler, epochs, kills, **conditions):
    log = simulated(scheduler, **conditions, epochs=epochs, kills=kills)
    for known in log.decisions[:: max(1, len(log.decisions) // 10)]:
        answer = scheduler.next(SPACE, log.history(known), known.allowance, log.rng(known.step))
        assert answer == known.answer


@FEWER
@given(
    scheduler=st.builds(AshaScheduler, st.just(RandomSampler()), eta=ETAS, min_epochs=FIRST_RUNGS),
    epochs=st.integers(1, 200),
    **(CONDITIONS | {"trouble": st.just(0.0)}),
)
def test_asha_lets_no_more_than_one_in_eta_go_on_and_only_the_best_so_far(scheduler, epochs, **conditions):
    log = simulated(scheduler, **conditions, epochs=epochs)
    for known in log.decisions:
        trial = getattr(known.answer, "trial", None)
        if trial is not None:
            history = log.history(known)
            rung = history.epochs[trial]
            there = history.epochs >= rung
            better = there & (history.at(rung) < history.at(rung)[trial])
            assert better.sum() < there.sum() // scheduler.eta


@FEWER
@given(
    scheduler=st.builds(HyperbandScheduler, st.just(RandomSampler()), eta=ETAS, min_epochs=st.integers(1, 20)),
    **(CONDITIONS | {"trouble": st.just(0.0), "max_epochs": st.integers(1, 30)}),
)
def test_hyperband_keeps_the_best_of_each_bracket_at_each_rung(scheduler, **conditions):
    brackets = scheduler.brackets(conditions["max_epochs"])
    n = sum(bracket.size for bracket in brackets)
    log = simulated(scheduler, **conditions, epochs=OPEN_END, trials=n)
    history, begin = log.history(), 0
    for bracket in brackets:
        members = np.arange(begin, begin + bracket.size)
        begin += bracket.size
        for (size, rung), (left, _) in zip(
            bracket.rounds(scheduler.eta), [*bracket.rounds(scheduler.eta)][1:], strict=False
        ):
            assert len(members) == size
            ranked = members[np.argsort(history.at(rung)[members], kind="stable")]
            members = np.sort(ranked[:left])
            assert (history.epochs[members] > rung).all()
            assert (history.epochs[ranked[left:]] == rung).all()
