"""Trials that have a process to themselves, and the loggers that they are for."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

import tunewell as tw
from tunewell.errors import SettingError
from tunewell.runners import Execution, run_inline, run_processes, run_threads
from tunewell.runners.isolation import Isolated, settled
from tunewell.training.run import Run
from tunewell.training.script import ScriptTrain
from tunewell.trial import RETRIED, TrialState

SPACE = tw.Space(rate=tw.Float(0.0, 1.0))
EPOCHS = 9


def with_its_process(run):
    for epoch in run.epochs(EPOCHS):
        run.report(loss=run.params.rate / epoch, pid=os.getpid())


def killed_from_outside(run):
    for epoch in run.epochs(EPOCHS):
        if run.trial == 1 and epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        run.report(loss=run.params.rate / epoch)


def make(**settings):
    return tw.Study(SPACE, **{"metric": "loss", "budget": "8trials", "scheduler": "halving"} | settings)


def inline(study, train):
    return run_inline(study, Isolated.of(train))


def two_threads(study, train):
    return run_threads(study, Isolated.of(train, workers=2), Execution(workers=2, threads=True))


def two_processes(study, train):
    return run_processes(study, Isolated.of(train, workers=2), Execution(workers=2))


@pytest.mark.parametrize("run", [inline, two_threads, two_processes])
def test_each_trial_has_one_process_from_its_first_epoch_to_its_last(run):
    study = make()
    assert run(study, with_its_process)
    pids = {}
    for report in study.reports():
        pids.setdefault(report.trial, set()).add(report.metrics["pid"])
    assert [len(found) for found in pids.values()] == [1] * 8
    assert len(set.union(*pids.values()) - {os.getpid()}) == 8
    assert not [pid for found in pids.values() for pid in found if psutil.pid_exists(int(pid))]


def test_a_trial_whose_process_is_killed_is_tried_again_and_takes_no_other_with_it():
    study = make(scheduler="full", budget="3trials")
    assert run_inline(study, Isolated.of(killed_from_outside))
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.FAILED, TrialState.COMPLETE]
    assert study.trials[1].reason == "its process was killed by SIGKILL"
    assert sum(event.kind == RETRIED for event in study.events(1)) == 2


def script(folder, text):
    (folder / "script.py").write_text(text)
    return ScriptTrain(str(folder / "script.py"))


def test_where_it_is_left_open_a_logger_decides_and_one_line_says_so(capsys, tmp_path):
    assert settled(Execution(), script(tmp_path, "import numpy")) == Execution()
    logging = script(tmp_path, "import mlflow")
    assert settled(Execution(isolate=False), logging) == Execution(isolate=False)
    assert capsys.readouterr().err == ""
    assert settled(Execution(), logging).isolate
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mlflow keeps a log for a process")
    assert "--no-isolate" in line


def test_a_function_that_cannot_be_sent_trains_where_it_is_and_one_line_says_why(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)

    def local(run):
        import wandb

        wandb.init()

    assert settled(Execution(), local).isolate is False
    (line,) = capsys.readouterr().err.splitlines()
    assert "share a process" in line
    assert "cannot be sent" in line
    with pytest.raises(SettingError, match="cannot be sent"):
        tw.tune(local, SPACE, metric="loss", budget="1trials", store="memory", isolate=True)


def test_without_a_worker_it_trains_where_it_is():
    run = Run({"rate": 1.0})
    Isolated.of(with_its_process)(run)
    assert {report["pid"] for report in run.reports} == {os.getpid()}


LOGGER = """
    '''A logger of W&B's kind: one run a process.'''
    import json, os

    run = None

    class Run:
        def __init__(self, name):
            self.name = name
            self.write(event="begun")

        def write(self, **data):
            with open(os.path.join(os.path.dirname(__file__), "log"), "a") as file:
                file.write(json.dumps({"run": self.name, **data}) + "\\n")

        def finish(self, exit_code=0):
            global run
            if run is self:
                self.write(event="ended", code=exit_code)
                run = None

        def __enter__(self):
            return self

        def __exit__(self, kind, *_):
            self.finish(exit_code=0 if kind is None else 1)

    def init(name):
        global run
        if run is None:
            run = Run(name)
        return run

    def log(data):
        run.write(**data)

    def finish(exit_code=0):
        if run is not None:
            run.finish(exit_code)
