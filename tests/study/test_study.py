"""Study: ask, report, tell, and what is on record of them."""

import gc
import math
import pickle
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.errors import (
    NothingReported,
    RepeatedFailure,
    ReportError,
    SettingError,
    SpaceError,
    StoreError,
    StudyBusy,
    StudyExists,
    StudyNotFound,
    TrialEnded,
    TrialNotFound,
)
from tunewell.stores import Session
from tunewell.trial import TrialState

SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log", tier=1, default=1e-2),
    hidden=tw.Int(16, 512, scale="log", tier=2, default=128),
    epsilon=tw.Float(1e-10, 1e-6, scale="log", tier=4, default=1e-8),
)


def accuracy(params, epoch):
    """A learning curve: best at a rate of 0.1, rising with the epochs."""
    return 0.9 - 0.1 * abs(math.log10(params.learning_rate) + 1) - 0.3 / (epoch + 1)


def run_through(study, measure=accuracy, metric="val_accuracy"):
    """The loop that a user would write; answers its steps."""
    steps = []
    while (step := study.ask()) is not None:
        steps.append((step.trial, step.epochs, dict(step.params)))
        for epoch in step.epochs:
            study.report(step.trial, epoch, **{metric: measure(step.params, epoch)})
        study.tell(step.trial)
    return steps


def make(**settings):
    settings = {"metric": "val_accuracy", "max_epochs": 9, "budget": 5} | settings
    return tw.Study(SPACE, **settings)


def test_each_trial_has_a_seed_of_its_own_which_the_studys_seed_gives_it():
    studies = [make(seed=seed, scheduler="full") for seed in (1, 1, 2)]
    seeds = [[trial.seed for trial in study.trials] for study in studies if run_through(study)]
    assert seeds[0] == seeds[1]
    assert len({*seeds[0], *seeds[2]}) == len(seeds[0]) + len(seeds[2])


def test_the_loop_of_the_documentation_ends_with_a_best_trial():
    study = make()
    run_through(study)
    best = study.best
    reports = [(r.metrics["val_accuracy"], r.trial, r.epoch) for r in study.reports()]
    assert best.value == max(reports)[0]
    assert (best.value, best.trial, best.epoch) in reports
    assert best.params == study.trials[best.trial].params


@pytest.mark.parametrize("scheduler", ["auto", "full", "halving", "asha", "hyperband"])
@pytest.mark.parametrize(("budget", "epochs"), [(5, 45), ("30epochs", 30), (0.5, 5)])
def test_the_budget_is_spent_and_never_exceeded(scheduler, budget, epochs):
    study = make(scheduler=scheduler, budget=budget)
    steps = run_through(study)
    trained = sum(len(epochs) for _, epochs, _ in steps)
    assert trained == study.spent.epochs
    assert trained <= epochs
    assert trained > epochs - 9


def test_a_budget_of_trials_starts_so_many():
    study = make(budget="7trials", scheduler="full")
    run_through(study)
    assert len(study.trials) == 7
    assert all(trial.state is TrialState.COMPLETE for trial in study.trials)


def test_a_budget_of_time_ends_the_study():
    study = make(budget="0.05s", scheduler="full")
    run_through(study)
    assert study.out_of_time


def test_the_same_seed_gives_the_same_study():
    assert run_through(make(seed=3)) == run_through(make(seed=3))
    assert run_through(make(seed=3)) != run_through(make(seed=4))


def test_the_default_setting_is_tried_first_by_auto():
    assert make().ask().params == SPACE.defaults()


def test_settings_given_as_first_are_tried_before_any_other():
    first = [
        {"learning_rate": 0.5, "hidden": 20, "epsilon": 1e-8},
        {"learning_rate": 0.25, "hidden": 30, "epsilon": 1e-8},
    ]
    study = make(first=first, scheduler="full")
    assert [params for _, _, params in run_through(study)][:2] == first
    with pytest.raises(SpaceError, match="hiden"):
        make(first=[{"learning_rate": 0.5, "hiden": 20}])


def test_parameters_of_tier_4_stay_at_their_defaults_unless_asked():
    assert {params["epsilon"] for _, _, params in run_through(make())} == {1e-8}
    assert len({params["epsilon"] for _, _, params in run_through(make(max_tier=4))}) > 1


