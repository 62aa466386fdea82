"""What `import tunewell` offers: names that are imported when they are first used, and that type checkers know."""

import ast
import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tunewell

STATIC = {
    alias.name: node.module
    for block in ast.parse(inspect.getsource(tunewell)).body
    if isinstance(block, ast.If)
    for node in block.body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
ERRORS = {"TunewellError"}


@pytest.mark.parametrize("name", sorted({*tunewell.__all__} - ERRORS - {"figures"}))
def test_a_name_comes_from_where_type_checkers_look_for_it(name):
    module = sys.modules.get(STATIC[name]) or __import__(STATIC[name], fromlist=[name])
    assert getattr(tunewell, name) is getattr(module, name)


def test_type_checkers_know_every_name():
    assert {*STATIC} | ERRORS == {*tunewell.__all__}


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tune_well'"):
        tunewell.tune_well  # noqa: B018


def test_the_import_loads_no_array_library_and_names_stay_what_they_are():
    code = (
        "import sys, tunewell; assert 'numpy' not in sys.modules;"
        "import tunewell.reporting.page, tunewell.figures; assert callable(tunewell.report);"
        "assert {*tunewell.__all__} <= {*dir(tunewell)}"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_the_version_is_the_same_wherever_it_stands():
    root = Path(__file__).parents[1]
    declared = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert tunewell.__version__ == declared
    assert f"\nversion: {declared}\n" in (root / "CITATION.cff").read_text(encoding="utf-8")
