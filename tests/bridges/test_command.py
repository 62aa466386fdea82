"""`tunewell import` and `export --to`, as they are typed."""

import json

import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli
from tunewell.space.params import Float
from tunewell.study.reader import StudyReader

CSV = "who,n,optim.lr,lr,cost\nx,1,0.1,,3\nx,2,0.1,,2\ny,1,,0.01,5\ny,2,,0.01,4\n"


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs.csv").write_text(CSV)
    (tmp_path / "more.csv").write_text("who,n,loss,acc\nx,1,2,3\nx,2,3,4\n")


def tunewell(*words, expect=0):
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == expect, done.output
    return done


COLUMNS = ["--columns", "run=who,epoch=n", "--metric", "cost", "--direction", "minimize"]


def test_columns_and_parameters_have_the_names_that_are_given():
    done = tunewell("import", "runs.csv", *COLUMNS, "--rename", "optim.lr=rate", "--rename", "lr=rate", "--json")
    result = json.loads(done.stdout)
    assert (result["new"], result["epochs"], result["study"]) == (2, 4, "imported")
    study = StudyReader.open("tunewell.db", "imported")
    assert study.space.params == {"rate": Float(0.01, 0.1)}
    assert (study.best.trial, study.best.epoch, study.best.value) == (0, 2, 2.0)
    again = tunewell("import", "runs.csv", *COLUMNS, "--rename", "optim.lr=rate", "--rename", "lr=rate")
    assert "2 runs, with nothing new" in again.stdout
    assert "imported" in tunewell("list").stdout
    assert "epochs" in tunewell("show", "imported").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["more.csv", *COLUMNS[:2]], "which metric was optimized? Say --metric NAME"),
        (["runs.csv", "--metric", "cost"], "direction"),
        (["runs.csv", "--metric", "costs", "--direction", "minimize"], "no column 'costs'"),
        (["runs.csv", "--columns", "runs=who"], "--columns knows run, epoch"),
        (["runs.csv", "--columns", "run=whom"], "no column 'whom'"),
        (["runs.csv", *COLUMNS, "--rename", "lr"], "--rename takes NAME=NAME"),
        (["runs.csv", *COLUMNS, "--into", "memory"], "name a file: --into FILE"),
        (["optuna:runs.csv", "--columns", "run=who"], "--columns is for a CSV file"),
        (["csv:none.csv", "--metric", "cost"], "there is no file 'none.csv'"),
        (["mlflow:"], "mlflow needs a place"),
    ],
)
def test_what_cannot_be_taken_in_is_one_line_and_makes_no_store(words, says, tmp_path):
    done = tunewell("import", *words, expect=2)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert says in line
    assert not list(tmp_path.glob("*.db"))


def test_export_goes_to_a_file_or_to_a_tracker():
    tunewell("import", "runs.csv", *COLUMNS)
    for option, value in (("--format", "csv"), ("--output", "a.csv")):
        assert option in tunewell("export", "--to", "tensorboard:events", option, value, expect=2).stderr
    assert "none are sent" in tunewell("export", "--to", "optuna:x", expect=2).stderr
