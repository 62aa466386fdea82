"""A study whose space changes while it runs, or when it is resumed."""

import json
import math
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

import tunewell as tw
from tunewell import schedulers
from tunewell.analysis.importance import importance
from tunewell.errors import SettingError, SpaceError
from tunewell.samplers import GridSampler
from tunewell.schedulers import FullScheduler
from tunewell.stores import open_store

NARROW = tw.Space(
    rate=tw.Float(1e-4, 1e-1, scale="log", default=1e-2),
    kind=tw.Choice(["sgd", "adam", "rms"], default="sgd"),
    momentum=tw.Float(0.5, 0.95, scale="log1m", default=0.9, when={"kind": "sgd"}),
    dropout=tw.Float(0.0, 0.6, default=0.1),
)
OTHER = tw.Space(
    rate=tw.Float(1e-3, 10.0, scale="log", default=1e-2),
    kind=tw.Choice(["adam", "lion", "sgd"], default="sgd"),
    momentum=tw.Float(0.5, 0.99, scale="log1m", default=0.9, when={"kind": "sgd"}),
    smoothing=tw.Float(0.01, 0.3, default=0.1),
)
HELD = {"smoothing": 0.0}


def loss(params, epoch):
    """Best at a rate of 1, where the narrow space does not reach."""
    return 0.1 + math.log10(params.rate) ** 2 + 0.5 * (params.kind == "adam") + 0.1 / epoch


def make(**settings):
    return tw.Study(NARROW, **({"metric": "val_loss", "max_epochs": 9, "budget": 6} | settings))


def train(study, steps=10**9):
    """The loop that a user would write; answers what was tried."""
    tried = []
    for _ in range(steps):
        step = study.ask()
        if step is None:
            break
        tried.append((step.trial, step.epochs, dict(step.params)))
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=loss(step.params, epoch))
        study.tell(step.trial)
    return tried


@pytest.mark.parametrize("scheduler", schedulers.NAMES)
def test_every_scheduler_goes_on_in_the_new_space_and_keeps_what_it_knows(scheduler):
    study = make(scheduler=scheduler, budget=40)
    train(study, 20)
    before, best, started = study.trials, study.best, len(study.trials)
    assert study.extend(OTHER, held=HELD)
    assert [(t.number, t.state, t.epochs) for t in study.trials] == [(t.number, t.state, t.epochs) for t in before]
    assert all(old.params.items() <= new.params.items() for old, new in zip(before, study.trials, strict=True))
    assert (study.best.trial, study.best.epoch, study.best.value) == (best.trial, best.epoch, best.value)
    train(study, 40)
    new = [dict(trial.params) for trial in study.trials[started:]]
    assert new
    assert all(OTHER.check({k: v for k, v in p.items() if k != "dropout"}) and p["dropout"] == 0.1 for p in new)
    assert np.isfinite(study.history.points).sum() >= 4 * len(study.trials)
    importance(study.history, rng=np.random.default_rng(0))


def test_a_wider_space_is_searched_where_the_old_one_did_not_reach():
    study = make(budget=20)
    train(study, 60)
    study.extend(OTHER, held=HELD)
    train(study)
    assert study.best.params.rate > 0.1


def test_a_trial_of_an_earlier_version_shows_what_it_had_of_a_new_parameter():
    study = make()
    train(study, 5)
    study.extend(OTHER, held=HELD)
    assert {trial.params.smoothing for trial in study.trials} == {0.0}
    assert {row["smoothing"] for row in study.trial_rows()} == {0.0}
    assert {row["dropout"] for row in study.trial_rows()} == {trial.params.dropout for trial in study.trials}


def test_a_study_can_be_extended_before_its_first_trial():
    study = make()
    study.extend(OTHER, held=HELD)
    ((_, _, first),) = train(study, 1)
    assert first == {"rate": 1e-2, "kind": "sgd", "momentum": 0.9, "smoothing": 0.1, "dropout": 0.1}


def test_first_settings_that_no_longer_fit_are_left_out():
    study = make(first=[{"rate": 2e-4, "kind": "rms", "dropout": 0.5}, {"rate": 2e-3, "kind": "adam", "dropout": 0.5}])
    study.extend(OTHER, held=HELD)
    tried = [params["rate"] for _, _, params in train(study, 2)]
    assert 2e-4 not in tried


