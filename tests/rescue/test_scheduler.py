"""The scheduler of a rescue: plain data that decides by what it is given, and another one on record."""

import math
import pickle

import numpy as np

import tunewell as tw
from tunewell.rescue import rescue
from tunewell.rescue.scheduler import NOTE, RescueScheduler
from tunewell.schedulers import FreezeThawScheduler
from tunewell.trial import Allowance, Resume, Start

SPACE = tw.Space(learning_rate=tw.Float(1e-5, 1.0, scale="log", default=1.1e-5))


def train(run):
    for epoch in run.epochs(9):
        loss = 2.3 - 0.02 * epoch * (math.log10(run.params.learning_rate) + 5)
        run.report(train_loss=loss, val_loss=loss)


def rescued(**settings):
    return rescue(train, SPACE, metric="val_loss", target=0.1, name="r", **({"store": "memory"} | settings)).study


def test_on_record_is_the_scheduler_that_searches(tmp_path):
    study = rescued(store=tmp_path / "tunewell.db", budget=2)
    assert isinstance(study.scheduler, RescueScheduler)
    assert study.record.scheduler["name"] == "freeze_thaw"
    assert isinstance(tw.Study.open(tmp_path / "tunewell.db", "r").scheduler, FreezeThawScheduler)


def test_it_is_plain_data_and_the_same_decision_follows_from_the_same_trials():
    study = rescued(budget="3epochs")
    assert pickle.loads(pickle.dumps(study.scheduler)) == study.scheduler
    knowing = study.scheduler.given(study.trials, study.reports())
    assert pickle.loads(pickle.dumps(knowing)) == knowing
    assert study.scheduler.reports == ()
    one, other = (
        knowing.next(SPACE, study.history, Allowance(100, 100), np.random.default_rng(seed)) for seed in (0, 1)
    )
    assert one == other
    assert isinstance(one, Start)
    assert one.note[NOTE]["of"] == 0


def test_what_it_is_not_given_it_does_not_know():
    study = rescued(budget="3epochs")
    blind = study.scheduler.given(study.trials, [])
    assert blind.findings(0, study.history) == []
    assert isinstance(blind.next(SPACE, study.history, Allowance(100, 100), np.random.default_rng(0)), Resume)
