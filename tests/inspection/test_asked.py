"""Programs written anew after public questions, with the cause of the accepted answer; and others that are sound.

The first line of each says which kinds are right: `# expect: targets-out-of-reach`, or `none`. Those of a program with
`in steps` behind them are seen while its first steps run, the others in the source; one that is `read alone` takes its
steps by hand, which is not seen.
"""

import os
from pathlib import Path

import pytest

from tunewell import checkpoint
from tunewell.inspection import KINDS
from tunewell.inspection.observing import Limits, observed
from tunewell.inspection.source import mistakes_in, parsed

pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
PROGRAMS = {file.stem: file.read_text() for file in sorted((Path(__file__).parent / "asked").glob("*.txt"))}


def expected(name):
    """The kinds that are right, and where they are to be seen: `source`, `steps`, or `nowhere` of steps by hand."""
    line = PROGRAMS[name].splitlines()[0].removeprefix("# expect: ")
    kinds, _, where = line.partition(", ")
    return set(kinds.split()) - {"none"}, {"in steps": "steps", "read alone": "nowhere"}.get(where, "source")


SOUND = [name for name in PROGRAMS if not expected(name)[0] and expected(name)[1] != "nowhere"]
IN_SOURCE = [name for name in PROGRAMS if expected(name)[0] and expected(name)[1] == "source"]
IN_STEPS = [name for name in PROGRAMS if expected(name)[1] == "steps"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_source_shows_the_cause_or_nothing(name):
    kinds, _ = expected(name)
    found = {one.kind for one in mistakes_in(parsed(PROGRAMS[name]))}
    assert found <= kinds
    assert bool(found) == (name in IN_SOURCE)


def test_each_is_of_a_kind():
    assert [name for name in PROGRAMS if not expected(name)[0] <= set(KINDS)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [*IN_STEPS, *SOUND])
def test_the_first_steps_show_the_cause_first(name, tmp_path, monkeypatch):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    for package in ("torch", "keras", "jax", "flax", "sklearn", "pandas"):
        if f"import {package}" in PROGRAMS[name] or f"from {package}" in PROGRAMS[name]:
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["program.py"])
    code = compile(PROGRAMS[name], "program.py", "exec")
    checkpoint.seed_everything(0)  # some shuffle before they seed
    found = observed(lambda: exec(code, {"__name__": "__main__"}), Limits(), "program.py")
    first = sorted((one.kind for one in found), key=list(KINDS).index)[:1]
    assert set(first) <= expected(name)[0]
    assert bool(first) == (name in IN_STEPS)
