"""The trainings of JAX, looked at while their compiled steps run."""

from __future__ import annotations

from tunewell.inspection.jax.observer import JaxObserver
from tunewell.inspection.observing import Limits


def observer(limits: Limits) -> JaxObserver:
    """Make an observer of JAX."""
    return JaxObserver(max_steps=limits.max_steps, timeout_s=limits.timeout_s)


__all__ = ["JaxObserver", "observer"]
