"""The side of whoever trains: followers are begun beside a study, ended with it, and listened to.

A training's path has nothing of it: what is reported goes on record as ever, and a process of its own reads it there.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import IO, Any

from tunewell.advice import advice
from tunewell.bridges.cursor import Cursor
from tunewell.bridges.follow import ENDED, FIRST, Order
from tunewell.bridges.places import Place, sink_place
from tunewell.errors import SettingError
from tunewell.stores import Store, StudyRecord
from tunewell.stores.redaction import redacted

_PATIENCE_S = 20.0
_FIRST_WORD_S = 120.0
"""The libraries of trackers take seconds to import, and longer on a busy machine."""

Tell = Callable[[str], None]


class _Following:
    """A process that follows a study to one place."""

    def __init__(self, store: Store, study: StudyRecord, place: Place) -> None:
        """Begin it."""
        self._place, self._study, self._store = place, study, store
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
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
        order = Order(_spelled(store), folder, study.name, place.spelled, _PATIENCE_S)
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
                self._lines.put(json.loads(line))
        self._lines.put({"what": None})

    def _next(self, what: str, timeout: float | None) -> dict[str, Any]:
        while True:
            try:
                outcome = self._lines.get(timeout=timeout)
            except queue.Empty:
                return {"error": f"{self._place} has not answered for {timeout:g} seconds"}
            if outcome["what"] in (what, None):
                return (
                    outcome if outcome["what"] else {"error": f"{self._place}: the process that sends to it has ended"}
                )

    def first_word(self, tell: Tell) -> None:
        """Wait until the process has tried the tracker; tell if that cannot be reached."""
        outcome = self._next(FIRST, _FIRST_WORD_S)
        if outcome.get("error"):
            then = (
                "nothing is sent until that is mended"
                if outcome.get("lasting")
                else "what it reports is sent when that can be reached"
            )
            tell(f"{_line(outcome['error'])}; training goes on, all is on record, and {then}")

    def end(self, tell: Tell) -> None:
        """End the process: it sends what is left first, and a line says if it could not."""
        with suppress(OSError):
            assert self._process.stdin is not None  # it is a pipe
            self._process.stdin.close()
        outcome = self._next(ENDED, None)
        self._process.wait()
        if outcome.get("error"):
            epochs, trials = outcome.get("left", (0, 0))
            left = f"{epochs} epochs of {trials} trials are not there" if epochs else "not all is there"
            later = advice("export", self._study.name, options={"--to": str(self._place)}, store=self._store.url)
            tell(f"{_line(outcome['error'])}; {left}; send them with: {later}")


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
