"""The runs of loggers, ended in the place of trainings that tunewell ends."""

import sys
from types import SimpleNamespace

import pytest

from tunewell.training.loggers import end_runs, open_runs


class Stack:
    """A logger of MLflow's kind: runs that are open, one in another."""

    def __init__(self):
        self.runs, self.ended = [], []

    def active_run(self):
        return self.runs[-1] if self.runs else None

    def end_run(self, status):
        self.ended.append((self.runs.pop(), status))


@pytest.fixture
def mlflow(monkeypatch):
    stack = Stack()
    monkeypatch.setitem(sys.modules, "mlflow", stack)
    return stack


def test_all_that_are_open_are_ended_in_order(mlflow):
    mlflow.runs = ["outer", "inner"]
    end_runs()
    assert mlflow.ended == [("inner", "FINISHED"), ("outer", "FINISHED")]
    end_runs(failed=True)
    assert len(mlflow.ended) == 2
    mlflow.runs = ["broken"]
    end_runs(failed=True)
    assert mlflow.ended[2:] == [("broken", "FAILED")]


def test_those_that_were_open_before_stay(mlflow):
    mlflow.runs = ["of who tunes"]
    before = open_runs()
    mlflow.runs.append("of the training")
    end_runs(before)
    assert mlflow.runs == ["of who tunes"]


def test_a_logger_that_is_of_another_version_or_fails_is_left_alone(mlflow, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace())
    monkeypatch.setattr(mlflow, "end_run", None)
    mlflow.runs = ["open"]
    end_runs()
    assert mlflow.runs == ["open"]


def test_writers_write_what_they_hold_back(monkeypatch):
    class SummaryWriter:
        def __init__(self):
            self.flushed = False

        def flush(self):
            self.flushed = True

    monkeypatch.setitem(sys.modules, "tensorboardX", SimpleNamespace(SummaryWriter=SummaryWriter))
    writer = SummaryWriter()
    end_runs()
    assert writer.flushed


def test_no_other_object_of_the_process_is_touched(monkeypatch):
    class Deprecated:
        @property
        def __class__(self):
            raise FutureWarning

    class SummaryWriter:
        pass

    monkeypatch.setitem(sys.modules, "tensorboardX", SimpleNamespace(SummaryWriter=SummaryWriter))
    others = [Deprecated()]
    end_runs()
    assert type(others[0]) is Deprecated
