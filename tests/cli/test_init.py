"""`tunewell init`, and `tune` with a program that names no parameter."""

import json
import sys
import tomllib

import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli
from tunewell.space.space import Space

SCRIPT = """
import argparse, json
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=1e-3)
p.add_argument("--batch-size", type=int, default=64)
p.add_argument("--epochs", type=int, default=2)
p.add_argument("--data", default="data")
args = p.parse_args()
for epoch in range(args.epochs):
    print(json.dumps({"val_loss": (args.lr - 0.01) ** 2, "batch": args.batch_size, "of": args.epochs}))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def tunewell(*arguments, expect=0):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    return done


PROGRAM = ("--", sys.executable, "train.py")


def test_a_script_is_tuned_as_it_is_and_its_parameters_are_shown():
    done = tunewell("tune", "--budget", "2", "--json", *PROGRAM, "--batch-size", "32")
    assert json.loads(done.stdout)["best"]["params"].keys() == {"lr"}
    assert "1 hyperparameter found by argparse at train.py:8" in done.stderr
    assert "data (is about the data)" in done.stderr
    assert "batch_size (is given in the command)" in done.stderr
    again = tunewell("tune", "--resume", "--budget", "3", "--json", *PROGRAM, "--batch-size", "32")
    assert json.loads(again.stdout)["best"]["params"].keys() == {"lr"}


def test_another_command_is_refused_when_it_is_resumed():
    tunewell("tune", "--budget", "1", "--quiet", *PROGRAM)
    done = tunewell("tune", "--resume", "--budget", "2", *PROGRAM, "--batch-size", "32", expect=2)
    assert "this is another training" in done.stderr


def test_the_length_reaches_the_script():
    tunewell("tune", "--budget", "1", "--epochs", "5", "--quiet", *PROGRAM)
    shown = json.loads(tunewell("show", "train", "--json").stdout)
    assert shown["max_epochs"] == 5
    # it is resumed with the length on record
    tunewell("tune", "--resume", "--budget", "2", "--quiet", *PROGRAM)


def test_init_writes_what_tune_needs_and_writes_over_nothing(folder):
    done = tunewell("init", "train.py", "--metric", "val_loss")
    assert "lr" in done.stdout
    assert "lacks no seed to be given from outside" in done.stdout
    written = tomllib.loads((folder / "tunewell.toml").read_text())
    assert written["command"][-5:] == ["train.py", "--lr", "{lr}", "--batch-size", "{batch_size}"]
    assert (written["metric"], written["max_epochs"]) == ("val_loss", 2)
    assert Space.from_dict(written["space"]).names == ("lr", "batch_size")
    assert "--force writes over it" in tunewell("init", "train.py", expect=2).stderr
    assert json.loads(tunewell("init", "train.py", "--force", "--static", "--json").stdout)["max_epochs"] == 2


def test_tune_takes_what_init_has_written():
    tunewell("init", "train.py", "--metric", "val_loss")
    done = tunewell("tune", "--budget", "1", "--json", "--quiet")
    assert json.loads(done.stdout)["best"]["params"].keys() == {"lr", "batch_size"}
    assert "found by" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["init"], "give a Python file, or a program after --"),
        (["init", "train.py", *PROGRAM], "not both"),
        (["init", "nowhere.py"], "there is no file 'nowhere.py'"),
        (["tune", "--static", "train.py"], "--static is about finding the parameters of a program"),
        (["tune", "--", "./train.sh", "--step", "0.1"], "tunewell init -- ./train.sh --step 0.1"),
    ],
)
def test_what_cannot_be_found_is_refused_in_a_line(arguments, says):
    assert says in tunewell(*arguments, expect=2).stderr


def test_a_program_that_reads_its_environment_is_resumed_without_a_look(folder):
    (folder / "train.py").write_text(
        "import argparse, os, json\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=1)\n"
        "p.parse_args()\nprint(json.dumps({'val_loss': json.loads(os.environ['TUNEWELL_PARAMS'])['x']}))\n"
    )
    (folder / "space.toml").write_text('[x]\ntype = "float"\nlow = 0.0\nhigh = 1.0\n')
    tunewell("tune", "--space", "space.toml", "--epochs", "1", "--budget", "2", "--quiet", *PROGRAM)
    done = tunewell("tune", "--resume", "--budget", "3", "--quiet", "--json", *PROGRAM)
    assert json.loads(done.stdout)["best"]["params"].keys() == {"x"}
