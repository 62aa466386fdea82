"""Each library of flags is in the list, has what the list's readers use, and needs Python alone."""

import ast
from pathlib import Path

import pytest

from tunewell.scripts import constants, libraries
from tunewell.scripts.libraries import LIBRARIES
from tunewell.scripts.libraries.setting import Setting, Source

FOLDER = Path(libraries.__file__).parent
NO_LIBRARIES = {"__init__", "setting", "signatures"}


def test_each_file_is_in_the_list():
    files = {path.stem for path in FOLDER.glob("*.py")} - NO_LIBRARIES
    assert files == {one.__name__.rpartition(".")[2] for one in LIBRARIES}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda one: one.__name__.rpartition(".")[2])
def test_a_library_has_its_four_names(library):
    assert isinstance(library.MODULES, tuple)
    assert library.WORDS
    assert callable(library.patch)
    assert library.read(Source([("train.py", "x = 1")]), []) == []


def test_what_the_scripts_interpreter_runs_imports_nothing_of_tunewell():
    package = Path(constants.__file__).parent
    for path in [
        *FOLDER.glob("*.py"),
        *(package / "literals").glob("*.py"),
        package / "look.py",
        package / "constants.py",
        package / "config_file.py",
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not [name for name in names if name.startswith("tunewell")], f"{path.name}:{node.lineno}"


def test_a_setting_crosses_a_process_as_it_is():
    setting = Setting("lr", 0.1, "float", ("a",), "help", ("--lr", "{}"), given=True, bounds=(0.0, None), at=2)
    assert Setting.from_json(setting.to_json()) == setting
