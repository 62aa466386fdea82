"""`tunewell report`: what it says of a study, and that it opens anywhere and runs nothing of a stranger's."""

import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.commands import Note
from tunewell.reporting import found, held_back, next_steps, reproduce, steered, sure
from tunewell.reporting.page import report_page
from tunewell.study.reader import StudyReader

ROOT = Path(__file__).parents[2]

HARM = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
SPACE = tw.Space(rate=tw.Float(1e-3, 1.0, scale="log", default=0.1), width=tw.Int(1, 64, default=8))


def train(run):
    for epoch in run.epochs(4):
        if run.params.rate > 0.9:
            raise ValueError(HARM)
        run.report(val_loss=abs(run.params.rate - 0.3) + 1 / epoch)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "tunewell.db"


def study_of(store, trials, name="s", **options):
    return tw.tune(train, SPACE, metric="val_loss", store=store, name=name, budget=f"{trials}trials", **options)


def invoked(*words, expect=0):
    done = CliRunner().invoke(cli, ["report", *map(str, words)], prog_name="tunewell")
    assert done.exit_code == expect, done.output
    return done


class Loads(HTMLParser):
    """Collects what a page would load or run."""

    def __init__(self):
        super().__init__()
        self.found, self.types = [], []

    def handle_starttag(self, tag, attrs):
        self.types += [dict(attrs).get("type")] if tag == "script" else []
        self.found += [value for name, value in attrs if name in ("src", "href", "data", "action") and value]
        self.found += [value for name, value in attrs if name.startswith("on")]


def loads(page):
    parser = Loads()
    parser.feed(page)
    return parser


def test_a_report_says_what_was_found_and_how_to_repeat_it(store):
    study = study_of(store, 30, scheduler="full", sampler="random", seed=4)
    page = report_page([study.reader])
    best = study.best
    assert f"by trial {best.trial} at epoch {best.epoch}" in page
    for title in (
        "What was found", "How sure that is", "What mattered", "What the best", "What held runs back",
        "What was wasted", "How to reproduce it", "By how much a new seed",
    ):  # fmt: skip
        assert f"<h2>{title}" in page, title
    assert "Seed 4; scheduler full" in page
    assert study.record.uuid in page


def test_a_report_loads_nothing_and_a_strangers_words_are_words(store):
    study = study_of(store, 12, name=HARM, scheduler="full", sampler="random")
    study.steer(0, Note(HARM), why=HARM, by=HARM)
    page = report_page([study.reader])
    parser = loads(page)
    assert parser.found == []
    assert parser.types.count(None) + parser.types.count("module") == 1  # the script of figures
    assert "default-src 'none'" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("trials", [0, 1, 2])
def test_a_study_of_which_little_is_known_has_a_report_too(store, trials):
    study = tw.Study(SPACE, metric="val_loss", store=store, name="s", budget="9trials", max_epochs=4)
    for _ in range(trials):
        step = study.ask()
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=float("nan"))
            break
        study.tell(step.trial)
    page = report_page([study.reader])
    assert "There is no finite 'val_loss' on record yet" in unescape(page)


def test_several_studies_stand_side_by_side(store):
    studies = [study_of(store, 5, name=name, scheduler="full", seed=i) for i, name in enumerate(["one", "two"])]
    page = report_page([study.reader for study in studies])
    assert "<h1>2 studies</h1>" in page
    assert page.index("Side by side") < page.index("<h1>one</h1>") < page.index("<h1>two</h1>")


def test_the_passages_name_failures_and_remarks(store):
    study = study_of(store, 30, scheduler="full", sampler="random")
    study.steer(1, Note("look here"), by="ada")
    failed = sum(trial.state == "failed" for trial in study.trials)
    assert failed
    assert any(line.startswith(f"{failed} trial") and "ValueError" in line for line in held_back(study.reader).lines)
    assert [row[3:] for row in steered(study.reader).rows] == [("look here", None, "ada")]
    assert found(study.reader).rows[0][0] == "rate"
    assert sure(study.reader).lines
    assert reproduce(study.reader).rows
    assert any("--confirm" in line for line in next_steps(study.reader).lines)


def test_the_command_writes_one_file(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study_of(store, 5, scheduler="full").store.close()
    assert "s.html" in invoked("s", "--store", store).stdout
    assert (tmp_path / "s.html").read_text().startswith("<!DOCTYPE html>")
    invoked("--store", store, "-o", tmp_path / "other.html")
    assert (tmp_path / "other.html").exists()
    assert "report.pdf" not in [path.name for path in tmp_path.iterdir()]


def test_a_report_that_is_not_to_be_html_is_refused(store, tmp_path):
    study_of(store, 2, scheduler="full").store.close()
    shown = invoked("s", "--store", store, "-o", tmp_path / "report.pdf", expect=2).stderr
    assert re.search(r"a report is HTML, so name it so: .*report\.html", shown)


def test_a_name_that_leads_elsewhere_names_a_file_here(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study_of(store, 2, name="../../up and away", scheduler="full").store.close()
    invoked("../../up and away", "--store", store)
    assert (tmp_path / "up-and-away.html").exists()


def test_a_report_of_a_thousand_trials_is_small(store):
    study = tw.Study(
        SPACE, metric="val_loss", store=store, name="s", budget="1000trials", max_epochs=4, scheduler="full"
    )
    step = None
    while (step := study.ask()) is not None and step.trial < 1000:
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=step.params.rate / epoch)
        study.tell(step.trial)
    assert len(report_page([study.reader])) < 1_200_000


@pytest.mark.slow
def test_a_report_of_ten_thousand_trials_is_small(tmp_path):
    file = tmp_path / "tunewell.db"
    subprocess.run([sys.executable, ROOT / "benchmarks/web/large_study.py", file, "10000", "20"], check=True)
    assert len(report_page([StudyReader.open(file, "large")])) < 2_000_000
