"""`tunewell steer` and `tunewell replay`: beside a process that trains, and on what it left."""

import json
import re
import signal
import time

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.commands import Branch, Set
from tunewell.runners.tune import drive

SCRIPT = """
import time
import numpy as np
import tunewell as tw

metric = "val_loss"
rate = tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True)
space = tw.Space(learning_rate=rate, hidden=tw.Int(1, 64, default=8))

def train(run):
    state = {"weight": np.ones(1)}
    run.track(state=state)
    for epoch in run.epochs(200):
        state["weight"] *= 1 - 0.1 * run.params.learning_rate
        time.sleep(0.05)
        run.report(val_loss=float(state["weight"][0]))
"""


def tunewell(*arguments, expect=0):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    return done


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


@pytest.fixture
def training(begin, folder):
    options = ("--scheduler", "full", "--budget", "1trials", "--checkpoint-every", "1", "--quiet")
    process = begin("tune", "train.py", *options)
    deadline, study = time.monotonic() + 60, None
    while time.monotonic() < deadline and process.poll() is None:
        if (folder / "tunewell.db").exists() and tw.open_store("tunewell.db").studies():
            study = tw.Study.open("tunewell.db")
            if len(study.reports()) > 3:
                break
        time.sleep(0.1)
    assert study is not None, "the training did not begin"
    yield study
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


