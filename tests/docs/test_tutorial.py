"""The tutorial is followed: it is one in both languages, its commands run, its numbers are those of a run."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH, CHINESE = ((DOCS / name).read_text(encoding="utf-8") for name in ("tutorial.md", "zh/tutorial.md"))


def blocks(page, language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "train.py").write_text(blocks(ENGLISH, "python")[0])


def done(*arguments):
    result = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert result.exit_code == 0, result.output
    return result


def printed(*arguments):
    return done(*arguments).stdout


def test_both_languages_have_the_same_code_and_commands():
    assert blocks(ENGLISH, "python") == blocks(CHINESE, "python")
    assert blocks(ENGLISH, "sh") == blocks(CHINESE, "sh")
    assert blocks(ENGLISH, "") == blocks(CHINESE, "")


def test_the_network_is_stuck_where_the_tutorial_says_and_the_log_is_read(script, capsys):
    runpy.run_path("train.py", run_name="__main__")
    log = capsys.readouterr().out
    last = float(log.split()[-1].removeprefix("val_accuracy="))
    assert last == pytest.approx(0.7075, abs=0.03)
    Path("train.log").write_text(log)
    found = printed("diagnose", "train.log", "--target", "0.97")
    assert "97 % is known to be possible" in found
    assert "still falling" in found


def test_the_rescue_gets_where_the_tutorial_says(script):
    result = json.loads(printed("rescue", "train.py", "--target", "0.97", "--json", "--quiet"))
    assert result["best"]["value"] >= 0.97
    assert tw.Study.open("tunewell.db", "train-rescue").spent.epochs < 300


@pytest.mark.slow
def test_the_search_and_what_comes_after_it_end_as_the_tutorial_says(script):
    printed("tune", "train.py", "--name", "digits", "--budget", "5", "--confirm", "2", "--quiet")
    assert "Trained again with fresh seeds" in done("best", "digits").stderr  # advice, beside what can be pasted
    assert "What mattered for val_accuracy" in printed("importance", "digits")
    # a process of its own: another test's `train` may be imported in this one
    page = blocks(ENGLISH, "python")[1] + "\nprint(accuracy)\n"
    accuracy = subprocess.run([sys.executable, "-c", page], capture_output=True, text=True, check=True).stdout
    assert float(accuracy.split()[-1]) > 0.94
    printed("report", "digits")
    assert Path("digits.html").exists()
