"""Cache: JSON without NaN, compressed once, and kept for as long as nothing has changed.

What took long to make is not made anew at once, however often the study changes: a figure that took half a second is
made once in five, for all browsers together. So a page that is looked at leaves the machine to the training.
"""

from __future__ import annotations

import gzip
import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

import numpy as np

_LEVEL = 5
_LONG = 2 * 2**20
"""Bytes from which on less compression is sooner there."""
_WORTH_IT = 1024
_REST = 10.0  # times as long as it took
LONGEST_REST_S = 20.0
"""For so long at most."""
_MOST_KEPT = 32 * 2**20
"""Bytes of responses that a study keeps."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON document, as it is sent."""

    body: bytes
    compressed: bytes | None
    """None where that is not worth it."""

    @classmethod
    def of(cls, data: object) -> Answer:
        """Return the answer that says this."""
        body = json_bytes(data)
        level = _LEVEL if len(body) < _LONG else 1
        return cls(body, gzip.compress(body, level, mtime=0) if len(body) > _WORTH_IT else None)


def json_bytes(data: object) -> bytes:
    """Return compact JSON; what is not finite is null."""
    try:
        text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        text = json.dumps(_plain(data), separators=(",", ":"), allow_nan=False)
    return text.encode()  # it is ASCII: names may have halves of characters in them


def _plain(data: Any) -> Any:
    match data:
        case float() if not math.isfinite(data):
            return None
        case np.generic():
            return _plain(data.item())
        case np.ndarray():
            return _plain(data.tolist())
        case Mapping():
            return {str(key): _plain(value) for key, value in data.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(value) for value in data]
        case str() | int() | float() | None:
            return data
    return _plain(asdict(data)) if is_dataclass(data) and not isinstance(data, type) else str(data)


@dataclass(slots=True)
class _Kept:
    state: Hashable
    at: float
    took: float
    answer: Answer


class Cache:
    """The responses about one study that are kept. Every method may be called from any thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._n_forgotten = 0
        self._making: dict[Hashable, threading.Lock] = {}

    def get(
        self,
        key: Hashable,
        state: Callable[[], Hashable],
        make: Callable[[], object],
        longest_rest_s: float = LONGEST_REST_S,
    ) -> Answer:
        """Return the response to a request, made if that is due; who wants it meanwhile waits for the same one.

        key: names what is requested.
        state: of the study, now: with another, it is made anew once it has rested.
        make: makes the data.
        longest_rest_s: for how long it rests at most, however long it took.
        """
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            now = state()
            with self._lock:
                kept = self._kept.get(key)
                if kept is not None:
                    self._kept.move_to_end(key)
                    rest = min(_REST * kept.took, longest_rest_s)
                    if kept.state == now or time.monotonic() < kept.at + rest:
                        return kept.answer
            begun, forgotten = time.perf_counter(), self._n_forgotten
            answer = Answer.of(make())
            took = time.perf_counter() - begun
            with self._lock:
                if self._n_forgotten != forgotten:
                    return answer  # it may be of before
                self._kept[key] = _Kept(now, time.monotonic(), took, answer)
                self._kept.move_to_end(key)
                while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > _MOST_KEPT:
                    gone, _ = self._kept.popitem(last=False)
                    if gone != key:
                        self._making.pop(gone, None)
            return answer

    def forget(self) -> None:
        """Forget all, so that who has just changed something sees it."""
        with self._lock:
            self._kept.clear()
            self._n_forgotten += 1


def _size(kept: _Kept) -> int:
    return len(kept.answer.body) + len(kept.answer.compressed or b"")
