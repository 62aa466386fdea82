"""The store's file is deleted, moved or replaced while a study runs: nothing is acknowledged into nowhere."""

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.errors import StoreError
from tunewell.runners.tune import drive
from tunewell.stores import open_store

SPACE = tw.Space(x=tw.Float(0.0, 1.0))


def deleted(file):
    file.unlink()


def moved(file):
    file.rename(file.with_name("elsewhere.db"))


def replaced(file):
    shutil.copy(file, file.with_name("copy.db"))
    file.with_name("copy.db").replace(file)


def folder_moved(file):
    file.parent.rename(file.parent.with_name("away"))


def log_deleted(file):
    time.sleep(0.1)  # it is looked at a little less often
    file.with_name(f"{file.name}-wal").unlink()


def log_replaced(file):
    time.sleep(0.1)
    log = file.with_name(f"{file.name}-wal")
    shutil.copy(log, log.with_name("copy"))
    log.with_name("copy").replace(log)


def tuned(file, harm, at=5):
    """Tune; harm the file once so many reports are acknowledged. Return how many are when it ends, and the error."""
    acknowledged = []

    def train(run):
        for epoch in run.epochs(3):
            run.report(loss=run.params.x / epoch)
            acknowledged.append((run.trial, epoch))
            if len(acknowledged) == at:
                harm(file)

    study = tw.Study(SPACE, metric="loss", store=file, budget=10, scheduler="full", max_epochs=3, name="s")
    with pytest.raises(StoreError) as caught:
        drive(study, train)
    with suppress(StoreError):
        study.store.close()
    return acknowledged, caught.value


@pytest.mark.parametrize("harm", [deleted, moved, replaced, folder_moved, log_deleted, log_replaced])
def test_a_file_that_is_gone_is_noticed_and_what_was_on_record_is_saved(harm, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "kept").mkdir()
    acknowledged, error = tuned(tmp_path / "kept" / "tunewell.db", harm)
    assert len(acknowledged) == 5
    assert "while it was in use; all that was on record is in" in str(error)
    assert "\n" not in str(error)
    (saved,) = tmp_path.rglob("tunewell-saved-*.db")
    assert str(saved) in str(error)
    with closing(open_store(saved, create=False)) as store:
        reports = store.reports(store.study("s").id)
    assert {(report.trial, report.epoch) for report in reports} >= set(acknowledged)
    with closing(sqlite3.connect(saved)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_reader_of_a_file_that_was_replaced_says_so(tmp_path):
    file = tmp_path / "tunewell.db"
    tw.Study(SPACE, metric="loss", store=file, name="s").store.close()
    reader = tw.Study.open(file, "s")
    assert reader.trials == []
    replaced(file)
    with pytest.raises(StoreError, match="was replaced"):
        _ = reader.trials
    with pytest.raises(StoreError, match="was replaced"):
        reader.add_event("note")
    reader.store.close()


def test_what_is_done_to_other_files_is_nothing_to_the_store(tmp_path):
    file = tmp_path / "tunewell.db"
    with closing(open_store(file)) as one, closing(open_store(file)) as two:
        for store in (one, two, one):
            store.studies()
        (tmp_path / "tunewell.db-turn").unlink(missing_ok=True)
        (tmp_path / "other").write_text("")
        assert one.studies() == two.studies() == []
    with closing(open_store(file)) as again:
        assert again.studies() == []


def test_an_error_after_much_training_is_not_taken_for_bad_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(
        "import os, tunewell as tw\nspace = tw.Space(x=tw.Float(0.0, 1.0))\ndef train(run):\n"
        "    for epoch in run.epochs(3):\n        run.report(val_loss=run.params.x)\n"
        "        if run.trial == 1 and os.path.exists('tunewell.db'):\n            os.unlink('tunewell.db')\n"
    )
    result = CliRunner().invoke(cli, ["tune", "train.py", "--budget", "4trials", "--scheduler", "full"])
    assert result.exit_code == 1
    assert "was deleted or moved while it was in use" in result.output
    assert len(list(tmp_path.glob("tunewell-saved-*.db"))) == 1


def test_a_young_study_outlives_its_log(tmp_path):
    code = (
        "import os, tunewell as tw\n"
        "study = tw.Study(tw.Space(x=tw.Float(0.0, 1.0)), metric='loss', store='a.db', name='s', max_epochs=9, "
        "scheduler='full')\n"
        "step = study.ask()\n"
        "for epoch in range(1, 9):\n"
        "    study.report(step.trial, epoch, loss=1.0)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    (tmp_path / "a.db-wal").unlink()
    (tmp_path / "a.db-shm").unlink()
    study = tw.Study.open(tmp_path / "a.db", "s")
    assert len(study.trials) == 1
    assert len(study.reports()) > 0
    study.store.close()
