"""Signal handlers of a training: set in the main thread, felt in the training, out of force while it is paused."""

import os
import signal
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
