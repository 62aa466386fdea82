"""The code of the page on figures runs, and its tables have all that there is."""

import importlib.util
import re
from pathlib import Path

from tunewell import figures

PAGE = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        if ".save(" in block and importlib.util.find_spec("matplotlib") is None:
            continue
        exec(compile(block, "figures.md", "exec"), names)


def test_the_page_has_every_figure():
    table = PAGE.split("| figure | what it shows |\n")[1].split("\n\n")[0]
    makers = {name for name in figures.__all__ if name.islower()}
    assert set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)) == makers
