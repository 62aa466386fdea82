"""A learning rate that is carried from small sizes to a large one."""

import math

import numpy as np
import pytest

import tunewell as tw
from tunewell import nn
from tunewell.errors import SettingError

WIDTH = tw.Int(4, 1024, scale="log", default=512)
RATE = tw.Float(1e-4, 1.0, scale="log")
SPACE = tw.Space(width=WIDTH, learning_rate=RATE)


def training(best, noise=0.0):
    """A training whose best rate is a function of the width."""

    def train(run):
        draw = np.random.default_rng([run.seed, run.params.width, round(1e6 * run.params.learning_rate)])
        off = math.log2(run.params.learning_rate / best(run.params.width))
        for epoch in run.epochs(3):
            run.report(val_loss=1 / epoch + 0.1 * off**2 + noise * draw.random())

    return train


@pytest.mark.parametrize("shift", [0.0, -0.5, -1.0])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_shift_of_the_best_rate_is_learned(shift, noise):
    def best(width):
        return 0.1 * (width / 64) ** shift

    found = tw.scale_check(training(best, noise), SPACE, size="width")
    assert 0.5 < found.rate / best(512) < 2
    assert found.low < best(512) < found.high
    assert found.carries_over
    assert [one.size for one in found.at_sizes] == [16, 32, 64]


def test_nothing_is_trained_at_the_full_size_without_a_check():
    sizes = []
    found = tw.scale_check(
        training(lambda _: 0.01), SPACE, size="width", check=False, on_training=lambda size, *_: sizes.append(size)
    )
    assert found.carries_over is None
    assert found.checked == ()
    assert max(sizes) == 64
    assert found.epochs == 3 * len(sizes)


def test_a_rate_that_is_another_in_full_does_not_carry_over():
    found = tw.scale_check(training(lambda width: 0.1 if width < 100 else 0.001), SPACE, size="width")
    assert found.carries_over is False
    assert "is better" in found.why


def test_what_breaks_at_the_full_size_does_not_carry_over():
    def train(run):
        for _ in run.epochs(2):
            run.report(val_loss=math.nan if run.params.width > 100 else abs(math.log(run.params.learning_rate / 0.05)))

    found = tw.scale_check(train, SPACE, size="width")
    assert found.carries_over is False
    assert "breaks at the full size" in found.why


def test_a_best_rate_at_the_end_of_its_range_does_not_carry_over():
    found = tw.scale_check(training(lambda _: 30.0), SPACE, size="width")
    assert found.carries_over is False
    assert "widen the range" in found.why


def test_sizes_that_follow_no_line_do_not_carry_over():
    found = tw.scale_check(training(lambda width: {16: 0.01, 32: 0.4, 64: 0.01}.get(width, 0.02)), SPACE, size="width")
    assert found.carries_over is False
    assert "follow no line" in found.why or "is better" in found.why


def test_an_accuracy_is_maximized():
    def train(run):
        off = math.log2(run.params.learning_rate / 0.02)
        for _ in run.epochs(2):
            run.report(val_accuracy=0.9 - 0.02 * off**2)

    found = tw.scale_check(train, SPACE, size="width", metric="val_accuracy")
    assert found.direction == "maximize"
    assert 0.01 < found.rate < 0.04


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"size": "widht"}, "width"),
        ({"size": "learning_rate"}, "whole number"),
        ({"full": 32}, "too small"),
        ({"param": "width", "size": "width"}, "are both width"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(changed, words):
    with pytest.raises(SettingError, match=words):
        tw.scale_check(training(lambda _: 0.1), SPACE, **({"size": "width"} | changed))


def test_a_network_of_the_engine_is_scaled():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(192, 8)).astype(np.float32)
    y = np.sin(x @ rng.normal(size=(8, 1))).astype(np.float32)

    def train(run):
        network = nn.Network([8, run.params.width, 1], loss="squared", seed=run.seed)
        optimizer = nn.AdamW(run.params.learning_rate)
        trainer = nn.Trainer(network, x[:128], y[:128], batch_size=32, optimizer=optimizer, seed=run.seed)
        for _ in run.epochs(4):
            trainer.epoch()
            run.report(val_loss=network.evaluate(x[128:], y[128:])["loss"])

    found = tw.scale_check(train, SPACE, size="width", full=256, check=False)
    assert [one.size for one in found.at_sizes] == [8, 16, 32]
    assert 1e-4 < found.rate < 1.0
    assert found.low < found.rate < found.high
