"""A training whose code catches the exception that ends it: its trial ends all the same, and the study goes on."""

import contextlib
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import tunewell as tw
from tunewell.errors import ReportError
from tunewell.probing import repeatable
from tunewell.runners import Execution, run_inline, run_processes, run_threads
from tunewell.trial import TrialState

SPACE = tw.Space(x=tw.Float(0, 1))
# what ends a training may come while the collector calls what hypothesis has given it, which cannot pass it on
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*gc_callback:pytest.PytestUnraisableExceptionWarning"
)

EPOCHS = 3

# ruff: noqa: B012, BLE001, E722, SIM105  what users write is what is tested here


def bare(run):
    while True:
        try:
            run.report(loss=run.params.x)
        except:
            pass


def base_exception(run):
    for _ in range(10**9):
        try:
            run.report(loss=run.params.x)
        except BaseException:
            time.sleep(0)


def returning_in_the_end(run):
    def step():
        try:
            run.report(loss=run.params.x)
        finally:
            return

    while True:
        step()


def suppressed(run):
    while True:
        with contextlib.suppress(BaseException):
            run.report(loss=run.params.x)


def begun_again(run):
    while True:
        try:
            for _ in run.epochs(EPOCHS):
                run.report(loss=run.params.x)
        except:
            pass


def inside_its_loop(run):
    for _ in run.epochs(EPOCHS):
        try:
            run.report(loss=run.params.x)
        except:
            pass


def nested(run):
    while True:
        try:
            while True:
                try:
                    bare(run)
                except:
                    pass
        except:
            pass


def misnamed(run):
    while True:
        try:
            run.report(lossy=run.params.x)
        except:
            pass


def misnamed_in_its_loop(run):
    for _ in run.epochs(EPOCHS):
        try:
            run.report(lossy=run.params.x)
        except:
            pass


def inline(study, train):
    return run_inline(study, train, Execution(keep=1))


def threads(study, train):
    return run_threads(study, train, Execution(workers=2, threads=True, keep=1))


def processes(study, train):
    return run_processes(study, train, replace(Execution(keep=1), workers=2))


RUNNERS = pytest.mark.parametrize("run", [inline, threads, processes])


@RUNNERS
@pytest.mark.parametrize(
    "train", [bare, base_exception, returning_in_the_end, suppressed, begun_again, inside_its_loop]
)
def test_a_training_ends_though_its_code_catches_the_end(run, train):
    study = tw.Study(SPACE, metric="loss", max_epochs=EPOCHS, budget="5trials", scheduler="asha")
    run(study, train)
    assert len(study.trials) == 5
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE, TrialState.PAUSED}
    for trial in study.trials:
        assert [report.epoch for report in study.reports(trial.number)] == list(range(1, trial.epochs + 1))
    assert sys.gettrace() is None or "coverage" in sys.modules


@pytest.mark.filterwarnings("ignore:trial . catches the end of its training again and again:RuntimeWarning")
@RUNNERS
def test_a_training_that_nothing_ends_is_left_behind(run):
    study = tw.Study(SPACE, metric="loss", max_epochs=EPOCHS, budget="4trials", scheduler="full")
    run(study, nested)
    assert [(trial.state, trial.epochs) for trial in study.trials] == [(TrialState.COMPLETE, EPOCHS)] * 4


def test_a_training_that_is_left_behind_is_named():
    study = tw.Study(SPACE, metric="loss", max_epochs=EPOCHS, budget="1trials", scheduler="full")
    with pytest.warns(
        RuntimeWarning, match=r"trial 0 catches the end of its training .* except Exception: in its place"
    ):
        inline(study, nested)


@RUNNERS
@pytest.mark.parametrize("train", [misnamed, misnamed_in_its_loop])
def test_a_report_that_is_refused_stops_the_study_though_its_code_catches_that(run, train):
    study = tw.Study(SPACE, metric="loss", max_epochs=EPOCHS, budget="4trials", scheduler="asha")
    with pytest.raises(ReportError, match="the metric 'loss' is not among those reported"):
        run(study, train)


@pytest.mark.parametrize("train", [bare, begun_again])
def test_a_check_ends_too(train):
    assert repeatable(train, SPACE).seed.name == "exact"


class Computing:
    """A training that catches its end and computes on, and never calls its run again."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __call__(self, run):
        for _ in range(EPOCHS + 1):
            try:
                run.report(loss=run.params.x)
            except:
                break
        give_up_at = time.monotonic() + 60
        while time.monotonic() < give_up_at and not (Path(self.folder) / "over").exists():
            try:
                sum(range(1000))
            except:
                pass


@pytest.mark.filterwarnings("ignore:trial . has caught the end of its training:RuntimeWarning")
@RUNNERS
def test_a_training_that_computes_on_beyond_its_end_is_left_behind(run, tmp_path, monkeypatch):
    monkeypatch.setattr("tunewell.runners.hosted_trial.PATIENCE_S", 0.5)
    study = tw.Study(SPACE, metric="loss", max_epochs=EPOCHS, budget="2trials", scheduler="full")
    began = time.monotonic()
    run(study, Computing(tmp_path))
    (tmp_path / "over").touch()
    assert time.monotonic() - began < 45
    assert [(trial.state, trial.epochs) for trial in study.trials] == [(TrialState.COMPLETE, EPOCHS)] * 2


def test_a_training_that_computes_on_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tunewell.runners.hosted_trial.PATIENCE_S", 0.5)
    study = tw.Study(SPACE, metric="loss", max_epochs=EPOCHS, budget="1trials", scheduler="full")
    with pytest.warns(RuntimeWarning, match=r"trial 0 has caught the end .* and computes on; it is left behind"):
        inline(study, Computing(tmp_path))
    (tmp_path / "over").touch()


def cleaning_up(run):
    try:
        while True:
            run.report(loss=run.params.x)
    finally:
        time.sleep(1.5)
        run.params  # noqa: B018  what it needs is there


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("run", [inline, threads])
def test_a_training_that_cleans_up_is_waited_for(run, monkeypatch):
    monkeypatch.setattr("tunewell.runners.hosted_trial.PATIENCE_S", 0.3)
    study = tw.Study(SPACE, metric="loss", max_epochs=EPOCHS, budget="1trials", scheduler="full")
    began = time.monotonic()
    run(study, cleaning_up)
    assert time.monotonic() - began > 1.5
    assert study.trials[0].state is TrialState.COMPLETE
