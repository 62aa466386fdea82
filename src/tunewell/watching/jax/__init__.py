"""Measurements inside a JAX network while it trains, whichever library its parameters are of.

JAX is imported here.
"""

from tunewell.watching.jax.parameters import parameters_of
from tunewell.watching.jax.watcher import JaxWatcher

__all__ = ["JaxWatcher", "parameters_of"]
