"""The compilation of the training loop: by Numba where it is installed; else the loop runs as plain NumPy.

`TUNEWELL_COMPILE=0` in the environment leaves it uncompiled, so that a debugger can step through it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

# sums may be taken in any order, which lets them be vectorised; NaN and infinity keep their meaning
_FAST = {"nsz", "arcp", "contract", "afn", "reassoc"}

try:
    # Numba takes its BLAS from SciPy; it has to be loaded before threadpoolctl looks for what there is to limit
    import scipy.linalg  # type: ignore[import-untyped]  # noqa: F401
    from numba import njit
    from threadpoolctl import ThreadpoolController

    COMPILES = os.environ.get("TUNEWELL_COMPILE", "1") != "0"
except ImportError:
    COMPILES = False


def compiled(function: Function) -> Function:
    """Return the function, compiled at its first call; it releases the GIL, and is cached for the next process."""
    if not COMPILES:
        return function
    made: Any = njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")(function)
    return cast("Function", made)


class _OneThread:
    """A limit of BLAS to one thread while any model trains: with one model a thread, more would only compete."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._controller: Any = None
        self._limit: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Limit BLAS to one thread inside; change nothing where the loop is not compiled."""
        if not COMPILES:
            yield
            return
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._controller = self._controller or ThreadpoolController()
                self._limit = self._controller.limit(limits=1, user_api="blas")
                self._limit.__enter__()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._limit.__exit__(None, None, None)


one_thread = _OneThread()
