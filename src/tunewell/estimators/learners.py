"""Any estimator of scikit-learn's, trained a step at a time: epochs, trees, more rows, or a fold of the data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import unique_labels

from tunewell.errors import SettingError
from tunewell.near_names import did_you_mean
from tunewell.trial import whole

FOLDS, EPOCHS, ROWS = "folds", "epochs", "rows"
_MOST_EPOCHS = 50
_FACTORS = (9, 3, 1)
"""So many times less than a fit in full each look takes."""
_FEWEST_ROWS = 20
"""A fit on fewer says next to nothing of one on all."""


@dataclass(frozen=True, slots=True)
class Resource:
    """The quantity that a step of a training adds to."""

    name: str
    """`epochs` of `partial_fit`; `rows`, of which each look takes more, or `folds`, each with fits of their own; or a
    parameter: `n_estimators`, say."""
    amounts: tuple[int, ...]
    """How much there is after each step. Steps with as much as the one before train nothing: so a step costs as much
    as any other, on average, and nothing is trained that was not paid for."""
    units: int
    """How many steps a fit in full costs."""

    @property
    def is_repeated(self) -> bool:
        """True if each amount is fitted anew; else training goes on."""
        return self.name in (FOLDS, ROWS)

    def rows_of(self, amount: int) -> int | None:
        """Return how many rows of a split are trained on; None for all."""
        return amount if self.name == ROWS and amount < self.amounts[-1] else None

    @classmethod
    def of(
        cls, estimator: Any, names: Collection[str], resource: str, most: str | int, *, n_splits: int, n_rows: int
    ) -> Resource:
        """Return the resource of an estimator, whose parameters `names` are tuned.

        n_rows: of the smallest training part of a split.

        Raises:
            SettingError: it has no such resource.
        """
        if resource == "auto":
            resource = _usual(estimator, names, n_rows)
        if resource in (FOLDS, ROWS) and most != "auto":
            raise SettingError(f"max_resources is how many epochs or trees there are, not {resource}; got {most!r}")
        if resource == FOLDS:
            return cls(FOLDS, tuple(range(1, n_splits + 1)), n_splits)
        if resource == ROWS:
            return cls(ROWS, *_looks(n_rows, _FEWEST_ROWS, goes_on=False))
        if resource == EPOCHS:
            last = _last(estimator)
            if not hasattr(last, "partial_fit"):
                raise SettingError(f"{type(last).__name__} has no partial_fit; choose resource='rows'")
            n = min(int(getattr(last, "max_iter", None) or _MOST_EPOCHS), _MOST_EPOCHS) if most == "auto" else most
            return cls(EPOCHS, *_looks(_at_least_1(n)))
        known = estimator.get_params()
        warm = f"{resource.rpartition('__')[0]}__warm_start" if "__" in resource else "warm_start"
        if resource not in known:
            near = did_you_mean(resource, [FOLDS, EPOCHS, ROWS, *sorted(known)])
            raise SettingError(f"{type(estimator).__name__} has no parameter {resource!r}; {near}")
        if warm not in known or resource in names:
            why = "is tuned itself" if resource in names else f"cannot grow, because there is no {warm}"
            raise SettingError(f"{resource} {why}; choose resource='rows'")
        return cls(resource, *_looks(_at_least_1(known[resource] if most == "auto" else most)))


def _looks(n: int, fewest: int = 1, *, goes_on: bool = True) -> tuple[tuple[int, ...], int]:
    """Return how much of n there is after each step, and the steps that a fit in full costs.

    fewest: of the first look.
    goes_on: training goes on from look to look; else each begins anew.
    """
    factors = [factor for factor in _FACTORS if n // factor >= fewest or factor == 1]
    units = factors[0]
    amounts: list[int] = []
    paid = 0
    for factor in factors:
        steps = units // factor - paid
        amounts += [*amounts[-1:] * (steps - 1), n // factor]
        paid = units // factor if goes_on else 0
    return tuple(amounts), units


class Learner:
    """One estimator on one part of the data; only what follows a pipeline's transformers is trained in steps."""

    def __init__(self, estimator: Any, resource: Resource, x: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        self.model: Any = estimator
        """As scorers take it; once a step was done, it is fitted."""
        self._resource, self._x, self._y = resource, x, y
        self._fit_params = dict(fit_params)
        self._last, self._own = estimator, self._fit_params
        self._is_begun, self._amount = False, 0

    def step(self, number: int) -> None:
        """Train to the end of a step, 1, 2, ...; of folds and rows, all there is."""
        before, self._amount = self._amount, self._resource.amounts[number - 1]
        if self._amount == before:
            return
        if self._resource.is_repeated:
            _fit(self.model, self._x, self._y, self._fit_params)
            return
        if not self._is_begun:
            self._begin()
        if self._resource.name == EPOCHS:
            classes = {"classes": unique_labels(self._y)} if is_classifier(self._last) else {}
            given = () if self._y is None else (self._y,)
            with self._one_generator():
                for _ in range(self._amount - before):
                    self._last.partial_fit(self._x, *given, **classes, **self._own)
            return
        name = self._resource.name.rpartition("__")[2]
        self._last.set_params(**{"warm_start": True, name: self._amount})
        _fit(self._last, self._x, self._y, self._own)

    def _begin(self) -> None:
        self._is_begun = True
        if isinstance(self.model, Pipeline):
            name, self._last = self.model.steps[-1]
            own = f"{name}__"
            before = {key: value for key, value in self._fit_params.items() if not key.startswith(own)}
            self._own = {key.removeprefix(own): value for key, value in self._fit_params.items() if key.startswith(own)}
            transformers = self.model[:-1]
            given = () if self._y is None else (self._y,)
            self._x = transformers.fit_transform(self._x, *given, **before)
            # those of a pipeline with a cache are others than were given
            self.model = Pipeline([*transformers.steps, (name, self._last)])
        seed = getattr(self._last, "random_state", None)
        self._random = check_random_state(seed) if isinstance(seed, int | np.integer) else None

    @contextmanager
    def _one_generator(self) -> Iterator[None]:
        """Let what has a seed draw on: the seed alone would draw the same order in each epoch."""
        seed = getattr(self._last, "random_state", None)
        if self._random is not None:
            self._last.random_state = self._random
        try:
            yield
        finally:
            if self._random is not None:
                self._last.random_state = seed


def _fit(model: Any, x: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    model.fit(x, **fit_params) if y is None else model.fit(x, y, **fit_params)


def _usual(estimator: Any, names: Collection[str], n_rows: int) -> str:
    """Return the resource in which an estimator is trained best."""
    last = _last(estimator)
    whole_fits = ROWS if n_rows >= 3 * _FEWEST_ROWS else FOLDS
    if not (is_classifier(last) or is_regressor(last)):
        return whole_fits
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    tuned = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    if any(name.rstrip("_") == prefix.rstrip("_") for name in names):
        return whole_fits  # the step itself is tuned
    params = last.get_params(deep=False)
    by_epochs = hasattr(last, "partial_fit") and "max_iter" in params
    by_epochs = by_epochs and not tuned & {"max_iter", "early_stopping", "solver", "class_weight"}
    if by_epochs and not params.get("early_stopping") and params.get("class_weight") != "balanced":
        return EPOCHS
    # of histograms' gradient boosting, which alone of those with max_iter has leaves, it counts trees
    trees = "n_estimators" if "n_estimators" in params else "max_iter" if "max_leaf_nodes" in params else None
    stops_itself = params.get("early_stopping") is True or (
        "early_stopping" not in params and params.get("n_iter_no_change") is not None
    )
    if "warm_start" in params and trees and not stops_itself and not tuned & {"warm_start", "early_stopping", trees}:
        return f"{prefix}{trees}"
    return whole_fits


def _last(estimator: Any) -> Any:
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _at_least_1(n: object) -> int:
    number = whole(n)
    if number is None or number < 1:
        raise SettingError(f"max_resources must be 'auto' or a whole number of at least 1, got {n!r}")
    return number
