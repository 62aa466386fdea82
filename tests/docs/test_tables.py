"""The lists in the docs are those in the code."""

import re
from pathlib import Path

import pytest

from tunewell import samplers, schedulers
from tunewell.autopilot import RULES
from tunewell.cli.main import cli
from tunewell.diagnosis import LABELS
from tunewell.probing.probes import PROBES

DOCS = Path(__file__).parents[2] / "docs"


def names_in_table(page, head):
    """What stands in backticks in the first cells below the head of a table."""
    table = (DOCS / page).read_text(encoding="utf-8").split(f"\n{head}\n")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (.*?) \|", table, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)]


def test_the_rules_of_the_autopilot_stand_in_their_order():
    assert names_in_table("babysit.md", "| rule | when | what |") == [rule.__name__ for rule in RULES]


def test_the_probes_stand_in_their_order():
    page = (DOCS / "probe.md").read_text(encoding="utf-8")
    table = page.split("\n| experiment | what it settles | epochs |\n|---|---|---|\n")[1].split("\n\n")[0]
    assert re.findall(r"^\| (.*?) \|", table, re.MULTILINE) == [probe.name for probe in PROBES]


def test_every_cause_that_a_diagnosis_names_has_a_meaning():
    assert sorted(names_in_table("diagnose.md", "| label | holds when |")) == sorted(LABELS)


def test_the_page_on_commands_begins_with_all_of_them():
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    listed = re.findall(r"^tunewell ([\w-]+)  ", page.split("```")[1], flags=re.MULTILINE)
    assert sorted(listed) == sorted(cli.list_commands(None))


@pytest.mark.parametrize(("option", "names"), [("--scheduler", schedulers.NAMES), ("--sampler", samplers.NAMES)])
def test_an_option_names_all_that_it_takes(option, names):
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{option} NAME` \| (.*) \|$", page, re.MULTILINE)
    assert set(names) <= set(re.findall(r"`(\w+)`", row))


def test_the_page_on_the_web_has_all_routes():
    routes = pytest.importorskip("tunewell.web.routes")
    table = (DOCS / "web.md").read_text(encoding="utf-8").split("\n| method | path | what |\n|---|---|---|\n")[1]
    listed = re.findall(r"^\| (\w+) \| `(.*?)` \| (.*) \|$", table.split("\n\n")[0], re.MULTILINE)
    plain = [(one.method, re.sub(r":(int|path)}", "}", one.path), one.about) for one in routes.ROUTES]
    assert listed == plain
