"""DecisionLock at deciding: waited for, but not for ever, and not again and again for somebody who does not move."""

import gc
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import tunewell as tw
from tunewell.stores import decision_lock
from tunewell.stores.decision_lock import DecisionLock


@pytest.fixture
def patience(monkeypatch):
    monkeypatch.setattr(decision_lock, "PATIENCE_S", 0.3)
    monkeypatch.setattr(decision_lock, "_HURRY_S", 1.0)


def waited(taker):
    began = time.monotonic()
    with taker.held():
        return time.monotonic() - began


@pytest.mark.usefixtures("patience")
def test_one_whose_turn_does_not_end_is_waited_for_once_in_a_while(tmp_path):
    stopped, other = (DecisionLock(tmp_path / "turn") for _ in range(2))
    with stopped.held():
        assert waited(other) >= 0.3
        assert waited(other) < 0.2
        time.sleep(1.0)
        assert waited(other) >= 0.3
    time.sleep(1.0)
    assert waited(other) < 0.2


@pytest.mark.usefixtures("patience")
def test_patience_returns_though_turns_are_missed_meanwhile(tmp_path):
    stopped, other = (DecisionLock(tmp_path / "turn") for _ in range(2))
    with stopped.held():
        waited(other)
        missed_until = time.monotonic() + 10  # on a busy machine; it returns after a second
        longest = 0.0
        while longest < 0.3 and time.monotonic() < missed_until:
            longest = max(longest, waited(other))
            time.sleep(0.02)
    assert longest >= 0.3


@pytest.mark.usefixtures("patience")
def test_threads_of_one_process_are_not_waited_for_for_ever_either(tmp_path):
    taker = DecisionLock(tmp_path / "turn")
    over = threading.Event()

    def hold():
        with taker.held():
            over.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    time.sleep(0.1)
    assert 0.3 <= waited(taker) < 5
    over.set()
    thread.join()
    time.sleep(1.0)
    assert waited(taker) < 0.2


def test_where_no_file_can_be_made_nobody_is_waited_for(tmp_path):
    assert waited(DecisionLock(tmp_path / "missing" / "turn")) < 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc here")
def test_a_store_that_nobody_closes_leaves_no_open_file(tmp_path):
    def train(run):
        for _ in run.epochs(1):
            run.report(loss=run.params.x)

    def n_open():
        gc.collect()
        found = 0
        for descriptor in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # the one by which they are listed
                found += "lock.db" in str(descriptor.readlink())
        return found

    for _ in range(3):
        tw.tune(train, tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", budget=2, store=tmp_path / "lock.db")
    assert n_open() == 0
