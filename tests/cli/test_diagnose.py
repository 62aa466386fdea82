"""`tunewell diagnose`: what it prints of files and trials, and what it refuses in one line."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.cli.picture import pictures
from tunewell.diagnosis.run_record import read_record

OVERFITTED = "epoch,train_loss,train_accuracy,val_loss,val_accuracy\n" + "\n".join(
    f"{e},{1.1 * 0.75**e:.4f},{1 - 0.6 * 0.8**e:.4f},{0.8 + 0.004 * (e - 4) ** 2:.4f},{0.62:.4f}" for e in range(1, 31)
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "log.csv").write_text(OVERFITTED)
    return tmp_path


def tunewell(*arguments, expect=0, piped=None):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell", input=piped)
    assert done.exit_code == expect, done.output
    return done


def refused(*arguments):
    (line,) = tunewell(*arguments, expect=2).stderr.splitlines()
    return line.removeprefix("error: ")


@pytest.fixture
def study(folder):
    space = tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1))
    it = tw.Study(space, metric="val_accuracy", name="digits", max_epochs=6, budget=2, store=folder / "tunewell.db")
    while (step := it.ask()) is not None:
        for epoch in step.epochs:
            it.report(step.trial, epoch, val_accuracy=0.1 * epoch, val_loss=2 / epoch, train_loss=2 / epoch)
        it.tell(step.trial)
    it.close()
    return it


def test_a_file_is_told_with_evidence_and_the_next_change():
    shown = tunewell("diagnose", "log.csv").stdout
    assert shown.startswith("log.csv: 30 epochs, known by its curves alone")
    assert re.search(r"^ *\d+%  [a-z_]+$", shown, flags=re.MULTILINE)
    assert "next: " in shown
    assert "•" not in shown  # no curves where the output is no terminal


def test_json_is_the_answer_as_data():
    findings = json.loads(tunewell("diagnose", "log.csv", "--json").stdout)
    assert set(findings[0]) == {"label", "confidence", "evidence", "next", "means", "check", "otherwise"}
    assert set(findings[0]["next"]) == {"param", "direction", "value", "why", "line"}
    confidences = [finding["confidence"] for finding in findings]
    assert confidences == sorted(confidences, reverse=True)


def test_the_curves_are_drawn_when_asked_for():
    shown = tunewell("diagnose", "log.csv", "--curves").stdout
    assert "• train_" in shown
    assert "○ val_" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_a_trial_of_a_study(study):
    assert tunewell("diagnose").stdout.startswith("trial ")
    assert "of study digits: " in tunewell("diagnose", "digits", "--trial", "0").stdout


def test_a_trial_is_a_record_in_python_too(study):
    shown = json.loads(tunewell("diagnose", "--trial", "0", "--json").stdout)
    assert shown == [finding.as_dict() for finding in tw.diagnose(study.run_record(0))]


def test_columns_are_named(folder):
    (folder / "odd.csv").write_text(OVERFITTED.replace("train_loss", "cost_a").replace("val_loss", "cost_b"))
    shown = tunewell("diagnose", "odd.csv", "--columns", "train_loss=cost_a,val_loss=cost_b", "--json").stdout
    assert shown == tunewell("diagnose", "log.csv", "--json").stdout


def test_settings_of_the_run_are_said_and_count(folder):
    epochs = [{"epoch": e, "train_loss": 2.6 + 0.1 * (-1) ** e, "train_accuracy": 0.1} for e in range(1, 13)]
    (folder / "stuck.json").write_text(json.dumps(epochs))
    settings = [*("--set", "learning_rate=3"), *("--set", "optimizer=SGD"), *("--set", "n_classes=10")]
    shown = tunewell("diagnose", "stuck.json", *settings).stdout
    assert shown.startswith("stuck.json: 12 epochs, known by its curves and settings")
    assert "lr_too_high" in shown.splitlines()[2]
    assert "a learning rate of 3 " in shown
    alone = json.loads(tunewell("diagnose", "stuck.json", "--json").stdout)
    assert all(finding["next"]["value"] is None for finding in alone if finding["next"]["param"] == "lr")


def test_settings_that_a_trial_does_not_have_are_said_too(study):
    shown = tunewell("diagnose", "digits", "--trial", "0", "--set", "optimizer=adam", "--set", "lr=3", "--json").stdout
    record = study.run_record(0)
    record |= {"config": record["config"] | {"optimizer": "adam", "lr": 3}}
    assert json.loads(shown) == [finding.as_dict() for finding in tw.diagnose(record)]


def test_what_was_read_is_reported_with_what_was_left_out(folder):
    assert tunewell("diagnose", "log.csv").stderr == (
        "read 30 epochs from log.csv: train_loss, train_accuracy, val_loss, val_accuracy\n"
    )
    (folder / "odd.csv").write_text(OVERFITTED.replace("val_accuracy", "q").replace("train_loss", "Train Loss"))
    done = tunewell("diagnose", "odd.csv", "--json")
    assert done.stderr == (
        'read 30 epochs from odd.csv: train_loss ("Train Loss"), train_accuracy, val_loss; left out: "q"; '
        "if one is val_accuracy, say --columns val_accuracy=NAME\n"
    )
    assert json.loads(done.stdout)
    (folder / "timed.csv").write_text("epoch,loss,time\n1,0.9,3.1\n2,0.8,3.2\n")
    assert tunewell("diagnose", "timed.csv").stderr == (
        'read 2 epochs from timed.csv: train_loss ("loss"); left out: "time"\n'
    )


PRINTED = "Epoch 1/2 | train loss: 1.31, val acc: 61.2%, lr 0.1\nEpoch 2/2 | train loss: 1.11, val acc: 71.5%, lr 0.1\n"


def test_what_a_training_printed_is_read_from_a_file_and_from_a_pipe(folder):
    (folder / "train.log").write_text(PRINTED)
    of_file = tunewell("diagnose", "train.log", "--json")
    assert of_file.stderr == (
        'read 2 epochs from train.log: train_loss ("train loss"), val_accuracy ("val acc", in percent), lr\n'
    )
    for arguments in (["-"], []):
        piped = tunewell("diagnose", *arguments, "--json", piped=PRINTED)
        assert piped.stdout == of_file.stdout
        assert piped.stderr == of_file.stderr.replace("train.log", "standard input")


def test_a_study_is_taken_where_nothing_is_piped(study):
    assert "of study digits: " in tunewell("diagnose", piped="").stdout
    assert "of study digits: " in tunewell("diagnose", "digits", piped=PRINTED).stdout
    assert refused("diagnose", "-").startswith("nothing was read from standard input, which is empty")


def test_an_empty_pipe_is_said_to_be_empty_where_there_is_no_study_either():
    (line,) = tunewell("diagnose", expect=2, piped="").stderr.splitlines()
    assert line.startswith("error: standard input is empty, and there is no study in its place: no store at")


def test_of_several_runs_the_last_is_taken_or_the_one_of_a_number(folder):
    (folder / "train.log").write_text("".join(f"Epoch {e} loss {r / e}\n" for r in (1, 2) for e in (1, 2, 3)))
    assert tunewell("diagnose", "train.log").stderr == (
        'read 3 epochs from train.log, run 2 of 2 (--run N reads another): train_loss ("loss")\n'
    )
    assert "run 1 of 2" in tunewell("diagnose", "train.log", "--run", "1").stderr
    assert refused("diagnose", "train.log", "--run", "3") == "train.log has 2 runs, and no run 3"


def test_a_file_of_something_else_is_refused_with_the_lines_that_are_understood(folder):
    (folder / "notes.txt").write_text("\x1b]0;owned\x07 dear \u202ediary\n it was 3 o'clock\n")
    line = refused("diagnose", "notes.txt")
    assert line.startswith(
        r"nothing was read from notes.txt, which begins with '\x1b]0;owned\x07 dear \u202ediary', where"
    )
    assert "Epoch 3/10 - loss: 0.31 - val_accuracy: 0.91" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    "setting", ["task=regression", "loss=mse", "loss=MSELoss", "criterion=huber", "loss=smooth_l1", "loss=rmse"]
)
def test_of_a_regression_nothing_is_reported_about_accuracy_or_classes(folder, setting):
    rows = "".join(f"{e},{9 / e},{9 / e + 1}\n" for e in range(1, 9))
    (folder / "curves.csv").write_text(f"epoch,loss,val_loss\n{rows}")
    shown = tunewell("diagnose", "curves.csv", "--set", setting).stdout
    assert "accuracy" not in shown
    assert "class" not in shown
    assert "knowing nothing" not in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["log.csv", "--set", "lr"], "--set needs NAME=VALUE, such as lr=0.1; got 'lr'"),
        (["log.csv", "--set", "nope=1"], "no setting of a run is called 'nope'; there are activation, "),
        (["log.csv", "--set", "lr=0"], "lr must be a number above 0; got 0"),
        (["log.csv", "--set", "dropout=50"], "dropout must be from 0 to less than 1; got 50"),
        (["log.csv", "--set", "hidden=a,b"], "hidden must be widths above 0, such as 64 or [64, 64]; got 'a,b'"),
        (["none.csv"], "there is no file 'none.csv'"),
        (["log.csv", "--trial", "3"], "--trial 3 is for a study"),
        (["log.csv", "--columns", "train_loss"], "--columns takes CURVE=COLUMN"),
        (["log.csv", "--columns", "train_loss=x"], "there is no column 'x'"),
        (["log.csv", "--set", "task=generation"], "task must be one of classification, regression, other; got "),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_line(arguments, says):
    assert refused("diagnose", *arguments).startswith(says)


def test_a_target_is_asked_for_where_it_was_not_given():
    rows = "".join(f"{epoch},{2.3 - 0.02 * epoch},{2.3 - 0.02 * epoch}\n" for epoch in range(1, 31))
    Path("slow.csv").write_text("epoch,train_loss,val_loss\n" + rows)
    assert "to make it surer" in (without := tunewell("diagnose", "slow.csv").stdout)
    assert "possible with --target" in " ".join(without.split())
    given = tunewell("diagnose", "slow.csv", "--target", "0.5", "--metric", "val_loss").stdout
    assert "to make it surer" in given
    assert "--target" not in given


def test_a_run_below_its_target_is_not_healthy(study):
    rows = "".join(f"{e},{0.5 + 0.2 * (1 - 0.7**e)},{0.7 - 0.1 * (1 - 0.7**e)}\n" for e in range(1, 31))
    Path("curves.csv").write_text(f"epoch,val_accuracy,val_loss\n{rows}")
    shown = tunewell("diagnose", "curves.csv", "--target", "97").stdout
    assert "healthy" not in shown
    assert "validation accuracy reached 70 % at epoch 30; 97 % is known to be possible" in " ".join(shown.split())
    reached = json.loads(tunewell("diagnose", "curves.csv", "--target", "0.7", "--json").stdout)[0]
    assert (reached["label"], reached["confidence"]) == ("healthy", 0.95)
    of_loss = tunewell("diagnose", "curves.csv", "--target", "0.1", "--metric", "val_loss", "--json").stdout
    assert json.loads(of_loss)[0]["evidence"].startswith("validation loss reached 0.6 at epoch ")
    assert "97 % is known to be possible" in " ".join(tunewell("diagnose", "digits", "--target", "0.97").stdout.split())
    assert refused("diagnose", "curves.csv", "--metric", "val_loss").startswith("--metric 'val_loss' says of what")
    assert refused("diagnose", "curves.csv", "--target", "2000").startswith("target must be a share, or in percent")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_report_fits_the_terminal(monkeypatch, columns):
    monkeypatch.setattr("tunewell.cli.printing._width", lambda: columns)
    lines = tunewell("diagnose", "log.csv", "--set", "framework=keras", "--set", "lr=0.1").stdout.splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    assert [line for line in lines if line.startswith("      means: ")]
    assert [line for line in lines if line.startswith("      check: ")]


def test_the_framework_is_known_by_the_log_and_by_a_setting(folder):
    bar = "63/63 ━━━━━━━━━━━━ 1s 4ms/step - accuracy: 0.{a} - loss: {l} - val_accuracy: 0.1 - val_loss: 2.3\n"
    lines = "".join(f"Epoch {e}/8\n" + bar.replace("{a}", "11").replace("{l}", "2.3027") for e in range(1, 9))
    (folder / "keras.log").write_text(lines)
    findings = json.loads(
        tunewell("diagnose", "keras.log", "--set", "lr=0.1", "--set", "optimizer=sgd", "--json").stdout
    )
    assert "missing_zero_grad" not in {one["label"] for one in findings}
    assert not any("torch" in one["next"]["line"] for one in findings)
    of_torch = tunewell("diagnose", "keras.log", "--set", "framework=torch", "--json").stdout
    assert "keras" not in "".join(one["next"]["line"] for one in json.loads(of_torch))
    assert refused("diagnose", "keras.log", "--set", "framework=caffe").startswith("framework must be one of pytorch, ")


def test_a_trial_that_is_not_there_is_refused(study):
    assert "no trial 99" in refused("diagnose", "--trial", "99")
    assert "for a file" in refused("diagnose", "--columns", "a=b")


@pytest.mark.parametrize("n_epochs", [1, 2, 5, 300])
@pytest.mark.parametrize("columns", [20, 80, 200])
def test_curves_fit_the_terminal(monkeypatch, n_epochs, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    losses = np.geomspace(1e6, 0.1, n_epochs)
    run = read_record({"epochs": [{"train_loss": loss, "val_loss": None} for loss in losses]})
    lines = list(pictures(run, "train_loss", float(n_epochs)))
    assert max(len(line) for line in lines[1:-1]) <= max(columns, 24)
    assert "▲" in lines[-1]
    assert sum("•" in line for line in lines[1:]) >= 1


def test_a_run_without_a_finite_number_has_no_curves():
    run = read_record({"epochs": [{"train_loss": None}]})
    assert list(pictures(run, "train_loss", 1.0)) == []


def test_what_no_rule_speaks_for_is_reported_in_numbers_and_settings_are_asked_for():
    def train(run):
        for epoch in run.epochs(30):
            run.report(val_accuracy=0.5 + 0.2 * (1 - 0.9**epoch), val_loss=0.7 - 0.1 * (1 - 0.9**epoch))

    space = tw.Space(other=tw.Float(0.1, 1.0))
    tw.tune(train, space, metric="val_accuracy", scheduler="full", budget="1trials", name="unclear")
    findings = json.loads(tunewell("diagnose", "unclear", "--json").stdout)
    assert all(re.search(r"\d", finding["evidence"]) for finding in findings if finding["label"] != "healthy")
    shown = tunewell("diagnose", "unclear").stdout
    assert "the run as a whole is like others" not in shown
    assert "give the learning rate" in shown.splitlines()[-2]


def test_of_trials_that_are_as_good_it_is_the_one_that_best_tells():
    def train(run):
        for _ in run.epochs(2):
            run.report(val_accuracy=0.5)

    space = tw.Space(lr=tw.Float(0.1, 1.0))
    study = tw.tune(train, space, metric="val_accuracy", scheduler="full", budget="3trials", name="tied")
    assert tunewell("diagnose", "tied").stdout.startswith(f"trial {study.best.trial} of study tied")
