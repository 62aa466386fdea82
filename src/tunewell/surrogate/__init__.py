"""Models of what a study has not tried yet."""

from tunewell.surrogate.curves import CurveModel, log_expected_improvement

__all__ = ["CurveModel", "log_expected_improvement"]
