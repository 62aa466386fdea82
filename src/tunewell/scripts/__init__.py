"""Scripts that have never heard of tunewell: their hyperparameters, found without an edit."""

from tunewell.scripts.find import find_parameters
from tunewell.scripts.found import FoundParameters

__all__ = ["FoundParameters", "find_parameters"]
