"""Measurements inside a PyTorch network while it trains: gradients, updates, activations, predictions.

PyTorch is imported here and nowhere below; `tunewell.watch` imports this when it is used.
"""

from tunewell.watching.watcher import Watcher, watch

__all__ = ["Watcher", "watch"]
