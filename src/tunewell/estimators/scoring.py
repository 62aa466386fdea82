"""Scores of scikit-learn, by name or as functions, and their direction: where one of them is tuned, not the loss."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import (
    f1_score,
    get_scorer,
    get_scorer_names,
    jaccard_score,
    make_scorer,
    precision_score,
    recall_score,
)

from tunewell.arrays import Floats
from tunewell.errors import SettingError
from tunewell.near_names import did_you_mean

_OTHER_NAMES = {
    "acc": "accuracy",
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "ap": "average_precision",
    "pr_auc": "average_precision",
    "mcc": "matthews_corrcoef",
    "logloss": "log_loss",
    "cross_entropy": "log_loss",
    "brier": "brier_score",
    "mse": "mean_squared_error",
    "rmse": "root_mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
}
_OF_NUMBERS = re.compile("error|deviance|explained_variance|^r2$")
_OF_RETRIEVAL = {"precision": precision_score, "recall": recall_score, "f1": f1_score, "jaccard": jaccard_score}


@dataclass(frozen=True, slots=True)
class Scoring:
    """A score of validation rows."""

    name: str
    """By which it is on record, after `val_`."""
    scorer: Callable[..., float]
    """`scorer(model, x, y, sample_weight=...)`; more is better."""
    lower_is_better: bool = False
    """The score on record is the negative of what `scorer` returns."""
    is_named: bool = True
    """It is one of scikit-learn's, which takes any model; else a function of the user's, made for the estimator."""

    @classmethod
    def of(cls, scoring: str | Callable[..., float] | None, *, of_numbers: bool) -> Scoring | None:
        """Return the scoring of a name or a function; None where the loss is what is tuned.

        of_numbers: it is to judge a regression; else classes.

        Raises:
            SettingError: the name is not known, or it is neither.
        """
        if scoring is None or scoring == "loss":
            return None
        if callable(scoring):
            return cls("score", scoring, is_named=False)
        if not isinstance(scoring, str):
            raise SettingError(f"scoring must be a name such as 'f1' or a function (model, X, y), got {scoring!r}")
        known = {name for name in get_scorer_names() if bool(_OF_NUMBERS.search(name)) == of_numbers}
        name = scoring if scoring in known else _OTHER_NAMES.get(scoring, scoring)
        if name in known:
            return cls(name, _scorer(name))
        if f"neg_{name}" in known:
            return cls(name, _scorer(f"neg_{name}"), lower_is_better=True)
        what = "a regression" if of_numbers else "classes"
        meant = did_you_mean(scoring, sorted(known), listed="there is")
        raise SettingError(f"there is no scoring {scoring!r} of {what}; {meant}")

    @property
    def direction(self) -> str:
        """`minimize` or `maximize`."""
        return "minimize" if self.lower_is_better else "maximize"

    def score(self, model: Any, x: Any, y: NDArray[Any], weights: Floats | None) -> float:
        """Return the score of a model on rows, as it goes on record; weights: what each row counts.

        Raises:
            ValueError: it is not defined on such rows.
        """
        given = {} if weights is None else {"sample_weight": weights}
        value = float(self.scorer(model, x, y, **given))
        return -value if self.lower_is_better else value

    def check(self, model: Any, x: Any, y: NDArray[Any], weights: Floats | None) -> None:
        """Check that the rows have a score, before anything is trained.

        Raises:
            SettingError: they have none.
        """
        try:
            value = self.score(model, x, y, weights)
        except TypeError as error:
            if weights is None:
                raise
            raise SettingError(f"scoring {self.name!r} takes no weights ({error}); choose another") from error
        except (ValueError, AttributeError) as error:
            raise SettingError(f"scoring {self.name!r} does not suit the validation rows: {error}") from error
        if not np.isfinite(value):
            raise SettingError(
                f"scoring {self.name!r} is {value} on the validation rows, as where they are all of one class; "
                f"give other rows to validate on, or another scoring"
            )


class KnownClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier as scorers want one, whose probabilities of the rows that are scored are known."""

    def __init__(self, classes: NDArray[Any], probabilities: Floats) -> None:
        self.classes_ = classes
        self._probabilities = probabilities

    def predict_proba(self, _: Any) -> Floats:
        """Return the probabilities, (m, classes)."""
        return self._probabilities

    def predict(self, _: Any) -> NDArray[Any]:
        """Return the likeliest classes, (m,)."""
        likeliest: NDArray[Any] = self.classes_[self._probabilities.argmax(axis=1)]
        return likeliest


class KnownRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regressor as scorers want one, whose predictions of the rows that are scored are known."""

    def __init__(self, predictions: Floats) -> None:
        self._predictions = predictions

    def predict(self, _: Any) -> Floats:
        """Return the predictions, (m,)."""
        return self._predictions


def _scorer(name: str) -> Callable[..., float]:
    """Return scikit-learn's scorer; one of a share of no rows counts as 0, as there, but without a warning an epoch."""
    stem, _, average = name.partition("_")
    found: Callable[..., float] = get_scorer(name)
    if stem in _OF_RETRIEVAL:
        found = make_scorer(_OF_RETRIEVAL[stem], average=average or "binary", zero_division=0.0)
    return found
