"""The code of pages that have no test of their own runs, block after block."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["several-metrics.md", "probe.md"])
def test_the_code_of_the_page_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for block in re.findall(
        r"^```python\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        exec(compile(block, name, "exec"), names)
