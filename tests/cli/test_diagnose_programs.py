"""`diagnose --probe` and the ends of a rescue, of scripts that have never heard of tunewell."""

import json
import sys

import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli

FIT = """
import math

def fit(lr, epochs, shown):
    w = 2.0
    for epoch in range(1, epochs + 1):
        for _ in range(4):
            w -= lr * 2 * w if abs(w) < 1e6 else 0.0
        loss = w * w
        print(shown.format(epoch=epoch, loss=loss, accuracy=100 / (1 + loss)))
"""
ARGPARSE = """
import argparse
from fitting import fit
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-4)
parser.add_argument("--epochs", type=int, default=9)
arguments = parser.parse_args()
fit(arguments.lr, arguments.epochs, "Epoch {epoch}: train_loss {loss:.4f} val_loss {loss:.4f}")
"""
CONSTANTS = """
from fitting import fit
LR = 1e-4
EPOCHS = 9
fit(LR, EPOCHS, "epoch {epoch} | val accuracy: {accuracy:.1f}%")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "fitting.py").write_text(FIT)
    (tmp_path / "train.py").write_text(ARGPARSE)
    (tmp_path / "constants.py").write_text(CONSTANTS)
    return tmp_path


def tunewell(*arguments, expect=0):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    return done


@pytest.mark.slow
def test_a_program_is_probed_as_far_as_it_lets_itself_be(folder):
    done = tunewell("diagnose", "--probe", "--", sys.executable, "train.py")
    assert "lr_too_low" in done.stdout
    assert "is suggested" in done.stdout
    left_out = done.stdout[done.stdout.index("not looked at: ") :].partition("\n\n")[0]
    assert "one batch, simple models, shuffled labels (" in left_out
    assert "run.data(x, y)" in " ".join(left_out.split())


@pytest.mark.slow
def test_of_a_program_that_prints_an_accuracy_alone_rates_are_judged_by_that(folder):
    words = ("diagnose", "--probe", "--static", "--json", "--", sys.executable, "constants.py")
    found = {one["name"]: one for one in json.loads(tunewell(*words).stdout)["probes"]}
    assert "val_accuracy is highest there" in found["learning rates"]["found"]
    assert found["loss at start"]["found"] == "left out: report train_loss or val_loss"


def test_a_program_is_diagnosed_by_training_it_or_by_its_log(folder):
    (line,) = tunewell("diagnose", "--", sys.executable, "train.py", expect=2).stderr.splitlines()
    assert line == "error: a program (after --) is diagnosed by training it: say --probe too, or give its log"
    (line,) = tunewell("diagnose", "--probe", expect=2).stderr.splitlines()
    assert line.endswith("such as tunewell diagnose --probe -- python train.py")
    (line,) = tunewell("diagnose", "log.csv", "--static", expect=2).stderr.splitlines()
    assert line.startswith("error: --static is for --probe")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "place"), [("train.py", "  --lr 0.0"), ("constants.py", "  constants.py:3: LR = 0.0")]
)
def test_a_rescue_ends_with_what_to_write_where(folder, script, place):
    shown = tunewell("rescue", "--quiet", "--budget", "6", "--", sys.executable, script).stdout
    end = shown[shown.index("what to change:") :]
    assert end.splitlines()[1].startswith(place)
    assert "in place of 0.0001" in end
    assert "how sure: " in end
    assert "how to check: " in end
