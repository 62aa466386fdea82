"""Trials in threads of one process: side by side, each slot refilled by itself, and otherwise as in line."""

import json
import os
import random
import signal
import sys
import threading
import time

import numpy as np
import pytest
from click.testing import CliRunner
from threadpoolctl import threadpool_info

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.errors import RepeatedFailure, ReportError
from tunewell.runners import Execution, run_inline, run_threads
from tunewell.runners.base import Assignment, NullObserver
from tunewell.runners.worker import Worker
from tunewell.study.directive import Directive
from tunewell.trial import Step, TrialState

SPACE = tw.Space(rate=tw.Float(1e-3, 1.0, scale="log", default=0.01), kind=tw.Choice(["a", "b"], default="a"))
EPOCHS = 9
PATIENCE_S = 10
"""How long a trial waits for another before the test has failed."""


def make(**settings):
    return tw.Study(SPACE, **{"metric": "loss", "budget": 4} | settings)


def drawing(run):
    """Its loss depends on what is in memory and on every source of randomness."""
    total = 0.0
    for _ in run.epochs(EPOCHS):
        total += run.rng.normal() + np.random.normal() + random.random() * run.params.rate
        run.report(loss=total)


def own_draws(run):
    """Its loss depends on what is in memory and on the run's own generator."""
    total = 0.0
    for _ in run.epochs(EPOCHS):
        total += run.rng.normal() * run.params.rate
        run.report(loss=total)


def tracked(run):
    """The same with its state tracked."""
    state = {"total": 0.0}
    run.track(state=state)
    for _ in run.epochs(EPOCHS):
        state["total"] += run.rng.normal() * run.params.rate
        run.report(loss=state["total"])


def losses(study, trial):
    return [report.metrics["loss"] for report in study.reports(trial.number)]


def losses_alone(train, trial):
    run = tw.Run(trial.params, seed=trial.seed)
    train(run)
    return [report["loss"] for report in run.reports]


def training_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("trial-")]


@pytest.mark.parametrize("scheduler", ["full", "asha", "hyperband"])
@pytest.mark.parametrize("keep", [0, 64])
def test_one_worker_makes_the_study_that_the_inline_runner_makes(scheduler, keep):
    studies = [make(scheduler=scheduler) for _ in range(2)]
    assert run_inline(studies[0], drawing, Execution(keep=keep))
    assert run_threads(studies[1], drawing, Execution(workers=1, keep=keep))
    np.testing.assert_array_equal(studies[1].history.curves, studies[0].history.curves)
    assert [t.params for t in studies[1].trials] == [t.params for t in studies[0].trials]
    assert [t.retrained for t in studies[1].trials] == [t.retrained for t in studies[0].trials]


def test_two_trials_train_at_the_same_time():
    both = threading.Barrier(2, timeout=PATIENCE_S)

    def meeting(run):
        for _ in run.epochs(EPOCHS):
            both.wait()
            run.report(loss=1.0)

    study = make(scheduler="full", max_epochs=EPOCHS, budget="4trials")
    assert run_threads(study, meeting, Execution(workers=2))
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}


def test_a_slot_is_refilled_while_the_other_still_trains():
    third_began = threading.Event()

    def train(run):
        for _ in run.epochs(EPOCHS):
            if run.trial == 2:
                third_began.set()
            if run.trial == 0:
                assert third_began.wait(PATIENCE_S)
            run.report(loss=1.0)

    study = make(scheduler="full", max_epochs=EPOCHS, budget="4trials")
    run_threads(study, train, Execution(workers=2))
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 4


def test_the_second_slot_is_filled_as_soon_as_the_first_trial_has_told_its_length():
    second_began = threading.Event()

    def train(run):
        time.sleep(0.2)  # the second slot has asked in vain by then
        for _ in run.epochs(EPOCHS):
            if run.trial == 1:
                second_began.set()
            if run.trial == 0:
                assert second_began.wait(PATIENCE_S)
            run.report(loss=1.0)

    study = make(scheduler="full", budget="2trials")
    run_threads(study, train, Execution(workers=2))
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 2