"""
SCRIPT = """
    import tunewell as tw
    import {logger} as logger

    space = tw.Space(rate=tw.Float(0.0, 1.0))

    def train(run):
        with logger.init(str(run.trial)):
            for epoch in {loop}:
                if run.trial == 5:
                    raise ValueError("no")
                logger.log({{"epoch": epoch, "trial": run.trial}})
                run.report(loss=run.params.rate / epoch)
"""
LOOPS = {"with a loop": "run.epochs(9)", "paced by reports": "range(1, 10)"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, logger, loop, end=""):
    (folder / f"{logger}.py").write_text(textwrap.dedent(LOGGER))
    (folder / "train.py").write_text(textwrap.dedent(SCRIPT.format(logger=logger, loop=loop)) + textwrap.dedent(end))


def ran(*arguments):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done


def check_logged(folder, study):
    """Each run has its own trial's epochs, whole and in order, and is no failure but where the training failed."""
    lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    for trial, epochs in enumerate(study.history.epochs):
        of_run = [line for line in lines if line["run"] == str(trial)]
        assert [line["epoch"] for line in of_run if "epoch" in line] == list(range(1, int(epochs) + 1))
        assert {line["trial"] for line in of_run if "trial" in line} <= {trial}
        (ended,) = [line for line in of_run if line.get("event") == "ended"]
        assert ended["code"] == (1 if trial == 5 else 0)


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_a_logger_keeps_trials_apart_that_take_turns(folder, loop):
    write(folder, "wandb", loop)
    command = ["-m", "tunewell", "tune", "train.py", "--metric", "loss", "--epochs", "9", "--budget", "8trials"]
    done = ran(*command, "--scheduler", "halving")
    assert done.stderr.count("wandb keeps a log for a process") == 1
    check_logged(folder, tw.Study.open("tunewell.db", "train"))


@pytest.mark.slow
def test_a_script_that_tunes_needs_no_guard_and_is_not_run_again_from_there_on(folder):
    write(
        folder,
        "wandb",
        LOOPS["with a loop"],
        """
        tw.tune(train, space, metric="loss", budget="1trials", max_epochs=2, store="memory")
        if __name__ == "__main__":
            (__import__("pathlib").Path(__file__).parent / "log").unlink()

        def second(run):
            train(run)

        with logger.init("around"):
            tw.tune(second, space, metric="loss", budget="8trials", scheduler="halving")
            logger.log({"after": 1})
        """,
    )
    done = ran("train.py")
    assert done.stderr.count("wandb keeps a log for a process") == 2
    check_logged(folder, tw.Study.open("tunewell.db", "train"))
    lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    assert [line for line in lines if line["run"] == "around"] == [
        {"run": "around", "event": "begun"},
        {"run": "around", "after": 1},
        {"run": "around", "event": "ended", "code": 0},
    ]


@pytest.mark.slow
def test_what_a_trial_leaves_open_is_ended_before_the_next_one_begins(folder):
    write(folder, "wandb", LOOPS["with a loop"])
    script = (
        (folder / "train.py")
        .read_text()
        .replace("with logger.init(str(run.trial)):", "if logger.init(str(run.trial)):")
    )
    (folder / "train.py").write_text(script)
    command = ["-m", "tunewell", "tune", "train.py", "--metric", "loss", "--budget", "8trials", "--scheduler", "full"]
    assert "keeps a log" not in ran(*command, "--no-isolate").stderr
    check_logged(folder, tw.Study.open("tunewell.db", "train"))


@pytest.mark.slow
def test_a_program_that_ends_with_its_last_epoch_is_no_failure_to_its_logger(folder):
    (folder / "wandb.py").write_text(textwrap.dedent(LOGGER))
    (folder / "train.py").write_text(
        textwrap.dedent("""
        import os, sys, wandb, tunewell

        trial = int(os.environ["TUNEWELL_TRIAL"])
        with wandb.init(str(trial)):
            for epoch in range(1, 10):
                wandb.log({"epoch": epoch, "trial": trial})
                tunewell.report(loss=float(sys.argv[1]) / epoch)
                if trial == 5:
                    raise ValueError("no")
        """)
    )
    (folder / "space.toml").write_text('[rate]\ntype = "float"\nlow = 0.0\nhigh = 1.0\n')
    options = [
        "--space",
        "space.toml",
        "--metric",
        "loss",
        "--epochs",
        "6",
        "--budget",
        "8trials",
        "--scheduler",
        "full",
    ]
    ran("-m", "tunewell", "tune", *options, "--", sys.executable, "train.py", "{rate}")
    lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    assert {line["run"]: line["code"] for line in lines if line.get("event") == "ended"} == {
        str(trial): int(trial == 5) for trial in range(8)
    }
