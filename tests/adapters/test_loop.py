"""A loop that is written out, whatever is trained in it; and a callback's logs."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.adapters.callbacks import numbers
from tunewell.adapters.loop import report, tuned
from tunewell.errors import ReportError
from tunewell.training.current import as_current


class Limit:
    """Begins after an epoch, and ends after another."""

    def __init__(self, done, last):
        self.done, self.last, self.reported, self.is_over = done, last, [], False

    def begin(self, run, n_epochs):
        self.n_epochs = n_epochs
        return self.done

    def may_train(self, epoch):
        return epoch <= self.last

    def report(self, epoch, metrics):
        self.reported.append(epoch)

    def end(self):
        self.is_over = True


def test_the_numbers_are_those_of_the_range():
    run = tw.Run({})
    found = []
    for epoch in tuned(range(10, 4, -2), run, state={"weights": np.zeros(2)}):
        found.append(epoch)
        report(loss=epoch)
    assert found == [10, 8, 6]
    assert run.reports == [{"epoch": number + 1, "loss": epoch} for number, epoch in enumerate(found)]
    assert list(run.tracked) == ["state"]


def test_it_begins_later_and_ends_earlier_as_the_run_does():
    channel = Limit(done=1, last=3)
    with as_current(tw.Run({}, channel=channel)):
        assert [(epoch, report(loss=0.0)) for epoch in tuned(5)] == [(1, None), (2, None)]
    assert (channel.n_epochs, channel.reported, channel.is_over) == (5, [2, 3], True)


def test_without_a_tuner_the_run_is_one_of_its_own():
    assert list(tuned(2, tw.Run({}))) == [0, 1]


def test_a_report_outside_of_a_loop_is_refused():
    with as_current(tw.Run({})), pytest.raises(ReportError, match=r"inside a loop"):
        report(loss=0.0)


def test_single_numbers_of_logs_are_reported():
    logs = {"loss": np.float32(0.5), "hits": 3, "f1/macro": np.array([0.25]), "matrix": np.zeros((2, 2)), "name": "a"}
    assert numbers(logs) == {"loss": 0.5, "hits": 3.0, "f1/macro": 0.25}
