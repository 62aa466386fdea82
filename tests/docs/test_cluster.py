"""The commands of the page on clusters, run as they are written, in its order; only places are others."""

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tunewell as tw

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def commands(heading):
    """The command lines of a section of the page, less those that install."""
    page = (ROOT / "docs" / "cluster.md").read_text()
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)).splitlines()
    return [shlex.split(line) for line in lines if line and not line.startswith("pip install")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(command, places):
    program, *words = command
    assert program == "tunewell"
    words = [places.get(word, word) for word in words]
    return subprocess.Popen([sys.executable, "-m", program, *words], env=os.environ | {"OMP_NUM_THREADS": "1"})


def run(command, places):
    with begin(command, places) as process:
        assert process.wait() == 0, command


def test_the_cores_of_one_machine(folder):
    asked = commands("The cores of one machine")
    assert len(asked) == 5
    for command in asked:
        run(command, {})
    studies = [tw.Study.open("tunewell.db", name) for name in ("digits", "digits-guarded", "digits-isolated")]
    assert [study.spent.epochs for study in studies] == [6 * 60] * 3


def test_more_shells_and_more_machines(folder, postgres_url):
    places = {"postgresql://ada@db.lab/tuning": postgres_url}
    for begun, joined in zip(*[iter(commands("More shells, more machines"))] * 2, strict=True):
        store = places.get(begun[-1], "tunewell.db")
        with begin(begun, places) as first:
            wait_for_a_report(store)
            run(joined, places)
            assert first.wait() == 0
        study = tw.Study.open(store, "shared")
        assert study.spent.epochs == 12 * 60
        assert len({trial.session for trial in study.trials}) == 2


def wait_for_a_report(store):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if tw.Study.open(store, "shared").reports():
                return
        except tw.TunewellError:
            pass
        time.sleep(0.05)
    pytest.fail("nothing was trained")
