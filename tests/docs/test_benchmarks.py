"""Each benchmark stands in a folder that asks a question, and where the docs and the Makefile say."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks"
SCRIPTS = [path for path in FOLDER.rglob("*.py") if '__name__ == "__main__"' in path.read_text(encoding="utf-8")]
BY_HAND = {
    f"benchmarks/diagnosis/{name}.py" for name in ("accuracy", "asked", "brought", "calibrate", "evaluate", "generate")
}
BY_HAND |= {"benchmarks/defects/plant.py", "benchmarks/stuck/programs.py", "benchmarks/web/large_study.py"}
BY_HAND |= {"benchmarks/search/replay/make.py"}
"""They take hours, what others of them have made, or programs of other people: not of `make bench`."""
PAGES = [ROOT / "README.md", *FOLDER.rglob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "Makefile"], ids=lambda path: str(path.relative_to(ROOT)))
def test_each_script_that_is_to_be_run_exists(page):
    text = re.sub(r"^```python\n.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for name in re.findall(r"python\s((?:benchmarks|examples|tests)/[\w/]+\.py)", text):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_the_command_of_each_benchmark_stands_in_it_and_on_a_page(script):
    command = f"python {script.relative_to(ROOT).as_posix()}"
    assert command in " ".join(script.read_text(encoding="utf-8").split())
    assert any(command in " ".join(page.read_text(encoding="utf-8").split()) for page in FOLDER.rglob("*.md"))


def test_make_bench_runs_each_benchmark():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    scripts = {script.relative_to(ROOT).as_posix() for script in SCRIPTS}
    assert {script for script in scripts if script not in makefile} == BY_HAND


def test_no_benchmark_stands_beside_the_folders_that_ask():
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert list(FOLDER.glob("*.py")) == []
    assert set(re.findall(r"^\| \[(\w+)\]", page, re.MULTILINE)) == {path.parent.name for path in FOLDER.glob("*/*.py")}
