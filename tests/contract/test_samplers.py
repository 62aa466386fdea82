"""Every sampler keeps the contract, and what each promises of its own."""

import numpy as np
import pytest

from tunewell import samplers
from tunewell.errors import SettingError, SpaceError
from tunewell.history import History
from tunewell.samplers import FirstSampler, GridSampler, RandomSampler, SobolSampler
from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space
from tunewell.testing import SamplerContract
from tunewell.testing.samplers import suggestions
from tunewell.testing.spaces import SPACES


class TestRandomSampler(SamplerContract):
    @pytest.fixture
    def sampler(self):
        return RandomSampler()


class TestSobolSampler(SamplerContract):
    @pytest.fixture
    def sampler(self):
        return SobolSampler(seed=4)


class TestGridSampler(SamplerContract):
    @pytest.fixture
    def sampler(self):
        return GridSampler()
