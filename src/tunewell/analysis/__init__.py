"""What a study's history says: which of the hyperparameters mattered."""

from tunewell.analysis.importance import MIN_TRIALS, Importance, importance

__all__ = ["MIN_TRIALS", "Importance", "importance"]
