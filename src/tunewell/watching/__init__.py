"""Measurements inside a network while it trains: gradients, updates, activations, predictions.

`watch` finds out which framework a model is of, and imports the part that is for it; no framework is imported before.
"""

from tunewell.watching.frameworks import watch
from tunewell.watching.watcher import Watcher

__all__ = ["Watcher", "watch"]
