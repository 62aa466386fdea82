"""The array types that all rooms share, and how the package computes with arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

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