def test_a_paused_trial_goes_on_where_it_was():
    seen = {}
    for trial, epochs, _ in run_through(make(scheduler="asha")):
        assert epochs.start == seen.get(trial, 0) + 1
        seen[trial] = epochs.stop - 1
    assert 9 in seen.values()
    assert min(seen.values()) < 9


def test_a_loss_is_minimized_and_an_accuracy_maximized():
    study = make(metric="val_loss")
    run_through(study, lambda params, epoch: 1 - accuracy(params, epoch), "val_loss")
    assert study.best.value == min(report.metrics["val_loss"] for report in study.reports())
    assert not study.maximize


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        ("val_accuracy", "maximize"), ("val_acc", "maximize"), ("valAcc", "maximize"), ("test/f1", "maximize"),
        ("auc", "maximize"), ("val_loss", "minimize"), ("top1-error", "minimize"), ("RMSE", "minimize"),
    ],
)  # fmt: skip
def test_the_direction_is_read_from_the_metrics_name(metric, direction):
    assert make(metric=metric).record.direction == direction


@pytest.mark.parametrize("metric", ["speed", "accuracy_loss", "val"])
def test_a_direction_that_the_name_does_not_tell_is_demanded(metric):
    with pytest.raises(SettingError, match="direction"):
        make(metric=metric)
    assert make(metric=metric, direction="maximize").maximize


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"budget": 0}, "0"), ({"budget": "fast"}, "fast"), ({"scheduler": "ahsa"}, "asha"),
        ({"sampler": "tpe2"}, "sobol"),
        ({"seed": -1}, "seed"),
        ({"direction": "up"}, "maximize"), ({"max_epochs": 0}, "max_epochs"), ({"metric": ""}, "metric"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named(settings, named):
    with pytest.raises(SettingError, match=named):
        make(**settings)


def test_a_scheduler_that_is_given_takes_no_sampler_besides():
    with pytest.raises(SettingError, match="sampler"):
        make(scheduler=tw.FullScheduler(tw.RandomSampler()), sampler="sobol")


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_metric_that_is_no_number_is_the_worst_that_a_scheduler_sees(direction):
    study = make(direction=direction)
    study.report(study.ask().trial, 1, val_accuracy=math.nan)
    assert study.history.curves.tolist() == [[math.inf]]  # there, lower is better


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_counts_as_the_worst_is_kept_and_ends_the_trial(value):
    study = make(scheduler="full")
    step = study.ask()
    assert study.report(step.trial, 1, val_accuracy=0.5)
    assert not study.report(step.trial, 2, val_accuracy=value)
    assert study.tell(step.trial) is TrialState.STOPPED
    assert study.best.value == 0.5
    assert study.reports()[1].metrics["val_accuracy"] == pytest.approx(value, nan_ok=True)
    assert "epoch 2" in study.trials[0].reason
    assert study.spent.epochs == 2
    assert study.ask().trial == 1


def test_a_failed_trial_keeps_its_traceback_and_the_study_goes_on():
    study = make()
    step = study.ask()
    study.report(step.trial, 1, val_accuracy=0.5)
    assert study.tell(step.trial, error="Traceback ...\nValueError: no") is TrialState.FAILED
    assert study.trials[0].reason.endswith("ValueError: no")
    assert study.ask().trial == 1


def test_three_failures_in_a_row_with_the_same_error_stop_the_study():
    study = make()
    for _ in range(3):
        study.tell(study.ask().trial, error="Traceback ...\nValueError: no")
    with pytest.raises(RepeatedFailure, match="ValueError: no"):
        study.ask()


def test_failures_with_other_errors_or_a_success_between_them_do_not_stop_the_study():
    study = make()
    for error in ("a", "a", "b", "a", "a", None, "a", "a"):
        step = study.ask()
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_accuracy=0.1)
        study.tell(step.trial, error=error)
    assert study.ask() is not None


def test_a_study_whose_trials_fail_at_once_still_ends():
    study = make(budget=1)
    number = 0
    while (step := study.ask()) is not None:
        study.tell(step.trial, error=f"error {number}")
        number += 1
    assert number == 9


def test_a_report_without_the_metric_lists_those_reported():
    study = make()
    step = study.ask()
    with pytest.raises(ReportError, match=r"val_accuracy.*val_acc, train_loss"):
        study.report(step.trial, 1, val_acc=0.5, train_loss=1.0)


