"""How long the rest of a study takes."""

import math

import numpy as np
import pytest

import tunewell as tw
from tunewell.analysis.pace import Done, UnderWay, time_left
from tunewell.samplers import RandomSampler
from tunewell.schedulers import AshaScheduler, FullScheduler
from tunewell.testing import simulate

SPACE = tw.Space(learning_rate=tw.Float(1e-4, 1.0, scale="log"), hidden=tw.Int(16, 1024, scale="log"))


def test_an_even_pace_goes_on():
    done = [Done(5, 10.0)] * 20
    left = time_left(done, [UnderWay(5, 2, 2.0)], epochs=50, workers=1)
    assert (left.low, left.middle, left.high) == pytest.approx((106.0,) * 3)
    assert time_left(done, [], epochs=50, workers=5).middle == pytest.approx(20.0)
    assert time_left(done, [], epochs=0, workers=1).high == 0


def test_too_little_tells_nothing():
    assert time_left([Done(1, 1.0)] * 3, [], epochs=10, workers=1) is None
    assert time_left([Done(1, 1.0)] * 3, [UnderWay(2, 0, math.nan)], epochs=10, workers=1) is None
    assert time_left([Done(1, 1.0)] * 3, [UnderWay(2, 1, 1.0)], epochs=10, workers=1) is not None


def test_a_slow_training_that_is_under_way_counts_among_the_rest():
    quick = time_left([Done(4, 4.0)] * 4, [], epochs=40, workers=2)
    slow = time_left([Done(4, 4.0)] * 4, [UnderWay(4, 1, 10.0)] * 2, epochs=40, workers=2)
    assert slow.middle > 1.5 * quick.middle


def test_a_pace_that_changes_makes_the_interval_wide():
    even = [Done(2, 2.0 + 0.1 * (i % 3)) for i in range(30)]
    slower = [Done(2, 2.0 + 0.1 * (i % 3) + 0.1 * i) for i in range(30)]
    widths = [
        math.log(left.high / left.low)
        for done in (even, slower)
        if (left := time_left(done, [], epochs=100, workers=1)) is not None
    ]
    assert widths[1] > 3 * widths[0]


def studies():
    """Yield studies in simulated time, of which a quarter, half and most is over."""
    for seed in range(24):
        rng = np.random.default_rng(seed)
        power, noise = rng.uniform(0, 1), rng.choice([0.02, 0.3])
        simulated = simulate(
            (AshaScheduler, FullScheduler)[seed % 2](RandomSampler()),
            SPACE,
            lambda params, epoch: abs(math.log10(params["learning_rate"]) + 2) + 1 / epoch,
            max_epochs=16,
            epochs=400,
            n_workers=(1, 2, 4)[seed % 3],
            seed=seed,
            cost=lambda p, power=power, noise=noise, rng=rng: (
                (0.3 + p["hidden"] / 128) ** power * math.exp(noise * rng.normal())
            ),
        )
        for share in (0.25, 0.5, 0.85):
            yield simulated, int(share * len(simulated.times)), (1, 2, 4)[seed % 3]


def at_report(simulated, n):
    """Return what was done and under way when n reports were in, the epochs not given out yet, and the time."""
    at = {(trial, epoch): time for (trial, epoch, _), time in zip(simulated.reports, simulated.times, strict=True)}
    now, done, under_way, given = simulated.times[n - 1], [], [], 0
    for step in simulated.steps:
        if step.started_at >= now:
            break
        ends = [at[step.trial, epoch] for epoch in range(step.first, step.until + 1) if (step.trial, epoch) in at]
        given += len(ends)
        trained = sum(end <= now for end in ends)
        if trained == len(ends):
            done.append((ends[-1], Done(trained, ends[-1] - step.started_at, step.trial, ends)))
        else:
            pace = (ends[trained - 1] - step.started_at) / trained if trained else math.nan
            under_way.append(UnderWay(len(ends), trained, pace, step.trial, ends[:trained]))
    return [one for _, one in sorted(done, key=lambda one: one[0])], under_way, len(simulated.times) - given, now


def test_four_of_five_intervals_hold():
    held = []
    for simulated, n, workers in studies():
        done, under_way, epochs, now = at_report(simulated, n)
        left = time_left(done, under_way, epochs=epochs, workers=workers)
        held.append(left.low <= max(simulated.times) - now <= left.high)
    assert len(held) == 72
    assert 0.7 <= np.mean(held) <= 0.92
