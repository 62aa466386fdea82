"""`tunewell fit` and `tunewell predict` on tables in files."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli
from tunewell.stores import open_store


@pytest.fixture
def houses(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    size, place = rng.uniform(50, 200, 200), rng.choice(["town", "country"], 200)
    price = size * np.where(place == "town", 3.0, 1.0) + rng.normal(size=200)
    size[::17] = np.nan
    table = pd.DataFrame({"size": size, "place": place, "price": price, "dear": np.where(price > 250, "yes", "no")})
    table.to_csv(tmp_path / "houses.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return table


def run(*arguments):
    return CliRunner().invoke(cli, ["fit" if arguments[0].endswith(".csv") else "predict", *arguments])


QUICK = ("--budget", "3", "--epochs", "20")


def test_a_table_is_fitted_recorded_and_predicted(houses, tmp_path):
    done = run("houses.csv", "--target", "dear", *QUICK)
    assert done.exit_code == 0, done.output
    assert "classification of 'dear' from 3 columns, 200 rows" in done.stderr
    assert "accuracy 0.9" in done.stdout or "accuracy 1.0" in done.stdout
    assert [study.name for study in open_store(tmp_path / "tunewell.db").studies()] == ["houses"]
    done = run("houses.model", "houses.csv", "--proba")
    answers = pd.read_csv(pd.io.common.StringIO(done.stdout))
    assert (answers["dear"] == houses["dear"]).mean() > 0.9
    assert list(answers) == ["dear", "dear=no", "dear=yes"]


def test_a_quantity_is_seen_as_one(houses):
    done = run("houses.csv", "--target", "price", "--output", "p.model", "--json", *QUICK)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["task"] == "regression"
    done = run("p.model", "houses.csv", "--output", "answers.csv")
    assert done.exit_code == 0
    answers = pd.read_csv("answers.csv")["price"]
    assert np.corrcoef(answers, houses["price"])[0, 1] > 0.9


def test_rows_without_a_target_are_left_out_and_said(houses):
    houses.assign(dear=houses["dear"].where(houses.index > 9)).to_csv("houses.csv", index=False)
    done = run("houses.csv", "--target", "dear", "--budget", "1", "--epochs", "2")
    assert "10 rows have no dear and are left out" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nowhere.csv", "--target", "x"), "nowhere.csv cannot be read as a table"),
        (("houses.csv", "--target", "prize"), "no column 'prize'; it has size, place, price, dear"),
        (("houses.csv", "--target", "place", "--budget", "0"), "a budget must be above zero"),
        (("houses.csv", "--target", "place", "--task", "regression"), "place|could not convert"),
        (("houses.csv", "houses.csv"), "holds no model"),
        (("nowhere.model", "houses.csv"), "holds no model"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(houses, arguments, named):
    name = "predict" if arguments[1] == "houses.csv" else "fit"
    done = CliRunner().invoke(cli, [name, *arguments])
    assert done.exit_code == 2
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert pytest.importorskip("re").search(named, line)
    assert "Traceback" not in done.output