def test_a_metric_may_be_missing_after_the_first_report():
    study = make(scheduler="full")
    step = study.ask()
    for epoch in step.epochs:
        study.report(step.trial, epoch, **({"val_accuracy": 0.1 * epoch} if epoch % 4 == 1 else {"train_loss": 1.0}))
    assert study.tell(step.trial) is TrialState.COMPLETE
    assert study.best.epoch == 9


def test_a_report_of_an_epoch_that_was_not_asked_for_is_refused():
    study = make(scheduler="asha")
    step = study.ask()
    last = step.epochs.stop - 1
    for epoch in (0, last + 1):
        with pytest.raises(ReportError, match="asked for"):
            study.report(step.trial, epoch, val_accuracy=0.5)
    study.report(step.trial, 1, val_accuracy=0.5)
    with pytest.raises(ReportError, match="once"):
        study.report(step.trial, 1, val_accuracy=0.5)


def test_only_a_trial_with_a_step_in_progress_takes_reports():
    study = make()
    with pytest.raises(TrialNotFound, match="has no trial 3"):
        study.report(3, 1, val_accuracy=0.5)
    step = study.ask()
    study.report(step.trial, 1, val_accuracy=0.5)
    study.tell(step.trial)
    with pytest.raises(TrialEnded, match="paused"):
        study.report(step.trial, 2, val_accuracy=0.5)
    with pytest.raises(TrialEnded):
        study.tell(step.trial)


def test_a_training_that_ends_early_is_complete():
    study = make(scheduler="full")
    step = study.ask()
    study.report(step.trial, 1, val_accuracy=0.5)
    assert study.tell(step.trial, ended=True) is TrialState.COMPLETE
    assert study.trials[0].epochs == 1
    assert study.spent.epochs == 1


def test_a_training_that_ends_without_the_metric_has_failed():
    study = make()
    assert study.tell(study.ask().trial, ended=True) is TrialState.FAILED
    assert "val_accuracy" in study.trials[0].reason


def test_before_the_length_of_a_training_is_known_one_trial_goes_ahead():
    study = make(max_epochs=None)
    step = study.ask()
    assert study.ask().wait
    for epoch in range(1, 13):
        study.report(step.trial, epoch, val_accuracy=0.5)
    study.tell(step.trial, ended=True)
    assert study.max_epochs == 12
    following = study.ask()
    assert following.trial == 1
    assert following.epochs.stop <= 13


def test_a_first_trial_that_fails_before_its_length_is_known_is_not_tried_again():
    study = make(max_epochs=None)
    first = study.ask()
    study.tell(first.trial, error="no")
    assert study.ask().params != first.params


def test_a_training_that_says_its_length_gets_the_step_that_it_would_have_had():
    open_ended, known = make(max_epochs=None, scheduler="asha"), make(scheduler="asha")
    step = open_ended.ask()
    assert open_ended.learn_max_epochs(9, step.trial) == known.ask().epochs.stop - 1
    (ours,), (theirs,) = open_ended.trials, known.trials
    assert ours == replace(theirs, started_at=ours.started_at)


def test_several_workers_get_different_trials_and_then_wait():
    study = make(budget="3trials", scheduler="full")
    steps = [study.ask() for _ in range(3)]
    assert [step.trial for step in steps] == [0, 1, 2]
    assert study.ask().wait
    for step in steps:
        study.report(step.trial, 9, val_accuracy=0.5)
        study.tell(step.trial)
    assert study.ask() is None


def test_with_nothing_reported_there_is_no_best():
    with pytest.raises(NothingReported, match="no finite 'val_accuracy'"):
        make().best  # noqa: B018


def test_a_study_of_the_same_name_is_not_begun_twice(tmp_path):
    store = tmp_path / "t.db"
    make(store=store, name="digits")
    with pytest.raises(StudyExists, match="digits"):
        make(store=store, name="digits")
    assert make(store=store, name="digits", resume=True).record.id == 1


def test_a_study_is_resumed_with_the_settings_that_it_was_begun_with(tmp_path):
    store = tmp_path / "t.db"
    run_through(make(store=store, budget=2))
    study = make(store=store, budget=4, resume=True)
    assert study.spent.epochs == 18
    run_through(study)
    assert study.spent.epochs == 36
    with pytest.raises(SettingError, match="metric"):
        make(store=store, metric="val_loss", resume=True)
    with pytest.raises(SettingError, match="epochs"):
        make(store=store, max_epochs=12, resume=True)


