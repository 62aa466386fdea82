"""Every scheduler keeps the contract, and what each promises of its own."""

import numpy as np
import pytest

from tunewell import schedulers
from tunewell.errors import SettingError
from tunewell.history import History
from tunewell.samplers import GridSampler, RandomSampler, SobolSampler
from tunewell.schedulers import (
    AshaScheduler,
    FreezeThawScheduler,
    FullScheduler,
    HalvingScheduler,
    HyperbandScheduler,
    StagedScheduler,
)
from tunewell.schedulers.rungs import rungs
from tunewell.space.params import Float
from tunewell.space.space import Space
from tunewell.testing import SchedulerContract, simulate
from tunewell.testing.schedulers import MAX_EPOCHS
from tunewell.trial import OPEN_END, Allowance, Resume, Start, Trial, TrialState

SPACE = Space(x=Float(0.0, 1.0))
BY_A_MODEL = (FreezeThawScheduler.name, StagedScheduler.name)
PLENTY = Allowance(epochs=1000, trials=1000)
NO_MORE_TRIALS = Allowance(epochs=1000, trials=0)
RUNNING, PAUSED = TrialState.RUNNING, TrialState.PAUSED
COMPLETE, STOPPED, FAILED = TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED


class TestEveryScheduler(SchedulerContract):
    """Each that is made by its name, but for those below; one that is added is among them."""

    @pytest.fixture(params=[name for name in schedulers.NAMES if name not in BY_A_MODEL])
    def scheduler(self, request):
        return schedulers.by_name(request.param, RandomSampler())


class TestFreezeThawScheduler(SchedulerContract):
    """It decides by a model only after its first settings, so these are fewer; and a decision takes longer."""

    budget = 6 * MAX_EPOCHS + 5

    @pytest.fixture
    def scheduler(self):
        return FreezeThawScheduler(SobolSampler(), n_first=4)


class TestStagedScheduler(SchedulerContract):
    """It decides by the same model."""

    budget = 6 * MAX_EPOCHS + 5

    @pytest.fixture
    def scheduler(self):
        return StagedScheduler(SobolSampler())


class TestAshaSchedulerWithSettings(SchedulerContract):
    @pytest.fixture
    def scheduler(self):
        return AshaScheduler(RandomSampler(), eta=2, min_epochs=1)


class TestHalvingSchedulerWithSettings(SchedulerContract):
    @pytest.fixture
    def scheduler(self):
        return HalvingScheduler(RandomSampler(), eta=2, min_epochs=3, n_trials=5)


def history(*trials, max_epochs=9):
    """Each trial: its state, the epochs it has trained, the metric at all of them, and where its step ends."""
    made = History(SPACE, max_epochs)
    params = SPACE.defaults()
    for number, (state, epochs, value, *until) in enumerate(trials):
        trial = Trial(number, params, state, epochs, *(until or [max(1, epochs)]), seed=0, started_at=0.0)
        made.update([trial], np.array([(number, epoch, value) for epoch in range(1, epochs + 1)]).reshape(-1, 3))
    return made


def answer(scheduler, known, allowance=PLENTY):
    return scheduler.next(SPACE, known, allowance, np.random.default_rng(0))


def starts(until):
    return Start(RandomSampler().suggest(SPACE, history(), np.random.default_rng(0)), until)


def by_setting(params, epoch):
    """Lower settings are better, at every epoch."""
    return params["x"] + 1 / epoch


# --- full


def test_full_finishes_what_was_interrupted_before_it_starts_another_trial():
    known = history((COMPLETE, 9, 0.5), (PAUSED, 4, 0.9), (PAUSED, 2, 0.1))
    assert answer(FullScheduler(RandomSampler()), known) == Resume(1, until=9)
    assert answer(FullScheduler(RandomSampler()), history((RUNNING, 4, 0.9))) == starts(until=9)


# --- asha (rungs at 1, 3 and 9)

ASHA = AshaScheduler(RandomSampler())


def test_asha_starts_trials_at_the_first_rung_until_a_third_of_them_can_go_on():
    assert answer(ASHA, history()) == starts(until=1)
    assert answer(ASHA, history((PAUSED, 1, 0.2), (PAUSED, 1, 0.1))) == starts(until=1)
    assert answer(ASHA, history((PAUSED, 1, 0.2), (PAUSED, 1, 0.1), (PAUSED, 1, 0.3))) == Resume(1, until=3)


def test_asha_counts_a_running_trial_only_where_it_has_been():
    two_there = history((PAUSED, 1, 0.2), (PAUSED, 1, 0.1), (RUNNING, 0, 0.0, 1))
    assert answer(ASHA, two_there) == starts(until=1)
    promoted = history((PAUSED, 1, 0.2), (RUNNING, 1, 0.1, 3), (PAUSED, 1, 0.3))
    assert answer(ASHA, promoted) == starts(until=1)


def test_asha_promotes_from_the_highest_rung_first():
    first_rung = [(PAUSED, 1, 0.1 * n) for n in range(1, 10)]
    second_rung = [(PAUSED, 3, 0.01), (PAUSED, 3, 0.02), (PAUSED, 3, 0.03)]
    assert answer(ASHA, history(*first_rung, *second_rung)) == Resume(9, until=9)


