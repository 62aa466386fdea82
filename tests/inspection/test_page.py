"""docs/inspect.md: each program on it shows what its heading says, and the one below it does not."""

import re
from pathlib import Path

import pytest

from tunewell import inspection
from tunewell.inspection import KINDS
from tunewell.inspection.source import mistakes_in, parsed

PAGE = (Path(__file__).parents[2] / "docs" / "inspect.md").read_text(encoding="utf-8")
SOURCE = PAGE.partition("\n## What the source shows\n")[2].partition("\n## ")[0]
INTRODUCTION, *SECTIONS = re.split(r"^### ", SOURCE, flags=re.MULTILINE)
BEGINNING = "\n".join(re.findall(r"```python\n(.*?)```", INTRODUCTION, re.DOTALL))


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split()[0])
def test_a_program_of_the_page_has_its_mistake_and_the_one_below_has_not(section):
    kind, wrong, right = section.split()[0], *re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert [found.kind for found in mistakes_in(parsed(BEGINNING + wrong))] == [kind]
    assert mistakes_in(parsed(BEGINNING + right)) == []


def test_each_kind_is_on_the_page():
    assert [kind for kind in KINDS if kind not in PAGE] == []


def test_the_table_says_which_steps_are_looked_at():
    folder = Path(inspection.__file__).parent
    steps = {
        "PyTorch": [*folder.glob("pytorch/*.py")],
        "Keras": [*folder.glob("keras/**/*.py"), folder / "rows.py"],
        "JAX": [*folder.glob("jax/*.py")],
    }
    found = {name: "\n".join(file.read_text(encoding="utf-8") for file in files) for name, files in steps.items()}
    rows = dict(re.findall(r"^\| `([\w-]+)` \| [^|]*\|([^|]*)\|$", PAGE.partition("\n## What")[0], re.MULTILINE))
    assert list(rows) == list(KINDS)
    for kind, named in rows.items():
        assert [
            one for one in found if f'"{kind}"' in found[one] or f"{kind.replace('-', '_')}(" in found[one]
        ] == re.findall(r"\w+", named)
