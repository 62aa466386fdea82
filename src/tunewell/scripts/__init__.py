"""Scripts that have never heard of tunewell: their hyperparameters, found without an edit."""

from tunewell.scripts.find import FoundParameters, find_parameters

__all__ = ["FoundParameters", "find_parameters"]