@pytest.mark.parametrize("scheduler", ["full", "halving", "asha", "hyperband"])
@pytest.mark.parametrize("workers", [2, 5])
def test_the_budget_is_spent_and_never_exceeded(scheduler, workers):
    promised = []

    class Watch(NullObserver):
        def on_step(self, study, step):
            promised.append(study.spent.epochs)

    study = make(scheduler=scheduler, budget=6)
    assert run_threads(study, own_draws, Execution(workers=workers), observer=Watch())
    # a step of the first trial has an open end until the trial has told how long a training is
    assert max(promised[1:]) <= 6 * EPOCHS
    assert 5 * EPOCHS < study.spent.epochs <= 6 * EPOCHS
    assert len(study.reports()) == study.spent.epochs


@pytest.mark.parametrize("train", [own_draws, tracked])
@pytest.mark.parametrize("keep", [0, 64])
def test_a_trial_that_paused_or_was_given_up_goes_on_with_the_same_curve(train, keep, tmp_path):
    study = make(scheduler="asha", store=tmp_path / "t.db")
    run_threads(study, train, Execution(workers=2, keep=keep))
    assert any(trial.epochs == EPOCHS for trial in study.trials)
    for trial in study.trials:
        assert losses(study, trial) == losses_alone(train, trial)[: trial.epochs]
    assert any(trial.retrained for trial in study.trials) == (keep == 0 and train is own_draws)
    assert not training_threads()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_users_own_random_state_is_left_alone(workers):
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()
    run_threads(make(), drawing, Execution(workers=workers))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_trials_side_by_side_do_not_draw_the_same_from_what_they_share():
    study = make(scheduler="full", max_epochs=EPOCHS, budget="4trials")
    draws = []

    def train(run):
        for _ in run.epochs(EPOCHS):
            draws.append(np.random.normal())
            run.report(loss=1.0)

    run_threads(study, train, Execution(workers=2))
    assert len(set(draws)) == len(draws) == 4 * EPOCHS


def test_a_failing_trial_costs_itself_alone():
    both = threading.Barrier(2, timeout=PATIENCE_S)

    def train(run):
        for epoch in run.epochs(EPOCHS):
            if run.trial < 2 and epoch == 1:
                both.wait()
            if run.trial == 1:
                raise ValueError("no")
            run.report(loss=1.0)

    study = make(scheduler="full", max_epochs=EPOCHS, budget="4trials")
    assert run_threads(study, train, Execution(workers=2))
    failed = TrialState.FAILED
    assert [trial.state is failed for trial in study.trials] == [False, True, False, False]
    assert "ValueError: no" in study.trials[1].reason
    assert "hosted_trial.py" not in study.trials[1].reason


def test_a_trial_whose_metric_is_not_finite_ends_there():
    def train(run):
        for epoch in run.epochs(EPOCHS):
            run.report(loss=float("nan") if run.trial == 1 and epoch == 2 else 1.0)

    study = make(scheduler="full", max_epochs=EPOCHS, budget="3trials")
    run_threads(study, train, Execution(workers=2))
    assert [(t.state, t.epochs) for t in study.trials] == [
        (TrialState.COMPLETE, EPOCHS),
        (TrialState.STOPPED, 2),
        (TrialState.COMPLETE, EPOCHS),
    ]


def test_a_repeated_failure_stops_the_study_and_brings_the_other_trial_in():
    def train(run):
        for _ in run.epochs(EPOCHS):
            if run.trial > 0:
                raise ValueError("always")
            # reports for as long as it is not told to park
            failures.wait(0.05)
            run.report(loss=1.0)

    failures = threading.Event()
    study = make(scheduler="full", max_epochs=EPOCHS, budget="20trials")
    with pytest.raises(RepeatedFailure, match="ValueError: always"):
        run_threads(study, train, Execution(workers=2))
    assert not training_threads()
    assert [trial.state for trial in study.trials[:2]] == [TrialState.RUNNING, TrialState.FAILED]
    assert 1 <= len(losses(study, study.trials[0])) < EPOCHS


def test_a_metric_that_is_never_reported_stops_the_study_at_once():
    all_three = threading.Barrier(3, timeout=PATIENCE_S)

    def train(run):
        for _ in run.epochs(EPOCHS):
            all_three.wait()
            run.report(lossy=1.0)

    study = make(max_epochs=EPOCHS)
    with pytest.raises(ReportError, match=r"'loss' is not among those reported \(lossy\)"):
        run_threads(study, train, Execution(workers=3))
    assert [trial.state for trial in study.trials] == [TrialState.FAILED] * 3
    assert not training_threads()


