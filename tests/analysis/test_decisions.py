"""Why each step was given out, and when more search is not worth it."""

from functools import cache

import numpy as np
import pytest

import tunewell as tw
from tunewell.analysis.decisions import DECIDED
from tunewell.errors import SettingError
from tunewell.trial import TrialState

SPACE = tw.Space(learning_rate=tw.Float(1e-4, 1.0, scale="log", default=1e-3), dropout=tw.Float(0, 0.6))


def accuracy(params, epoch):
    gap = np.log10(params["learning_rate"]) + 1.5
    return 0.95 - 0.08 * gap**2 - 0.05 * params["dropout"] - 0.3 / epoch


def search(budget=10, metric="val_accuracy", value=accuracy, **settings):
    study = tw.Study(SPACE, metric=metric, max_epochs=9, budget=budget, **settings)
    while (step := study.ask()) is not None:
        for epoch in step.epochs:
            study.report(step.trial, epoch, **{metric: value(step.params, epoch)})
        study.tell(step.trial)
    return study


known = cache(search)
"""The same, for those who only look at it."""


def test_every_step_of_the_model_is_on_record_with_what_was_expected():
    study = known()
    found = [decision for trial in study.trials for decision in study.why(trial.number)]
    assert len(found) == len([event for event in study.events() if event.kind == DECIDED])
    assert {decision.action for decision in found} == {"start", "resume"}
    for decision in found:
        assert decision.worse <= decision.mean <= decision.better  # an accuracy: higher is better
        assert 0 <= decision.chance <= 1
        assert decision.gain >= 0
        assert 0 < decision.best < 1
        assert decision.first_epoch <= decision.until
    assert "why" not in study.trials[-1].note


def test_what_is_expected_of_a_loss_is_in_its_own_unit_and_sign():
    study = search(metric="val_loss", value=lambda p, e: 1 - accuracy(p, e))
    found = [decision for trial in study.trials for decision in study.why(trial.number)]
    assert all(decision.worse >= decision.mean >= decision.better > 0 for decision in found)  # a loss: lower is better


def test_final_values_lie_where_they_were_expected():
    misses = []
    for study in (known(budget=12, seed=seed) for seed in range(3)):
        whole = [trial.number for trial in study.trials if trial.state is TrialState.COMPLETE]
        last = [study.why(trial)[-1] for trial in whole if study.why(trial)]
        misses += [abs(study.best_of(decision.trial)[1] - decision.mean) for decision in last]
    assert len(misses) >= 4
    assert np.median(misses) < 0.02


def test_the_first_settings_and_schedulers_without_a_model_give_no_reasons():
    assert known().why(0) == []
    study = search(scheduler="asha")
    assert not any(study.why(trial.number) for trial in study.trials)
    assert study.outlook() is None


def test_the_outlook_grows_dim_as_the_search_goes_on():
    early, late = known(budget=3).outlook(), known(budget=12, seed=0).outlook()
    assert late.gain < early.gain


def test_a_search_stops_when_no_training_is_expected_to_gain_as_much():
    study = search(budget=30, min_delta=0.002)
    assert study.spent.epochs < 30 * 9
    assert study.best.value > 0.91  # of 0.917
    assert study.ask() is None


@pytest.mark.parametrize("wrong", [-1, float("nan"), "0.1", float("inf")])
def test_a_delta_that_is_no_amount_is_refused(wrong):
    with pytest.raises(SettingError, match="min_delta"):
        tw.Study(SPACE, metric="val_accuracy", min_delta=wrong)


def test_a_delta_is_on_record_and_another_space_is_looked_at_anew(tmp_path):
    flat = search(budget=60, min_delta=0.5, store=tmp_path / "t.db", name="s")
    assert flat.spent.epochs < 60 * 9
    flat.close()
    again = tw.Study.open(tmp_path / "t.db", "s")
    assert again.min_delta == 0.5
    assert again.ask() is None
    assert again.extend(tw.Space(SPACE.params | {"learning_rate": tw.Float(1e-4, 100.0, scale="log")}))
    assert again.ask() is not None


def test_a_delta_needs_a_scheduler_that_expects_something():
    with pytest.raises(SettingError, match="min_delta needs a scheduler"):
        tw.Study(SPACE, metric="val_accuracy", scheduler="asha", min_delta=0.1)
