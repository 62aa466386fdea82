"""A decision lock backed by a file, for processes of one machine: advisory, correctness never depends on it."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE_S = 10.0
"""Whoever has waited so long goes ahead: the process that holds the lock may be stopped."""
_HURRY_S = 60.0
"""For so long after that, nobody is waited for any more."""
_LOOK_AGAIN_S = 0.0003, 0.002
_SELDOM_S = 0.03
_HOW = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)  # no link to another's file
_chance = random.Random()  # noqa: S311  our own: the one that all share is the user's


class LockTimeout:
    """The time that one waits for the lock: not again and again for a holder that does not move."""

    def __init__(self) -> None:
        """Begin with all of the time."""
        self._in_a_hurry_until = 0.0

    def left_s(self) -> float:
        """Return the seconds to wait for the lock the next time."""
        return 0.0 if time.monotonic() < self._in_a_hurry_until else PATIENCE_S

    def lose(self) -> None:
        """Record that the lock was waited for in vain."""
        if self.left_s():  # a wait that is lost in a hurry does not lengthen that: where many decide, most are
            self._in_a_hurry_until = time.monotonic() + _HURRY_S


class DecisionLock:
    """A decision lock backed by a file."""

    def __init__(self, path: Path) -> None:
        """Prepare the lock; the file is made when it is first held."""
        self._path = path
        self._file: int | None = None
        self._let_go: Callable[[], object] = lambda: None
        self._threads = threading.RLock()
        self._timeout = LockTimeout()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock inside the block, unless this thread has waited too long for it."""
        timeout_s = self._timeout.left_s()
        is_first = self._threads.acquire(timeout=timeout_s)
        try:
            held = is_first and self._open() and _retry(self._try, timeout_s)
            if not held:
                self._timeout.lose()
            try:
                yield
            finally:
                if held and self._file is not None:
                    _unlock(self._file)
        finally:
            if is_first:
                self._threads.release()

    def close(self, *, last: bool) -> None:
        """Let go of the file; delete it, if nobody else needs it."""
        if self._file is not None:
            self._file = None
            self._let_go()
            if last:
                with suppress(OSError):
                    self._path.unlink()

    def _open(self) -> bool:
        if self._file is None:
            with suppress(OSError):  # where nobody may write, nobody decides
                self._file = os.open(self._path, _HOW, 0o666)
                self._let_go = weakref.finalize(self, os.close, self._file)  # also of a store that nobody closes
        return self._file is not None

    def _try(self) -> bool:
        return self._file is None or _lock(self._file)


def _retry(try_it: Callable[[], bool], timeout_s: float) -> bool:
    """Try again and again; return True once it works, False if so much time has passed."""
    give_up = time.monotonic() + timeout_s
    soonest, latest = _LOOK_AGAIN_S
    while not try_it():
        if time.monotonic() > give_up:
            return False
        time.sleep(_chance.uniform(soonest, latest))
        latest = min(1.5 * latest, _SELDOM_S)  # the more wait, the sooner one of them sees that the lock is free
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        with suppress(OSError):
            os.lseek(file, 0, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            return True
        return False

    def _unlock(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system that has no locks
            return True
        return True

    def _unlock(file: int) -> None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