def test_a_study_can_be_opened_from_its_store_alone(tmp_path):
    store = tmp_path / "t.db"
    run_through(make(store=store))
    study = tw.Study.open(store)
    assert study.space == SPACE.hold(["epsilon"])
    assert study.metric == "val_accuracy"
    assert run_through(study) == []
    with pytest.raises(StudyNotFound, match="'study'"):
        tw.Study.open(store, "other")
    with pytest.raises(StoreError, match="no store"):
        tw.Study.open(tmp_path / "none.db")


@cache
def whole(scheduler):
    """A study that nobody interrupts, to be compared with."""
    study = make(scheduler=scheduler)
    run_through(study)
    return study


@pytest.mark.parametrize("scheduler", ["auto", "hyperband"])
@pytest.mark.parametrize("killed_after", range(0, 40, 3))
def test_a_study_that_was_killed_and_resumed_is_the_study_it_would_have_been(tmp_path, scheduler, killed_after):
    study = make(store=tmp_path / "killed.db", scheduler=scheduler)
    left = killed_after
    while left > 0:
        step = study.ask()
        for epoch in step.epochs[:left]:
            study.report(step.trial, epoch, val_accuracy=accuracy(step.params, epoch))
        left -= len(step.epochs)
        if left > 0:
            study.tell(step.trial)
    del study  # while it is there, it runs
    resumed = make(store=tmp_path / "killed.db", scheduler=scheduler, resume=True)
    run_through(resumed)
    uncut = whole(scheduler)
    np.testing.assert_array_equal(resumed.history.curves, uncut.history.curves)
    assert [(t.params, t.seed, t.state) for t in resumed.trials] == [(t.params, t.seed, t.state) for t in uncut.trials]


def test_a_study_that_another_process_runs_is_busy(tmp_path):
    import os
    import socket

    study = make(store=tmp_path / "t.db")
    study.store.begin_session(study.record.id, Session(2e9, socket.gethostname(), os.getppid(), "tunewell", "/"))
    with pytest.raises(StudyBusy, match=str(os.getppid())):
        study.ask()


def test_the_sessions_of_a_study_are_on_record(tmp_path):
    study = make(store=tmp_path / "t.db", budget=1)
    run_through(study)
    study.close()
    (session,) = study.store.sessions(study.record.id)
    assert session.ended_at >= session.started_at
    assert {"python", "numpy", "tunewell"} <= set(session.versions)


def test_trials_as_a_dataframe():
    pd = pytest.importorskip("pandas")
    study = make()
    run_through(study)
    frame = study.trials_dataframe()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == len(study.trials)
    assert frame["val_accuracy"].max() == study.best.value
    assert {"trial", "state", "learning_rate", "hidden", "epochs", "best_epoch"} <= set(frame.columns)


def test_a_column_of_the_table_is_never_overwritten_by_a_parameter_or_metric_of_its_name():
    space = tw.Space(seed=tw.Float(0.25, 0.75), epochs=tw.Int(5, 9), loss=tw.Float(0.1, 0.2))
    study = tw.Study(space, metric="loss", max_epochs=1, budget=1, seed=3)
    run_through(study, lambda *_: 42.0, metric="loss")
    [row] = study.trial_rows()
    [trial] = study.trials
    assert (row["loss"], row["epochs"], row["seed"]) == (42.0, 1, trial.seed)
    assert {name: row[f"param_{name}"] for name in space.names} == dict(trial.params)
    study = tw.Study(SPACE, metric="state", direction="minimize", max_epochs=1, budget=1)
    run_through(study, lambda *_: 42.0, metric="state")
    [row] = study.trial_rows()
    assert (row["state"], row["metric_state"]) == ("complete", 42.0)


def test_a_training_of_a_million_epochs_costs_what_was_reported_of_it():
    study = make(max_epochs=10**6, scheduler="full", sampler="random", budget="1000000000epochs")
    for _ in range(50):
        step = study.ask()
        study.report(step.trial, 7, val_accuracy=0.5)
        study.tell(step.trial, ended=True)
    history = study.history
    assert history.curves.shape == (50, 7)
    assert history._curves.nbytes < 100_000
    assert np.isnan(history.at(6)).sum() == 0  # ended before it, without a report
    assert (history.at(10**6) == -0.5).all()


