"""What the pages on diagnosis show is what is printed."""

import re
from pathlib import Path

from click.testing import CliRunner

from tunewell.cli.main import cli
from tunewell.diagnosis.possible import POSSIBLE_IF

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "diagnose.md").read_text(encoding="utf-8")


def printed(*arguments):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == 0, done.output
    return done.stdout


def without_confidence(text):
    """The text without how sure a finding is, which moves a little whenever the forests are fitted."""
    return re.sub(r"^ *\d+%", "", text, flags=re.MULTILINE)


def test_the_finding_of_the_page_is_what_is_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log, command, shown = re.search(
        r"^```csv\n(.*?)^```\n\n```\ntunewell (.*?)\n```.*?^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL
    ).groups()
    (tmp_path / "log.csv").write_text(log)
    assert without_confidence(printed(*command.split())).startswith(without_confidence(shown))


def test_what_the_table_calls_impossible_is_a_cause_with_a_requirement():
    table = PAGE.split("| cause | impossible where it is known that |")[1].split("\n\n")[0]
    named = set(re.findall(r"`([a-z_]+)`", re.sub(r"\|[^|]*\|$", "|", table, flags=re.MULTILINE)))
    assert named <= set(POSSIBLE_IF)
    assert all(POSSIBLE_IF[label] for label in named)


def test_the_script_of_a_page_is_not_called_healthy_where_a_simple_model_does_better(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "how-to" / "function.md").read_text(encoding="utf-8")
    script = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "train.py").write_text(script)
    shown = printed("diagnose", "train.py", "--probe")
    page = (DOCS / "probe.md").read_text(encoding="utf-8")
    for line in (
        "%  lr_too_low\n      validation accuracy reached 72.5 % at epoch 40; the nearest neighbours get 94 % of the\n",
        "a higher rate: in 12 epochs the loss came to 0.6817 at 0.01, to 0.4362 at 0.1",
        "      next:  lr 0.01 -> 0.1: the loss falls further there in as many epochs",
    ):
        assert line in shown
        assert line in page
    assert "the nearest neighbours 94 %" in shown
    assert "healthy" not in shown
