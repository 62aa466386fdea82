"""Activations g(z), each beside its gradient: da in, the gradient of the loss by a = g(z), and dz = da g'(z) out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tunewell.nn.arrays import Array

LEAK = 0.01


def relu(z: Array) -> Array:
    """Return max(z, 0)."""
    return np.maximum(z, 0)


def relu_backward(da: Array, z: Array, a: Array) -> Array:  # noqa: ARG001  all are called alike
    """Return da where z is above 0, else 0."""
    return np.where(z > 0, da, da.dtype.type(0))


def leaky_relu(z: Array) -> Array:
    """Return z, and a hundredth of it below 0 (Maas, Hannun & Ng, 2013)."""
    return np.where(z > 0, z, z.dtype.type(LEAK) * z)


def leaky_relu_backward(da: Array, z: Array, a: Array) -> Array:  # noqa: ARG001
    """Return da, and a hundredth of it where z is not above 0."""
    return np.where(z > 0, da, da.dtype.type(LEAK) * da)


def tanh(z: Array) -> Array:
    """Return (e^z - e^-z) / (e^z + e^-z)."""
    return np.tanh(z)


def tanh_backward(da: Array, z: Array, a: Array) -> Array:  # noqa: ARG001
    """Return the gradient da (1 - a^2)."""
    return da * (1 - a * a)


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e^-z), by e^-|z|, which cannot overflow."""
    small = np.exp(-np.abs(z))
    a: Array = np.where(z >= 0, 1, small) / (1 + small)
    return a


def sigmoid_backward(da: Array, z: Array, a: Array) -> Array:  # noqa: ARG001
    """Return the gradient da a (1 - a)."""
    return da * a * (1 - a)


def gelu(z: Array) -> Array:
    """Return z times the share of a normal distribution below z (Hendrycks & Gimpel, 2016), exactly."""
    return z * _below(z)


def gelu_backward(da: Array, z: Array, a: Array) -> Array:  # noqa: ARG001
    """Return the gradient da (Phi(z) + z phi(z)), phi being the normal density and Phi the share below."""
    density = np.exp(-z * z / 2) / z.dtype.type(math.sqrt(2 * math.pi))
    return da * (_below(z) + z * density)


def _below(z: Array) -> Array:
    from scipy.special import erf  # type: ignore[import-untyped]  # noqa: PLC0415  slow to import, and seldom needed

    below: Array = (1 + erf(z / z.dtype.type(math.sqrt(2)))) / 2
    return below


@dataclass(frozen=True, slots=True)
class Activation:
    """A function and its gradient."""

    code: int
    """Names it in the compiled loop."""
    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array, Array], Array]
    """(da, z, a) -> dz."""


ACTIVATIONS = {
    "relu": Activation(1, relu, relu_backward),
    "leaky_relu": Activation(2, leaky_relu, leaky_relu_backward),
    "tanh": Activation(3, tanh, tanh_backward),
    "sigmoid": Activation(4, sigmoid, sigmoid_backward),
    "gelu": Activation(5, gelu, gelu_backward),
}