def test_what_ask_answers_can_cross_a_process():
    step = make().ask()
    assert pickle.loads(pickle.dumps(step)) == step


def test_settings_in_the_store_survive_the_user_changing_his_own():
    first = {"learning_rate": 0.5, "hidden": 20, "epsilon": 1e-8}
    study = make(first=[first], scheduler="full")
    first["hidden"] = 99
    assert study.ask().params.hidden == 20


def test_a_first_trial_that_diverges_says_nothing_of_how_long_a_training_is():
    study = make(max_epochs=None, scheduler="full")
    first = study.ask().trial
    for epoch, value in enumerate([0.5, 0.6, math.nan], start=1):
        study.report(first, epoch, val_accuracy=value)
    assert study.tell(first, ended=True) is TrialState.STOPPED
    assert study.max_epochs is None
    second = study.ask().trial
    for epoch in range(1, 8):
        study.report(second, epoch, val_accuracy=0.5)
    study.tell(second, ended=True)
    assert study.max_epochs == 7


def test_trainings_that_all_diverge_before_their_length_is_known_end_with_the_budget():
    study = make(max_epochs=None, scheduler="full", budget=4)
    while (step := study.ask()) is not None:
        study.report(step.trial, 1, val_accuracy=math.nan)
        study.tell(step.trial, ended=True)
    assert [trial.state for trial in study.trials] == [TrialState.STOPPED] * 4


def test_the_best_is_known_while_the_length_of_a_training_is_not():
    study = make(max_epochs=None, scheduler="full")
    trial = study.ask().trial
    for epoch, value in enumerate([0.5, 0.9, 0.7], start=1):
        study.report(trial, epoch, val_accuracy=value)
    assert (study.best.epoch, study.best.value) == (2, 0.9)
    assert study.history.curves.shape == (1, 3)


@dataclass(frozen=True)
class Middle:
    """Somebody's own sampler."""

    name: ClassVar[str] = "middle"

    def suggest(self, space, history, rng):
        return space.decode(np.full(len(space.params), 0.5))


def test_a_sampler_of_ones_own_works_by_name_of_a_scheduler_and_the_study_can_be_read_without_it(tmp_path):
    store = tmp_path / "a.db"
    study = make(scheduler="full", sampler=Middle(), budget=2, store=store)
    run_through(study)
    assert len(study.trials) == 2
    again = tw.Study.open(store)
    assert again.best == study.best
    with pytest.raises(SettingError, match="middle"):
        _ = again.scheduler


def test_a_metric_may_have_any_name():
    study = tw.Study(SPACE, metric="trial", direction="minimize", max_epochs=2, budget=1, scheduler="full")
    run_through(study, lambda _, epoch: 1.0 / epoch, metric="trial")
    assert study.best.value == 0.5


@pytest.mark.parametrize("value", ["abc", [1, 2], None, object()])
def test_what_is_no_number_is_refused_by_name(value):
    study = make()
    with pytest.raises(ReportError, match="val_accuracy"):
        study.report(study.ask().trial, 1, val_accuracy=value)


def test_an_error_without_words_is_an_error():
    study = make(scheduler="full")
    for _ in range(2):
        study.tell(study.ask().trial, error="")
    assert study.ask() is not None
    assert study.trial_rows()[0]["reason"] == "an error without a message"


def test_a_busy_study_keeps_its_budget(tmp_path):
    store = tmp_path / "a.db"
    make(store=store, budget=5).close()
    resumed = make(store=store, budget=7, resume=True)
    assert tw.Study.open(store).budget.amount == 5
    resumed.ask()
    assert tw.Study.open(store).budget.amount == 7
    resumed.close()
    assert make(store=store, budget=None, resume=True).budget.amount == 7


def test_the_length_of_a_training_may_be_said_when_a_study_is_resumed(tmp_path):
    make(store=tmp_path / "a.db", max_epochs=None).close()
    assert make(store=tmp_path / "a.db", max_epochs=7, resume=True).max_epochs == 7


def test_a_reader_may_ask_for_stillness():
    study = make()
    step = study.ask()
    study.report(step.trial, 1, val_accuracy=0.5)
    with study.still():
        for trial in (step.trial, study.ask().trial):
            if trial != step.trial:
                study.report(trial, 1, val_accuracy=0.6)
        # asking reads the log, for whoever asks
        assert {report.trial for report in study.reports()} <= {trial.number for trial in study.trials}


