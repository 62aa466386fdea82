"""Inverted dropout (Srivastava et al., 2014), with masks that follow from a seed and their place alone.

Element i of the mask of a layer in a step is a hash of (seed, step, layer, i). So a mask need not be stored, nor drawn
in any order, and compiled code, plain NumPy and another framework can make the same one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tunewell.nn.arrays import Array

Bits = NDArray[np.uint32]


def mix(x: Bits) -> Bits:
    """Return 32 bits shuffled so that each depends on all: `lowbias32` of Chris Wellons' hash prospector (2018)."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def mask(seed: int, step: int, layer: int, shape: tuple[int, ...], rate: float) -> NDArray[np.bool_]:
    """Return True where a unit is kept, which is a share of 1 - rate."""
    key: Bits = np.array([seed % 2**32], dtype=np.uint32)  # an array wraps around where a number would warn
    for number in (step, layer):
        key = mix(key) ^ np.uint32(number % 2**32)
    places: Bits = np.arange(math.prod(shape), dtype=np.uint32)
    bits = mix(mix(key) + places)
    return (bits < np.uint64((1.0 - rate) * 2**32)).reshape(shape)


def dropout_forward(a: Array, kept: NDArray[np.bool_], rate: float) -> Array:
    """Return what is kept, scaled up so that the expectation stays: a kept / (1 - rate)."""
    return a * kept / a.dtype.type(1.0 - rate)


def dropout_backward(da: Array, kept: NDArray[np.bool_], rate: float) -> Array:
    """Return the gradient, scaled and dropped as the values were."""
    return dropout_forward(da, kept, rate)