def test_a_running_trial_is_steered_from_another_process(training):
    shown = tunewell("steer", "train", "0", "set", "learning_rate", "0.5", "--why", "crawls").stdout
    assert "learning_rate" in shown
    assert shown.rstrip().endswith("-> 0.5")
    assert json.loads(tunewell("steer", "train", "0", "pause", "--json").stdout)["refused"] is None
    assert "refused: it is paused already" in tunewell("steer", "train", "0", "pause", expect=1).stdout
    deadline = time.monotonic() + 30
    while training.trials[0].state != "held" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert training.trials[0].state == "held"
    assert "branched as trial 1" in tunewell("steer", "train", "0", "branch", "--set", "hidden=16").stdout
    tunewell("steer", "train", "0", "resume")
    assert (
        "goes on as trial 2" in tunewell("steer", "train", "0", "rewind", "2", "--why", "again", "--wait", "60").stdout
    )
    assert (
        "branched as trial 3 from epoch 0, hidden 32"
        in tunewell("steer", "train", "2", "branch", "--from", "0", "--set", "hidden=32").stdout
    )
    shown = tunewell("steer", "train", "0", "pause", expect=2).stderr
    assert "trial 0 has ended, it is stopped, so pause comes too late; a branch goes on from one of its epochs" in shown
    events = tunewell("show", "train", "--trial", "0").stdout
    assert "-> 0.5 (crawls)" in events
    assert "goes on as trial 2 (again)" in events
    assert "pause: refused: trial 0 has ended" in events
    shown = tunewell("show", "train").stdout
    assert re.search(r"trial 3: .*from epoch 0, hidden \d+ -> 32", shown)
    assert "None" not in shown.partition("branches")[2]
    assert re.search(r"trial 1: .*hidden \d+ -> 16", shown)
    assert "from epoch 2, nothing changed" in shown
    assert "rewound to epoch 2" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("0", "set", "learning_rate"), "set takes NAME VALUE, got learning_rate"),
        (("0", "pause", "now"), "pause takes no argument, got now"),
        (("0", "rewind", "soon"), "rewind takes an epoch, a whole number, got 'soon'"),
        (("0", "stop", "--from", "3"), "--from is for branch, not for stop"),
        (("9", "pause"), "no trial 9"),
        (("0", "set", "hidden", "4"), "hidden is not live"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(arguments, message):
    space = tw.Space(learning_rate=tw.Float(0.1, 1.0, live=True), hidden=tw.Int(1, 8, default=2))
    study = tw.Study(space, metric="val_loss", max_epochs=9, budget=1, store="tunewell.db", name="s")
    study.ask()
    done = CliRunner().invoke(cli, ("steer", "s", *arguments), prog_name="tunewell")
    assert done.exit_code in (1, 2)
    assert message in done.stderr.splitlines()[-1]


def test_help_has_the_commands_a_line_each():
    shown = tunewell("steer", "--help").stdout
    assert "\\b" not in shown
    assert "  pause | resume | stop | checkpoint\n  set NAME VALUE  " in shown


def test_best_and_show_say_that_a_setting_was_not_all_that_was_trained_with():
    space = tw.Space(learning_rate=tw.Float(0.1, 1.0, default=0.5, live=True))
    study = tw.Study(
        space, metric="val_loss", max_epochs=4, budget="1trials", scheduler="full", first=[space.defaults()],
        store="tunewell.db", name="s",
    )  # fmt: skip

    def train(run):
        for epoch in run.epochs(4):
            if epoch == 2:
                tw.Study.open("tunewell.db", "s").steer(0, Set("learning_rate", 0.9))
            run.report(val_loss=1 / epoch)

    drive(study, train)
    line = "steered: learning_rate 0.5, then 0.9 from epoch 3; see tunewell replay s 0"
    best = tunewell("best", "s")
    assert line in best.stderr
    assert line not in best.stdout
    assert line in tunewell("show", "s", "--trial", "0").stdout


def test_without_a_process_that_runs_the_study_a_command_waits():
    space = tw.Space(learning_rate=tw.Float(0.1, 1.0, default=0.5, live=True))
    study = tw.Study(
        space, metric="val_loss", max_epochs=9, budget="1trials", scheduler="full", store="tunewell.db", name="s"
    )
    study.ask()
    study.close()
    other = tw.Study(space, metric="val_loss", max_epochs=9, budget="1trials", store="tunewell.db", name="s-2")
    other.ask()
    began = time.monotonic()
    shown = tunewell("steer", "s", "0", "set", "learning_rate", "0.25", expect=1)
    assert time.monotonic() - began < 8
    assert shown.stdout == "trial 0, set: waits; no process has taken it up yet\n"
    assert "no process runs study 's', so what is asked waits until one does; running now: 's-2'" in shown.stderr
    other.close()
    seen = []

    def train(run):
        for _ in run.epochs(9):
            seen.append(run.params.learning_rate)
            run.report(val_loss=1.0)

    drive(tw.Study.open("tunewell.db", "s"), train)
    assert seen[1:] == [0.25] * 8


def test_a_trial_that_does_not_train_is_stopped_at_once():
    study = tw.Study(
        {"x": tw.Float(0, 1)}, metric="loss", max_epochs=9, budget="2trials", store="tunewell.db", name="s"
    )
    step = study.ask()
    study.report(step.trial, 1, loss=1.0)
    study.tell(step.trial, held=True)  # and this process does not ask again
    shown = tunewell("steer", "s", "0", "stop", "--why", "enough")
    assert (shown.stdout, shown.stderr) == ("trial 0, after epoch 1: stop\n", "")
    assert (study.trials[0].state, study.trials[0].reason) == ("stopped", "enough")
    study.close()


def test_replay_prints_the_schedule_that_a_trial_ended_up_with():
    space = tw.Space(learning_rate=tw.Float(0.1, 1.0, default=0.5, live=True))
    study = tw.Study(
        space, metric="val_loss", max_epochs=6, budget="1trials", scheduler="full", first=[space.defaults()],
        store="tunewell.db", name="s",
    )  # fmt: skip

    def train(run):
        state = {"n": 0}
        run.track(state=state)
        for epoch in run.epochs(6):
            state["n"] += 1
            other = tw.Study.open("tunewell.db", "s")
            if (run.trial, epoch) == (0, 2):
                other.steer(0, Set("learning_rate", 0.25))
            if (run.trial, epoch) == (0, 4):
                other.steer(0, Branch(params={"learning_rate": 1.0}))
            run.report(val_loss=1 / epoch)

    drive(study, train)
    shown = json.loads(tunewell("replay", "s", "1", "--json").stdout)
    assert [(part["trial"], part["first"], part["last"], part["values"]["learning_rate"]) for part in shown] == [
        (0, 1, 2, 0.5),
        (0, 3, 4, 0.25),
        (1, 5, 6, 1.0),
    ]
    assert tunewell("replay", "s", "1").stdout.splitlines()[0].split() == ["trial", "epochs", "learning_rate"]


def test_a_schedule_is_trained_afresh_with_other_seeds(folder):
    (folder / "quick.py").write_text(SCRIPT.replace("time.sleep(0.05)", "").replace("epochs(200)", "epochs(6)"))
    space = tw.Space(
        learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True), hidden=tw.Int(1, 64, default=8)
    )
    study = tw.Study(
        space, metric="val_loss", max_epochs=6, budget="1trials", scheduler="full", first=[space.defaults()],
        store="tunewell.db", name="s",
    )  # fmt: skip

    def train(run):
        for epoch in run.epochs(6):
            if epoch == 2:
                tw.Study.open("tunewell.db", "s").steer(0, Set("learning_rate", 0.9))
            run.report(val_loss=1 / epoch)

    drive(study, train)
    shown = tunewell("tune", "quick.py", "--schedule-from", "s:0", "--seeds", "3", "--quiet").stderr
    assert "s:0 had 0.1667; its schedule, trained 3 times, 0.6" in shown
    again = tw.Study.open("tunewell.db", "quick")
    assert [trial.state for trial in again.trials] == ["complete"] * 3
    for trial in range(3):
        parts = again.schedule(trial)
        assert [(part.first, part.last, part.values["learning_rate"]) for part in parts] == [(1, 2, 0.1), (3, 6, 0.9)]
    first, last = again.reports(0)[1], again.reports(0)[-1]
    assert last.metrics["val_loss"] == pytest.approx(first.metrics["val_loss"] * (1 - 0.09) ** 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--schedule-from", "s"), "--schedule-from needs STUDY:TRIAL"),
        (("--seeds", "3"), "--seeds is for --schedule-from"),
    ],
)
def test_a_schedule_that_is_not_named_is_refused(options, message):
    done = CliRunner().invoke(cli, ("tune", "train.py", *options), prog_name="tunewell")
    assert done.exit_code == 2
    assert message in done.stderr.splitlines()[-1]


