"""The laws of every sampler.

To check one, subclass `SamplerContract` and give it the fixture `sampler`:

    class TestMySampler(SamplerContract):
        @pytest.fixture
        def sampler(self):
            return MySampler()
"""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import copy
import json
import pickle
import random

import numpy as np
import pytest

from tunewell import samplers
from tunewell.history import History
from tunewell.samplers import Sampler
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.testing.spaces import SPACES
from tunewell.trial import Trial, TrialState

MAX_EPOCHS = 5


class SamplerContract:
    """The promises that a study relies on.

    The sampler that is given must be found by its name (see `tunewell.samplers`).
    """

    @pytest.fixture
    def sampler(self) -> Sampler:
        """Return the sampler to check."""
        raise NotImplementedError("give the contract a fixture `sampler`")

    @pytest.fixture(params=list(SPACES.values()), ids=list(SPACES))
    def space(self, request: pytest.FixtureRequest) -> Space:
        """Return each of the spaces in turn."""
        space: Space = request.param
        return space

    @pytest.fixture(params=(0, 1, 7), ids=lambda n: f"{n} trials")
    def history(self, request: pytest.FixtureRequest, space: Space) -> History:
        """Return a history in which every third trial runs."""
        return example_history(space, request.param)

    def test_the_same_history_and_seed_give_the_same_answer(
        self, sampler: Sampler, space: Space, history: History
    ) -> None:
        first = sampler.suggest(space, history, np.random.default_rng(7))
        sampler.suggest(space, example_history(space, 20), np.random.default_rng(8))
        assert sampler.suggest(space, history, np.random.default_rng(7)) == first

    def test_a_copy_in_another_process_would_give_the_same_answer(
        self, sampler: Sampler, space: Space, history: History
    ) -> None:
        elsewhere = pickle.loads(pickle.dumps(sampler))  # noqa: S301  it was pickled here
        again = elsewhere.suggest(copy.deepcopy(space), copy.deepcopy(history), np.random.default_rng(7))
        assert elsewhere == sampler
        assert again == sampler.suggest(space, history, np.random.default_rng(7))

    def test_a_suggestion_is_inside_the_space(self, sampler: Sampler, space: Space) -> None:
        for params in suggestions(sampler, space, 20):
            assert space.check(params) == params

    def test_running_trials_are_taken_into_account(self, sampler: Sampler) -> None:
        space = SPACES["mixed"]
        points = space.encode_many(suggestions(sampler, space, 10))
        assert len(np.unique(points, axis=0)) == len(points)

    def test_an_exhausted_sampler_stays_exhausted(self, sampler: Sampler) -> None:
        space = SPACES["only choices"]
        history = example_history(space, 0)
        seen_none = False
        for n in range(30):
            params = sampler.suggest(space, history, np.random.default_rng(n))
            assert params is None or not seen_none
            seen_none = params is None
            add_running(history, params if params is not None else space.defaults())

    def test_the_history_is_not_changed(self, sampler: Sampler, space: Space, history: History) -> None:
        before = copy.deepcopy(history)
        sampler.suggest(space, history, np.random.default_rng(7))
        assert_same_history(history, before)

    def test_the_global_random_state_is_untouched(self, sampler: Sampler, space: Space, history: History) -> None:
        before = global_random_state()
        sampler.suggest(space, history, np.random.default_rng(7))
        assert global_random_state() == before

    def test_it_can_be_written_down_and_made_again(self, sampler: Sampler) -> None:
        record = samplers.describe(sampler)
        assert samplers.build(json.loads(json.dumps(record))) == sampler


def suggestions(sampler: Sampler, space: Space, n: int) -> list[Params]:
    """Return the first n that it makes while nothing ends, or as many as there are."""
    history = example_history(space, 0)
    made: list[Params] = []
    for step in range(n):
        params = sampler.suggest(space, history, np.random.default_rng([7, step]))
        if params is None:
            break
        made.append(params)
        add_running(history, params)
    return made


def example_history(space: Space, n: int) -> History:
    """Make random trials with falling curves: every third runs, every third is paused, every third is complete."""
    history = History(space, MAX_EPOCHS)
    rng = np.random.default_rng(3)
    states = (TrialState.RUNNING, TrialState.PAUSED, TrialState.COMPLETE)
    for number, params in enumerate(space.decode_many(rng.random((n, len(space.params))))):
        add_running(history, params)
        epochs = (1, 2, MAX_EPOCHS)[number % 3]
        trial = Trial(number, params, states[number % 3], epochs, until=max(2, epochs), seed=0, started_at=0.0)
        curve = rng.random() / np.arange(1, epochs + 1)
        history.update([trial], np.column_stack([np.full(epochs, number), np.arange(1, epochs + 1), curve]))
    return history


def add_running(history: History, params: Params) -> None:
    """Add a new trial whose first step runs."""
    trial = Trial(len(history), params, TrialState.RUNNING, epochs=0, until=1, seed=0, started_at=0.0)
    history.update([trial], np.empty((0, 3)))


def assert_same_history(history: History, other: History) -> None:
    """Check that both hold the same."""
    for name in ("points", "curves", "epochs", "until", "running", "paused", "ended", "failed"):
        np.testing.assert_array_equal(getattr(history, name), getattr(other, name))
    assert history.notes == other.notes


def global_random_state() -> tuple[object, bytes]:
    """Return the global random states of Python and of NumPy."""
    return random.getstate(), pickle.dumps(np.random.get_state())  # noqa: NPY002  it is the global one that is meant
