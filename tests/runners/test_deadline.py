"""Trainings that end at a time, whatever is left of the budget."""

import math
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

import tunewell as tw
from tunewell.errors import SettingError
from tunewell.runners import Execution
from tunewell.runners.deadline import Deadline, KeptFree, confirmation_s
from tunewell.runners.driver import Driver
from tunewell.runners.tune import drive
from tunewell.trial import TrialState

SPACE = tw.Space(x=tw.Float(0.0, 1.0))
EPOCH_S = 0.05


def train(run):
    for epoch in run.epochs(6):
        time.sleep(EPOCH_S)
        run.report(val_loss=run.params.x + 1 / epoch)


class After:
    """A deadline that comes after so many reports: no test waits for a clock."""

    span_s = math.inf

    def __init__(self, study, reports):
        self.study, self.reports = study, reports

    @property
    def left_s(self):
        return self.reports - self.study.spent.trained


def test_trainings_end_after_their_epoch_and_the_study_goes_on_later():
    study = tw.Study(SPACE, metric="val_loss", budget=1000, store="memory")
    assert drive(study, train, Execution(deadline=After(study, 20)))
    assert study.spent.trained == 20
    assert {trial.state for trial in study.trials} <= {TrialState.PAUSED, TrialState.COMPLETE}
    assert drive(study, train, Execution(deadline=After(study, 33)))
    assert study.spent.trained == 33


def test_workers_in_processes_end_too(tmp_path):
    study = tw.tune(
        train, SPACE, metric="val_loss", budget=10_000, within="8s", workers=2, store=tmp_path / "t.db", seed=1
    )
    assert study.spent.epochs < 60_000
    assert not study.history.running.any()


def test_a_study_that_is_over_before_its_deadline_ends():
    study = tw.tune(train, SPACE, metric="val_loss", budget="3trials", within="1h", store="memory", scheduler="full")
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3


def test_time_is_kept_free_for_what_confirms():
    study = tw.tune(train, SPACE, metric="val_loss", budget="3trials", scheduler="full", store="memory")
    needed = confirmation_s(study.reader, seeds=1, workers=1)
    assert needed >= 3 * 6 * EPOCH_S
    assert confirmation_s(study.reader, seeds=2, workers=1) == pytest.approx(2 * needed)
    assert confirmation_s(study.reader, seeds=2, workers=2) == pytest.approx(needed)
    within = Deadline.of(None, needed + 60)
    kept = KeptFree(1, 1).seconds(study.reader, within)
    assert needed < kept < 2 * needed
    assert KeptFree(1000, 1).seconds(study.reader, within) == pytest.approx(within.span_s / 2)
    late = replace(within, ends=time.monotonic() + needed)
    for seeds, is_late in ((1, True), (0, False)):
        driver = Driver(study, Execution(deadline=late, seeds_to_confirm=seeds))
        assert driver.is_late == driver.is_stopping == is_late


def test_nothing_is_kept_free_while_nothing_is_known():
    study = tw.Study(SPACE, metric="val_loss", store="memory", max_epochs=6)
    assert confirmation_s(study.reader, seeds=3, workers=1) == 0


def test_a_time_of_day_is_the_next_one():
    now = datetime.now().astimezone()
    for ahead in (timedelta(hours=2), timedelta(hours=20)):
        then = (now + ahead).replace(second=0, microsecond=0)
        left = Deadline.of(f"{then:%H:%M}", None).left_s
        assert left == pytest.approx((then - now).total_seconds(), abs=5)
    both = Deadline.of(now + timedelta(hours=2), "1h")
    assert both.left_s == pytest.approx(3600, abs=5)
    assert Deadline.of(None, None) is None
    assert replace(both, at=time.time() - 1).left_s < 0  # the clock was set: a time of day is a time of day


@pytest.mark.parametrize(
    ("until", "within", "message"),
    [
        ("teatime", None, "until must be a time of day"),
        ("2001-01-01 10:00", None, "has passed"),
        (None, "3 epochs", "within must be a time"),
    ],
)
def test_what_is_no_time_is_refused(until, within, message):
    with pytest.raises(SettingError, match=message):
        Deadline.of(until, within)
