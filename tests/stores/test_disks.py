"""A study on a disk that is full, or that can no longer be written to: a real one, mounted for the test."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

import tunewell as tw

pytestmark = pytest.mark.slow

TRAIN = """
import sys, time
import numpy as np
import tunewell as tw

space = tw.Space(rate=tw.Float(0.0, 1.0))
epochs = 4


def train(run):
    weights = np.zeros(2000)
    run.track(weights=weights)
    for epoch in run.epochs(epochs):
        time.sleep(0.01)
        weights += run.rng.normal(size=weights.size) * run.params["rate"]
        loss = float(abs(weights).mean())
        run.report(val_loss=loss)
        with open("journal", "a") as journal:
            journal.write(f"{run.trial} {epoch} {loss!r}\\n")
"""


@pytest.fixture
def disk(tmp_path):
    """A file system of two megabytes; the training and its journal are elsewhere."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, check=False, capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("no file system can be mounted, which must not go unnoticed here")
        pytest.skip("NOT TESTED: disks that fill up, since no file system can be mounted; be root on Linux")
    (tmp_path / "train.py").write_text(TRAIN)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def remounted(disk, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def begin(disk, *options):
    command = [sys.executable, "-m", "tunewell", "tune", "train.py", "--store", str(disk / "t.db"), "--name", "t"]
    command += ["--budget", "120", "--scheduler", "full", "--checkpoint-every", "1", *options]
    return subprocess.Popen(command, cwd=disk.parent, stderr=subprocess.PIPE, text=True)


def answered(disk):
    lines = (line.split() for line in (disk.parent / "journal").read_text().splitlines())
    return {(int(trial), int(epoch)): float(loss) for trial, epoch, loss in lines}


def kept(disk):
    with contextlib.closing(tw.open_store(disk / "t.db", create=False)) as store:
        study = tw.Study.open(store, "t")
        return {(report.trial, report.epoch): report.metrics["val_loss"] for report in study.reports()}


def check_nothing_is_lost(disk, before):
    """What was answered is on record, before the study went on and after."""
    assert before.items() <= kept(disk).items()
    assert answered(disk) == kept(disk)
    study = tw.Study.open(disk / "t.db", "t")
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 120
    study.store.close()


def test_a_study_stops_on_a_full_disk_and_goes_on_when_there_is_room(disk):
    with begin(disk) as process:
        talk = process.communicate(timeout=300)[1]
    assert process.returncode != 0
    assert "full" in talk or "No space left" in talk
    before = answered(disk)
    assert 0 < len(before) < 480
    remounted(disk, "size=100m")
    with begin(disk, "--resume") as process:
        assert process.wait() == 0
    check_nothing_is_lost(disk, before)


def test_a_record_on_a_disk_that_may_only_be_read_is_read_and_goes_on_when_it_may_be_written(disk):
    remounted(disk, "size=100m")
    with begin(disk) as process:
        while not (disk.parent / "journal").exists() or len(answered(disk)) < 20:
            time.sleep(0.02)
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
    before = answered(disk)
    remounted(disk, "ro")
    assert kept(disk) == before
    with begin(disk, "--resume") as process:
        talk = process.communicate(timeout=60)[1]
    assert (process.returncode, talk.count("\n")) == (2, 1)
    assert f"{disk / 't.db'}: attempt to write a readonly database; give yourself permission" in talk
    remounted(disk, "rw")
    with begin(disk, "--resume") as process:
        assert process.wait() == 0
    check_nothing_is_lost(disk, before)
