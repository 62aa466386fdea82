"""What was written is registered, and tried: an addition that nobody would find is named here."""

import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from tunewell import autopilot, cli, runners
from tunewell.autopilot import rules as autopilot_rules
from tunewell.bridges.places import TRACKERS
from tunewell.cli.main import cli as commands
from tunewell.diagnosis import rules as diagnosis_rules
from tunewell.probing import probes

TESTS = Path(__file__).parents[1]
SOURCE = TESTS.parent / "src" / "tunewell"


def public_functions(module, first):
    """Those that a module defines and that take one argument, of the class that is named."""
    functions = inspect.getmembers(module, inspect.isfunction)
    own = [f for name, f in functions if f.__module__ == module.__name__ and not name.startswith("_")]
    return {f for f in own if [p.annotation for p in inspect.signature(f).parameters.values()] == [first]}


def modules(package):
    return [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]


def test_each_rule_of_the_autopilot_is_in_its_tuple():
    assert {rule.__name__ for rule in public_functions(autopilot_rules, "View") - set(autopilot.RULES)} == set()


def test_each_probe_is_in_its_tuple():
    assert {
        probe.__name__ for probe in public_functions(probes, "Case") - {probe.run for probe in probes.PROBES}
    } == set()


def test_each_rule_of_diagnosis_is_in_its_tuple():
    known = {rule.see for rule in diagnosis_rules.RULES}
    found = set().union(*(public_functions(module, "Signals") for module in modules(diagnosis_rules)))
    signs = {rule for rule in found if inspect.signature(rule).return_annotation == "Sign"}
    assert {rule.__name__ for rule in signs - known} == set()


def test_each_file_of_a_command_is_listed():
    files = {path.stem for path in Path(cli.__file__).parent.glob("*_command.py")}
    assert files == {f"{name.replace('-', '_')}_command" for name in commands.list_commands(None)}


def text_of_tests(folder):
    return " ".join(path.read_text(encoding="utf-8") for path in (TESTS / folder).glob("*.py"))


@pytest.mark.parametrize("rule", autopilot.RULES, ids=lambda rule: rule.__name__)
def test_each_rule_of_the_autopilot_has_a_test(rule):
    assert f" {rule.__name__}(" in text_of_tests("babysit"), f"no test of tests/babysit/ calls {rule.__name__}"


@pytest.mark.parametrize("name", [found.name for found in iter_modules(runners.__path__)])
def test_each_place_for_workers_has_a_test(name):
    is_place = f"def run_{name}(" in (Path(runners.__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    has_test = (TESTS / "runners" / f"test_{name}.py").exists() or f"run_{name}" in text_of_tests("runners")
    assert has_test or not is_place, f"no test of tests/runners/ runs run_{name}"


ADAPTERS = [
    path.stem
    for path in sorted((SOURCE / "adapters").glob("*.py"))
    if f"from tunewell.adapters.{path.stem} import" in path.read_text(encoding="utf-8").split('"""')[1]
]
"""Those whose docstring shows how they are used; the others are what these are made of."""


@pytest.mark.parametrize("name", ADAPTERS)
def test_each_adapter_is_on_its_page_and_has_a_test(name):
    page = (TESTS.parent / "docs" / "frameworks.md").read_text(encoding="utf-8")
    assert f"| `tunewell.adapters.{name}` |" in page, f"docs/frameworks.md has no row of {name}"
    examples = " ".join(path.read_text(encoding="utf-8") for path in (TESTS.parent / "examples").glob("*.py"))
    tests = text_of_tests("adapters")
    assert f"tunewell.adapters.{name} import" in examples + tests, f"nothing in tests/adapters/ uses {name}"


BRIDGES = [
    path.stem
    for path in sorted((SOURCE / "bridges").glob("*.py"))
    if any(f"\ndef {way}(place: Place)" in path.read_text(encoding="utf-8") for way in ("sink", "source"))
]


def test_each_bridge_is_a_tracker():
    assert BRIDGES
    assert set(BRIDGES) == {tracker.module for tracker in TRACKERS.values()}


@pytest.mark.parametrize("name", BRIDGES)
def test_each_bridge_is_on_its_page_and_has_a_test(name):
    page = (TESTS.parent / "docs" / "trackers.md").read_text(encoding="utf-8")
    assert f"| {TRACKERS[name].title.removeprefix('a ').removesuffix(' file')} |" in page, (
        f"docs/trackers.md has no row of {name}"
    )
    sends = "\ndef sink(place: Place)" in (SOURCE / "bridges" / f"{name}.py").read_text(encoding="utf-8")
    there = f'"{name}"' if sends else f"bridges.{name} import" if name == "csv" else f'"{name}"'
    assert there in text_of_tests("bridges"), f"no test of tests/bridges/ has {name}"
