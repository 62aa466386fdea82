"""Every scheduler keeps the contract, and what each promises of its own."""

import pytest

from tunewell.samplers import RandomSampler
from tunewell.schedulers import AshaScheduler, FullScheduler, HalvingScheduler, HyperbandScheduler
from tunewell.testing import SchedulerContract


class TestFullScheduler(SchedulerContract):
    @pytest.fixture
    def scheduler(self):
        return FullScheduler(RandomSampler())


class TestAshaScheduler(SchedulerContract):
    @pytest.fixture
    def scheduler(self):
        return AshaScheduler(RandomSampler())


class TestAshaSchedulerWithSettings(SchedulerContract):
    @pytest.fixture
    def scheduler(self):
        return AshaScheduler(RandomSampler(), eta=2, min_epochs=1)


class TestHalvingScheduler(SchedulerContract):
    @pytest.fixture
    def scheduler(self):
        return HalvingScheduler(RandomSampler())


class TestHalvingSchedulerWithSettings(SchedulerContract):
    @pytest.fixture
    def scheduler(self):
        return HalvingScheduler(RandomSampler(), eta=2, min_epochs=3, n_trials=5)


class TestHyperbandScheduler(SchedulerContract):
    @pytest.fixture
    def scheduler(self):
        return HyperbandScheduler(RandomSampler())
