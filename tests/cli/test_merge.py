"""`tunewell merge`, and reports of several files: what they print, refuse, and leave behind."""

import json

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.study import Study

SPACE = tw.Space(rate=tw.Float(0.0, 1.0))


def train(run):
    for epoch in run.epochs(2):
        run.report(val_loss=run.params.rate + 1 / epoch)


@pytest.fixture(autouse=True)
def stores(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("a", 1), ("b", 2)):
        study = tw.tune(train, SPACE, metric="val_loss", store=f"{name}.db", name="s", budget="4trials", seed=seed)
        study.store.close()


def invoked(*words, expect=0):
    done = CliRunner().invoke(cli, words, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    return done


def test_it_prints_a_line_a_study_and_says_what_got_another_name():
    done = invoked("merge", "a.db", "b.db", "--into", "c.db")
    assert done.stdout.splitlines() == [
        f"a.db: s: 4 trials, {len(Study.open('a.db').reports())} reports",
        f"b.db: s -> s-2: 4 trials, {len(Study.open('b.db').reports())} reports",
    ]
    assert done.stderr == "b.db: s: 's' is another study there\n"
    assert invoked("merge", "a.db", "--into", "c.db").stdout == "a.db: s: nothing new\n"
    assert [one["study"] for one in json.loads(invoked("list", "--store", "c.db", "--json").stdout)] == ["s", "s-2"]


def test_it_prints_json():
    (found,) = json.loads(invoked("merge", "a.db", "--into", "c.db", "--as", "one", "--json").stdout)
    assert (found["study"], found["name"], found["outcome"], found["trials"]) == ("s", "one", "added", 4)


def test_one_that_is_skipped_is_an_exit_code_of_1():
    invoked("merge", "a.db", "--into", "c.db")
    for store in ("a.db", "c.db"):
        tw.tune(
            train, SPACE, metric="val_loss", store=store, name="s", budget="6trials", seed=1, resume=True
        ).store.close()
    done = invoked("merge", "a.db", "b.db", "--into", "c.db", expect=1)
    assert "a.db: s: skipped: 's' in c.db, a copy of it, has gone on by itself" in done.stderr
    assert done.stdout.startswith("b.db: s -> s-2")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.db"], "--into"),
        (["nothing.db", "--into", "c.db"], "no store at nothing.db"),
        (["a.db", "--into", "memory"], "nothing is kept in 'memory'"),
        (["a.db", "--into", "c.db", "--study", "t"], "has no study 't'; it has 's'"),
        (["a.db", "b.db", "--into", "a.db", "--as", "s"], "has a study 's' already"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(words, said):
    (line,) = invoked("merge", *words, expect=2).stderr.splitlines()
    assert said in line


def test_studies_of_several_files_are_reported_side_by_side(tmp_path):
    invoked("report", "a.db", "b.db:s", "-o", "both.html")
    page = (tmp_path / "both.html").read_text()
    assert "<h1>2 studies</h1>" in page
    assert "<h1>s in a.db</h1>" in page
    assert "<h1>s in b.db</h1>" in page
    invoked("report", "b.db", "-o", "one.html")
    assert "<h1>s</h1>" in (tmp_path / "one.html").read_text()
    assert "has no study 't'" in invoked("report", "a.db:t", "-o", "x.html", expect=2).stderr
