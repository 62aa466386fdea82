"""`tunewell fit` and `tunewell predict` on tables in files."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli
from tunewell.estimators import SavedModel
from tunewell.estimators.columns import Columns, DateColumn
from tunewell.nn import Network
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


def written(name, rows, columns="x,z,y"):
    Path(name).write_text("\n".join([columns, *rows, ""]), encoding="utf-8")
    return name


def of_classes(name, classes, n=60):
    """Write a table whose first column tells the class."""
    rng = np.random.default_rng(0)
    return written(
        name, [f"{k % len(classes) + rng.normal(0, 0.1):.3f},{k},{classes[k % len(classes)]}" for k in range(n)]
    )


@pytest.mark.parametrize(
    "classes",
    [
        ["None", "crack", "dent"],
        ["NA", "A", "B"],
        ["null", "nan", "N/A"],
        ["01", "1", "2"],
        ["007", "008", "010"],
        ["true", "false"],
        ["TRUE", "False", "maybe"],
        ["12345678901234567890", "12345678901234567891"],
        ["0", "1"],
        ["-1", "1"],
        ["1.5", "2.5"],
        ["1", "1.0"],
        ["1e3", "1000"],
        ["Infinity", "0"],
        ["TRUE", "true"],
        ["caf\u00e9", "cafe\u0301"],
    ],
)
def test_classes_keep_their_names(tmp_path, monkeypatch, classes):
    monkeypatch.chdir(tmp_path)
    done = run(
        of_classes("t.csv", classes), "--target", "y", "--task", "classification", "--budget", "3", "--epochs", "8"
    )
    assert done.exit_code == 0, done.output
    assert "left out" not in done.stderr
    assert sorted(map(str, SavedModel.load("t.model").classes)) == sorted(classes)
    assert set(run("t.model", "t.csv").stdout.split()[1:]) <= set(classes)


def test_a_gap_among_numbers_makes_no_class_of_its_own_and_renames_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    of_classes("t.csv", ["0", "1", "NA"])
    done = run("t.csv", "--target", "y", "--budget", "2", "--epochs", "4")
    assert "20 rows have no y and are left out (NA)" in done.stderr
    assert SavedModel.load("t.model").classes == (0, 1)
    written("one.csv", [*(f"{k},0,{k % 2}" for k in range(20)), "1,1,"])
    assert (
        "1 row has no y and is left out\n" in run("one.csv", "--target", "y", "--budget", "2", "--epochs", "4").stderr
    )


def test_a_category_of_digits_is_met_again_in_a_table_of_digits_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kinds = ["1", "2", "x"]
    written("t.csv", [f"{kinds[k % 3]},{k % 7},{'yes' if k % 3 == 1 else 'no'}" for k in range(90)])
    run("t.csv", "--target", "y", *QUICK)
    written("new.csv", ["2,1", "1,1", ",1"], "x,z")
    assert run("t.model", "new.csv").stdout.split()[:3] == ["y", "yes", "no"]


def test_dates_are_no_categories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2024-01-01", periods=200)
    table = pd.DataFrame(
        {"day": days.strftime("%d.%m.%Y"), "n": 1, "sold": np.arange(200) + 20.0 * (days.day_of_week > 4)}
    )
    table.iloc[::4].to_csv("t.csv", index=False)
    done = run("t.csv", "--target", "sold", "--budget", "8", "--epochs", "40")
    assert done.exit_code == 0, done.output
    [column] = [column for column in SavedModel.load("t.model").columns.columns if column.name == "day"]
    assert isinstance(column, DateColumn)
    table.to_csv("all.csv", index=False)
    found = pd.read_csv(pd.io.common.StringIO(run("t.model", "all.csv").stdout))["sold"]
    assert np.corrcoef(found, table["sold"])[0, 1] > 0.9
    written("bad.csv", ["someday,1"], "day,n")
    done = run("t.model", "bad.csv")
    assert (done.exit_code, "held dates in training, and now 'someday'" in done.stderr) == (2, True)


def test_a_quantity_is_judged_in_its_own_units(houses):
    done = run("houses.csv", "--target", "price", *QUICK)
    assert "RMSE" in done.stdout
    assert "R² 0.9" in done.stdout
    assert "in units of price" in done.stdout


@pytest.mark.parametrize(("separator", "said"), [(";", ()), ("\t", ()), ("|", ()), ("^", ("--separator", "^"))])
def test_cells_may_be_separated_otherwise_and_have_decimal_commas(tmp_path, monkeypatch, separator, said):
    monkeypatch.chdir(tmp_path)
    rows = [f"{k % 2},{k}{separator}{k}{separator}{'hi, you' if k % 2 else 'low'}" for k in range(40)]
    written("t.csv", rows, separator.join("xzy"))
    done = run("t.csv", "--target", "y", *QUICK, *said)
    assert done.exit_code == 0, done.output
    assert [type(column).__name__ for column in SavedModel.load("t.model").columns.columns] == ["NumberColumn"] * 2
    assert set(pd.read_csv(pd.io.common.StringIO(run("t.model", "t.csv", *said).stdout))["y"]) == {"hi, you", "low"}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"x,y,y\n1,a,b\n", "has two columns 'y'; give each a name of its own"),
        (b"x,y\n1,a,2\n2,b,3\n", "has rows with more cells than the line of names"),
        ("x,y\n1,\u00e4\n".encode("latin-1"), "is not in UTF-8"),
    ],
)
def test_a_file_that_would_be_read_wrongly_is_refused(tmp_path, monkeypatch, content, named):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_bytes(content)
    done = run("t.csv", "--target", "y")
    assert (done.exit_code, named in done.stderr) == (2, True)


def test_a_file_of_utf_16_with_blanks_about_its_names_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{k % 28 + 1}.02.24,{'ab'[k % 2]}\n" for k in range(20))
    Path("t.csv").write_text(f"x , y\n{rows}", encoding="utf-16")
    assert run("t.csv", "--target", "y", "--budget", "1", "--epochs", "2").exit_code == 0
    model = SavedModel.load("t.model")
    assert (model.classes, type(model.columns.columns[0])) == (("a", "b"), DateColumn)


def test_a_model_of_another_target_is_not_written_over(houses):
    run("houses.csv", "--target", "dear", *QUICK)
    done = run("houses.csv", "--target", "price", *QUICK)
    assert "houses-price.model" in done.stdout
    assert (SavedModel.load("houses.model").target, SavedModel.load("houses-price.model").target) == ("dear", "price")
    assert "houses.model" in run("houses.csv", "--target", "dear", *QUICK).stdout


def test_a_folder_that_is_missing_is_noticed_before_the_training(houses):
    done = run("houses.csv", "--target", "dear", "--output", "no/where.model")
    assert (done.exit_code, "there is no folder 'no'" in done.stderr) == (2, True)


@pytest.fixture
def rare(tmp_path, monkeypatch):
    """Rows of which some are of the class to find, with columns that are no inputs."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    table = pd.DataFrame(
        {
            "x": x,
            "counts": rng.integers(0, 3, 200),
            "owner": rng.integers(0, 15, 200),
            "part": rng.choice(["train", "Val", "test"], 200, p=[0.6, 0.3, 0.1]),
            "y": np.where(x > 1, "fraud", "legit"),
        }
    )
    monkeypatch.chdir(tmp_path)
    table.to_csv("t.csv", index=False)
    table[:50].to_csv("judging.csv", index=False)
    return table


