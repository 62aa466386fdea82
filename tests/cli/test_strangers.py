"""A record from somebody else: it can be read, and nothing in it is obeyed."""

import json
import shlex
import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import click.testing
import numpy as np
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.checkpoint.folder import file_in
from tunewell.cli.main import COMMANDS as ALL
from tunewell.cli.main import cli
from tunewell.commands import Branch
from tunewell.errors import CheckpointError, StoreError
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.stores.base import StudyRecord
from tunewell.study.branches import copied_checkpoint
from tunewell.testing.records import STUDY
from tunewell.trial import Checkpoint, is_file_name

LEAVING = ["../victim", "/etc/passwd", "..", "", ".", "a/b", "a\\b", "C:victim", "a\0b"]


def train(run):
    weights = np.zeros(2)
    run.track(weights=weights)
    for epoch in run.epochs(4):
        weights += run.params.x
        run.report(loss=float(weights.sum()) / epoch)


def opened(file, **settings):
    space = tw.Space(x=tw.Float(0.0, 1.0))
    settings = {"budget": 2, "scheduler": "full", "max_epochs": 4} | settings
    return tw.Study(space, metric="loss", store=file, resume=True, **settings)


@pytest.fixture
def record(tmp_path):
    """A study with checkpoints, in a folder of its own; beside that, a file that is no concern of it."""
    (tmp_path / "theirs").mkdir()
    file = tmp_path / "theirs" / "tunewell.db"
    study = opened(file)
    drive(study, train, Execution(checkpoint_every=1))
    study.store.close()
    (tmp_path / "victim").write_text("mine")
    return file


def tampered(file, statement, *values):
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement, values)


@pytest.mark.parametrize("name", LEAVING)
def test_a_name_that_leads_out_of_its_folder_is_none(name):
    assert not is_file_name(name)
    with pytest.raises(StoreError, match="tampered"):
        Checkpoint(0, 1, name, 1, 1.0)
    with pytest.raises(StoreError, match="tampered"):
        StudyRecord(**{field: getattr(STUDY, field) for field in STUDY.__slots__} | {"uuid": name})


def test_checkpoints_of_a_record_cannot_lie_outside_its_folder(record):
    tampered(record, "UPDATE checkpoints SET path = '../../../victim'")
    study = opened(record, budget=3)
    assert len(study.trials) == 2  # what it measured can be read
    with pytest.raises(StoreError, match=r"victim.*tampered"):
        drive(study, train, Execution(checkpoint_every=1))
    assert (record.parent.parent / "victim").read_text() == "mine"


def test_the_folder_of_a_record_cannot_be_another(record):
    tampered(record, "UPDATE studies SET uuid = '../..'")
    with pytest.raises(StoreError, match="tampered"):
        opened(record, budget=3)


def test_a_link_in_place_of_the_folder_is_not_followed(record):
    victims = record.parent.parent
    study = opened(record)
    folder = study.checkpoint_folder
    study.store.close()
    shutil.move(folder, victims / "moved")
    folder.symlink_to(victims / "moved")
    before = {path.name: path.read_bytes() for path in (victims / "moved").iterdir()}
    study = opened(record, budget=3)
    assert len(study.trials) == 2
    with pytest.raises(StoreError, match=r"is a link.*--checkpoints"):
        drive(study, train, Execution(checkpoint_every=1))
    assert {path.name: path.read_bytes() for path in (victims / "moved").iterdir()} == before
    folder.unlink()
    shutil.move(record.parent / ".tunewell", victims / "above")
    (record.parent / ".tunewell").symlink_to(victims / "above")
    with pytest.raises(StoreError, match="is a link"):
        _ = study.checkpoint_folder


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_link_beside_the_file_is_not_written_through(record, suffix):
    beside = record.with_name(record.name + suffix)
    beside.symlink_to(record.parent.parent / "victim")
    with pytest.raises(StoreError, match=r"is a link.*delete the link"):
        opened(record)
    assert (record.parent.parent / "victim").read_text() == "mine"


def test_a_checkpoint_that_is_a_link_is_not_read(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "theirs" / "a.npz").symlink_to(tmp_path / "outside")
    with pytest.raises(CheckpointError, match="not read"):
        file_in(tmp_path / "theirs", "a.npz")
    with pytest.raises(CheckpointError, match="not read"):
        copied_checkpoint(tmp_path / "theirs", Checkpoint(0, 1, "a.npz", 1, 1.0), 1)


def test_a_checkpoint_of_pickle_is_not_loaded(record, tmp_path):
    class Harm:
        def __reduce__(self):
            return (shutil.rmtree, (str(tmp_path),))

    study = opened(record)
    with closing(sqlite3.connect(record)) as database, database:
        database.execute("UPDATE trials SET state = 'paused', until = 2, epochs = 2, ended_at = NULL WHERE number = 1")
    folder = study.checkpoint_folder
    for path in folder.iterdir():
        np.savez(path, weights=np.array([Harm()], dtype=object))
    study.store.close()
    study = opened(record, budget=3)
    with pytest.warns(RuntimeWarning, match="trial 1"):
        drive(study, train)
    assert (tmp_path / "victim").exists()
    assert len(study.trials) == 3


