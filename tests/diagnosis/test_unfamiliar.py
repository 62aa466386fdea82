"""Curves that no training of a network by its own loss has: what is said of them is said with little confidence."""

import numpy as np
import pytest

import tunewell as tw


def record(**curves):
    columns = {name: np.asarray(values).tolist() for name, values in curves.items()}
    return {"epochs": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def policy(random):
    return record(train_loss=random.normal(0, 3, 60), val_accuracy=random.random(60))


def noise(random):
    return record(
        train_loss=random.uniform(0.1, 9, 40),
        train_accuracy=random.random(40),
        val_loss=random.uniform(0.1, 9, 40),
        val_accuracy=random.random(40),
    )


def loss_that_rises_with_accuracy(random):
    level = np.linspace(0, 1, 40) + 0.02 * random.normal(size=40)
    return record(train_loss=0.2 + 2 * np.abs(level), train_accuracy=np.clip(0.1 + 0.8 * level, 0, 1))


STRANGE = (policy, noise, loss_that_rises_with_accuracy)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("made", STRANGE, ids=lambda made: made.__name__)
def test_what_is_like_no_known_run_is_said_to_be_that_and_nothing_is_sure(made, seed):
    first = tw.diagnose(made(np.random.default_rng(seed)))[0]
    assert first.evidence.startswith("no run like this is known (")
    assert first.confidence <= 0.3


def test_most_random_walks_are_told_from_losses():
    random = np.random.default_rng(0)
    walks = [record(train_loss=20 + np.cumsum(random.normal(0, 0.5, 80))) for _ in range(20)]
    told = ["no run like this" in tw.diagnose(walk)[0].evidence for walk in walks]
    assert sum(told) >= 10


def losses(seed):
    """A loss as trainings have it, with noise that any batch makes, and now and then a rate that is too high."""
    random = np.random.default_rng(seed)
    n = int(random.integers(5, 80))
    fall = np.exp(-np.arange(n) / random.uniform(1, 30))
    loss = random.uniform(0.02, 0.7) + 1.6 * fall
    loss = loss * np.exp(random.uniform(0.01, 0.25) * random.normal(size=n))
    accuracy = np.clip(0.9 - 0.7 * fall + 0.03 * random.normal(size=n), 0, 1)
    return record(train_loss=loss, train_accuracy=accuracy, val_loss=loss * 1.1, val_accuracy=accuracy * 0.95)


@pytest.mark.parametrize("seed", range(40))
def test_a_noisy_training_is_like_those_that_are_known(seed):
    assert not any("no run like this" in one.evidence for one in tw.diagnose(losses(seed)))
