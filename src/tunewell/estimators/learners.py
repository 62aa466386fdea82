"""Any estimator of scikit-learn's, trained a step at a time: an epoch, some trees, or a fold of the data."""

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

FOLDS, EPOCHS = "folds", "epochs"
_MOST_EPOCHS, _STEPS = 50, 10


@dataclass(frozen=True, slots=True)
class Resource:
    """The quantity that a step of a training adds to."""

    name: str
    """`epochs` of `partial_fit`; `folds` of the data, each with its own fit; or a parameter: `n_estimators`, say."""
    amounts: tuple[int, ...]
    """How much there is after each step."""

    @classmethod
    def of(cls, estimator: Any, names: Collection[str], resource: str, most: str | int, n_splits: int) -> Resource:
        """Return the resource of an estimator, whose parameters `names` are tuned.

        Raises:
            SettingError: it has no such resource.
        """
        if resource == "auto":
            resource = _usual(estimator, names)
        if resource == FOLDS:
            if most != "auto":
                raise SettingError(f"max_resources is how many epochs or trees there are, not folds; got {most!r}")
            return cls(FOLDS, tuple(range(1, n_splits + 1)))
        if resource == EPOCHS:
            last = _last(estimator)
            if not hasattr(last, "partial_fit"):
                raise SettingError(f"{type(last).__name__} has no partial_fit; choose resource='folds'")
            n = min(int(getattr(last, "max_iter", None) or _MOST_EPOCHS), _MOST_EPOCHS) if most == "auto" else most
            return cls(EPOCHS, tuple(range(1, _at_least_1(n) + 1)))
        known = estimator.get_params()
        warm = f"{resource.rpartition('__')[0]}__warm_start" if "__" in resource else "warm_start"
        if resource not in known:
            near = did_you_mean(resource, [FOLDS, EPOCHS, *sorted(known)])
            raise SettingError(f"{type(estimator).__name__} has no parameter {resource!r}; {near}")
        if warm not in known or resource in names:
            why = "is tuned itself" if resource in names else f"cannot grow, because there is no {warm}"
            raise SettingError(f"{resource} {why}; choose resource='folds'")
        n = _at_least_1(known[resource] if most == "auto" else most)
        steps = min(_STEPS, n)
        return cls(resource, tuple(round(n * step / steps) for step in range(1, steps + 1)))


class Learner:
    """One estimator on one part of the data; only what follows a pipeline's transformers is trained in steps."""

    def __init__(self, estimator: Any, resource: Resource, x: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        self.model = estimator
        """As scorers take it; once a step was done, it is fitted."""
        self._resource, self._x, self._y = resource, x, y
        self._fit_params = dict(fit_params)
        self._last, self._own = estimator, self._fit_params
        self._is_begun = False

    def step(self, number: int) -> None:
        """Train to the end of a step, 1, 2, ...; of folds, all there is."""
        if self._resource.name == FOLDS:
            _fit(self.model, self._x, self._y, self._fit_params)
            return
        if not self._is_begun:
            self._begin()
        if self._resource.name == EPOCHS:
            classes = {"classes": unique_labels(self._y)} if is_classifier(self._last) else {}
            given = () if self._y is None else (self._y,)
            with self._one_generator():
                self._last.partial_fit(self._x, *given, **classes, **self._own)
            return
        name = self._resource.name.rpartition("__")[2]
        self._last.set_params(**{"warm_start": True, name: self._resource.amounts[number - 1]})
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


def _usual(estimator: Any, names: Collection[str]) -> str:
    """Return the resource in which an estimator is trained best."""
    last = _last(estimator)
    if not (is_classifier(last) or is_regressor(last)):
        return FOLDS
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    tuned = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    if any(name.rstrip("_") == prefix.rstrip("_") for name in names):
        return FOLDS  # the step itself is tuned
    params = last.get_params(deep=False)
    by_epochs = hasattr(last, "partial_fit") and "max_iter" in params
    by_epochs = by_epochs and not tuned & {"max_iter", "early_stopping", "solver", "class_weight"}
    if by_epochs and not params.get("early_stopping") and params.get("class_weight") != "balanced":
        return EPOCHS
    if {"warm_start", "n_estimators"} <= params.keys() and not tuned & {"warm_start", "n_estimators"}:
        return f"{prefix}n_estimators"
    return FOLDS


def _last(estimator: Any) -> Any:
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _at_least_1(n: object) -> int:
    number = whole(n)
    if number is None or number < 1:
        raise SettingError(f"max_resources must be 'auto' or a whole number of at least 1, got {n!r}")
    return number
