"""Every command, in a folder and on a record of somebody who means harm: nothing that these name is run, or reached."""

import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

import tunewell as tw
from tunewell.cli.main import COMMANDS as ALL
from tunewell.runners import Execution
from tunewell.runners.tune import drive

TRAIN = """
import tunewell as tw
space = tw.Space(rate=tw.Float(0.01, 1.0))
epochs = 2
def train(run):
    for epoch in run.epochs(2):
        run.report(val_loss=run.params.rate / epoch)
"""
TABLE = "a,b,kind\n" + "".join(f"{i % 7},{i % 3},{'xy'[i % 7 > 3]}\n" for i in range(60))
PLAIN = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
print(parser.parse_args())
"""
SHADOWED = ("random", "multiprocessing", "threading", "numpy", "tunewell", "json", "sqlite3", "usercustomize")
SAFE_IN = ["--workers", "2", "--budget", "2"]
"""Arguments of a command that trains in other processes."""

COMMANDS = {
    "tune": ["{clean}/train.py", *SAFE_IN],
    "worker": ["study"],
    "retry": ["study", "--trial", "0"],
    "babysit": ["--attach", "study"],
    "steer": ["study", "0", "note", "a"],
    "propose": ["study", "rate=0.03"],
    "web": ["--link"],
    "replay": ["study", "0"],
    "space": ["{clean}/train.py"],
    "init": ["--force", "{clean}/plain.py"],
    "config": ["--origin"],
    "completion": ["bash"],
    "list": [],
    "show": ["study"],
    "best": ["study"],
    "plan": ["study"],
    "importance": ["study"],
    "report": ["study"],
    "export": ["study", "--format", "json"],
    "merge": ["tunewell.db", "--into", "{clean}/merged.db"],
    "import": ["table.csv", "--metric", "a", "--direction", "minimize", "--into", "{clean}/imported.db"],
    "diagnose": ["study", "--trial", "0"],
    "check": ["{clean}/train.py"],
    "inspect": ["{clean}/train.py"],
    "lr-find": ["{clean}/train.py", "--metric", "val_loss", "--parameter", "rate"],
    "scale-check": ["{clean}/train.py", "--size", "width"],
    "rescue": ["{clean}/train.py", "--budget", "2"],
    "fit": ["table.csv", "--target", "kind", "--epochs", "1", *SAFE_IN],
    "predict": ["table.model", "table.csv"],
    "mcp": [],
    "demo": ["--store", "{clean}/demo.db"],
}
SLOW = (
    "demo",
    "rescue",
    "check",
    "lr-find",
    "scale-check",
    "diagnose",
    "predict",
    "replay",
    "space",
    "best",
    "plan",
    "importance",
    "report",
    "merge",
    "list",
    "steer",
    "propose",
    "mcp",
    "config",
    "web",
)
"""They run nothing that another command here does not run too, or take long, or have tests of their own."""


def test_every_command_is_tried_here():
    assert set(COMMANDS) == {*ALL}


def train(run):
    weights = np.zeros(2)
    run.track(weights=weights)
    for epoch in run.epochs(2):
        run.report(val_loss=run.params.rate / epoch)


@pytest.fixture
def victim(tmp_path):
    """A folder beside theirs, with a file and a script that leaves a trace."""
    outside = tmp_path / "victim"
    outside.mkdir()
    (outside / "letter").write_text("mine")
    (outside / "space.py").write_text(_harm(outside / "ran") + TRAIN)
    return outside


def _harm(trace):
    return f"open({str(trace)!r}, 'a').write('x')\n"


@pytest.fixture
def folder(tmp_path, victim):
    theirs, clean = tmp_path / "theirs", tmp_path / "clean"
    theirs.mkdir()
    clean.mkdir()
    (clean / "train.py").write_text(TRAIN)
    (clean / "plain.py").write_text(PLAIN)
    (theirs / "train.py").write_text(TRAIN)
    (theirs / "table.csv").write_text(TABLE)
    (theirs / "table.model").symlink_to(victim / "letter")
    space = tw.Space(rate=tw.Float(0.01, 1.0))
    study = tw.Study(space, metric="val_loss", name="study", store=theirs / "tunewell.db", budget=2, max_epochs=2)
    drive(study, train, Execution(checkpoint_every=1))
    study.store.close()
    uuid = study.record.uuid
    shutil.rmtree(theirs / ".tunewell" / uuid)
    for name in ("trial-0-epoch-2.npz", "trial-1-epoch-2.npz"):
        (victim / name).write_text("mine")
    (theirs / ".tunewell" / uuid).symlink_to(victim)
    (theirs / "tunewell.db-turn").unlink(missing_ok=True)
    (theirs / "tunewell.db-turn").symlink_to(victim / "turn")
    command = shlex.join(["tunewell", "tune", "train.py", "--space", str(victim / "space.py")])
    with closing(sqlite3.connect(theirs / "tunewell.db")) as database, database:
        database.execute("UPDATE sessions SET command = ?, directory = ?", (command, str(victim)))
        database.execute("UPDATE studies SET budget = '4trainings'")
    harmful = shlex.join(["touch", str(victim / "ran-settings")])
    (theirs / "tunewell.toml").write_text(
        f'command = ["sh", "-c", "{harmful}"]\n[space.rate]\ntype="float"\nlow=0\nhigh=1'
    )
    for name in SHADOWED:
        (theirs / f"{name}.py").write_text(_harm(victim / f"ran-{name}"))
    if shutil.which("git") is not None:
        for words in (["init", "--quiet"], ["add", "train.py"], ["commit", "--quiet", "-m", "x"]):
            subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *words], cwd=theirs, check=True)
        (theirs / "harm").write_text(f"#!/bin/sh\ntouch {shlex.quote(str(victim / 'ran-git'))}\n")
        (theirs / "harm").chmod(0o755)
        for key in ("core.fsmonitor", "filter.harm.clean"):
            subprocess.run(["git", "config", key, str(theirs / "harm")], cwd=theirs, check=True)
        (theirs / ".gitattributes").write_text("* filter=harm\n")
    return theirs


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in COMMANDS]
)
def test_nothing_that_a_folder_or_a_record_names_is_run_or_reached(command, folder, victim):
    before = contents(victim)
    words = [word.format(clean=folder.parent / "clean") for word in COMMANDS[command]]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tunewell", command, *words],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("TUNEWELL")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert contents(victim) == before, done.stderr
    assert "Traceback" not in done.stderr
    assert "defect" not in done.stderr
    if command == "worker":
        assert done.returncode == 2
        assert "space.py', which is not in this folder" in done.stderr