QUICKEST = ("--target", "y", "--budget", "1", "--epochs", "4")


def test_a_score_is_tuned_and_said_of_which_class_it_is(rare):
    done = run("t.csv", *QUICKEST, "--scoring", "f1", "--class-weight", "balanced", "--positive", "fraud")
    assert done.exit_code == 0, done.output
    assert "val_f1" in done.stderr
    assert "positive  class 'fraud'\n" in done.stdout
    done = run("t.csv", *QUICKEST, "--scoring", "log_loss", "--class-weight", "fraud=5,legit=1", "--json")
    assert "val_log_loss" in json.loads(done.stdout)["judged"]


def test_columns_may_say_what_rows_count_and_which_judge(rare):
    done = run("t.csv", *QUICKEST, "--weight", "counts", "--group", "owner")
    assert done.exit_code == 0, done.output
    assert [column.name for column in SavedModel.load("t.model").columns.columns] == ["x", "part"]
    done = run("t.csv", *QUICKEST, "--split", "part", "--weight", "counts")
    assert done.exit_code == 0, done.output
    n = {part: int((rare["part"] == part).sum()) for part in ("train", "Val", "test")}
    assert f"2 columns, {n['train']} rows, judged by {n['Val']} other rows" in done.stderr
    assert f"{n['test']} rows of 'test' left out" in done.stderr
    assert run("t.model", "t.csv").exit_code == 0