def test_a_study_is_steered_as_a_whole_and_gets_a_trial_of_ones_own(training):
    assert "budget" in tunewell("steer", "train", "all", "budget", "77").stdout
    assert "is paused" in tunewell("steer", "train", "all", "pause", "--why", "lunch").stdout
    queued = json.loads(
        tunewell(
            "steer", "train", "new", "queue", "--set", "hidden=16", "--like", "0", "--epochs", "1", "--json"
        ).stdout
    )
    assert (queued["command"], queued["params"]["hidden"]) == ("queue", 16)
    assert "goes on" in tunewell("steer", "train", "all", "resume").stdout
    study = tw.Study.open("tunewell.db", "train")
    assert str(study.budget) == "77trainings"
    assert study.trials[queued["trial"]].params["hidden"] == 16
    assert not study.is_paused


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("all", "stop"), "stop is for a trial; of all there is pause, resume, budget"),
        (("new", "pause"), "pause is for a trial; of new there is queue"),
        (("0", "budget", "4"), "budget is not for a trial: say steer STUDY all budget"),
        (("0", "queue"), "queue is not for a trial: say steer STUDY new queue"),
        (("one", "stop"), "steer takes a trial's number, all or new, got 'one'"),
        (("all", "budget"), "budget takes AMOUNT, got nothing"),
        (("all", "budget", "lots"), "budget 'lots' is none that tunewell knows"),
        (("0", "pause", "--like", "3"), "--like and --epochs are for queue, not for pause"),
        (("new", "queue", "--set", "hiden=3"), "hidden"),
    ],
)
def test_what_cannot_be_asked_of_a_study_is_one_line(words, line):
    space = tw.Space(hidden=tw.Int(1, 64, default=8))
    tw.Study(space, metric="val_loss", max_epochs=3, store="tunewell.db", name="train").queue({})
    shown = tunewell("steer", "train", *words, expect=2).stderr
    assert re.search(line, shown), shown
