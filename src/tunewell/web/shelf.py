"""The store as the page sees it: it may vanish, and return; each of its studies is read by one reader for all.

A store that was deleted, moved or replaced is opened again when it is wanted; who reads a study by a reader of the
old one gets an error, and asks again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from tunewell.commands import Command, Note, Remark, Tag, Untag
from tunewell.errors import StoreError
from tunewell.stores import Store, StudyRecord
from tunewell.study import Study, StudyReader
from tunewell.study.damage import readable_study
from tunewell.web.responses import Cache

FAVOURITE = "favourite"
"""The tag that makes a trial one of the favourites."""
_MOST_OPEN = 8
"""So many studies are kept in memory."""
_AGAIN_S = 0.5
_AWAY_S = 1.5
"""A server that has been silent for as long is away, and nobody is let to wait for it."""
_Found = TypeVar("_Found")


class StudyGone(StoreError):
    """The store has no such study any more, or never had."""


class Watched:
    """A study that somebody looks at: what was read of it, kept up to date, and the responses that were made of it."""

    def __init__(self, store: Store, record: StudyRecord) -> None:
        """Watch a study of a store; nothing is read yet."""
        self.study: Study = Study.open(store, record.name)
        self.reader: StudyReader = self.study.reader
        self.id: int = record.id
        self.uuid: str = record.uuid
        self.cache: Cache = Cache()
        self.commands: dict[int, Command] = {}
        """All, by their id."""
        self.tags: Mapping[int, tuple[str, ...]] = {}
        """By trial, without that of the favourites."""
        self.favourites: frozenset[int] = frozenset()
        self.notes: Mapping[int, int] = {}
        """By trial, how many."""
        self.commands_until: int = 0
        self._is_run: tuple[float, bool] | None = None

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever reads what is to fit together."""
        return self.reader.lock

    def look(self) -> int:
        """Read what the study has gained; return its revision."""
        with self.lock:
            self.reader.look()
            revision = self.reader.log.revision
            if revision != self.commands_until:
                self._take(self.reader.store.commands(self.id, since=self.commands_until))
                self.commands_until = revision
            return revision

    def is_run(self) -> bool:
        """Return True if a process runs the study, as of a second ago."""
        now = time.monotonic()
        if self._is_run is None or now > self._is_run[0] + 1:
            self._is_run = now, self.reader.is_run()
        return self._is_run[1]

    def state(self) -> tuple[int, bool]:
        """Return what is another whenever something else is to be shown."""
        return self.reader.log.revision, self.is_run()

    def changed_remarks(self, since: int) -> set[int]:
        """Return the trials whose tags or notes have changed after a revision."""
        new = self.reader.store.commands(self.id, since=since)
        return {one.trial for one in new if isinstance(one.action, Remark)}

    def _take(self, commands: list[Command]) -> None:
        if not commands:
            return
        self.commands |= {one.id: one for one in commands}
        if not any(isinstance(one.action, Remark) for one in commands):
            return
        tags: dict[int, dict[str, None]] = {}
        notes: dict[int, int] = {}
        for one in sorted(self.commands.values(), key=lambda one: one.id):
            match one.action:
                case Tag(name) if one.is_done:
                    tags.setdefault(one.trial, {})[name] = None
                case Untag(name) if one.is_done:
                    tags.get(one.trial, {}).pop(name, None)
                case Note() if one.is_done:
                    notes[one.trial] = notes.get(one.trial, 0) + 1
        self.favourites = frozenset(trial for trial, names in tags.items() if FAVOURITE in names)
        self.tags = {trial: tuple(name for name in names if name != FAVOURITE) for trial, names in tags.items()}
        self.notes = notes


class Shelf:
    """The studies of a store. Every method may be called from any thread."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        """Open the store.

        open_store: opens it, now and again whenever it has vanished; raises StoreError where there is none.
        """
        self._open_store = open_store
        self._lock = threading.RLock()
        self.store: Store = open_store()
        self.n_opened: int = 1
        """How often the store was opened: who knows another number has an old one."""
        self._tried_at = 0.0
        self._watched: OrderedDict[int, Watched] = OrderedDict()

    @property
    def url(self) -> str:
        """The store, as the user would name it, with no password in it."""
        return self.store.url

    @property
    def away_s(self) -> float:
        """For how many seconds a server that went away has been waited for; 0 if none is."""
        waited: float = getattr(self.store, "awaited_s", 0.0)
        return waited

    def check_there(self) -> None:
        """Raise StoreError at once if the store's server is away, rather than wait for it with all others."""
        if (away := self.away_s) > _AWAY_S:
            raise StoreError(f"{self.url} has not answered for {away:.0f} seconds; it is asked again and again")

    def read(self, read: Callable[[], _Found]) -> _Found:
        """Return what `read` returns, called once more with the store opened anew if that has vanished and is there.

        Raises:
            StoreError: the store is not there.
        """
        self.check_there()
        known = self.n_opened
        try:
            return read()
        except StoreError as error:
            if type(error) is not StoreError or not self._reopened(known):
                raise
            return read()

    def records(self) -> list[StudyRecord]:
        """Return the studies that there are, oldest first."""
        return [readable_study(self.store, one) for one in self.store.studies()]

    def watched(self, study_id: int) -> Watched:
        """Return a study, by its id.

        Raises:
            StudyGone: there is no such study.
            StoreError: the store is not there.
        """
        with self._lock:
            found = self._watched.get(study_id)
            if found is None:
                record = next((one for one in self.store.studies() if one.id == study_id), None)
                if record is None:
                    raise StudyGone(f"{self.url} has no study {study_id}; it may have been deleted: go to the list")
                found = self._watched[study_id] = Watched(self.store, record)
                while len(self._watched) > _MOST_OPEN:
                    self._watched.popitem(last=False)
            self._watched.move_to_end(study_id)
            return found

    def look(self, study_id: int) -> Watched:
        """Return a study, by its id, with what it has gained.

        Raises:
            StudyGone: there is no such study any more.
            StoreError: the store is not there.
        """
        watched = self.watched(study_id)
        try:
            watched.look()
        except StoreError:
            # is it the study that is gone, or the store?
            record = next((one for one in self.store.studies() if one.id == study_id), None)
            if record is not None and record.uuid == watched.uuid:
                raise
            with self._lock:
                self._watched.pop(study_id, None)
            raise StudyGone(f"study {watched.reader.name!r} was deleted from {self.url}; go to the list") from None
        return watched

    def close(self) -> None:
        """Let go of the store."""
        with self._lock:
            self._watched.clear()
            self.store.close()

    def _reopened(self, known: int) -> bool:
        """Return True if there is a store that was opened after what `known` stands for; at most twice a second."""
        with self._lock:
            if self.n_opened != known:
                return True
            now = time.monotonic()
            if now < self._tried_at + _AGAIN_S:
                return False
            self._tried_at = now
            try:
                new = self._open_store()
            except StoreError:
                return False
            with suppress(StoreError):
                self.store.close()
            self.store = new
            self.n_opened = self.n_opened + 1
            self._watched.clear()
            return True