def test_rows_that_judge_may_be_a_table_of_their_own(rare):
    done = run("t.csv", *QUICKEST, "--validation", "judging.csv", "--weight", "counts")
    assert done.exit_code == 0, done.output
    assert "200 rows, judged by 50 other rows" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--weight", "count"), "t.csv has no column 'count'; it has x, counts"),
        (("--weight", "part"), "column 'part' says what rows count, and has train in one; write numbers from 0"),
        (("--weight", "y"), "column 'y' is given two roles"),
        (("--split", "owner"), "column 'owner' says '10' of a row, which is no part of a table"),
        (("--split", "part", "--validation", "judging.csv"), "both say which rows judge"),
        (("--split", "part", "--group", "owner"), "--group parts rows that are drawn"),
        (("--scoring", "F1"), "there is no scoring 'F1' of classes; did you mean 'f1'?"),
        (("--class-weight", "heavy"), "--class-weight must be balanced, or CLASS=WEIGHT,CLASS=WEIGHT, got 'heavy'"),
        (("--class-weight", "frau=2"), "the class 'frau', which y has not; did you mean 'fraud'?"),
        (("--positive", "frau"), "no class of y; did you mean 'fraud'?"),
        (("--validation", "nowhere.csv"), "nowhere.csv cannot be read as a table"),
        (("--target", "x", "--class-weight", "balanced"), "--class-weight is for classes, and this is a regression"),
    ],
)
def test_roles_and_scores_that_do_not_fit_are_one_line(rare, arguments, named):
    done = run("t.csv", *QUICKEST, *arguments)
    assert done.exit_code == 2
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert named in line


def saved_model(classes, target="y"):
    """Write a model that predicts the one class or the other, untrained."""
    columns = Columns.learn(pd.DataFrame({"x": [0.0, 1.0]}))
    SavedModel(target, columns, Network([1, 2], dtype="float64"), tuple(classes)).save("m.model")


def test_predictions_are_no_formulas(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved_model(["=cmd|' /C calc'!A0", "a;=cmd"], target="=y")
    written("t.csv", ["-9", "9", "0"], "x")
    for arguments in (("--proba",), ("--proba", "--output", "out.csv")):
        done = run("m.model", "t.csv", *arguments)
        assert done.exit_code == 0, done.output
        text = done.stdout or Path("out.csv").read_text(encoding="utf-8")
        assert not any(cell.startswith("=") for line in text.splitlines() for cell in line.replace(",", ";").split(";"))


def test_a_reader_that_goes_is_no_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved_model(["no", "yes"])
    written("t.csv", [str(k) for k in range(50_000)], "x")
    command = f"{sys.executable} -m tunewell predict m.model t.csv | head -n 2"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2
