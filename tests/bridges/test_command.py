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


TRAIN = """
import tunewell as tw
space = tw.Space(rate=tw.Float(0.05, 1.0), width=tw.Int(4, 128))
metric = "loss"
def train(run):
    for epoch in run.epochs(2):
        run.report(loss=(run.params.rate - 0.3) ** 2)
"""


def test_a_search_learns_from_the_runs_of_a_source_which_are_taken_in_on_the_way(tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    rows = [f"{rate},{width},{(rate - 0.3) ** 2}" for rate in (0.1, 0.2, 0.3, 0.5) for width in (8, 64)]
    (tmp_path / "past.csv").write_text("rate,width,loss\n" + "\n".join(rows))
    words = ("tune", "train.py", "--budget", "2epochs", "--warm-start", "past.csv", "--quiet")
    assert "study 'csv:past.csv' has 8 runs, 8 epochs more from there" in tunewell(*words).stderr
    (study, past) = (StudyReader.open("tunewell.db", name) for name in ("train", "csv:past.csv"))
    assert study.record.scheduler["past"]["best"]
    assert abs(study.trials[0].params["rate"] - 0.3) < 0.2
    assert (past.metric, past.best.value) == ("loss", 0.0)
    assert "has 0 runs, 0 epochs more" in tunewell(*words).stderr  # the same runs, once
    assert len(StudyReader.open("tunewell.db", "csv:past.csv").trials) == 8


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--warm-start", "none.csv"], "there is no file 'none.csv'"),
        (["--warm-start", "more.csv"], "has no column 'loss2'"),
        (["--warm-start", "mlflow:"], "mlflow needs a place"),
        (["--warm-start", "runs.csv", "--store", "memory"], "say --store FILE"),
        (["--warm-start", "no.such:study"], "no store at tunewell.db"),
    ],
)
def test_a_source_that_nothing_can_be_learned_from_makes_no_store(words, says, tmp_path):
    (tmp_path / "train.py").write_text(TRAIN.replace('"loss"', '"loss2"'))
    done = CliRunner().invoke(cli, ("tune", "train.py", *words))
    assert done.exit_code in (1, 2)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert says in line
    assert not list(tmp_path.glob("*.db"))
