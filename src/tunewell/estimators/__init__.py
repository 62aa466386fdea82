"""Networks that tune themselves, and a search over any estimator, for scikit-learn; and models in a file."""

from tunewell.estimators.saved import SavedModel
from tunewell.estimators.search import TunedSearchCV
from tunewell.estimators.tuned import TunedClassifier, TunedRegressor

__all__ = ["SavedModel", "TunedClassifier", "TunedRegressor", "TunedSearchCV"]
