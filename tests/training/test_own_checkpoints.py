"""Programs that go on from checkpoints of their own, by their own flag."""

import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

import tunewell as tw
from tunewell.scripts import find_parameters
from tunewell.training.external_program import ExternalProgram, ProgramFailed
from tunewell.training.own_checkpoints import newest_in

TRAIN = """
import argparse, glob, json, os, pickle, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--pause", type=float, default=0.0)
FLAGS
args = parser.parse_args()
os.makedirs(args.save_dir, exist_ok=True)
state = {"epoch": 0, "weight": 0.0}
LOAD
for epoch in range(state["epoch"], args.epochs):
    time.sleep(args.pause)
    state = {"epoch": epoch + 1, "weight": state["weight"] + args.lr}
    print(json.dumps({"epoch": epoch + BASE, "val_loss": state["weight"]}), flush=True)
    SAVE
"""
PATH = (
    'parser.add_argument("--resume", default="", help="path to a checkpoint")',
    "if args.resume: state = pickle.load(open(args.resume, 'rb'))",
    "pickle.dump(state, open(os.path.join(args.save_dir, f'epoch{epoch}.pkl'), 'wb'))",
)
SWITCH = (
    'parser.add_argument("--resume", action="store_true")',
    "last = args.save_dir + '/last.pt'; state = pickle.load(open(last, 'rb')) if args.resume else state",
    "pickle.dump(state, open(last, 'wb'))",
)
TRAINER = (
    'parser.add_argument("--resume_from_checkpoint", default=None); path = "/model.bin"',
    "if args.resume_from_checkpoint: state = pickle.load(open(args.resume_from_checkpoint + path, 'rb'))",
    "to = f'{args.save_dir}/checkpoint-{epoch}'; os.makedirs(to); pickle.dump(state, open(to + path, 'wb'))",
)
FOLDER = (
    'parser.add_argument("--resume_from", default=None, help="directory of a run to continue")',
    "if args.resume_from: state = pickle.load(open(args.resume_from + '/model.ckpt', 'rb'))",
    "pickle.dump(state, open(args.save_dir + '/model.ckpt', 'wb'))",
)
START = (
    'parser.add_argument("--resume", default=""); parser.add_argument("--start-epoch", type=int, default=0)',
    "if args.resume: state = {'epoch': args.start_epoch, 'weight': pickle.load(open(args.resume, 'rb'))}",
    "pickle.dump(state['weight'], open(args.save_dir + '/weights.pth', 'wb'))",
)
HABITS = {"path": PATH, "switch": SWITCH, "trainer": TRAINER, "folder": FOLDER, "start": START}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def script(habit, *, base=1):
    flags, load, save = habit
    flags = f'{flags}\nparser.add_argument("--save-dir", default="out")'
    text = TRAIN.replace("FLAGS", flags).replace("LOAD", load).replace("SAVE", save).replace("BASE", str(base))
    Path("train.py").write_text(text)


def trained(command, *, epochs, on_record=0):
    run = tw.Run({"lr": 0.5}, seed=7, trial=3)
    run.study, run.on_record = "ab12", on_record
    ExternalProgram((*command, f"--epochs={epochs}"), "val_loss")(run)
    return [(one["epoch"], one["val_loss"]) for one in run.reports]


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("habit", HABITS)
def test_a_trial_goes_on_by_the_scripts_own_flag(habit, base):
    script(HABITS[habit], base=base)
    command = find_parameters([sys.executable, "train.py"]).command
    assert trained(command, epochs=2) == [(1, 0.5), (2, 1.0)]
    assert (Path("out") / "study-ab12" / "trial-3").is_dir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trained(command, epochs=4, on_record=2) == [(3, 1.5), (4, 2.0)]


def test_a_trial_that_begins_at_the_beginning_finds_nothing_of_another():
    script(SWITCH)
    command = find_parameters([sys.executable, "train.py"]).command
    trained(command, epochs=2)
    assert trained(command, epochs=1) == [(1, 0.5)]


@pytest.mark.parametrize(
    ("load", "says"),
    [
        ("pass", "trial 3 began again at its first epoch, in spite of --resume={checkpoint?}"),
        ("if args.resume: sys.exit('torn')", "trial 3 ended with exit code 1 before an epoch was over"),
        (
            "if args.resume: state = {'epoch': 3, 'weight': 9}",
            "trial 3 went on after epoch 3, of which 2 are on record",
        ),
    ],
)
def test_a_program_that_does_not_go_on_is_trained_anew_and_says_so(load, says):
    script((PATH[0], load, PATH[2]))
    command = find_parameters([sys.executable, "train.py"]).command
    trained(command, epochs=2)
    with pytest.warns(RuntimeWarning, match=re.escape(says)):
        assert trained(command, epochs=4, on_record=2) == [(1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]


def test_a_program_that_fails_at_the_beginning_fails():
    script((PATH[0], "sys.exit('no data')", PATH[2]))
    with pytest.raises(ProgramFailed, match="no data"):
        trained(find_parameters([sys.executable, "train.py"]).command, epochs=2)


def test_what_the_command_sets_by_hand_turns_it_off():
    script(PATH)
    for words in (["--save-dir", "mine"], ["--resume", "old.pkl"]):
        its = find_parameters([sys.executable, "train.py", *words])
        assert not any("{trial_folder}" in word for word in its.command)
        assert its.resume.words == ()


def test_the_newest_checkpoint_is_rather_the_last_than_the_best(folder):
    for name in ("epoch1.pt", "best.pt"):
        (folder / name).write_text("")
    os.utime(folder / "epoch1.pt", (1, 1))
    assert newest_in(folder) == folder / "epoch1.pt"
    (folder / "last.ckpt").write_text("")
    os.utime(folder / "last.ckpt", (0, 0))
    assert newest_in(folder) == folder / "last.ckpt"


def test_a_file_that_is_saved_to_is_in_the_trials_folder(folder):
    text = TRAIN.replace("args.save_dir, exist_ok", "'.', exist_ok").replace("BASE", "1")
    flags = 'parser.add_argument("--save", default="model.pt"); parser.add_argument("--load", default=None)'
    text = text.replace("FLAGS", flags).replace("LOAD", "if args.load: state = pickle.load(open(args.load, 'rb'))")
    Path("train.py").write_text(text.replace("SAVE", "pickle.dump(state, open(args.save, 'wb'))"))
    command = find_parameters([sys.executable, "train.py"]).command
    trained(command, epochs=1)
    assert (folder / "study-ab12" / "trial-3" / "model.pt").is_file()
    assert trained(command, epochs=2, on_record=1) == [(2, 1.0)]


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_from_the_scripts_own_checkpoints(folder):
    script(PATH)
    words = [sys.executable, "-m", "tunewell", "tune", "--metric", "val_loss", "--budget", "1trials"]
    words = [*words, "--scheduler", "full", "--", sys.executable, "train.py", "--pause", "0.7", "--epochs", "12"]
    first = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    give_up_at = time.monotonic() + 120
    while len(list(folder.glob("out/study-*/trial-0/epoch*.pkl"))) < 4 and time.monotonic() < give_up_at:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    time.sleep(1)
    words.insert(4, "--resume")
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "trained anew" not in done.stderr
    last = newest_in(next(folder.glob("out/study-*/trial-0")))
    assert last.name == "epoch11.pkl"
    assert len(list(last.parent.glob("epoch*.pkl"))) == 12
