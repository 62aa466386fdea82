"""The laws of every store.

To check one, subclass `StoreContract` and give it the fixture `store`, an empty one:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            return MyStore()

A store that several processes may hold at once keeps the laws of `SharedStoreContract` too. That one wants, besides,
the fixture `reopen`: a function that opens the same store again and that can be pickled.
"""

from tunewell.testing.stores.contract import StoreContract
from tunewell.testing.stores.shared import SharedStoreContract

__all__ = ["SharedStoreContract", "StoreContract"]
