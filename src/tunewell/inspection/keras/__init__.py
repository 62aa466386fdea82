"""The trainings of Keras 3, looked at as they begin."""

from __future__ import annotations

from typing import NoReturn

from tunewell.inspection.keras.observer import KerasObserver
from tunewell.inspection.observing import Limits, SeenEnough


def observer(limits: Limits) -> KerasObserver:
    """Make an observer of Keras."""
    return KerasObserver(max_steps=limits.max_steps, timeout_s=limits.timeout_s, then=_end)


def _end() -> NoReturn:
    raise SeenEnough


__all__ = ["KerasObserver", "observer"]
