"""The array types that all rooms share, and how the package computes with arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Real numbers; shapes are in the docstrings."""

Integers = NDArray[np.int64]
"""Whole numbers, such as rows and epochs."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


def own_numerics(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return the function as one in which infinities and underflows are values, whatever the user's `np.seterr`.

    The user sets that for the training; an exponential that underflows in a search is no fault of the training's.
    """

    @wraps(function)
    def computing(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return computing


class _OneBlasThread:
    """A limit of BLAS to one thread for as long as anybody needs it, whichever thread began or ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._controller: Any = None
        self._limit: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Limit BLAS to one thread inside.

        Matrices of a few hundred rows are multiplied no faster by several threads, and many times slower where other
        processes use the cores, because the threads wait for each other. The last digits, too, are then the same
        on every machine.
        """
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._controller = self._controller or _blas()
                self._limit = self._controller.limit(limits=1, user_api="blas")
                self._limit.__enter__()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._limit.__exit__(None, None, None)


def _blas() -> Any:
    # SciPy, slow to import, has a BLAS of its own, which Numba takes too: only what is loaded can be limited
    import scipy.linalg  # type: ignore[import-untyped]  # noqa: F401, PLC0415
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415

    return ThreadpoolController()


one_blas_thread: _OneBlasThread = _OneBlasThread()
