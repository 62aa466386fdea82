"""The trainings of Keras 3, looked at as they begin."""

from __future__ import annotations

from tunewell.inspection.keras.observer import KerasObserver

__all__ = ["KerasObserver"]