def test_a_history_that_was_handed_out_does_not_grow():
    study = make()
    before = study.history
    shape = before.curves.shape, len(before.notes), before.epochs.shape
    run_through(study)
    assert (before.curves.shape, len(before.notes), before.epochs.shape) == shape
    assert len(study.history) > 3


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"first": SPACE.defaults()}, "first is a list of settings"),
    ],
)
def test_settings_of_the_wrong_kind_are_refused_at_the_door(settings, named):
    with pytest.raises(SettingError, match=named):
        make(**settings)


@pytest.mark.parametrize(
    ("metric", "direction"), [("mAP", "maximize"), ("valLoss", "minimize"), ("f1_score", "maximize")]
)
def test_the_direction_is_read_from_the_name(metric, direction):
    assert tw.Study(SPACE, metric=metric).record.direction == direction


def test_a_name_that_says_both_or_nothing_has_to_be_told():
    for metric in ("accuracy_loss", "gradient"):
        with pytest.raises(SettingError, match="direction"):
            tw.Study(SPACE, metric=metric)


def train_one(study, *values, error=None):
    """Train the next trial, which reports these losses and then fails, if there is an error."""
    step = study.ask()
    for epoch, value in enumerate(values, start=1):
        study.report(step.trial, epoch, val_loss=value)
    study.tell(step.trial, error=error)


def losses(**settings):
    return make(metric="val_loss", max_epochs=3, scheduler="full", **settings)


@pytest.mark.parametrize(("values", "error"), [((0.1,), "MemoryError"), ((0.1, math.nan), None)])
def test_the_best_is_not_of_a_trial_that_failed_or_diverged(values, error):
    study = losses()
    train_one(study, *values, error=error)
    assert (study.best.trial, study.best.state.ended) == (0, True)  # there is no other yet
    train_one(study, 0.9, 0.8, 0.7)
    assert (study.best.trial, study.best.value, study.best.state) == (1, 0.7, "complete")


def test_a_trial_that_was_stopped_by_hand_may_be_the_best():
    study = losses()
    step = study.ask()
    study.report(step.trial, 1, val_loss=0.1)
    study.tell(step.trial, stopped="enough")
    train_one(study, 0.9, 0.8, 0.7)
    assert study.best.trial == 0


def test_a_trial_that_failed_and_is_retried_counts_again():
    study = losses()
    train_one(study, 0.1, error="OSError: the disk is away")
    train_one(study, 0.9, 0.8, 0.7)
    study.retry(0)
    assert study.best.trial == 0


def test_a_range_is_not_widened_to_where_trainings_fail():
    space = tw.Space(batch=tw.Int(8, 512, scale="log"))
    settings = [{"batch": batch} for batch in (512, 511, 510, 509, 508, 40, 41, 42, 43, 44, 45, 46)]
    study = tw.Study(space, metric="val_loss", max_epochs=1, budget=12, scheduler="full", first=settings)
    for setting in settings:
        step = study.ask()
        study.report(step.trial, 1, val_loss=1 / setting["batch"])
        study.tell(step.trial, error=f"MemoryError: {step.trial}" if setting["batch"] > 200 else None)
    assert study.at_bounds() == []


class Killed(BaseException):
    """The end of a process between two commits."""


@pytest.mark.parametrize("scheduler", ["auto", "asha", "full"])
def test_a_study_killed_at_any_commit_while_it_learns_its_length_is_the_one_that_it_would_have_been(
    tmp_path, scheduler, monkeypatch
):
    def settings(study):
        return [(trial.until, trial.epochs, str(trial.state), dict(trial.params)) for trial in study.trials]

    def run(path, commits=math.inf):
        study = tw.Study(SPACE, metric="val_loss", budget=2, scheduler=scheduler, store=path, resume=True)
        left = commits

        def counted(commit):
            def committing(*args, **named):
                nonlocal left
                if left <= 0:
                    raise Killed
                left -= 1
                return commit(*args, **named)

            return committing

        for name in ("change_study", "revise_step", "report", "end_step", "begin_step"):
            monkeypatch.setattr(study.store, name, counted(getattr(study.store, name)))
        try:
            while (step := study.ask()) is not None:
                until = step.epochs.stop - 1
                if study.max_epochs is None:
                    until = study.learn_max_epochs(9, step.trial)
                for epoch in range(step.epochs.start, until + 1):
                    study.report(step.trial, epoch, val_loss=1 / epoch)
                study.tell(step.trial)
        except Killed:
            pass
        found = settings(study)
        study.close()
        study.store.close()
        return found

    whole = run(tmp_path / "whole.db")
    for commits in range(1, 6):
        path = tmp_path / f"{commits}.db"
        run(path, commits)
        assert run(path) == whole