HARM = "\x1b]0;yours\x07\x1b[2J\x1b[8mname\r\x9b5m\u202eeman\u2066"
READERS = {
    "list": [[]],
    "show": [["{study}"], ["{study}", "--trial", "0"], ["{study}", "--why", "0"]],
    "best": [["{study}"]],
    "plan": [["{study}"], ["{study}", "--json"]],
    "importance": [["{study}"], ["{study}", "--json"]],
    "report": [["{study}"]],
    "export": [["{study}"], ["{study}", "--what", "reports"]],
    "merge": [["{store}", "--into", "merged.db"], ["{store}", "--into", "merged.db", "--as", "both"]],
    "worker": [["{study}", "{script}"], ["{study}"], ["{study}x"]],
    "babysit": [["--attach", "{study}"]],
    "retry": [["{study}", "--trial", "0"], ["{study}x", "--trial", "1"]],
    "steer": [["{study}x", "0", "stop"]],
    "propose": [["{study}", "--scores"], ["{study}x", "rate=0.1"]],
    "replay": [["{study}x", "0"]],
    "diagnose": [["{study}", "--trial", "1"], ["{study}x", "--trial", "9"]],
    "tune": [["{script}", "--resume", "--name", "{study}"]],
    "predict": [["{model}", "{table}"]],
}
"""Commands that show what is in a record or a model."""
BY_THEMSELVES = {"space", "init", "config", "completion", "inspect", "check", "lr-find", "rescue", "fit", "demo", "web"}
BY_THEMSELVES |= {"mcp", "import", "scale-check"}
"""Commands that show what the user's own script, table, settings or new study holds, or print nothing of a record."""


def test_every_command_that_reads_a_record_is_tried_here():
    assert READERS.keys() | BY_THEMSELVES == {*ALL}


@pytest.fixture
def tampered_record(record, tmp_path):
    study = opened(record)
    study.steer(0, Branch(), by=HARM, why=HARM)
    study.store.close()
    shutil.rmtree(study.checkpoint_folder)
    tampered(record, "UPDATE studies SET name = ?, metric = ?, budget = '3trials'", HARM, HARM)
    tampered(record, "UPDATE reports SET metrics = ?", json.dumps({HARM: 1.0, f"{HARM}2": 2.0}))
    tampered(record, "UPDATE trials SET reason = ?, state = 'failed' WHERE number = 0", HARM)
    tampered(
        record, "UPDATE sessions SET command = ?, host = ?, ended_at = 1", shlex.join(["tunewell", "tune", HARM]), HARM
    )
    (tmp_path / "script.py").write_text(
        "import tunewell as tw\nspace = tw.Space(x=tw.Float(0.0, 1.0))\nmetric, direction = "
        f"{HARM!r}, 'minimize'\ndef train(run):\n    for epoch in run.epochs(4):\n"
        f"        run.report(**{{{HARM!r}: 1.0}})\n"
    )
    return record


def on_a_terminal(monkeypatch, *words):
    monkeypatch.setattr(click.testing._NamedTextIOWrapper, "isatty", lambda _: True)
    return CliRunner().invoke(cli, words, color=True)


@pytest.mark.parametrize(
    ("command", "words"),
    [(command, words) for command, several in READERS.items() for words in several if command != "predict"],
)
def test_a_terminal_obeys_no_name_in_a_record(command, words, tampered_record, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWELL_STORE", str(tampered_record))
    monkeypatch.chdir(tmp_path)
    words = [
        command,
        *(word.format(study=HARM, script=tmp_path / "script.py", store=tampered_record) for word in words),
    ]
    # on a terminal babysit is a screen, which has a test of its own
    result = CliRunner().invoke(cli, words) if command == "babysit" else on_a_terminal(monkeypatch, *words)
    assert "yours" in result.output
    assert not set("\x07\x9b\u202e\u2066") & set(result.output)
    for harm in ("\x1b]", "\x1b[2J", "\x1b[8m", "name\r"):
        assert harm not in result.output
    assert "defect" not in result.output


def test_a_terminal_obeys_no_class_of_a_model(tmp_path, monkeypatch):
    estimators = pytest.importorskip("tunewell.estimators")

    class Model:
        target, classes, columns = HARM, None, SimpleNamespace(numeric=(), textual=())

        def predict(self, table):
            return [HARM] * len(table)

    monkeypatch.setattr(estimators.SavedModel, "load", lambda _: Model())
    (tmp_path / "table.csv").write_text("a\n1\n")
    result = on_a_terminal(monkeypatch, "predict", "model", str(tmp_path / "table.csv"))
    assert result.output.count("yours") == 2
    assert not set("\x07\x9b\u202e\x1b") & set(result.output)


def test_what_an_export_writes_to_a_file_is_as_it_is_on_record(tampered_record, tmp_path):
    file = tmp_path / "a.csv"
    result = CliRunner().invoke(cli, ["export", HARM, "--store", str(tampered_record), "--output", str(file)])
    assert result.exit_code == 0
    assert HARM in file.read_bytes().decode()
