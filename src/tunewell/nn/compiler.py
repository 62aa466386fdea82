"""The compilation of the training loop: by Numba where it is installed; else the loop runs as plain NumPy.

`TUNEWELL_COMPILE=0` in the environment leaves it uncompiled, so that a debugger can step through it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from tunewell.arrays import one_blas_thread

Function = TypeVar("Function", bound=Callable[..., Any])

# sums may be taken in any order, which lets them be vectorised; NaN and infinity keep their meaning
_FAST = {"nsz", "arcp", "contract", "afn", "reassoc"}

try:
    from numba import njit

    COMPILES = os.environ.get("TUNEWELL_COMPILE", "1") != "0"
except ImportError:
    COMPILES = False


def compiled(function: Function) -> Function:
    """Return the function, compiled at its first call; it releases the GIL, and is cached for the next process."""
    if not COMPILES:
        return function
    made: Any = njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")(function)
    return cast("Function", made)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread while a model trains; change nothing where the loop is not compiled.

    With one model a thread, more would only compete.
    """
    if not COMPILES:
        yield
        return
    with one_blas_thread():
        yield