def test_each_version_is_on_record_with_who_and_what():
    study = make()
    train(study, 5)
    changes = study.extend(OTHER, held=HELD)
    first, second = study.store.spaces(study.record.id)
    assert (first.space, first.first_trial) == (NARROW.to_dict(), 0)
    assert (second.space, second.held, second.first_trial) == (study.space.to_dict(), HELD, len(study.trials))
    (event,) = [event for event in study.events() if event.kind == "extended"]
    assert event.data == {"version": 2, "changes": list(changes)}
    assert event.by == second.by != "tunewell"
    assert study.extend(OTHER) == ()
    assert len(study.store.spaces(study.record.id)) == 2


def test_what_cannot_be_extended_leaves_the_study_as_it_was():
    study = make(scheduler=FullScheduler(GridSampler({"rate": [1e-3, 1e-2]})))
    with pytest.raises(SpaceError, match="smoothing: nothing says"):
        study.extend(tw.Space({**OTHER.params, "smoothing": tw.Float(0.01, 0.3)}))
    with pytest.raises(SettingError, match="levels of 'rate'"):
        study.extend(tw.Space({**NARROW.params, "rate": tw.Float(5e-3, 1.0, scale="log")}))
    assert (study.space, study.store.spaces(study.record.id)[1:], study.events()) == (NARROW, [], [])


def test_parameters_above_the_tier_stay_held():
    space = tw.Space({**NARROW.params, "beta1": tw.beta1()})
    study = tw.Study(space, metric="val_loss", max_epochs=3)
    assert study.extend(space) == ()
    assert study.extend(space, max_tier=4) == ("beta1: Choice([0.9], tier=4, default=0.9) -> " + repr(tw.beta1()),)


@pytest.mark.parametrize("scheduler", ["auto", "asha"])
def test_the_same_seed_gives_the_same_study_also_where_it_is_resumed(tmp_path, scheduler):
    whole = make(scheduler=scheduler)
    expected = train(whole, 15)
    whole.extend(OTHER, held=HELD)
    expected += train(whole)

    with closing(open_store(tmp_path / "t.db")) as store:
        study = make(scheduler=scheduler, store=store)
        tried = train(study, 15)
        study.close()
    with closing(open_store(tmp_path / "t.db")) as store:
        study = tw.Study.open(store)
        study.extend(OTHER, held=HELD)
        tried += train(study, 5)
        study.close()
        resumed = tw.Study(
            OTHER, metric="val_loss", max_epochs=9, budget=6, scheduler=scheduler, store=store, resume=True
        )
        tried += train(resumed)
        resumed.close()
    assert tried == expected


def test_a_study_that_another_process_extends_goes_on_in_the_new_space(tmp_path):
    path = tmp_path / "t.db"
    with closing(open_store(path)) as store:
        study = make(scheduler="full", store=store, budget="9trials")
        train(study, 3)
        code = f"""
import json, tunewell as tw
study = tw.Study.open({str(path)!r})
study.extend(tw.Space.from_dict(json.loads({json.dumps(OTHER.to_dict())!r})), held={HELD!r})
study.store.close()
"""
        subprocess.run([sys.executable, "-c", code], check=True)
        train(study)
        assert study.space.params["rate"].high == 10.0
        assert all("smoothing" in trial.params for trial in study.trials)
        assert len({trial.params.smoothing for trial in study.trials}) > 2
        study.close()


def test_past_studies_still_count_in_a_new_space():
    past = make(budget=8)
    train(past)
    past.extend(OTHER, held=HELD)
    study = make(warm_start=[past])
    train(study, 6)
    study.extend(OTHER, held=HELD)
    assert len(train(study)) > 5


def test_another_space_on_resuming_is_refused_with_the_way_to_extend():
    study = make(name="s")
    train(study, 2)
    study.close()
    with pytest.raises(SettingError, match=r"rate: high 0.1 -> 1.0.*extend\(space\)"):
        tw.Study(
            tw.Space({**NARROW.params, "rate": tw.Float(1e-4, 1.0, scale="log", default=1e-2)}),
            metric="val_loss",
            max_epochs=9,
            store=study.store,
            name="s",
            resume=True,
        )


def test_what_the_study_tunes_stays_tuned_whatever_its_tier():
    space = tw.Space(rate=tw.Float(0, 1), eps=tw.Float(1e-9, 1e-5, scale="log", tier=4, default=1e-8))
    study = tw.Study(space, metric="loss", max_epochs=3, max_tier=4)
    (change,) = study.extend(tw.Space(space.params | {"rate": tw.Float(0, 2)}))
    assert change.startswith("rate")
    assert study.record.space["rate"]["high"] == 2
