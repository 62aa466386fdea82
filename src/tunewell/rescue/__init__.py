"""From a training that is stuck to one that is not: diagnose, change one thing, look again; search if need be."""

from tunewell.rescue.story import Chapter, Rescue, rescue

__all__ = ["Chapter", "Rescue", "rescue"]
