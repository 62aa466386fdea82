"""The side of whoever trains: followers are begun beside a study, ended with it, and listened to.

A training's path has nothing of it: what is reported goes on record as ever, and a process of its own reads it there.
"""

from __future__ import annotations

import json
import math
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import IO, Any

from tunewell.advice import advice
from tunewell.bridges.cursor import Cursor
from tunewell.bridges.follow import ENDED, TRIED, Order
from tunewell.bridges.outgoing import Outgoing, pending
from tunewell.bridges.places import Place, sink_place
from tunewell.errors import SettingError
from tunewell.stores import Store, StudyRecord
from tunewell.stores.redaction import redacted

_FIRST_WORD_S = 120.0
"""The libraries of trackers take seconds to import, and longer on a busy machine."""
_LAST_WORD_S = 2.0
"""For how long a training that has ended waits for a tracker that was away."""

Tell = Callable[[str], None]


class _Following:
    """A process that follows a study to one place."""

    def __init__(self, store: Store, study: StudyRecord, place: Place) -> None:
        """Begin it."""
        self._place, self._study, self._store = place, study, store
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._is_away = False
        # in a session of its own, since Ctrl-C ends the training and not the sending; and with no folder on its path
        # but what is installed, since a folder `wandb` beside the script is no package
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tunewell.bridges.follow"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        folder = None if store.folder is None else str(store.folder)
        order = Order(_spelled(store), folder, study.name, place.spelled)
        self._write(json.dumps(asdict(order)) + "\n")
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None  # it is a pipe
        with suppress(OSError):
            self._process.stdin.write(text)
            self._process.stdin.flush()

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            with suppress(ValueError):
                message = json.loads(line)
                if message["what"] == TRIED:
                    self._is_away = bool(message["error"])
                self._lines.put(message)
        self._lines.put({"what": None})

    def _next(self, what: str, timeout: float | None) -> dict[str, Any] | None:
        """Return the next line of a kind; None if there is none in time."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            try:
                rest = None if timeout is None else max(0.0, deadline - time.monotonic())
                outcome = self._lines.get(timeout=rest)
            except queue.Empty:
                return None
            if outcome["what"] is None:
                return {"error": f"{self._place}: the process that sends to it has ended"}
            if outcome["what"] == what:
                return outcome

    def first_word(self, tell: Tell) -> None:
        """Wait until the process has tried the tracker; tell if that cannot be reached."""
        outcome = self._next(TRIED, _FIRST_WORD_S)
        if outcome is None:
            outcome = {"error": f"{self._place} has not answered for {_FIRST_WORD_S:g} seconds"}
        if outcome.get("error"):
            then = (
                "nothing is sent until that is mended"
                if outcome.get("lasting")
                else "what it reports is sent when that can be reached"
            )
            tell(f"{_line(outcome['error'])}; training goes on, all is on record, and {then}")

    def end(self, tell: Tell) -> None:
        """End the process, which sends what is left first; a line says if it could not.

        For a tracker that was away nobody waits: the process tries it once more, and ends by itself.
        """
        with suppress(OSError):
            assert self._process.stdin is not None  # it is a pipe
            self._process.stdin.close()
        outcome = self._next(ENDED, _LAST_WORD_S if self._is_away else None)
        if outcome is None:
            outcome = {"error": f"{self._place} does not answer, and is tried once more by a process of its own"}
            outcome["left"] = self._left()
        else:
            self._process.wait()
        if outcome.get("error"):
            epochs, trials = outcome.get("left", (0, 0))
            left = f"{epochs} epochs of {trials} trials are not there" if epochs else "not all is there"
            later = advice("export", self._study.name, options={"--to": str(self._place)}, store=self._store.url)
            tell(f"{_line(outcome['error'])}; {left}; all is on record, send them with: {later}")

    def _left(self) -> tuple[int, int]:
        """Return how many epochs, of how many trials, are not known to be there."""
        reached = Cursor(self._store, self._study, self._place).on_file()
        return pending(Outgoing(self._store, self._study, reached).look()[1])


@contextmanager
def following(store: Store, study: StudyRecord, places: Sequence[Place], tell: Tell) -> Iterator[None]:
    """Send what a study's record gains inside the block to trackers, and at its end what is left.

    tell: is given a line if a tracker cannot be reached, before the block, and if something is left, after it.

    Raises:
        SettingError: the store is in memory.
    """
    if not places:
        yield
        return
    if store.folder is None:
        raise SettingError(
            "a study in memory cannot be followed by another process; name a store to track it: --store FILE"
        )
    for place in places:
        Cursor(store, study, place)  # what stands in its way is outcome before any training
    begun = [_Following(store, study, place) for place in places]
    for one in begun:
        one.first_word(tell)
    try:
        yield
    finally:
        for one in begun:
            one.end(tell)


def places_of(track: str | Sequence[str]) -> list[Place]:
    """Return the places that runs are to be sent to. Raises SettingError or MissingExtra."""
    return [sink_place(one) for one in ([track] if isinstance(track, str) else track)]


def _spelled(store: Store) -> str:
    """Return what the store is opened by, with its password."""
    spelled: str = getattr(store, "spelled", store.url)
    return spelled


def _line(text: str) -> str:
    return redacted(" ".join(str(text).split()))
