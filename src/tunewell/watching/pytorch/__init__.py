"""Measurements inside a PyTorch network while it trains.

PyTorch is imported here and nowhere else in this room.
"""

from tunewell.watching.pytorch.watcher import PyTorchWatcher

__all__ = ["PyTorchWatcher"]
