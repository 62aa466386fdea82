"""The laws of every scheduler, checked in simulated time.

To check one, subclass `SchedulerContract` and give it the fixture `scheduler`:

    class TestMyScheduler(SchedulerContract):
        @pytest.fixture
        def scheduler(self):
            return MyScheduler(RandomSampler())

Its sampler should be one that always has a setting left.
"""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import copy
import json
import math
import pickle
from collections import defaultdict
from typing import ClassVar

import numpy as np
import pytest

from tunewell import schedulers
from tunewell.history import History
from tunewell.schedulers import Scheduler
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.testing.samplers import assert_same_history, example_history, global_random_state
from tunewell.testing.simulation import Curve, Simulation, simulate
from tunewell.testing.spaces import SPACES
from tunewell.trial import OPEN_END, Allowance, TrialState

MAX_EPOCHS = 12
BUDGET = 10 * MAX_EPOCHS + 5  # the last step has to be cut
SPACE = SPACES["mixed"]


def learning(params: Params, epoch: int) -> float:
    """Return a curve that falls to a floor, each trial at its own pace; the curves of some cross."""
    level, pace = _level_and_pace(params)
    return (level - 0.4) ** 2 + math.exp(-epoch * (0.1 + pace))


def sometimes_diverging(params: Params, epoch: int) -> float:
    """Return NaN in a third of the trials, from an epoch of its own on."""
    return math.nan if _goes_wrong(params, epoch) else learning(params, epoch)


def sometimes_failing(params: Params, epoch: int) -> float:
    """Fail in a third of the trials, at an epoch of its own."""
    if _goes_wrong(params, epoch):
        raise RuntimeError("out of memory")
    return learning(params, epoch)


def always_diverging(_: Params, __: int) -> float:
    """Return infinity in every trial."""
    return math.inf


def always_failing(params: Params, epoch: int) -> float:
    """Fail in every trial, at once."""
    raise RuntimeError(f"no such file, at epoch {epoch} of {params}")


CURVES = (learning, sometimes_diverging, sometimes_failing, always_diverging, always_failing)


def _level_and_pace(params: Params) -> tuple[float, float]:
    """Return where a trial's curve ends and how fast it gets there, both in [0, 1]."""
    return -math.log10(params.learning_rate) / 4, params.dropout / 0.6


def _goes_wrong(params: Params, epoch: int) -> bool:
    level, pace = _level_and_pace(params)
    return level > 2 / 3 and epoch > MAX_EPOCHS * pace


def _uneven_cost(params: Params) -> float:
    """Return from 1 to 4 units of time an epoch, so that workers are not in step."""
    return 1.0 + 3.0 * float(params.hidden) / 512


