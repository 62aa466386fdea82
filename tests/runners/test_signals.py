"""Signal handlers of a training: set in the main thread, felt in the training, out of force while it is paused."""

import os
import signal
import subprocess
import sys
import time
from signal import signal as set_by_another_name

import pytest

import tunewell as tw
from tunewell.errors import RepeatedFailure

SPACE = tw.Space(x=tw.Float(0.0, 1.0, default=0.5))
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="alarms of POSIX")


def tune(train, **settings):
    return tw.tune(train, SPACE, metric="loss", store="memory", **{"budget": "2trials", **settings})


class TooLong(Exception):
    def __init__(self, limit):
        super().__init__(limit)
        self.limit = limit


def too_long(_number, _frame):
    raise TooLong(0.05)


def test_a_training_sets_handlers_and_what_they_raise_is_raised_in_it():
    limits = []

    def train(run):
        for _ in run.epochs(1):
            signal.signal(signal.SIGALRM, too_long)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            end = time.monotonic() + 20
            try:
                while time.monotonic() < end:
                    time.sleep(0.001)
            except TooLong as error:
                limits.append(error.limit)
            run.report(loss=run.params.x)

    before = signal.getsignal(signal.SIGALRM)
    tune(train)
    assert limits == [0.05] * 2
    assert signal.getsignal(signal.SIGALRM) == before


def test_a_handler_is_given_back_as_it_was_set():
    found = []

    def train(run):
        signal.signal(signal.SIGALRM, too_long)
        found.append(signal.signal(signal.SIGALRM, signal.SIG_IGN))
        found.append(signal.signal(signal.SIGALRM, too_long))
        run.report(loss=run.params.x)

    tune(train, budget="1trials")
    assert found == [too_long, signal.SIG_IGN]


def test_a_paused_training_hears_no_signal():
    heard = []

    def train(run):
        signal.signal(signal.SIGALRM, lambda *_: heard.append(run.trial))
        for epoch in run.epochs(4):
            os.kill(os.getpid(), signal.SIGALRM)
            end = time.monotonic() + 20
            while heard.count(run.trial) < epoch and time.monotonic() < end:
                time.sleep(0.01)
            run.report(loss=run.params.x)
            signal.setitimer(signal.ITIMER_REAL, 60.0)

    study = tune(train, budget="4trials", scheduler="halving")
    counts = {trial.number: trial.epochs for trial in study.trials}
    assert {trial: heard.count(trial) for trial in counts} == counts
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.signal is set_by_another_name


def test_what_needs_the_main_thread_all_the_same_says_what_to_do():
    def train(run):
        set_by_another_name(signal.SIGALRM, signal.SIG_IGN)

    with pytest.raises(RepeatedFailure, match=r"main thread.*signal\.signal\(\.\.\.\)"):
        tune(train, budget="4trials")


INTERRUPTED = """
import importlib.util, signal, sys, threading, time
import tunewell as tw

space = {"x": tw.Float(0, 1)}
metric = "loss"


def sleeping():
    time.sleep(60)


def in_jax():
    import jax
    long = jax.jit(lambda x: jax.lax.fori_loop(0, 200_000, lambda i, x: (x @ x) / 200, x))
    long(jax.numpy.ones((200, 200))).block_until_ready()


def briefly_in_jax():
    import jax
    short = jax.jit(lambda x: (x @ x) / 200)
    x = jax.numpy.ones((200, 200))
    while True:
        x = short(x).block_until_ready()


def train(run):
    for epoch in run.epochs(2):
        run.report(loss=1.0)
        if epoch == 1:
            sys.stdout.write("begun\\n")
            sys.stdout.flush()
            COMPUTE()


if __name__ == "__main__":
    tw.tune(train, space, metric=metric, scheduler="full", SETTINGS)
"""


@pytest.mark.parametrize(
    ("compute", "signals", "settings"),
    [
        ("sleeping", 2, "workers=1"),
        ("briefly_in_jax", 2, "workers=1"),
        ("in_jax", 2, "workers=2, threads=True"),
        ("in_jax", 3, "workers=1"),
    ],
)
def test_a_second_ctrl_c_ends_a_process_by_that_signal_whatever_it_computes(compute, signals, settings, tmp_path):
    if "jax" in compute:
        pytest.importorskip("jax")
    script = tmp_path / "train.py"
    script.write_text(INTERRUPTED.replace("COMPUTE", compute).replace("SETTINGS", settings))
    begun = subprocess.Popen([sys.executable, str(script)], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert begun.stdout.readline() == "begun\n"
    time.sleep(1.0)
    for _ in range(signals):
        begun.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert begun.wait(30) == -signal.SIGINT
    begun.stdout.close()
    study = tw.Study.open(tmp_path / "tunewell.db")
    assert [report.epoch for report in study.reports(0)] == [1]


@pytest.mark.parametrize("compute", ["sleeping", "in_jax"])
def test_a_second_ctrl_c_ends_a_command_with_130_whatever_it_computes(compute, tmp_path):
    if "jax" in compute:
        pytest.importorskip("jax")
    script = tmp_path / "train.py"
    script.write_text(INTERRUPTED.replace("COMPUTE", compute).replace("SETTINGS", ""))
    command = [sys.executable, "-m", "tunewell", "tune", str(script), "--quiet"]
    begun = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert begun.stderr.readline() == "begun\n"
    time.sleep(1.0)
    for _ in range(2):
        begun.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert begun.wait(30) == 130
    assert begun.stderr.read().splitlines()[-1] == "error: interrupted"
    begun.stderr.close()
