"""Trials that take turns in one process: what each has changed of the process is its own."""

import contextlib
import io
import logging
import os
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

import tunewell as tw
from tunewell.runners import Execution, run_inline
from tunewell.training.process_state import ProcessState
from tunewell.trial import TrialState

SPACE = tw.Space(rate=tw.Float(0.0, 1.0))
EPOCHS = 9


def study_of(train, execution=None, **settings):
    """Eight trials, of which the halving resumes some: they take turns."""
    study = tw.Study(SPACE, **{"metric": "loss", "budget": "8trials", "scheduler": "halving"} | settings)
    before = ProcessState.here()
    assert run_inline(study, train, execution)
    # modules that tunewell imports late have filters of their own
    assert not [key for key in ProcessState.here().since(before).values if key != ("warnings", "filters")]
    assert not [trial for trial in study.trials if trial.state is TrialState.FAILED]
    assert len({int(epochs) for epochs in study.history.epochs}) > 1
    return study


def epochs_of(study):
    return {
        trial.number: list(range(1, int(n) + 1)) for trial, n in zip(study.trials, study.history.epochs, strict=True)
    }


def test_each_trial_logs_to_its_own_handlers_alone(tmp_path):
    handlers = []

    def train(run):
        logger = logging.getLogger("a training's")
        logger.setLevel(logging.INFO)
        for one in (logger, logging.getLogger()):
            handlers.append(logging.FileHandler(tmp_path / f"{one.name}-{run.trial}.log"))
            one.addHandler(handlers[-1])
        for epoch in run.epochs(EPOCHS):
            logger.info(epoch)
            run.report(loss=run.params.rate / epoch)

    study = study_of(train)
    for handler in handlers:
        handler.close()
    for trial, epochs in epochs_of(study).items():
        for name in ("a training's", "root"):
            assert (tmp_path / f"{name}-{trial}.log").read_text().split() == [str(epoch) for epoch in epochs]


def test_each_trial_works_in_its_own_folder_and_environment(tmp_path):
    def train(run):
        (tmp_path / str(run.trial)).mkdir()
        os.chdir(tmp_path / str(run.trial))
        assert "OF_THE_TRIAL" not in os.environ
        os.environ["OF_THE_TRIAL"] = str(run.trial)
        for epoch in run.epochs(EPOCHS):
            with Path("epochs.txt").open("a") as file:
                file.write(f"{os.environ['OF_THE_TRIAL']} {epoch}\n")
            run.report(loss=run.params.rate / epoch)

    study = study_of(train)
    for trial, epochs in epochs_of(study).items():
        written = (tmp_path / str(trial) / "epochs.txt").read_text().splitlines()
        assert written == [f"{trial} {epoch}" for epoch in epochs]


def test_a_record_at_a_relative_path_is_written_wherever_trials_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()

    def train(run):
        state = {"total": 0.0}
        run.track(state=state)
        os.chdir(tmp_path / "elsewhere")
        for epoch in run.epochs(EPOCHS):
            run.report(loss=run.params.rate / epoch)

    study = tw.Study(SPACE, metric="loss", budget="8trials", scheduler="halving", store="record.db", name="study")
    assert run_inline(study, train, Execution(keep=1))
    assert Path.cwd() == tmp_path
    assert not list((tmp_path / "elsewhere").iterdir())
    assert len(tw.Study.open("record.db", "study").trials) == 8


def test_what_each_trial_prints_goes_where_it_sent_it():
    outputs = {}

    def train(run):
        outputs[run.trial] = io.StringIO()
        with contextlib.redirect_stdout(outputs[run.trial]):
            for epoch in run.epochs(EPOCHS):
                sys.stdout.write(f"{epoch} ")
                run.report(loss=run.params.rate / epoch)

    study = study_of(train)
    assert {trial: [int(word) for word in text.getvalue().split()] for trial, text in outputs.items()} == epochs_of(
        study
    )


def test_filters_of_warnings_hold_for_the_trial_that_set_them():
    def train(run):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always" if run.trial % 2 else "ignore")
            for epoch in run.epochs(EPOCHS):
                warnings.warn(f"epoch {epoch}", UserWarning, stacklevel=1)
                assert len(caught) == (epoch if run.trial % 2 else 0)
                run.report(loss=run.params.rate / epoch)

    study_of(train)


def test_each_trial_draws_in_its_own_figures(monkeypatch):
    gcf = SimpleNamespace(figs={})
    monkeypatch.setitem(sys.modules, "matplotlib._pylab_helpers", SimpleNamespace(Gcf=gcf))

    def train(run):
        assert not gcf.figs
        gcf.figs[1] = []
        for epoch in run.epochs(EPOCHS):
            gcf.figs[1].append((run.trial, epoch))
            assert gcf.figs[1] == [(run.trial, past) for past in range(1, epoch + 1)]
            run.report(loss=run.params.rate / epoch)

    study_of(train)
    assert not gcf.figs


def test_a_trial_that_is_given_up_is_unwound_as_what_it_was(tmp_path):
    ended = {}

    def train(run):
        (tmp_path / str(run.trial)).mkdir()
        os.chdir(tmp_path / str(run.trial))
        try:
            for epoch in run.epochs(EPOCHS):
                run.report(loss=run.params.rate / epoch)
        finally:
            ended[run.trial] = Path.cwd().name

    study_of(train)
    assert ended == {trial: str(trial) for trial in range(8)}


def test_a_run_that_a_logger_keeps_for_the_process_is_warned_of(monkeypatch):
    wandb = SimpleNamespace(run=None, finish=lambda exit_code: setattr(wandb, "run", None))
    monkeypatch.setitem(sys.modules, "wandb", wandb)

    def train(run):
        wandb.run = object()
        for epoch in run.epochs(EPOCHS):
            run.report(loss=run.params.rate / epoch)

    with pytest.warns(RuntimeWarning, match="has open with wandb; --isolate"):
        study_of(train)
    assert wandb.run is None
