"""The process that follows a study: `python -m tunewell.bridges.follow`, begun by whoever trains.

On its standard input it gets a line of JSON: the store, the study and the place, which may hold passwords and so is no
word of a command. When that input ends, the training has, however it did; the process sends what is left, and ends too.
On its standard output it says, a line of JSON each, how it goes.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tunewell.bridges.cursor import Cursor
from tunewell.bridges.follower import Follower
from tunewell.bridges.places import sink_place
from tunewell.errors import TrackerError, TunewellError
from tunewell.stores import open_store

_LOOK_EVERY_S = 0.5
_SHARE_OF_TIME = 0.2
"""It looks and sends for no more of the time than this, so that a large study leaves the machine to its trainings."""
_LONGEST_WAIT_S = 30.0
_PATIENCE_S = 25.0
"""For how long it waits for another that sends to the same place, such as that of a training that was killed."""
TRIED, ENDED = "tried", "ended"
"""What a line tells of: whether the tracker could be reached, when that has changed; in the end, what was sent."""


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a following process."""

    store: str
    checkpoints: str | None
    study: str
    place: str


def main() -> int:
    """Follow until the training has ended and all is sent, or cannot be."""
    order = Order(**json.loads(sys.stdin.readline()))
    talk = sys.stdout
    sys.stdout = sys.stderr  # a tracker's library prints what it likes
    over = threading.Event()
    threading.Thread(target=_wait_for_end, args=(over,), daemon=True).start()
    try:
        outcome = _follow(order, over, talk)
    except TunewellError as error:
        _say(talk, TRIED, error=str(error), lasting=True)
        outcome = {"error": str(error), "epochs": 0, "trials": 0}
    except Exception as error:  # noqa: BLE001  whoever trains is told of it, whatever it is
        text = f"{type(error).__name__}: {error}; this is a defect of tunewell"
        _say(talk, TRIED, error=text, lasting=True)
        outcome = {"error": text, "epochs": 0, "trials": 0}
    _say(talk, ENDED, **outcome)
    return int("error" in outcome)


def _wait_for_end(over: threading.Event) -> None:
    try:
        sys.stdin.read()
    finally:
        over.set()


def _follow(order: Order, over: threading.Event, talk: Any) -> dict[str, Any]:
    store = open_store(order.store, create=False, checkpoints=order.checkpoints)
    study, place = store.study(order.study), sink_place(order.place)
    with Cursor(store, study, place, patience_s=_PATIENCE_S) as cursor:
        follower = Follower(store, study, place.sink, cursor)
        failed: TrackerError | None = None
        wait, had_more, is_reported = 0.0, True, False
        while True:
            began = time.monotonic()
            is_over = over.is_set()  # what is on record by now is all there is
            before = failed
            try:
                if not is_reported:
                    follower.connect()
                had_more = follower.forward()
                failed = None
                wait = min(_LONGEST_WAIT_S, max(_LOOK_EVERY_S, (time.monotonic() - began) / _SHARE_OF_TIME))
            except TrackerError as error:
                failed, had_more = error, False
                wait = min(_LONGEST_WAIT_S, max(1.0, 2 * wait))
            if not is_reported or (failed is None) != (before is None):
                _say(talk, TRIED, error=failed and str(failed), lasting=bool(failed and failed.lasting))
                is_reported = True
            if is_over and not had_more:
                break  # all is there, or cannot be sent: it is on record, and can be by whoever wants it to
            if not is_over:
                over.wait(wait)
        if failed is None:
            try:
                follower.end()
            except TrackerError as error:
                failed = error
    sent, epochs_left = follower.sent, follower.left()
    store.close()
    outcome: dict[str, Any] = {"epochs": sent.epochs, "trials": len(sent.trials), "left": list(epochs_left)}
    if failed is not None:
        outcome["error"] = str(failed)
    elif sent.refused:
        outcome["error"] = next(iter(sent.refused.values()))
        outcome["refused"] = sorted(sent.refused)
    return outcome


def _say(talk: Any, what: str, **values: Any) -> None:
    with suppress(OSError):  # whoever trained is gone, and nobody listens
        print(json.dumps({"what": what, **values}), file=talk, flush=True)


if __name__ == "__main__":
    sys.exit(main())