@pytest.mark.parametrize("train", [own_draws, tracked])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_study_is_resumed_to_its_end(train, number, tmp_path):
    interrupted = threading.Event()

    class Watch(NullObserver):
        def on_report(self, study, trial, epoch, metrics):
            if len(study.reports()) == 12 and not interrupted.is_set():
                interrupted.set()
                os.kill(os.getpid(), number)

    settings = {"scheduler": "asha", "max_epochs": EPOCHS, "store": tmp_path / "t.db"}
    study = make(**settings)
    assert not run_threads(study, train, Execution(workers=2), observer=Watch())
    assert interrupted.is_set()
    assert not training_threads()
    before = study.reports()
    assert len(before) < 4 * EPOCHS
    again = make(**settings, resume=True)
    assert run_threads(again, train, Execution(workers=2))
    assert again.reports()[: len(before)] == before
    assert 3 * EPOCHS < again.spent.epochs <= 4 * EPOCHS
    for trial in again.trials:
        assert losses(again, trial) == losses_alone(train, trial)[: trial.epochs]


def test_a_worker_that_closes_hears_no_more_of_a_trial_that_still_moves():
    heard, trained, closed = [], threading.Event(), threading.Event()

    class Coordinator:
        def report(self, trial, epoch, metrics):
            heard.append(epoch)
            return Directive()

    def train(run):
        for epoch in run.epochs(EPOCHS):
            if epoch == 2:
                trained.set()
                assert closed.wait(PATIENCE_S)
            run.report(loss=1.0)

    worker = Worker(train, Coordinator(), alone=False)
    worker.begin(Assignment(Step(0, SPACE.defaults(), range(1, EPOCHS + 1)), EPOCHS, None))
    assert trained.wait(PATIENCE_S)
    worker.close()
    closed.set()
    for thread in training_threads():
        thread.join(PATIENCE_S)
    assert heard == [1]


def test_an_observer_hears_one_thing_at_a_time():
    class Watch(NullObserver):
        inside = 0
        most = 0

        def on_report(self, study, trial, epoch, metrics):
            self.inside += 1
            self.most = max(self.most, self.inside)
            threading.Event().wait(0.001)  # lets the others come in, if they can
            self.inside -= 1

        on_step = on_step_end = lambda self, study, what: self.on_report(study, what, 0, {})

    watch = Watch()
    run_threads(make(scheduler="asha"), own_draws, Execution(workers=4), observer=watch)
    assert watch.most == 1


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("workers", [1, 2])
def test_blas_has_one_thread_while_several_trials_train(workers):
    seen, before = [], blas_threads()

    def train(run):
        for _ in run.epochs(3):
            seen.append(blas_threads())
            run.report(loss=1.0)

    run_threads(make(scheduler="full", budget=2), train, Execution(workers=workers))
    assert seen[0] == (before if workers == 1 else {1})
    assert blas_threads() == before


def test_tune_runs_a_function_that_no_process_could_load():
    processes = set()

    def local(run):
        processes.add(os.getpid())
        own_draws(run)

    study = tw.tune(local, SPACE, metric="loss", budget=4, workers=2, threads=True, store="memory")
    assert 3 * EPOCHS < study.spent.epochs <= 4 * EPOCHS
    assert processes == {os.getpid()}


def test_the_command_line_runs_threads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "train.py").write_text(
        "import os\n"
        "import tunewell as tw\n"
        "space = tw.Space(rate=tw.Float(0.0, 1.0))\n"
        "def train(run):\n"
        "    for _ in run.epochs(3):\n"
        "        run.report(val_loss=run.params.rate, pid=os.getpid())\n"
    )
    said = ["tune", "train.py", "--workers", "2", "--threads", "--budget", "4", "--json", "--store", "t.db"]
    done = CliRunner().invoke(cli, said)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["epochs"] == 12
    assert {report.metrics["pid"] for report in tw.Study.open("t.db").reports()} == {os.getpid()}
