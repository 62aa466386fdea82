"""From a training that is stuck to one that is not: diagnose, change one thing, look again; search if need be."""

from tunewell.rescue.rescue import Attempt, Rescue, rescue

__all__ = ["Attempt", "Rescue", "rescue"]
