"""What is known: the log of each study."""

from __future__ import annotations

from pathlib import Path

from tunewell.stores.base import Changes, Session, Store, StudyRecord
from tunewell.stores.memory import MemoryStore

__all__ = ["Changes", "MemoryStore", "Session", "Store", "StudyRecord", "open_store"]

def open_store(url: str | Path, *, create: bool = True) -> Store:
    from tunewell.stores.sql import SqlStore
    return SqlStore(url, create=create)
