"""Networks that tune themselves, as scikit-learn estimators and as models in a file."""

from tunewell.estimators.saved import SavedModel
from tunewell.estimators.tuned import TunedClassifier, TunedRegressor

__all__ = ["SavedModel", "TunedClassifier", "TunedRegressor"]
