"""Every store keeps the contract."""

from functools import partial

import pytest

from tunewell import stores
from tunewell.stores import MemoryStore, SqlStore, Store, open_store
from tunewell.testing import SharedStoreContract, StoreContract


class TestMemoryStore(StoreContract):
    kind = MemoryStore

    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestSqliteStore(SharedStoreContract):
    kind = SqlStore

    @pytest.fixture
    def reopen(self, tmp_path):
        return partial(open_store, tmp_path / "tunewell.db")

    @pytest.fixture
    def store(self, reopen):
        store = reopen()
        yield store
        store.close()


class TestPostgresStore(SharedStoreContract):
    kind = SqlStore

    @pytest.fixture
    def reopen(self, postgres_url):
        return partial(open_store, postgres_url)

    @pytest.fixture
    def store(self, reopen):
        store = reopen()
        yield store
        store.close()


def test_each_store_has_a_contract_here():
    methods = {name for name, method in vars(Store).items() if not name.startswith("_") and callable(method)}
    public = {getattr(stores, name) for name in stores.__all__} - {Store}
    kinds = {part.kind for part in globals().values() if hasattr(part, "kind")}
    assert {part for part in public if methods <= set(dir(part))} == kinds
