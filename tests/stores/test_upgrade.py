"""A study in progress, begun by the version before the newest schema, which a newer process joins."""

import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from tunewell import Study
from tunewell.stores.migrations import MIGRATIONS

ROOT = Path(__file__).parents[2]
SCRIPT = """
import time
import tunewell as tw
metric = "val_loss"
space = tw.Space(learning_rate=tw.Float(1e-4, 1.0, scale="log"))
def train(run):
    for epoch in run.epochs(8):
        time.sleep(0.2)
        run.report(val_loss=(run.params.learning_rate - 0.1) ** 2 + 1 / epoch)
"""


@pytest.fixture
def older(tmp_path):
    """Return the source of the last commit whose newest schema is one older."""
    newest = f"tests/stores/schemas/{len(MIGRATIONS):03}.sql"
    git = ["git", "-C", str(ROOT)]
    found = subprocess.run(
        [*git, "log", "--format=%H", "--diff-filter=A", "--", newest], capture_output=True, text=True, check=False
    )
    if not found.stdout.strip():
        pytest.skip("the history that has the version before is not here")
    archive = tmp_path / "older.tar"
    subprocess.run([*git, "archive", "-o", archive, f"{found.stdout.split()[-1]}~1", "src"], check=True)
    with tarfile.open(archive) as files:
        files.extractall(tmp_path / "older", filter="data")
    return tmp_path / "older" / "src"


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_study_goes_on_while_a_newer_process_joins_it(older, tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    tunewell = [sys.executable, "-m", "tunewell"]
    at_old = {**os.environ, "PYTHONPATH": str(older)}
    with subprocess.Popen(
        [*tunewell, "tune", "train.py", "--budget", "10trials"],
        cwd=tmp_path,
        env=at_old,
        stderr=subprocess.PIPE,
        text=True,
    ) as begun:
        store = tmp_path / "tunewell.db"
        while not store.exists() or "running" not in _shown(tunewell, tmp_path):
            assert begun.poll() is None, begun.stderr.read()
            time.sleep(0.5)
        joined = subprocess.run(
            [*tunewell, "worker", "train"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert joined.returncode == 0, joined.stderr
        _, said = begun.communicate(timeout=120)
    assert begun.returncode == 0, said
    study = Study.open(store, "train")
    assert len(study.trials) == 10
    assert len({trial.session for trial in study.trials}) == 2


def _shown(tunewell, folder):
    return subprocess.run([*tunewell, "show", "train"], cwd=folder, capture_output=True, text=True, check=False).stdout