def test_the_default_is_the_newest_study_with_an_epoch_and_a_named_one_is_shown_whatever_it_has(tmp_path):
    file = tmp_path / "tunewell.db"

    def study(name):
        return tw.Study(SPACE, metric="loss", store=file, name=name, scheduler="full", max_epochs=2)

    def said(*words):
        return CliRunner().invoke(cli, [*words, "--store", str(file)], input="")

    young = study("young")
    assert "no study in" in said("show").stderr
    assert "'young' is the newest" in said("export").stderr
    for command in ("best", "diagnose"):
        refused = said(command)
        assert refused.exit_code != 0
        assert "study 'young' has no" in refused.stderr.splitlines()[-1]
    old = study("old")
    step = old.ask()
    old.report(step.trial, 1, loss=1.0)
    late = study("late")
    late.ask()
    for command in ("show", "best", "export", "diagnose"):
        shown = said(command)
        assert shown.exit_code == 0, shown.stderr
        assert "study 'old' is the newest with an epoch on record; 'late' was begun later" in shown.stderr
    assert "late" in said("show", "late").stdout.splitlines()[0]
    assert "begun later" not in said("show", "late").stderr
    assert tw.Study.open(file).name == "old"
    for one in (young, old, late):
        one.store.close()


LOOKS = {
    "tune": lambda file, n: tw.tune(
        lambda run: [run.report(loss=1.0) for _ in run.epochs(1)],
        SPACE, metric="loss", store=file, name=f"s{n}", budget=1, scheduler="full",
    ),
    "open": lambda file, _: tw.Study.open(file).trials,
    "read": lambda file, _: tw.Study.open(file).reader.history.curves,
}  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
@pytest.mark.parametrize("look", LOOKS)
def test_a_study_that_nobody_holds_any_more_leaves_no_file_open_though_no_garbage_is_collected(tmp_path, look):
    file = tmp_path / "tunewell.db"
    LOOKS["tune"](file, 0)
    gc.collect()
    gc.disable()  # with millions of objects, as frameworks have, the collector hardly ever looks at all of them
    try:
        LOOKS[look](file, 1)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for n in range(2, 12):
            LOOKS[look](file, n)
        assert len(list(Path("/proc/self/fd").iterdir())) <= before
    finally:
        gc.enable()


def test_a_step_may_fail_with_its_exception():
    study = tw.Study(tw.Space(x=tw.Float(0, 1)), metric="loss", max_epochs=2, budget=5)
    step = study.ask()
    assert study.tell(step.trial, error=ValueError("too hot")) is TrialState.FAILED
    assert study.trials[step.trial].reason == "ValueError: too hot\n"


def test_a_study_in_which_half_of_the_settings_fail_goes_on():
    """Three of the same failure in a row are chance there; where nothing went well they are the code."""
    space = tw.Space(x=tw.Float(0.0, 1.0))
    study = tw.Study(
        space,
        metric="loss",
        max_epochs=1,
        budget="40trials",
        scheduler="full",
        sampler="random",
        seed=3,
        store="memory",
    )
    while (step := study.ask()) is not None:
        good = step.params.x < 0.4 or step.trial == 0
        if good:
            study.report(step.trial, 1, loss=step.params.x)
        study.tell(step.trial, error=None if good else "out of memory")
    failed = [trial.state is tw.TrialState.FAILED for trial in study.trials]
    assert len(failed) == 40
    assert any(all(failed[i : i + 3]) for i in range(38))


def test_a_study_in_which_all_begins_to_fail_stops():
    study = tw.Study(tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", max_epochs=1, budget="400trials", scheduler="full")
    for _ in range(20):
        step = study.ask()
        study.report(step.trial, 1, loss=step.params.x)
        study.tell(step.trial)

    def go_on():
        while (step := study.ask()) is not None:
            study.tell(step.trial, error="the disk has gone")

    with pytest.raises(tw.TunewellError, match="in a row failed with the same error: the disk has gone"):
        go_on()
    assert len(study.trials) <= 26
