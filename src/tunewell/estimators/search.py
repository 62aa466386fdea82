"""A search over any estimator of scikit-learn's, in place of its `RandomizedSearchCV` or `HalvingRandomSearchCV`."""

from __future__ import annotations

import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _score,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from tunewell.errors import RepeatedFailure, SettingError
from tunewell.estimators.distributions import Distributions
from tunewell.estimators.learners import FOLDS, Learner, Resource
from tunewell.runners.base import NullObserver
from tunewell.runners.tune import tune

if TYPE_CHECKING:
    from tunewell.runners import Observer
    from tunewell.stores import Store
    from tunewell.study import Study
    from tunewell.training.run import Run

_METRIC = "score"


class TunedSearchCV(BaseSearchCV):  # type: ignore[misc]  # scikit-learn has no types
    """Cross-validated search for the setting of an estimator, which stops poor candidates early.

    Settings are as of `RandomizedSearchCV`, and so are the attributes; `study_` has the record of the search.

    Args:
        estimator: any, a pipeline too.
        param_distributions: by name, lists, distributions of `scipy.stats`, or parameters such as
            `tw.learning_rate()`; or a list of such dicts.
        n_iter: the budget, in candidates that are trained in full; many more are begun.
        resource: what a candidate gets step by step: `epochs` of `partial_fit`, `folds` of the cross-validation, or a
            parameter that grows with `warm_start`, such as `n_estimators`; `auto` chooses what the estimator has.
        max_resources: how many epochs, or trees, a full training has; `auto`: what the estimator is set to, of epochs
            50 at most.
        scoring: as of `RandomizedSearchCV`; of several scores, the one that `refit` names is optimized, else the
            first.
        refit: train the best candidate again, on all rows.
        cv: as of `RandomizedSearchCV`.
        n_jobs: how many candidates are trained at a time, in threads.
        verbose: above 0, what happens is shown on a terminal.
        random_state: of the search; with one job, the same gives the same.
        error_score: the score of a fit that failed; `"raise"` raises its error.
        return_train_score: `cv_results_` has scores on the training rows too.
        scheduler: which candidate gets the next step, as of `tunewell.tune`.
        store: where the record goes; nowhere if None.
        name: of the study in its store.
        observer: watches what happens.
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        resource: str = "auto",
        max_resources: str | int = "auto",
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., int] = True,
        cv: Any = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
        scheduler: str = "auto",
        store: str | Path | Store | None = None,
        name: str | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.resource = resource
        self.max_resources = max_resources
        self.random_state = random_state
        self.scheduler = scheduler
        self.store = store
        self.name = name
        self.observer = observer
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:  # noqa: N803
        """Search on rows (m, columns) and their targets; then train the best candidate on all of them.

        params: what `fit` of the estimator takes; `groups` goes to the splitter.

        Raises:
            ValueError: all fits failed, or the estimator needs targets and there are none.
            SettingError: a setting cannot be used.
        """
        if y is None and get_tags(self.estimator).target_tags.required:
            raise ValueError(f"{type(self.estimator).__name__} requires y to be passed, but the target y is None")
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)  # noqa: N806
        routed = self._get_routed_params_for_fit(_check_method_params(X, params=params))
        splits = list(
            check_cv(self.cv, y, classifier=is_classifier(self.estimator)).split(X, y, **routed.splitter.split)
        )
        self.n_splits_ = len(splits)
        distributions = Distributions.of(self.param_distributions)
        names = {*distributions.names.values()}
        resource = Resource.of(self.estimator, names, self.resource, self.max_resources, self.n_splits_)
        folds = [_Fold.of(self.estimator, X, y, one, routed.estimator.fit, routed.scorer.score) for one in splits]
        candidates = _Candidates(self, folds, scorer, resource, distributions, refit_metric)
        self.study_: Study = self._tuned(candidates)
        found = candidates.complete()
        _warn_or_raise_about_fit_failures([outcome for one in found for outcome in one.outcomes], self.error_score)
        outcomes = [outcome for one in found for outcome in one.filled(self.n_splits_)]
        if callable(self.scoring):
            _insert_error_scores(outcomes, self.error_score)
        first = next(one["test_scores"] for one in outcomes if one["fit_error"] is None)
        self.multimetric_ = isinstance(first, dict)
        _fill_missing(outcomes, first)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first)
            refit_metric = self.refit
        with warnings.catch_warnings():
            # of candidates that were stopped early
            warnings.filterwarnings("ignore", "One or more of the", UserWarning)
            results = self._format_results(
                [one.setting for one in found],
                self.n_splits_,
                outcomes,
                {"n_resources": [one.amount for one in found], "trial": [one.trial for one in found]},
            )
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
        if self.refit:
            self._refit(found[self.best_index_], resource, X, y, routed.estimator.fit)
        self.scorer_ = getattr(scorer, "_scorers", scorer)
        self.cv_results_ = results
        return self

    def __sklearn_tags__(self) -> Any:
        """Return the estimator's."""
        tags = super().__sklearn_tags__()
        tags.target_tags = get_tags(self.estimator).target_tags
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the study, which belongs to its store."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("study_", "observer")} | {"observer": None}

    def _tuned(self, candidates: _Candidates) -> Study:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        observer = self.observer if self.observer is not None or self.verbose else NullObserver()
        try:
            study = tune(
                candidates,
                candidates.distributions.space,
                metric=_METRIC,
                direction="maximize",
                max_epochs=len(candidates.resource.amounts),
                budget=self.n_iter,
                scheduler=self.scheduler,
                workers=effective_n_jobs(self.n_jobs),
                threads=True,
                isolate=False,
                max_tier=4,
                seed=seed,
                store="memory" if self.store is None else self.store,
                name=self.name or "search",
                observer=observer,
            )
        except RepeatedFailure:
            if candidates.error is not None:
                raise candidates.error from None
            raise
        if candidates.error is not None:
            raise candidates.error
        return study

    def _refit(self, best: _Candidate, resource: Resource, x: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        """Train the best candidate on all rows, as long as it was best."""
        begin = time.time()
        model = clone(self.estimator).set_params(**clone(best.setting, safe=False))
        learner = Learner(model, resource, x, y, fit_params)
        for step in range(1, best.step + 1) if resource.name != FOLDS else [1]:
            learner.step(step)
        self.best_estimator_ = learner.model
        self.refit_time_ = time.time() - begin
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


@dataclass(frozen=True, slots=True)
class _Fold:
    """The rows to train on and to judge by, and what goes with them."""

    train: tuple[Any, Any]
    test: tuple[Any, Any]
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    train_score_params: Mapping[str, Any]

    @classmethod
    def of(cls, estimator: Any, x: Any, y: Any, split: Any, fit_params: Any, score_params: Any) -> _Fold:
        """Return a fold of all rows; `split`: the numbers of the two parts' rows."""
        train, test = split
        return cls(
            _safe_split(estimator, x, y, train),
            _safe_split(estimator, x, y, test, train),
            _check_method_params(x, params=fit_params, indices=train),
            _check_method_params(x, params=score_params, indices=test),
            _check_method_params(x, params=score_params, indices=train),
        )


@dataclass(slots=True)
class _Candidate:
    """One setting, and what its folds measured."""

    trial: int
    setting: dict[str, Any]
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    step: int = 0
    """Of its training, where these were measured."""
    amount: int = 0
    value: float = -np.inf

    def filled(self, n_folds: int) -> list[dict[str, Any]]:
        """Return the outcomes of all folds; those that were left out have measured nothing."""
        return [*self.outcomes, *(_outcome(np.nan, None) for _ in range(n_folds - len(self.outcomes)))]


class _Candidates:
    """The training function of a search: each trial is a candidate, each epoch a step of it."""

    def __init__(
        self,
        search: TunedSearchCV,
        folds: list[_Fold],
        scorer: Any,
        resource: Resource,
        distributions: Distributions,
        refit_metric: Any,
    ) -> None:
        self.resource = resource
        self.distributions = distributions
        self.error: BaseException | None = None
        """Of a fit, where it is to be raised."""
        self._search, self._folds, self._scorer, self._refit_metric = search, folds, scorer, refit_metric
        self._by_trial: dict[int, _Candidate] = {}
        self._lock = threading.Lock()

    def __call__(self, run: Run) -> None:
        """Train a candidate."""
        setting = self.distributions.setting(run.params)
        trainings = (
            _folds_one_by_one(self._trained(setting, fold) for fold in self._folds)
            if self.resource.name == FOLDS
            else _steps_of_all([self._trained(setting, fold) for fold in self._folds])
        )
        for step, outcomes in zip(run.epochs(len(self.resource.amounts)), trainings, strict=False):
            if self.error is not None:
                return
            scores = _means(outcomes)
            value = scores.get(self._refit_metric, next(iter(scores.values())))
            self._keep(run.trial, setting, outcomes, step, value)
            others = {} if scores.keys() == {_METRIC} else {f"test_{name}": score for name, score in scores.items()}
            run.report(**{_METRIC: value}, **others)

    def complete(self) -> list[_Candidate]:
        """Return what was tried, of which one at least has trained on all of its folds."""
        found = [self._by_trial[trial] for trial in sorted(self._by_trial)]
        if not found:
            raise SettingError("n_iter is too small for a single fit; give at least 1")
        if self.resource.name == FOLDS and not any(len(one.outcomes) == len(self._folds) for one in found):
            best = max(found, key=lambda one: (one.amount, one.value))
            for fold in self._folds[len(best.outcomes) :]:
                best.outcomes.append(next(self._trained(best.setting, fold)))
                best.amount += 1
        return found

    def _keep(
        self, trial: int, setting: dict[str, Any], outcomes: list[dict[str, Any]], step: int, value: float
    ) -> None:
        """Keep what a candidate measured: of folds all, else at its best step."""
        with self._lock:
            known = self._by_trial.setdefault(trial, _Candidate(trial, setting))
            if self.resource.name == FOLDS or value > known.value or not known.outcomes:
                known.outcomes, known.step, known.value = outcomes, step, value
                known.amount = self.resource.amounts[step - 1]

    def _trained(self, setting: Mapping[str, Any], fold: _Fold) -> Iterator[dict[str, Any]]:
        """Yield what a fold measures after each step; after an error, for ever the same."""
        learner: Learner | None = None
        search, spent = self._search, 0.0
        for step in range(1, len(self.resource.amounts) + 1):
            begin = time.time()
            try:
                if learner is None:
                    model = clone(search.estimator).set_params(**clone(dict(setting), safe=False))
                    learner = Learner(model, self.resource, *fold.train, fold.fit_params)
                learner.step(step)
                spent += time.time() - begin
                outcome = _outcome(spent, None)
                begin = time.time()
                outcome["test_scores"] = self._scored(learner.model, fold.test, fold.score_params)
                outcome["score_time"] = time.time() - begin
                if search.return_train_score:
                    outcome["train_scores"] = self._scored(learner.model, fold.train, fold.train_score_params)
            except Exception as error:
                if search.error_score == "raise":
                    self.error = error
                    raise
                outcome = _outcome(spent + time.time() - begin, traceback.format_exc(), search.error_score)
                while True:
                    yield outcome
            yield outcome

    def _scored(self, model: Any, rows: tuple[Any, Any], params: Mapping[str, Any]) -> Any:
        return _score(model, *rows, self._scorer, params, self._search.error_score)


def _folds_one_by_one(folds: Iterator[Iterator[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    outcomes: list[dict[str, Any]] = []
    for fold in folds:
        outcomes = [*outcomes, next(fold)]
        yield outcomes


def _steps_of_all(folds: list[Iterator[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    while True:
        yield [next(fold) for fold in folds]


def _outcome(fit_time: float, error: str | None, score: Any = np.nan) -> dict[str, Any]:
    return {
        "fit_time": fit_time,
        "score_time": 0.0 if error else np.nan,
        "fit_error": error,
        "test_scores": score,
        "train_scores": score,
    }


def _means(outcomes: list[dict[str, Any]]) -> dict[str, float]:
    """Return the mean of each score over the folds; one whose fit has failed has the same of each."""
    scores = [one["test_scores"] for one in outcomes]
    names = next((list(one) for one in scores if isinstance(one, dict)), [_METRIC])
    return {name: float(np.mean([one[name] if isinstance(one, dict) else one for one in scores])) for name in names}


def _fill_missing(outcomes: list[dict[str, Any]], example: Any) -> None:
    """Give each outcome that has no scores, of a failed fit or of a fold that was left out, one by each name."""
    if not isinstance(example, dict):
        return
    for one in outcomes:
        for kind in ("test_scores", "train_scores"):
            if not isinstance(one[kind], dict):
                one[kind] = dict.fromkeys(example, one[kind])
