"""Looking at a PyTorch training while its first steps run."""

from __future__ import annotations

from tunewell.inspection.observing import Limits
from tunewell.inspection.pytorch.observer import TorchObserver


def observer(limits: Limits) -> TorchObserver:
    """Make an observer of PyTorch."""
    return TorchObserver(limits)


__all__ = ["TorchObserver", "observer"]
