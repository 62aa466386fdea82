"""The best settings are trained again, and an honest best is told from the luckiest."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.cli.results_report import confirmed_lines
from tunewell.errors import SettingError
from tunewell.runners.base import NullObserver
from tunewell.samplers import RandomSampler
from tunewell.schedulers import FullScheduler
from tunewell.study.confirmation import confirmation
from tunewell.study.confirmed import Confirmed, confirmed

SPACE = tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log", default=1e-1))


def train(run):
    """Noise of the run's own seed on a curve that depends on its setting."""
    luck = 0.05 * run.rng.normal()
    for epoch in run.epochs(6):
        run.report(val_loss=0.5 + abs(np.log10(run.params.learning_rate) + 1) / 10 + 1 / epoch + luck)


def tuned(store="memory", **settings):
    return tw.tune(
        train, SPACE, metric="val_loss", budget=8, store=store, observer=NullObserver(), name="noisy", **settings
    )


def test_the_best_settings_are_trained_again_in_full_with_other_seeds():
    study = tuned(confirm=4)
    found = confirmed(study)
    again = tw.Study.open(study.store, study.store.studies()[-1].name)
    assert len(found) == 3
    assert [len(one.values) for one in found] == [4, 4, 4]
    assert len({trial.seed for trial in [*study.trials, *again.trials]}) == len(study.trials) + 12
    assert all(trial.epochs == 6 for trial in again.trials)
    assert [one.mean for one in found] == sorted(one.mean for one in found)  # a loss
    assert found[0].params == study.trials[found[0].trial].params


def test_the_luckiest_report_flatters_its_setting():
    study = tuned(confirm=6)
    lucky = next(one for one in confirmed(study) if one.trial == study.best.trial)
    assert lucky.found == study.best.value
    assert lucky.mean > lucky.found


def test_the_search_itself_is_the_same_as_without():
    with_it, without = tuned(confirm=2), tuned()
    assert [(dict(t.params), t.epochs) for t in with_it.trials] == [(dict(t.params), t.epochs) for t in without.trials]


def test_a_confirmation_goes_on_where_it_was_left(tmp_path):
    study = tuned(store=tmp_path / "tunewell.db")
    again = confirmation(study, seeds=3, best=2)
    step = again.ask()
    for epoch in step.epochs:
        again.report(step.trial, epoch, val_loss=0.5)
    again.tell(step.trial)
    again.close()
    assert sum(len(one.values) for one in confirmed(study)) == 1
    tw.runners.tune.drive(confirmation(study, seeds=3, best=2), train, observer=NullObserver())
    assert [len(one.values) for one in confirmed(study)] == [3, 3]


def test_the_newest_study_is_the_search_and_not_its_confirmation(tmp_path):
    study = tuned(store=tmp_path / "tunewell.db", confirm=1)
    study.close()
    assert tw.Study.open(tmp_path / "tunewell.db").record.name == "noisy"


def test_an_interval_is_that_of_student():
    one = Confirmed(0, 0.9, (0.8, 0.9, 1.0), {})
    assert one.mean == pytest.approx(0.9)
    assert one.margin == pytest.approx(4.303 * 0.1 / np.sqrt(3), rel=1e-3)  # t of 2 degrees of freedom
    assert Confirmed(0, 0.9, (0.8,), {}).margin == float("inf")


def test_what_cannot_be_confirmed_is_refused():
    empty = tw.Study(SPACE, metric="val_loss", max_epochs=3)
    with pytest.raises(SettingError, match="no finite 'val_loss' to confirm"):
        confirmation(empty, seeds=3)
    with pytest.raises(SettingError, match="confirm must be a whole number of at least 1"):
        confirmation(tuned(), seeds=0)


def test_what_an_earlier_space_had_is_confirmed_as_it_was():
    study = tuned()
    best = study.best.params.learning_rate
    study.extend(tw.Space(learning_rate=tw.Float(best * 1.5, best * 2, scale="log")))
    again = confirmation(study, seeds=2)
    while (step := again.ask()) is not None:
        for epoch in step.epochs:
            again.report(step.trial, epoch, val_loss=1 / epoch)
        again.tell(step.trial)
    assert {trial.params.learning_rate for trial in again.trials} >= {best}
    assert [len(one.values) for one in confirmed(study)] == [2, 2, 2]


def test_another_study_whose_name_is_like_a_confirmation_s_is_none():
    study = tuned()
    tw.Study(SPACE, metric="val_loss", store=study.store, name="noisy-confirmed-v2")
    assert confirmed(study) == []


def test_a_confirmation_without_a_value_confirms_nothing():
    study = tuned()
    confirmation(study, seeds=2)
    assert confirmed(study) == []


@pytest.mark.parametrize("wrong", [True, -1, 2.5])
def test_how_often_to_confirm_is_checked_before_any_training(wrong):
    with pytest.raises(SettingError, match="confirm must be a whole number"):
        tw.tune(train, SPACE, metric="val_loss", store="memory", confirm=wrong)


def confirmed_where(*breaking):
    """Return a study of three settings, confirmed twice each; those of `breaking` break in their second epoch."""
    study = tw.Study(SPACE, metric="val_loss", max_epochs=3, budget="3trials", scheduler=FullScheduler(RandomSampler()))
    while (step := study.ask()) is not None:
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=step.trial + 1 / epoch)
        study.tell(step.trial)
    again = confirmation(study, seeds=2)
    while (step := again.ask()) is not None:
        place = step.trial % 3
        for epoch in step.epochs:
            if place in breaking and epoch == 2 and step.trial < 3:
                again.tell(step.trial, error=f"out of memory in {step.trial}")
                break
            value = float("nan") if place in breaking and epoch == 2 else place + 1 / epoch
            if not again.report(step.trial, epoch, val_loss=value):
                again.tell(step.trial)
                break
        else:
            again.tell(step.trial)
    return study


def test_a_setting_that_breaks_when_it_is_trained_again_is_no_honest_best():
    study = confirmed_where(0)
    assert [(one.trial, len(one.values), one.broken) for one in confirmed(study)] == [(1, 2, 0), (2, 2, 0), (0, 0, 2)]
    lines = list(confirmed_lines(study))
    assert lines[-1] == "An honest best is trial 1, with 1.333 on average."
    assert "broke" in lines[3]
    assert lines[-3].split() == ["0", "0.3333", "-", "-", "2", "2"]


def test_where_each_setting_breaks_none_is_an_honest_best():
    study = confirmed_where(0, 1, 2)
    assert [one.broken for one in confirmed(study)] == [2, 2, 2]
    assert list(confirmed_lines(study))[-1] == "None of them is an honest best: each broke when it was trained again."


def test_where_nothing_was_found_nothing_is_confirmed():
    def diverging(run):
        for _ in run.epochs(2):
            run.report(val_loss=float("nan"))

    study = tw.tune(diverging, SPACE, metric="val_loss", budget=2, store="memory", confirm=2, observer=NullObserver())
    assert study.best_so_far is None
