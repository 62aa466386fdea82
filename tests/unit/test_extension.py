"""A space that changes: nothing that was learned is lost, and what is new is known of past trials."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewell as tw
from tunewell.analysis.bounds import at_bounds
from tunewell.errors import SettingError
from tunewell.stores import MemoryStore

SPACE = tw.Space(learning_rate=tw.Float(1e-3, 1e-1, scale="log", default=1e-2), kind=tw.Choice(["a", "b"]))
OTHER = tw.Space(
    learning_rate=tw.Float(1e-2, 10, scale="log"), kind=tw.Choice(["b", "c"]), dropout=tw.Float(0, 0.5, default=0.1)
)


def loss(params, epoch):
    gap = math.log10(params["learning_rate"]) - 0.5
    return 0.1 + gap**2 + 0.2 * (params["kind"] == "a") + params.get("dropout", 0.0) / 10 + 1 / epoch


def train(study, steps=1000):
    for _ in range(steps):
        step = study.ask()
        if step is None:
            break
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=loss(step.params, epoch))
        study.tell(step.trial)
    return study


def begun(store=None, steps=25, **settings):
    return train(tw.Study(SPACE, metric="val_loss", max_epochs=9, budget=30, store=store, **settings), steps)


def test_the_search_goes_on_beyond_the_old_bound():
    study = begun()
    before = study.best.value
    study.extend(OTHER, held={"dropout": 0.0})
    train(study)
    assert study.best.params["learning_rate"] > 0.1
    assert study.best.value < before


def test_past_trials_stay_and_lie_where_they_were():
    study = begun()
    known = [dict(trial.params) for trial in study.trials]
    best = study.best
    assert list(study.extend(OTHER, held={"dropout": 0.0}))[-1].startswith("dropout is new")
    assert [dict(trial.params) for trial in study.trials] == [params | {"dropout": 0.0} for params in known]
    assert (study.best.trial, study.best.value) == (best.trial, best.value)
    points = study.history.points
    low = np.array([params["learning_rate"] < 1e-2 for params in known])
    assert (points[low, 0] < 0).all()
    assert (points[~low, 0] >= 0).all()
    assert np.isnan(points[[params["kind"] == "a" for params in known], 1]).all()  # no longer among the choices
    assert {row["dropout"] for row in study.trial_rows()} == {0.0}


def test_past_trials_have_the_default_of_what_is_new_where_nobody_says_otherwise():
    study = begun()
    study.extend(OTHER)
    assert study.trials[0].params["dropout"] == 0.1


def test_a_paused_trial_goes_on_with_what_it_is_taken_to_have():
    study = begun(scheduler="asha", steps=4)
    study.extend(OTHER)
    steps = []
    while (step := study.ask()) is not None and len(steps) < 20:
        steps.append(step)
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=loss(step.params, epoch))
        study.tell(step.trial)
    assert all("dropout" in step.params for step in steps)


def test_a_new_space_is_there_in_another_process_and_every_space_is_on_record(tmp_path):
    file = tmp_path / "tunewell.db"
    study = begun(store=file)
    study.extend(OTHER)
    study.close()
    again = tw.Study.open(file)
    assert again.space == OTHER
    assert again.trials[0].params["dropout"] == 0.1
    event = next(event for event in again.events() if event.kind == "extended")
    assert tw.Space.from_dict(event.data["before"]) == SPACE
    assert tw.Space.from_dict(event.data["after"]) == OTHER
    resumed = tw.Study(OTHER, metric="val_loss", max_epochs=9, store=file, resume=True)
    assert len(train(resumed, 3).trials) >= len(again.trials)


def test_the_same_space_changes_nothing():
    study = begun()
    assert study.extend(SPACE) == []
    assert study.record.assumed is None
    assert not [event for event in study.events() if event.kind == "extended"]


@pytest.mark.parametrize("scheduler", ["asha", "halving", "hyperband", "full"])
def test_every_scheduler_goes_on(scheduler):
    study = begun(scheduler=scheduler, steps=6)
    study.extend(OTHER)
    assert train(study).spent.epochs == 270


def test_what_is_not_known_of_past_trials_must_be_said():
    study = begun(steps=3)
    with pytest.raises(SettingError, match="width is new, and nobody knows which value past trials had"):
        study.extend(tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log"), width=tw.Int(1, 9)))
    with pytest.raises(SettingError, match="learning_rate is not new in the space"):
        study.extend(OTHER, held={"learning_rate": 0.1})
    assert study.space == SPACE


@given(wider=st.floats(1, 100), seed=st.integers(0, 2**32))
def test_any_widening_leaves_every_past_setting_as_it_was(wider, seed):
    store = MemoryStore()
    study = tw.Study(SPACE, metric="val_loss", max_epochs=3, scheduler="full", sampler="random", seed=seed, store=store)
    train(study, 3)
    known = [dict(trial.params) for trial in study.trials]
    space = tw.Space(learning_rate=tw.Float(1e-3 / wider, 1e-1 * wider, scale="log"), kind=tw.Choice(["c", "b", "a"]))
    study.extend(space)
    assert [dict(trial.params) for trial in study.trials] == known
    again = [dict(params) for params in space.decode_many(study.history.points)]
    assert [setting["kind"] for setting in again] == [setting["kind"] for setting in known]
    assert [s["learning_rate"] for s in again] == pytest.approx([s["learning_rate"] for s in known])


def test_a_best_at_a_bound_is_named_with_how_far_to_go():
    study = train(tw.Study(SPACE, metric="val_loss", max_epochs=9, budget=20))
    (one,) = study.at_bounds()
    assert (one.name, one.side, one.bound) == ("learning_rate", "high", 0.1)
    assert one.suggested == pytest.approx(0.46, abs=0.01)  # a third of two decades
    assert at_bounds(tw.Study(SPACE, metric="val_loss").history) == []


@pytest.mark.parametrize(
    ("param", "value", "suggested"),
    [
        (tw.Float(0.0, 0.6), 0.0, None),  # a dropout is not negative
        (tw.Float(0.0, 1.0), 1.0, None),  # nor a share above one
        (tw.Int(16, 128, scale="log"), 128, 260),
        (tw.Float(0.9, 0.99, scale="log1m"), 0.99, 0.995358),
    ],
)
def test_how_far_to_go_is_a_third_of_the_range_on_its_scale(param, value, suggested):
    space = tw.Space(x=param)
    study = tw.Study(space, metric="val_loss", max_epochs=1, budget=12, scheduler="full", first=[{"x": value}] * 12)
    while (step := study.ask()) is not None:
        study.report(step.trial, 1, val_loss=0.5)
        study.tell(step.trial)
    assert [one.suggested for one in study.at_bounds()] == ([] if suggested is None else [pytest.approx(suggested)])
