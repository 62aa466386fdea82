"""The promises of a store that several processes hold at once."""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from multiprocessing.synchronize import Event as Signal
from pathlib import Path

import pytest

from tunewell.stores import Store
from tunewell.testing.records import (
    SESSION,
    Reader,
    a_life,
    a_trial,
    begin,
    check_all_is_there,
    everything,
    train,
    values_of,
)
from tunewell.testing.stores.contract import StoreContract

WRITERS, TRIALS = 32, 3
"""How many processes write to one study at a time, and how many trials each."""


class SharedStoreContract(StoreContract):
    """The promises of a store that several processes hold at once, besides."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Store]:
        """Return a function that opens the store of the fixture `store` again, in this process or another."""
        raise NotImplementedError("give the contract a fixture `reopen`")

    def test_all_is_there_when_it_is_opened_again(self, store: Store, study: int, reopen: Callable[[], Store]) -> None:
        for change in a_life(store, study):
            change()
        before = everything(store, study)
        store.close()
        again = reopen()
        assert everything(again, study) == before
        assert again.begin_step(study, before[1].n_steps, a_trial(len(before[1].trials)))
        again.close()

    def test_each_sees_at_once_what_another_wrote(self, store: Store, study: int, reopen: Callable[[], Store]) -> None:
        other = reopen()
        reader = Reader(other, study)
        for change in a_life(store, study):
            change()
            assert reader.read() == Reader(store, study).read()
        other.close()

    def test_of_two_that_begin_the_same_step_one_does(
        self, store: Store, study: int, reopen: Callable[[], Store]
    ) -> None:
        other = reopen()
        seen = store.changes(study, 0), other.changes(study, 0)
        begun = [s.begin_step(study, n.n_steps, a_trial(0)) for s, n in zip((store, other), seen, strict=True)]
        assert begun == [True, False]
        other.close()

    def test_processes_lose_nothing_while_another_reads(
        self, store: Store, study: int, reopen: Callable[[], Store]
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        start = spawn.Barrier(WRITERS)
        processes = [spawn.Process(target=_train_in_a_process, args=(reopen, study, n, start)) for n in range(WRITERS)]
        for process in processes:
            process.start()
        reader = Reader(store, study)
        while any(process.is_alive() for process in processes):
            reader.read()
            time.sleep(0.002)
        assert [process.exitcode for process in processes] == [0] * WRITERS
        check_all_is_there(reader.read(), workers=WRITERS, trials=TRIALS)
        assert reader == Reader(store, study).read()

    def test_a_decision_lock_is_waited_for_and_ends_with_its_holder(
        self, store: Store, study: int, reopen: Callable[[], Store]
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        held, taken = spawn.Event(), spawn.Queue()
        process = spawn.Process(target=_hold_the_lock, args=(reopen, study, held))
        process.start()
        assert held.wait(60)
        waiting = threading.Thread(target=_wait_for_the_lock, args=(store, study, taken), daemon=True)
        waiting.start()
        time.sleep(0.3)
        assert taken.empty()  # it has to wait
        process.kill()
        assert taken.get(timeout=5) == "mine"
        waiting.join()
        process.join()

    def test_of_processes_that_begin_a_session_at_once_one_does(
        self, store: Store, study: int, reopen: Callable[[], Store]
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        start, begun = spawn.Barrier(4), spawn.Queue()
        processes = [spawn.Process(target=_begin_a_session, args=(reopen, study, start, begun)) for _ in range(4)]
        for process in processes:
            process.start()
        sessions = [begun.get(timeout=60) for _ in processes]
        for process in processes:
            process.join()
        (session,) = store.sessions(study)
        assert [number for number in sessions if number is not None] == [session.id]

    def test_what_a_killed_process_committed_is_kept(
        self, store: Store, study: int, reopen: Callable[[], Store], tmp_path: Path
    ) -> None:
        journal = tmp_path / "journal"
        begin(store, study, 0)
        process = multiprocessing.get_context("spawn").Process(target=_report_for_ever, args=(reopen, study, journal))
        process.start()
        while process.is_alive() and (not journal.exists() or journal.stat().st_size < 500):
            time.sleep(0.001)
        process.kill()
        process.join()
        committed = journal.read_text().split()
        kept = [str(report.epoch) for report in store.reports(study)]
        assert len(committed) > 50
        assert kept in (committed, [*committed, str(len(committed) + 1)])  # the last one may not be in the journal yet
        store.report(study, 0, len(kept) + 1, {"val_loss": 0.5}, 0.5, at=1.0)
        assert len(values_of(store, study)) == len(kept) + 1


def _hold_the_lock(reopen: Callable[[], Store], study: int, held: Signal) -> None:
    store = reopen()
    with store.decision_lock(study):
        held.set()
        time.sleep(600)


def _wait_for_the_lock(store: Store, study: int, taken: Queue[str]) -> None:
    with store.decision_lock(study):
        taken.put("mine")


def _begin_a_session(reopen: Callable[[], Store], study: int, start: Barrier, begun: Queue[int | None]) -> None:
    store = reopen()
    start.wait()
    begun.put(store.begin_session(study, SESSION, newest=0))
    store.close()


def _train_in_a_process(reopen: Callable[[], Store], study: int, worker: int, start: Barrier) -> None:
    start.wait()
    store = reopen()
    train(store, study, worker, trials=TRIALS)
    store.close()


def _report_for_ever(reopen: Callable[[], Store], study: int, journal: Path) -> None:
    store = reopen()
    epoch = 0
    with journal.open("a", buffering=1) as committed:  # by line: what is written is out of this process
        while True:
            epoch += 1
            store.report(study, 0, epoch, {"val_loss": 1.0 / epoch}, 1.0 / epoch, time.time())
            committed.write(f"{epoch}\n")
