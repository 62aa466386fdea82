"""Models that predict what settings that a study has not tried yet would reach."""

from tunewell.surrogate.coordinates import Coordinates
from tunewell.surrogate.curves import ITERATIONS, CurveModel, fitted_size, log_expected_improvement
from tunewell.surrogate.failures import FailureModel, SoundModel
from tunewell.surrogate.observations import Observations, Warp, observed, times
from tunewell.surrogate.past import Past
from tunewell.surrogate.trust import trust

__all__ = [
    "ITERATIONS",
    "Coordinates",
    "CurveModel",
    "FailureModel",
    "Observations",
    "Past",
    "SoundModel",
    "Warp",
    "fitted_size",
    "log_expected_improvement",
    "observed",
    "times",
    "trust",
]
