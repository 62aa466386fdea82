"""`tunewell babysit` where there is no terminal: a line an epoch, and `tunewell steer` to steer."""

import sys

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli

SCRIPT = """
import numpy as np
import tunewell as tw

metric = "val_loss"
space = tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True))

def train(run):
    weight = np.ones(1)
    run.track(weight=weight)
    for epoch in run.epochs(6):
        weight *= 1 - run.params.learning_rate
        print("trained", epoch)
        run.report(val_loss=float(weight[0]))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "train.py").write_text(SCRIPT)
    return tmp_path


def test_the_defaults_are_trained_in_a_process_of_their_own_and_told_epoch_by_epoch(folder):
    done = babysit("train.py")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines == [f"trial 0, epoch {n}: val_loss {0.9**n:.4f}" for n in range(1, 7)]
    assert "trained 6" in (folder / "train.log").read_text()
    (trial,) = tw.Study.open("tunewell.db", "train").trials
    assert (trial.state, dict(trial.params)) == ("complete", {"learning_rate": 0.1})


def babysit(*arguments):
    """Run the command in this process; what it babysits is always another."""
    return CliRunner().invoke(cli, ("babysit", *arguments), prog_name="tunewell")


def test_a_study_can_be_attached_to():
    assert babysit("train.py").exit_code == 0
    told = babysit("--attach", "train")
    assert told.exit_code == 0, told.output
    assert len(told.stdout.splitlines()) == 6


def test_a_script_and_a_study_to_attach_to_are_one_too_many():
    done = babysit("train.py", "--attach", "train")
    assert done.exit_code == 2
    assert "--attach watches what another process trains" in done.stderr


def test_a_training_that_ends_otherwise_is_told_with_its_last_words_and_can_be_gone_on_with(folder):
    dies = SCRIPT.replace(
        "        print(", '        if epoch == 4 and not os.path.exists("mended"): os._exit(3)\n        print('
    )
    (folder / "train.py").write_text(f"import os\n{dies}")
    done = babysit("train.py")
    assert done.exit_code == 1
    assert "the training ended with exit code 3; what it said is in train.log, last: " in done.stderr
    assert "trial 0 is not over: tunewell babysit train.py --resume --name train goes on" in done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [f"trial 0, epoch {n}" for n in (1, 2, 3)]
    (folder / "mended").touch()
    done = babysit("train.py", "--resume")
    assert done.exit_code == 0, done.stderr
    assert len(done.stdout.splitlines()) == 6
    assert [trial.state for trial in tw.Study.open("tunewell.db", "train").trials] == ["complete"]


def test_a_name_that_is_taken_and_one_that_is_not_there_are_refused():
    assert babysit("train.py").exit_code == 0
    taken = babysit("train.py", "--name", "train")
    assert (taken.exit_code, taken.stdout) == (2, "")
    assert "there is a study 'train' already: watch it with --attach train if another process" in taken.stderr
    missing = babysit("train.py", "--resume", "--name", "trian")
    assert missing.exit_code == 2
    assert "there is no study 'trian' to go on with; leave out --resume to begin one" in missing.stderr


def test_a_study_that_no_process_trains_is_not_watched_for_ever():
    study = tw.Study(
        tw.Space(learning_rate=tw.Float(0.1, 1.0)), metric="val_loss", max_epochs=9, budget="1trials",
        scheduler="full", store="tunewell.db", name="left",
    )  # fmt: skip
    study.report(study.ask().trial, 1, val_loss=0.5)
    study.close()
    done = babysit("--attach", "left")
    assert done.stdout == "trial 0, epoch 1: val_loss 0.5000\n"
    assert "no process trains it, so what is asked waits until one does" in done.stderr
