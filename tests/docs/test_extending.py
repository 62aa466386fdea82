"""The pages on adding something: their code runs, and each kind of addition has one."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tunewell.history import History

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "extending"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def code(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def first_cells(text):
    """What stands in backticks in the first cell of each row of the tables in a text."""
    cells = re.findall(r"^\| (.*?) \|", text, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)(?:\(\w+\))?`", cell)]


@by_page
def test_the_code_of_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": page.stem}
    for block in code(page):
        exec(compile(block, str(page), "exec"), names)


@by_page
def test_the_code_of_the_page_keeps_to_the_words_of_the_source(page, tmp_path):
    words = runpy.run_path(str(Path(__file__).parents[1] / "house" / "test_words.py"))
    (tmp_path / "page.py").write_text("\n\n".join(code(page)), encoding="utf-8")
    assert [str(fault) for fault in words["faults"](tmp_path / "page.py", tmp_path)] == []


BY_NAME = "made_again"
"""The laws that hold for what can be found by its name, and so not for what stands on a page."""
WITH_CONTRACT = [page for page in PAGES if "Contract)" in "".join(code(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CONTRACT, ids=lambda page: page.stem)
def test_what_the_page_adds_keeps_its_contract(page, tmp_path):
    (tmp_path / "test_page.py").write_text("\n\n".join(code(page)), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", f"not {BY_NAME}", "test_page.py"]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_each_kind_of_addition_has_a_page():
    linked = re.findall(r"^\| \[.*?\]\((.*?)\)", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(linked) == [page.name for page in PAGES]


@by_page
def test_each_page_says_what_finds_what_was_forgotten(page):
    assert "\n## If something is forgotten\n\n| forgotten | found by | which says |\n" in page.read_text(
        encoding="utf-8"
    )


def test_the_page_on_samplers_has_all_that_a_history_has():
    section = (FOLDER / "sampler.md").read_text(encoding="utf-8").split("\n## What it is given\n")[1].split("\n## ")[0]
    given = {name for name in dir(History) if not name.startswith("_")} | {"space", "versions", "max_epochs"}
    of_the_study = {"update", "advance", "defer", "view"}
    assert set(first_cells(section)) == given - of_the_study
