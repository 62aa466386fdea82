"""Every store keeps the contract."""

from functools import partial

import pytest

from tunewell.stores import MemoryStore, open_store
from tunewell.testing import SharedStoreContract, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestSqliteStore(SharedStoreContract):
    @pytest.fixture
    def reopen(self, tmp_path):
        return partial(open_store, tmp_path / "tunewell.db")

    @pytest.fixture
    def store(self, reopen):
        store = reopen()
        yield store
        store.close()


class TestPostgresStore(SharedStoreContract):
    @pytest.fixture
    def reopen(self, postgres_url):
        return partial(open_store, postgres_url)

    @pytest.fixture
    def store(self, reopen):
        store = reopen()
        yield store
        store.close()
