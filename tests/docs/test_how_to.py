"""The how-to pages on frameworks show lines that are those of the examples, which are run elsewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    page for page in sorted((ROOT / "docs" / "how-to").glob("*.md")) if "```diff" in page.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_lines_that_are_added_are_those_that_the_example_marks(page):
    text = page.read_text(encoding="utf-8")
    (name,) = set(re.findall(r"^tunewell tune (examples/\w+\.py)", text, flags=re.MULTILINE))
    marked = re.findall(r"^(.*?)  # tunewell", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    (shown,) = re.findall(r"^```diff\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^\+(.*)$", shown, flags=re.MULTILINE) == marked


def test_each_framework_of_the_table_that_has_an_adapter_has_a_page():
    table = (ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8")
    examples = set(re.findall(r"^\| .*? \| `(examples/\w+\.py)`", table, flags=re.MULTILINE))
    linked = {name for page in PAGES for name in re.findall(r"examples/\w+\.py", page.read_text(encoding="utf-8"))}
    assert examples - linked == {"examples/hydra_digits.py"}  # a sweeper, which is called from Hydra
