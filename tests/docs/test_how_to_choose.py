"""The tables of the page are the classes that there are, in their own words."""

import re
from pathlib import Path

import pytest

from tunewell import samplers, schedulers

DOCS = Path(__file__).parents[2] / "docs"


def rows(heading):
    """Name and description, from the first table below a heading of the page."""
    page = (DOCS / "how-to-choose.md").read_text()
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, flags=re.MULTILINE))


@pytest.mark.parametrize(("heading", "package"), [("Samplers", samplers), ("Schedulers", schedulers)])
def test_each_has_a_row_with_the_first_line_of_its_docstring(heading, package):
    classes = {cls.name: cls for cls in map(vars(package).get, package.__all__) if hasattr(cls, "name")}
    assert rows(heading) == {name: classes[name].__doc__.splitlines()[0] for name in package.NAMES}


PAGES = ["how-to-choose.md", "record.md", "merge.md", "network.md", "estimators.md"]
PAGES += [f"{path.parent.name}/{path.name}" for path in sorted(DOCS.glob("explanation/*.md"))]
PAGES += ["zh/batch-normalization.md", "zh/hyperparameters.md"]


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```python\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    namespace = {"__name__": page}
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)
