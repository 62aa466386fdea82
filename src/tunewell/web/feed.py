"""The feed of a study: what has changed since, as server-sent events, for all browsers that look at it.

    event: change     id: the revision; the rows of the trials that changed, and how the study stands
    event: commands   commands that were sent, taken up or refused
    event: lost       the store is not there, and why; `back` when it is
    event: gone       the study was deleted

One thread looks at the log while somebody listens, and what it finds is written down once for all of them. Who comes
back says up to which revision it knows (`Last-Event-ID`, or `?after=`), and gets what came since; who is too slow to
take what is sent is let go, and comes back in the same way. Nothing is lost: the revision is the store's own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tunewell.errors import StoreError, TunewellError
from tunewell.web.responses import json_bytes
from tunewell.web.shelf import Shelf, StudyGone, Watched
from tunewell.web.studies import progress
from tunewell.web.table import rows_of
from tunewell.web.trials import command_row

POLL_S = 0.4
"""How often the log is looked at."""
HEARTBEAT_S = 15.0
_MOST_ROWS = 200
"""Of more changed trials at a time the page reads the table anew."""
_MOST_WAITING = 100
"""So many events may wait for a browser before it is let go."""
_LINGER_S = 2.0


@dataclass(frozen=True, slots=True)
class _Event:
    text: bytes
    revision: int | None = None
    is_anew: bool = False
    """The page reads all anew, whatever it knows."""
    is_last: bool = False


@dataclass(eq=False, slots=True)
class _Listener:
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[_Event | None] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING + 8))
    is_let_go: bool = False

    def put(self, events: list[_Event | None]) -> None:
        """Hand over events; to be called in the loop's thread."""
        for event in events:
            if self.is_let_go:
                return
            if event is not None and self.queue.qsize() >= _MOST_WAITING:
                event = None  # noqa: PLW2901  too slow: it comes back, and gets all that it missed
            self.is_let_go = event is None
            self.queue.put_nowait(event)


class _Look(NamedTuple):
    """A study, as it was at a look."""

    of: tuple[int, int]
    """Which store it was, and which of the study's spaces: with another, the page reads all anew."""
    revision: int
    is_run: bool