def test_of_equals_the_older_trial_goes_on():
    assert answer(ASHA, history(*[(PAUSED, 1, 0.5)] * 3)) == Resume(0, until=3)


@pytest.mark.parametrize("lost", [(FAILED, 0, 0.0, 1), (STOPPED, 1, np.inf, 1), (STOPPED, 1, 0.01, 1)])
def test_a_trial_that_failed_diverged_or_was_stopped_counts_as_the_worst(lost):
    assert answer(ASHA, history(lost, (PAUSED, 1, 0.9), (PAUSED, 1, 0.8))) == Resume(2, until=3)


def test_the_place_of_a_promoted_trial_that_failed_falls_to_the_next_best():
    assert answer(ASHA, history((FAILED, 2, 0.1, 3), (PAUSED, 1, 0.9), (PAUSED, 1, 0.8))) == Resume(2, until=3)


def test_a_trial_that_failed_before_a_rung_does_not_count_at_higher_ones():
    assert answer(ASHA, history((FAILED, 0, 0.0, 1), (FAILED, 0, 0.0, 1), (PAUSED, 3, 0.1))) == starts(until=1)


def test_a_training_that_ended_early_by_itself_keeps_its_place():
    assert answer(ASHA, history((COMPLETE, 2, 0.1, 3), (PAUSED, 1, 0.9), (PAUSED, 1, 0.8))) == starts(until=1)


def test_a_trial_between_two_rungs_is_trained_to_the_next_before_all_else():
    thirds = [(PAUSED, 1, 0.1)] * 3
    assert answer(ASHA, history(*thirds, (PAUSED, 2, 0.9))) == Resume(3, until=3)
    assert answer(ASHA, history(*thirds, (PAUSED, 0, 0.0))) == Resume(3, until=1)
    assert answer(ASHA, history(*thirds, (PAUSED, 8, 0.9))) == Resume(3, until=9)


def test_when_trials_are_used_up_the_best_of_each_rung_goes_on_once_nobody_is_on_the_way_to_it():
    assert answer(ASHA, history((PAUSED, 1, 0.2), (RUNNING, 0, 0.0, 1)), NO_MORE_TRIALS) is None
    assert answer(ASHA, history((PAUSED, 1, 0.2), (PAUSED, 1, 0.1)), NO_MORE_TRIALS) == Resume(1, until=3)
    assert answer(ASHA, history((PAUSED, 1, 0.2), (PAUSED, 3, 0.1)), NO_MORE_TRIALS) == Resume(1, until=9)
    assert answer(ASHA, history((PAUSED, 1, 0.2), (COMPLETE, 9, 0.1)), NO_MORE_TRIALS) is None


def test_when_a_grid_is_done_what_is_left_of_the_budget_goes_to_the_best_paused_trials():
    asha = AshaScheduler(GridSampler(1))
    assert answer(asha, history((PAUSED, 1, 0.3), (PAUSED, 3, 0.2), (RUNNING, 3, 0.1, 9))) == Resume(1, until=9)
    assert answer(asha, history((PAUSED, 1, 0.3), (RUNNING, 1, 0.2, 3), (PAUSED, 3, 0.1))) == Resume(0, until=3)
    log = simulate(AshaScheduler(GridSampler(7)), SPACE, by_setting, max_epochs=9, epochs=1000, n_workers=3)
    assert [trial.state for trial in log.trials] == [COMPLETE] * 7
    log = simulate(AshaScheduler(GridSampler(7)), SPACE, by_setting, max_epochs=9, epochs=40, n_workers=1)
    assert log.epochs_spent == 40


def test_by_default_there_are_two_halvings():
    assert [rungs(None, n, 3) for n in (1, 2, 3, 9, 10, 50, 81)] == [
        (1,),
        (1, 2),
        (1, 3),
        (1, 3, 9),
        (2, 6, 10),
        (6, 18, 50),
        (9, 27, 81),
    ]


# --- halving and hyperband


def test_hyperband_has_the_brackets_of_the_papers_table():
    brackets = HyperbandScheduler(RandomSampler(), eta=3).brackets(81)
    assert [list(bracket.rounds(eta=3)) for bracket in brackets] == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(27, 3), (9, 9), (3, 27), (1, 81)],
        [(9, 9), (3, 27), (1, 81)],
        [(6, 27), (2, 81)],
        [(5, 81)],
    ]


@pytest.mark.parametrize("n_workers", [1, 5])
def test_hyperband_trains_each_bracket_as_its_table_says(n_workers):
    hyperband = HyperbandScheduler(RandomSampler())
    brackets = hyperband.brackets(27) * 2
    log = simulate(
        hyperband,
        SPACE,
        by_setting,
        max_epochs=27,
        epochs=OPEN_END,
        trials=sum(bracket.size for bracket in brackets),
        n_workers=n_workers,
    )
    epochs = [trial.epochs for trial in log.trials]
    first_rungs = [step.until for step in sorted(log.steps, key=lambda step: step.trial) if step.first == 1]
    assert first_rungs == [bracket.rungs[0] for bracket in brackets for _ in range(bracket.size)]
    for bracket in brackets:
        members, epochs = epochs[: bracket.size], epochs[bracket.size :]
        assert [(sum(e >= rung for e in members), rung) for rung in bracket.rungs] == list(bracket.rounds(eta=3))


