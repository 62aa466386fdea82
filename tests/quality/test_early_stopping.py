"""Schedulers that stop poor trials early save epochs where early epochs tell something of the last."""

import math
from contextlib import suppress

import numpy as np
import pytest

from tunewell import schedulers
from tunewell.samplers import RandomSampler
from tunewell.space.params import Float
from tunewell.space.space import Space
from tunewell.testing import simulate

SPACE = Space(
    learning_rate=Float(1e-4, 1.0, scale="log"),
    momentum=Float(0.5, 0.999, scale="log1m"),
    dropout=Float(0.0, 0.6),
)
BUDGET = 1000
TARGET = 0.07  # the floor of the best setting is 0.05


def error(params, epoch):
    """Falls to a floor set by learning rate and dropout, at a pace set by momentum: some curves cross."""
    floor = 0.05 + 0.1 * (math.log10(params.learning_rate) + 1.5) ** 2 + (params.dropout - 0.2) ** 2
    pace = 0.1 - 0.2 * math.log10(1.0 - params.momentum)
    return floor + math.exp(-pace * epoch)


class Reached(BaseException):
    """Ends a study; a simulation takes any other error for a trial that failed."""


def epochs_to_target(scheduler, seed):
    n = 0

    def curve(params, epoch):
        nonlocal n
        n += 1
        value = error(params, epoch)
        if value <= TARGET:
            raise Reached
        return value

    with suppress(Reached):
        simulate(scheduler, SPACE, curve, max_epochs=50, epochs=BUDGET, seed=seed)
    return n


def mean_epochs_to_target(name, n_studies=16):
    scheduler = schedulers.by_name(name, RandomSampler())
    return np.mean([epochs_to_target(scheduler, seed) for seed in range(n_studies)])


@pytest.fixture(scope="module")
def full():
    return mean_epochs_to_target("full")


@pytest.mark.parametrize("name", ["asha", "halving", "hyperband"])
def test_it_reaches_a_given_error_in_fewer_epochs_than_training_all_in_full(name, full):
    assert mean_epochs_to_target(name) < 0.7 * full