class SchedulerContract:
    """The promises that a study relies on.

    The scheduler that is given must be found by its name (see `tunewell.schedulers`).
    """

    budget: ClassVar[int] = BUDGET
    """Epochs that a simulated study may spend; fewer will do for a scheduler whose decisions take long."""

    @pytest.fixture
    def scheduler(self) -> Scheduler:
        """Return the scheduler to check."""
        raise NotImplementedError("give the contract a fixture `scheduler`")

    @pytest.fixture(params=list(SPACES.values()), ids=list(SPACES))
    def space(self, request: pytest.FixtureRequest) -> Space:
        """Return each of the spaces in turn."""
        space: Space = request.param
        return space

    @pytest.fixture(params=(0, 1, 7), ids=lambda n: f"{n} trials")
    def history(self, request: pytest.FixtureRequest, space: Space) -> History:
        """Return a history in which every third trial runs."""
        return example_history(space, request.param)

    @pytest.fixture(params=CURVES, ids=lambda curve: curve.__name__)
    def curve(self, request: pytest.FixtureRequest) -> Curve:
        """Return trials that learn, diverge or fail, in turn."""
        curve: Curve = request.param
        return curve

    @pytest.fixture(params=(1, 4), ids=lambda n: f"{n} workers")
    def n_workers(self, request: pytest.FixtureRequest) -> int:
        """Return one, then several."""
        n: int = request.param
        return n

    def test_the_same_history_and_seed_give_the_same_answer(
        self, scheduler: Scheduler, space: Space, history: History
    ) -> None:
        allowance = Allowance(epochs=100, trials=10)
        first = scheduler.next(space, history, allowance, np.random.default_rng(7))
        scheduler.next(space, example_history(space, 20), allowance, np.random.default_rng(8))
        assert scheduler.next(space, history, allowance, np.random.default_rng(7)) == first

    def test_the_history_is_not_changed(self, scheduler: Scheduler, space: Space, history: History) -> None:
        before = copy.deepcopy(history)
        scheduler.next(space, history, Allowance(epochs=100, trials=10), np.random.default_rng(7))
        assert_same_history(history, before)

    def test_the_global_random_state_is_untouched(self, scheduler: Scheduler, space: Space, history: History) -> None:
        before = global_random_state()
        scheduler.next(space, history, Allowance(epochs=100, trials=10), np.random.default_rng(7))
        assert global_random_state() == before

    def test_it_can_be_written_down_and_made_again(self, scheduler: Scheduler) -> None:
        record = schedulers.describe(scheduler)
        assert schedulers.build(json.loads(json.dumps(record))) == scheduler
        assert pickle.loads(pickle.dumps(scheduler)) == scheduler  # noqa: S301  it was pickled here

    def test_the_budget_is_spent_to_the_last_epoch_and_never_exceeded(
        self, scheduler: Scheduler, curve: Curve, n_workers: int
    ) -> None:
        log = _simulated(scheduler, curve, n_workers=n_workers, epochs=self.budget)
        assert log.epochs_spent == self.budget

    def test_steps_go_forward_one_at_a_time_to_the_last_epoch_at_most(
        self, scheduler: Scheduler, n_workers: int
    ) -> None:
        log = _simulated(scheduler, learning, n_workers=n_workers, epochs=self.budget)
        trained: defaultdict[int, int] = defaultdict(int)
        for step in log.steps:
            assert trained[step.trial] < step.first <= step.until <= MAX_EPOCHS
            trained[step.trial] = step.until

    def test_no_more_trials_start_than_may(self, scheduler: Scheduler, curve: Curve, n_workers: int) -> None:
        log = _simulated(scheduler, curve, n_workers=n_workers, epochs=OPEN_END, trials=10)
        assert len(log.trials) == 10
        assert not any(trial.state is TrialState.RUNNING for trial in log.trials)

    def test_when_trials_are_used_up_one_at_least_is_trained_to_its_end(
        self, scheduler: Scheduler, n_workers: int
    ) -> None:
        for curve in (learning, sometimes_diverging, sometimes_failing):
            log = _simulated(scheduler, curve, n_workers=n_workers, epochs=OPEN_END, trials=10)
            assert any(trial.state is TrialState.COMPLETE for trial in log.trials)

    def test_after_interruptions_the_budget_is_spent_all_the_same(
        self, scheduler: Scheduler, curve: Curve, n_workers: int
    ) -> None:
        kills = (0.5, 7.5, 20.2, 31.7)
        log = _simulated(scheduler, curve, n_workers=n_workers, epochs=self.budget, kills=kills)
        assert log.epochs_spent == self.budget

    def test_a_scheduler_made_again_from_the_log_decides_the_same_at_any_point(
        self, scheduler: Scheduler, n_workers: int
    ) -> None:
        kills = (7.5, 30.2)
        log = _simulated(scheduler, sometimes_failing, n_workers=n_workers, epochs=self.budget, kills=kills)
        again = schedulers.build(schedulers.describe(scheduler))
        for known in log.decisions:
            answer = again.next(log.space, log.history(known), known.allowance, log.rng(known.step))
            assert answer == known.answer


def _simulated(
    scheduler: Scheduler,
    curve: Curve,
    *,
    n_workers: int,
    epochs: int,
    trials: int = OPEN_END,
    kills: tuple[float, ...] = (),
) -> Simulation:
    key = (json.dumps(schedulers.describe(scheduler)), curve, n_workers, epochs, trials, kills)
    if key not in _LOGS:
        _LOGS[key] = simulate(
            scheduler,
            SPACE,
            curve,
            max_epochs=MAX_EPOCHS,
            epochs=epochs,
            trials=trials,
            n_workers=n_workers,
            cost=_uneven_cost,
            kills=kills,
            seed=1,
        )
    return _LOGS[key]


_LOGS: dict[object, Simulation] = {}
"""Simulated studies, by what they are of: several laws look at the same one."""
