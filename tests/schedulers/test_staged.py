"""Staged search: tiers one after another, and nothing settled for good."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.samplers import SobolSampler
from tunewell.schedulers import StagedScheduler
from tunewell.testing import simulate

SPACE = tw.Space(
    rate=tw.Float(1e-4, 1.0, scale="log", tier=1, default=0.01),
    batch=tw.Int(8, 512, scale="log", tier=2, default=64),
    kind=tw.Choice(["a", "b"], tier=3, default="a"),
    drop=tw.Float(0.0, 0.8, tier=3, default=0.2),
)


def curve(params, epoch):
    """Best at rate .1 for batches of 64, and at a rate that grows with the batch; a batch of 200 is best."""
    gap = np.log10(params["rate"] / 0.1) - 0.5 * np.log10(params["batch"] / 64)
    other = 0.2 * (params["kind"] == "a") + (params["drop"] - 0.5) ** 2 + np.log10(params["batch"] / 200) ** 2
    return 1 + gap**2 + other + 1 / epoch


def settings(trainings, seed=0):
    log = simulate(StagedScheduler(SobolSampler(seed)), SPACE, curve, max_epochs=9, epochs=9 * trainings, seed=seed)
    return [dict(trial.params) for trial in log.trials]


@pytest.mark.parametrize("seed", [0, 1])
def test_tiers_come_one_after_another(seed):
    tried = settings(8, seed)
    assert tried[0] == SPACE.defaults()
    moved = [{name for name in SPACE.names if one[name] != tried[0][name]} for one in tried]
    first = next(n for n, names in enumerate(moved) if "batch" in names)
    last = next(n for n, names in enumerate(moved) if names & {"kind", "drop"})
    assert 3 < first < last
    assert all(names <= {"rate"} for names in moved[:first])


def test_nothing_is_settled_for_good():
    tried = settings(12)
    late = tried[len(tried) * 2 // 3 :]
    assert len({one["rate"] for one in late}) > 3
    assert len({one["batch"] for one in late}) > 3
    best = min(tried, key=lambda params: curve(params, 9))
    assert 100 < best["batch"] < 400
    assert 0.1 < best["rate"] < 0.4


def test_settings_that_are_given_come_first():
    study = tw.Study(
        SPACE, metric="val_loss", max_epochs=9, scheduler="staged", first=[dict(SPACE.defaults()) | {"rate": 0.5}]
    )
    assert study.ask().params["rate"] == 0.5


def test_a_space_of_one_tier_is_searched_as_a_whole():
    space = tw.Space(x=tw.Float(0.0, 1.0), y=tw.Float(0.0, 1.0))
    log = simulate(
        StagedScheduler(SobolSampler()), space, lambda p, epoch: p["x"] + p["y"] + 1 / epoch, max_epochs=3, epochs=60
    )
    assert len({trial.params["x"] for trial in log.trials}) > 5
    assert len({trial.params["y"] for trial in log.trials}) > 5
