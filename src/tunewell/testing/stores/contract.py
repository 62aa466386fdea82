"""The promises that a study relies on, whatever keeps its record."""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import threading

import pytest

from tunewell.stores import Store
from tunewell.testing.records import STUDY, Reader, check_all_is_there, train
from tunewell.testing.stores.copies import CopyLaws
from tunewell.testing.stores.reports import ReportLaws
from tunewell.testing.stores.steering import SteeringLaws
from tunewell.testing.stores.studies import StudyLaws
from tunewell.testing.stores.trials import TrialLaws


class StoreContract(StudyLaws, TrialLaws, ReportLaws, CopyLaws, SteeringLaws):
    """The promises that a study relies on."""

    @pytest.fixture
    def store(self) -> Store:
        """Return the store to check, empty."""
        raise NotImplementedError("give the contract a fixture `store`")

    @pytest.fixture
    def study(self, store: Store) -> int:
        """Return the id of a study with nothing in it."""
        return store.add_study(STUDY).id

    def test_threads_take_turns(self, store: Store, study: int) -> None:
        errors: list[BaseException] = []

        def work(worker: int) -> None:
            try:
                train(store, study, worker, trials=5)
            except BaseException as error:  # noqa: BLE001  whatever it is, the test wants to show it
                errors.append(error)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        reader = Reader(store, study)
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            reader.read()
        assert errors == []
        check_all_is_there(reader.read(), workers=4, trials=5)
        assert reader == Reader(store, study).read()

    def test_threads_hold_the_decision_lock_one_at_a_time(self, store: Store, study: int) -> None:
        inside: list[int] = []

        def hold_the_lock() -> None:
            for _ in range(20):
                with store.decision_lock(study):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()

        most: list[int] = []
        threads = [threading.Thread(target=hold_the_lock) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == [1] * 80

    def test_it_can_be_closed_twice(self, store: Store) -> None:
        store.close()
        store.close()