class Feeds:
    """The feeds of all studies of a store."""

    def __init__(self, shelf: Shelf) -> None:
        """Make feeds, of which none does anything before somebody listens."""
        self._shelf = shelf
        self._lock = threading.Lock()
        self._feeds: dict[int, _Feed] = {}
        self._is_closed = False

    async def listen(self, study_id: int, after: int | None) -> AsyncIterator[bytes]:
        """Yield what has changed, for as long as it is wanted.

        after: the revision up to which the caller knows all; None: up to now.
        """
        listener = _Listener(asyncio.get_running_loop())
        with self._lock:
            if self._is_closed:
                return
            feed = self._feeds.get(study_id)
            if feed is None or not feed.add(listener):
                feed = self._feeds[study_id] = _Feed(self._shelf, study_id, self._forget)
                feed.add(listener)
        try:
            yield b"retry: 1000\n\n"
            sent = after
            for event in await asyncio.to_thread(feed.caught_up, after):
                sent = event.revision if event.revision is not None else sent
                yield event.text
                if event.is_last:
                    return
            while True:
                try:
                    found = await asyncio.wait_for(listener.queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if found is None:
                    return
                if found.revision is not None:
                    if sent is not None and found.revision < sent and not found.is_anew:
                        continue  # it was on its way while what came since was looked up
                    sent = found.revision
                yield found.text
        finally:
            feed.remove(listener)

    def _forget(self, feed: _Feed) -> None:
        """Let go of a feed that is over; another of its study may be there already."""
        with self._lock:
            if self._feeds.get(feed.study_id) is feed:
                del self._feeds[feed.study_id]

    def close(self) -> None:
        """End all feeds."""
        with self._lock:
            self._is_closed = True
            feeds = list(self._feeds.values())
        for feed in feeds:
            feed.close()


class _Feed:
    """The feed of one study, with its thread, which ends when nobody has listened for a while."""

    def __init__(self, shelf: Shelf, study_id: int, forget: Callable[[_Feed], None]) -> None:
        self._shelf, self.study_id, self._forget = shelf, study_id, forget
        self._lock = threading.Lock()
        self._listeners: list[_Listener] = []
        self._is_over = False
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._uuid: str | None = None
        self._lost_since: float | None = None

    def add(self, listener: _Listener) -> bool:
        """Let somebody listen; False if the feed is over."""
        with self._lock:
            if self._is_over:
                return False
            self._listeners.append(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"feed-{self.study_id}", daemon=True)
                self._thread.start()
            return True

    def remove(self, listener: _Listener) -> None:
        """Let somebody listen no more."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def close(self) -> None:
        """End it, for all who listen."""
        self._end([])
        self._woken.set()

    def caught_up(self, after: int | None) -> list[_Event]:
        """Return what came after a revision, up to now."""
        try:
            watched = self._shelf.read(lambda: self._shelf.look(self.study_id))
            with self._lock:
                self._uuid = self._uuid or watched.uuid  # before the thread's first look another may be in its place
            if after is None:
                with watched.lock:
                    return [_change(watched, [], is_reload=False)]
            return _since(watched, after)
        except StudyGone as error:
            return [_event("gone", {"why": str(error)})]
        except TunewellError as error:
            return [_event("lost", {"why": str(error), "since": time.time()})]

    def _run(self) -> None:
        known: _Look | None = None
        idle_since: float | None = None
        monitor = threading.Thread(target=self._watch_for_silence, name=f"silence-{self.study_id}", daemon=True)
        monitor.start()
        try:
            while not self._is_over:
                with self._lock:
                    is_idle = not self._listeners
                if is_idle:
                    idle_since = idle_since or time.monotonic()
                    if time.monotonic() > idle_since + _LINGER_S:
                        with self._lock:
                            self._is_over = not self._listeners
                        continue
                else:
                    idle_since = None
                    known = self._tick(known)
                self._woken.wait(POLL_S)
        finally:
            self._end([])  # whatever ended it: who listened comes back, to another feed
            self._forget(self)

    def _tick(self, known: _Look | None) -> _Look | None:
        """Look at the study, and send what has changed since; `known` is how it was at the last look."""
        try:
            watched = self._shelf.read(lambda: self._shelf.look(self.study_id))
            with self._lock:
                self._uuid = self._uuid or watched.uuid
            if self._uuid != watched.uuid:
                why = "the store was replaced by another, which has another study in this place; go to the list"
                self._end([_event("gone", {"why": why})])
                return known
            with watched.lock:
                log = watched.reader.log
                now = _Look((self._shelf.n_opened, len(log.versions.spaces)), log.revision, watched.is_run())
                if (since := self._found_again()) is not None:
                    self._send([_event("back", {"since": since}), _change(watched, [], is_reload=True)])
                elif known is not None and (now.of != known.of or now.revision < known.revision):
                    self._send([_change(watched, [], is_reload=True)])
                elif known is not None and now != known:
                    self._send(_since(watched, known.revision))
                return now
        except StudyGone as error:
            self._end([_event("gone", {"why": str(error)})])
        except TunewellError as error:
            self._lose(str(error))
        return known

    def _watch_for_silence(self) -> None:
        """Notify who listens when the thread waits for a server that went away: it cannot itself."""
        while not self._is_over:
            try:
                self._shelf.check_there()
            except StoreError as error:
                self._lose(str(error))
            time.sleep(0.5)

    def _lose(self, why: str) -> None:
        with self._lock:
            if self._lost_since is not None:
                return
            self._lost_since = time.time()
        self._send([_event("lost", {"why": why, "since": self._lost_since})])

    def _found_again(self) -> float | None:
        """Return since when the store was lost, if it was, and is no more."""
        with self._lock:
            since, self._lost_since = self._lost_since, None
        return since

    def _send(self, events: list[_Event]) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for one in listeners:
            _put(one, list(events))

    def _end(self, events: list[_Event]) -> None:
        with self._lock:
            self._is_over = True
            listeners, self._listeners = self._listeners, []
        for one in listeners:
            _put(one, [*events, None])


def _put(listener: _Listener, events: list[_Event | None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and its listeners with it
        listener.loop.call_soon_threadsafe(listener.put, events)


def _since(watched: Watched, after: int) -> list[_Event]:
    """Return what came after a revision. Who knows more than there is has seen another store."""
    with watched.lock:
        log = watched.reader.log
        if after > log.revision:
            return [_change(watched, [], is_reload=True)]
        changed = log.changed_since(after)
        if changed is None:  # it was read later than that, so the store is asked
            found = watched.reader.store.changes(watched.id, after)
            # of those that run each: that one is sent once too often does no harm
            changed = sorted({one.number for one in found.trials} | {number for number, _ in found.reached})
        new = watched.reader.store.commands(watched.id, since=after)
        remarked = watched.changed_remarks(after) if new else set()
        numbers = sorted(number for number in {*changed, *remarked} if number < len(log.trials))
        events = (
            [_event("commands", {"revision": log.revision, "commands": list(map(command_row, new))})] if new else []
        )
        return [*events, _change(watched, numbers, is_reload=len(numbers) > _MOST_ROWS)]


def _change(watched: Watched, numbers: list[int], *, is_reload: bool) -> _Event:
    """Return the event that says how the study stands. To be called with the study's lock held."""
    revision = watched.reader.log.revision
    data: dict[str, Any] = {
        "revision": revision,
        "reload": is_reload,
        "rows": None if is_reload else rows_of(watched, numbers) if numbers else {},
        "trials": len(watched.reader.log.trials),
        "points": None if is_reload else _points(watched, numbers),
        **progress(watched),
    }
    return _event("change", data, revision, is_anew=is_reload)


def _points(watched: Watched, numbers: list[int]) -> list[list[Any]]:
    """Return the points of these trials, of each its number, its last epoch, and what the metric was then."""
    log, sign = watched.reader.log, -1.0 if watched.reader.maximize else 1.0
    curves, found = log.history.curves, []
    for number in numbers:
        epoch = int(log.history.epochs[number])
        if 1 <= epoch <= curves.shape[1]:
            found.append([number, epoch, sign * float(curves[number, epoch - 1])])
    return found


def _event(name: str, data: object, revision: int | None = None, *, is_anew: bool = False) -> _Event:
    identity = b"" if revision is None else f"id: {revision}\n".encode()
    text = identity + f"event: {name}\ndata: ".encode() + json_bytes(data) + b"\n\n"
    return _Event(text, revision, is_anew, is_last=name == "gone")
