"""`tunewell propose`, and where a proposal shows: in `show`, `show --why`, exports and JSON."""

import json

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.runners.tune import drive

SPACE = tw.Space(rate=tw.Float(0.0, 1.0, default=0.5), layers=tw.Int(1, 4, default=2))


def tunewell(*arguments, expect=0):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    return done


def train(run):
    for epoch in run.epochs(9):
        run.report(loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    return tw.Study(
        SPACE, metric="loss", max_epochs=9, budget=8, scheduler="asha", sampler="random", name="s", store="tunewell.db"
    )


def test_a_proposal_from_a_shell_is_tried_and_shown_as_its_author_s(study):
    done = tunewell("propose", "s", "rate=0.31", "--by", "ada", "--why", "near the best")
    assert done.stdout == "proposed to study s by ada; it waits for its turn, 1 in all\n"
    assert "no process runs study 's'" in done.stderr
    drive(study, train)
    study.close()
    shown = tunewell("show", "s").stdout
    assert "proposed by" in shown
    assert "better than the search's own" in shown
    assert "too few" in shown
    assert "by ada: near the best" in tunewell("show", "s", "--trial", "3").stdout
    assert "It was proposed by ada: near the best. The study's own" in tunewell("show", "s", "--why", "3").stdout
    record = json.loads(tunewell("show", "s", "--top", "99", "--json").stdout)
    assert {trial["trial"]: trial["proposed_by"] for trial in record["trials"]}[3] == "ada"
    assert [one["by"] for one in record["advisors"]] == ["search", "ada"]
    header, *rows = tunewell("export", "s").stdout.splitlines()
    assert header.endswith(",proposed_by")
    assert [row.endswith(",ada") for row in rows[:4]] == [False, False, False, True]


def test_the_scores_name_each_author_after_the_search(study):
    assert "nobody has proposed" in tunewell("propose", "s", "--scores").stdout
    for n in range(5):
        tunewell("propose", "s", f"rate=0.3{n}", "--by", "ada")
    tunewell("propose", "s", "layers=1", "--by", "bob", "--like", "0", expect=2)
    drive(study, train)
    study.close()
    tunewell("propose", "s", "layers=1", "rate=0.9", "--like", "0", "--by", "bob")
    search, ada, bob = json.loads(tunewell("propose", "s", "--scores", "--json").stdout)
    assert (search["by"], ada["proposed"], bob["waiting"], bob["started"]) == ("search", 5, 1, 0)
    assert ada["started"] >= 4
    assert ada["better"]["low"] <= ada["better"]["middle"] <= ada["better"]["high"]
    assert bob["too_few"].startswith("too few: 0 of them")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "needs a NAME=VALUE"),
        (("rate",), "NAME=VALUE"),
        (("rate=2",), "rate"),
        (("rat=0.5",), "rate"),
        (("rate=0.5", "--by", "search"), "own search"),
        (("rate=0.5", "--scores"), "in a command of its own"),
        (("rate=0.5", "--like", "99"), "99"),
    ],
)
def test_what_cannot_be_proposed_is_refused_in_a_line(arguments, said, study):
    done = tunewell("propose", "s", *arguments, expect=2)
    assert said in done.stderr
    assert study.proposals() == []


def test_a_study_without_proposals_shows_and_exports_none(study):
    drive(study, train)
    study.close()
    assert "propos" not in tunewell("show", "s").stdout
    assert "propos" not in tunewell("export", "s").stdout