def test_halving_lets_the_best_third_of_a_bracket_go_on_when_all_of_it_has_got_there():
    halving = HalvingScheduler(RandomSampler(), n_trials=6)
    five = [(PAUSED, 1, 0.5), (PAUSED, 1, 0.1), (PAUSED, 1, 0.4), (PAUSED, 1, 0.2), (PAUSED, 1, 0.3)]
    assert answer(halving, history(*five)) == starts(until=1)
    assert answer(halving, history(*five, (PAUSED, 1, 0.6))) == Resume(1, until=3)
    five[1] = (RUNNING, 1, 0.1, 3)
    assert answer(halving, history(*five, (PAUSED, 1, 0.6))) == Resume(3, until=3)


def test_a_worker_that_would_wait_for_a_bracket_begins_the_next_one():
    halving = HalvingScheduler(RandomSampler(), n_trials=3)
    waiting = history((PAUSED, 1, 0.5), (PAUSED, 1, 0.1), (RUNNING, 0, 0.0, 1))
    assert answer(halving, waiting) == starts(until=1)
    assert answer(halving, waiting, NO_MORE_TRIALS) is None


def test_an_older_bracket_goes_first():
    halving = HalvingScheduler(RandomSampler(), n_trials=3)
    first, second = [(PAUSED, 1, 0.9)] * 3, [(PAUSED, 1, 0.1)] * 3
    assert answer(halving, history(*first, *second)) == Resume(0, until=3)
    hyperband = HyperbandScheduler(RandomSampler())
    first, second = [(PAUSED, 1, 0.9)] * 9, [(PAUSED, 3, 0.1)] * 3
    assert answer(hyperband, history(*first, *second)) == Resume(0, until=3)


def test_failures_in_a_bracket_do_not_hold_up_the_others():
    halving = HalvingScheduler(RandomSampler(), n_trials=9)
    failures = [(FAILED, 0, 0.0, 1)] * 7
    assert answer(halving, history(*failures, (PAUSED, 1, 0.9), (PAUSED, 1, 0.8))) == Resume(7, until=3)
    assert answer(halving, history(*failures, (PAUSED, 3, 0.9), (PAUSED, 3, 0.8))) == Resume(8, until=9)


def test_when_no_trial_is_left_the_last_bracket_goes_on_with_what_it_has():
    halving = HalvingScheduler(GridSampler(4), n_trials=9)
    log = simulate(halving, SPACE, by_setting, max_epochs=9, epochs=1000)
    assert [trial.epochs for trial in log.trials] == [9, 1, 1, 1]


# --- all of them


@pytest.mark.parametrize("name", schedulers.NAMES)
def test_no_worker_stands_idle_while_trials_may_start(name):
    scheduler = schedulers.by_name(name, RandomSampler())
    log = simulate(scheduler, SPACE, by_setting, max_epochs=9, epochs=150, n_workers=4, cost=lambda p: 1 + p["x"])
    assert all(decision.answer is not None for decision in log.decisions)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AshaScheduler(RandomSampler(), eta=1), "eta must be a whole number of at least 2, got 1"),
        (lambda: AshaScheduler(RandomSampler(), min_epochs=0), "min_epochs must be a whole number of at least 1"),
        (lambda: HalvingScheduler(RandomSampler(), eta=2.5), "eta must be a whole number of at least 2, got 2.5"),
        (lambda: HalvingScheduler(RandomSampler(), n_trials=0), "n_trials must be a whole number of at least 1"),
        (lambda: HyperbandScheduler(RandomSampler(), min_epochs=None), "min_epochs must be a whole number"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_when_the_scheduler_is_made(make, message):
    with pytest.raises(SettingError, match=message):
        make()


def test_a_scheduler_is_made_by_its_name_on_a_sampler():
    assert schedulers.by_name("asha", SobolSampler(3)) == AshaScheduler(SobolSampler(3))


def test_each_scheduler_has_a_name():
    classes = [part for part in map(vars(schedulers).get, schedulers.__all__) if hasattr(part, "next")]
    assert [part.__name__ for part in classes if not hasattr(part, "name") and part is not schedulers.Scheduler] == []


def test_an_unknown_scheduler_is_refused_with_those_there_are():
    there_are = ", ".join(sorted(schedulers.NAMES))
    with pytest.raises(SettingError, match=f"there is no scheduler 'no such'; choose one of {there_are}$"):
        schedulers.by_name("no such", RandomSampler())


def test_a_record_holds_the_sampler_and_the_settings():
    assert schedulers.describe(AshaScheduler(SobolSampler(3))) == {
        "name": "asha",
        "sampler": {"name": "sobol", "seed": 3},
        "eta": 3,
        "min_epochs": None,
    }
