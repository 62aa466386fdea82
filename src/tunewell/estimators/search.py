"""A search over any estimator of scikit-learn's, in place of its `RandomizedSearchCV` or `HalvingRandomSearchCV`."""

from __future__ import annotations

import math
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import accumulate
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

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
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params

from tunewell.errors import RepeatedFailure, SettingError
from tunewell.estimators.distributions import Distributions
from tunewell.estimators.learners import FOLDS, Learner, Resource
from tunewell.runners.base import NullObserver
from tunewell.runners.tune import study_name, tune
from tunewell.space.values import Params
from tunewell.stores import open_store

if TYPE_CHECKING:
    from tunewell.runners import Observer
    from tunewell.stores import Store
    from tunewell.study import Study
    from tunewell.training.run import Run
    from tunewell.trial import Report

_METRIC = "score"
_FEW = 4
"""Candidates in full, of which one may be all that is trained to its end."""
_MARK = "rows"
"""Under which the first report of a candidate has what tells the rows from others."""


class TunedSearchCV(BaseSearchCV):  # type: ignore[misc]  # scikit-learn has no types
    """Cross-validated search for the setting of an estimator, which stops poor candidates early.

    Settings are as of `RandomizedSearchCV`, and so are the attributes; `study_` has the record of the search.

    Args:
        estimator: any, a pipeline too.
        param_distributions: by name, lists, distributions of `scipy.stats`, or parameters such as
            `tw.learning_rate()`; or a list of such dicts.
        n_iter: the budget, in candidates that are trained in full; many more are begun.
        resource: what a candidate gets step by step: `epochs` of `partial_fit`, a parameter that grows with
            `warm_start`, such as `n_estimators`, more `rows`, or `folds` of the cross-validation; `auto` chooses what
            the estimator has.
        max_resources: how many epochs, or trees, a full training has; `auto`: what the estimator is set to, of epochs
            50 at most.
        scoring: as of `RandomizedSearchCV`; of several scores, the one that `refit` names is optimized, else the
            first.
        refit: train the best candidate again, on all rows.
        cv: as of `RandomizedSearchCV`.
        n_jobs: how many splits are trained at a time, in threads; the result does not depend on it.
        verbose: above 0, what happens is shown on a terminal.
        random_state: of the search; the same gives the same.
        error_score: the score of a fit that failed; `"raise"` raises its error.
        return_train_score: `cv_results_` has scores on the training rows too.
        scheduler: which candidate gets the next step, as of `tunewell.tune`.
        store: where the record goes; nowhere if None.
        name: of the study in its store; if None, `search`, numbered if there is one already.
        resume: go on with the newest study of that name; the rows and all settings must be the same.
        observer: watches what happens.

    Example:
        >>> import numpy as np
        >>> from scipy.stats import loguniform
        >>> from sklearn.linear_model import Ridge
        >>> rows = np.random.default_rng(0).normal(size=(100, 4))
        >>> search = tw.TunedSearchCV(Ridge(), {"alpha": loguniform(1e-3, 1e3)}, n_iter=3, random_state=0)
        >>> search.fit(rows, rows[:, 0]).best_score_ > 0.9
        True
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
        resume: bool = False,
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
        self.resume = resume
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
        self._validate_params()
        if not isinstance(self.n_iter, Real) or not 1 <= self.n_iter < np.inf:
            raise SettingError(f"n_iter must be a number of at least 1, in candidates, got {self.n_iter!r}")
        scorer, refit_metric = self._get_scorers()
        X, y = indexable(X, y)  # noqa: N806
        routed = self._get_routed_params_for_fit(_check_method_params(X, params=params))
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = [tuple(map(_places, split)) for split in cv.split(X, y, **routed.splitter.split)]
        if not splits:
            raise SettingError(f"cv has no splits, so that nothing can be judged; got {self.cv!r}")
        self.n_splits_: int = len(splits)
        distributions = Distributions.of(self.param_distributions)
        resource = Resource.of(
            self.estimator,
            {*distributions.names.values()},
            self.resource,
            self.max_resources,
            n_splits=self.n_splits_,
            n_rows=min(len(train) for train, _ in splits),
        )
        data = _Data(self.estimator, X, y, splits, routed.estimator.fit, routed.scorer.score)
        candidates = _Candidates(self, data, scorer, resource, distributions, refit_metric)
        self.study_: Study = self._tuned(candidates)
        found = candidates.found(self.study_)
        self.n_fits_: float = self.study_.spent.epochs / resource.units + candidates.n_more
        _warn_or_raise_about_fit_failures([outcome for one in found for outcome in one.outcomes], self.error_score)
        outcomes = [outcome for one in found for outcome in one.filled(self.n_splits_)]
        if callable(self.scoring):
            _insert_error_scores(outcomes, self.error_score)
        first = next(one["test_scores"] for one in outcomes if one["fit_error"] is None)
        self.multimetric_: bool = isinstance(first, dict)
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
                {
                    "n_resources": [resource.amounts[one.step - 1] for one in found],
                    "trial": [one.trial for one in found],
                },
            )
        if self.refit or not self.multimetric_:
            self.best_index_: int = (
                self._select_best_index(self.refit, refit_metric, results)
                if callable(self.refit)
                else _best_of(found, results[f"mean_test_{refit_metric}"], resource)
            )
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_: dict[str, Any] = results["params"][self.best_index_]
        if self.refit:
            self._refit(resource, X, y, routed.estimator.fit)
        self.scorer_: Any = getattr(scorer, "_scorers", scorer)
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
        given = "memory" if self.store is None else self.store
        store = open_store(given) if isinstance(given, str | Path) else given
        name = self.name or study_name(store, "search", resume=self.resume)
        known = next((one for one in store.studies() if one.name == name), None) if self.resume else None
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if known is not None:
            seed = known.seed if self.random_state is None else seed
            candidates.check_same_rows(store.reports(known.id, None))
        observer = self.observer if self.observer is not None or self.verbose else NullObserver()
        units = candidates.resource.units
        budget = math.ceil(self.n_iter * units)
        tuned = partial(
            tune,
            candidates,
            candidates.distributions.space,
            metric=_METRIC,
            direction="maximize",
            max_epochs=len(candidates.resource.amounts),
            scheduler=self.scheduler,
            first=[candidates.distributions.own(self.estimator)],
            isolate=False,
            max_tier=4,
            seed=seed,
            store=store,
            name=name,
            observer=observer,
        )
        looks = budget - units if self.n_iter <= _FEW else 0
        try:
            # of a small budget enough is kept to train the best candidate in full, unless that has been done
            study = tuned(budget=f"{looks or budget}epochs", resume=self.resume)
            if looks and any(trial.epochs == len(candidates.resource.amounts) for trial in study.trials):
                study = tuned(budget=f"{budget}epochs", resume=True)
        except RepeatedFailure:
            if candidates.error is not None:
                raise candidates.error from None
            raise
        if candidates.error is not None:
            raise candidates.error
        return study

    def _refit(self, resource: Resource, x: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        """Train the best candidate on all rows."""
        begin = time.time()
        model = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        learner = Learner(model, resource, x, y, fit_params)
        for step in range(1, 2 if resource.is_repeated else len(resource.amounts) + 1):
            learner.step(step)
        self.best_estimator_: Any = learner.model
        self.refit_time_: float = time.time() - begin
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_: Any = self.best_estimator_.feature_names_in_


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows to train on and to judge by, and what goes with them."""

    train: tuple[Any, Any]
    test: tuple[Any, Any]
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    train_score_params: Mapping[str, Any]


class _Data:
    """The rows, as the splits divide them."""

    def __init__(
        self, estimator: Any, x: Any, y: Any, splits: Sequence[Any], fit_params: Any, score_params: Any
    ) -> None:
        self._estimator, self._x, self._y = estimator, x, y
        self._fit_params, self._score_params = fit_params, score_params
        self._splits = splits
        self._parts: dict[tuple[int, int | None], _Part] = {}

    @property
    def n_splits(self) -> int:
        """The number of splits."""
        return len(self._splits)

    @cached_property
    def mark(self) -> int:
        """A number that tells these rows and splits from others, as far as sizes, targets and splits differ."""
        targets = None if self._y is None else np.asarray(self._y).tolist()
        return crc32(repr((np.shape(self._x), targets, [test.tolist() for _, test in self._splits])).encode())

    def part(self, split: int, n_rows: int | None = None) -> _Part:
        """Return the parts of a split, with so many rows to train on; all if None."""
        key = (split, n_rows)
        if key not in self._parts:  # two threads that find this make the same
            train, test = self._splits[split]
            if n_rows is not None:
                train = np.sort(train[self._order(train)[:n_rows]])
            self._parts[key] = _Part(
                _safe_split(self._estimator, self._x, self._y, train),
                _safe_split(self._estimator, self._x, self._y, test, train),
                _check_method_params(self._x, params=self._fit_params, indices=train),
                _check_method_params(self._x, params=self._score_params, indices=test),
                _check_method_params(self._x, params=self._score_params, indices=train),
            )
        return self._parts[key]

    def _order(self, train: Any) -> Any:
        """Return an order of the rows, which begins with one of each class and goes on with all in their shares."""
        drawn = np.random.default_rng(0).permutation(len(train))
        if self._y is None or not is_classifier(self._estimator):
            return drawn
        labels = np.asarray(self._y)[train[drawn]]
        if labels.ndim > 1:
            return drawn
        places = np.empty(len(drawn))
        for label in np.unique(labels):
            of_class = np.flatnonzero(labels == label)
            places[of_class] = np.arange(len(of_class)) / len(of_class)
        return drawn[places.argsort(kind="stable")]


@dataclass(slots=True)
class _Candidate:
    """One setting, and what its splits measured."""

    trial: int
    setting: dict[str, Any]
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    step: int = 0
    """The last of its training, where these were measured."""
    value: float = -np.inf

    def filled(self, n_splits: int) -> list[dict[str, Any]]:
        """Return the outcomes of all splits; those that were left out have measured nothing."""
        missing = {**_outcome(np.nan, None, np.nan), "score_time": np.nan}
        return [*self.outcomes, *(dict(missing) for _ in range(n_splits - len(self.outcomes)))]


class _Candidates:
    """The training function of a search: each trial is a candidate, each epoch a step of it."""

    def __init__(
        self,
        search: TunedSearchCV,
        data: _Data,
        scorer: Any,
        resource: Resource,
        distributions: Distributions,
        refit_metric: Any,
    ) -> None:
        self.resource = resource
        self.distributions = distributions
        self.error: BaseException | None = None
        """Of a fit, where it is to be raised."""
        self.n_more = 0
        """Candidates that were trained in full beyond what the study spent."""
        self._search, self._data, self._scorer, self._refit_metric = search, data, scorer, refit_metric
        self._errors: dict[tuple[int, int], str] = {}
        """By trial and split, the traceback of a fit that failed in this process."""
        self._n_jobs = effective_n_jobs(search.n_jobs)

    def __call__(self, run: Run) -> None:
        """Train a candidate."""
        setting = self.distributions.setting(run.params)
        trainings = self._trainings(setting)
        for epoch, outcomes in zip(run.epochs(len(self.resource.amounts)), trainings, strict=False):
            if self.error is not None:
                return
            for split, one in enumerate(outcomes):
                if one["fit_error"] is not None:
                    self._errors[run.trial, split] = one["fit_error"]
            run.report(**self._report(outcomes), **({_MARK: self._data.mark} if epoch == 1 else {}))

    def check_same_rows(self, reports: Sequence[Report]) -> None:
        """Check that a search that is on record had these rows and splits.

        Raises:
            SettingError: it had others.
        """
        if any(report.metrics.get(_MARK, self._data.mark) != self._data.mark for report in reports):
            raise SettingError(
                "the search on record had other rows or splits; give the X and y that it had, and a cv with a "
                "random_state if it shuffles, or begin another with resume=False"
            )

    def found(self, study: Study) -> list[_Candidate]:
        """Return what was tried, by the record, of which one at least has been trained as far as it goes."""
        settings = {trial.number: self.distributions.setting(Params(trial.params)) for trial in study.trials}
        found: dict[int, _Candidate] = {}
        for report in study.reports():
            known = found.setdefault(report.trial, _Candidate(report.trial, settings[report.trial]))
            if report.epoch > known.step:
                known.outcomes, known.step, known.value = self._outcomes(report), report.epoch, report.metrics[_METRIC]
        if not found:
            raise SettingError("n_iter is too small for a single fit; give at least 1")
        last = len(self.resource.amounts)
        best = max(found.values(), key=lambda one: (not np.isnan(one.value), one.step, one.value))
        if best.step < last and not np.isnan(best.value):  # the budget was too small for one that could be the best
            *_, best.outcomes = self._trainings(best.setting)
            best.step = last
            self.n_more += 1
        return [found[trial] for trial in sorted(found)]

    def _trainings(self, setting: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """Yield, after each step, what the splits measured."""
        splits = [self._trained(setting, split) for split in range(self._data.n_splits)]
        if self.resource.name == FOLDS:
            return accumulate([next(split)] for split in splits)
        return self._side_by_side(splits)

    def _side_by_side(self, splits: list[Iterator[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
        """Yield, after each step, what all splits measured: so one seed has one result, however many jobs there are."""
        for _ in self.resource.amounts:
            if self._n_jobs == 1:
                yield [next(split) for split in splits]
            else:
                yield Parallel(n_jobs=self._n_jobs, require="sharedmem")(delayed(next)(split) for split in splits)

    def _trained(self, setting: Mapping[str, Any], split: int) -> Iterator[dict[str, Any]]:
        """Yield what a split measures after each step; after an error, for ever the same."""
        learner: Learner | None = None
        search, spent, amount = self._search, 0.0, 0
        outcome: dict[str, Any] = {}
        for step, amount_now in enumerate(self.resource.amounts, start=1):
            if amount_now == amount:
                yield outcome
                continue
            amount = amount_now
            part = self._data.part(split, self.resource.rows_of(amount))
            begin = time.time()
            try:
                if learner is None or self.resource.is_repeated:
                    model = clone(search.estimator).set_params(**clone(dict(setting), safe=False))
                    learner = Learner(model, self.resource, *part.train, part.fit_params)
                learner.step(step)
                spent += time.time() - begin
                outcome = _outcome(spent, None)
                begin = time.time()
                outcome["test_scores"] = self._scored(learner.model, part.test, part.score_params)
                outcome["score_time"] = time.time() - begin
                if search.return_train_score:
                    outcome["train_scores"] = self._scored(learner.model, part.train, part.train_score_params)
            except Exception as error:
                if search.error_score == "raise":
                    self.error = error
                    raise
                outcome = _outcome(spent + time.time() - begin, traceback.format_exc(), search.error_score)
            yield outcome

    def _scored(self, model: Any, rows: tuple[Any, Any], params: Mapping[str, Any]) -> Any:
        return _score(model, *rows, self._scorer, params, self._search.error_score)

    def _report(self, outcomes: list[dict[str, Any]]) -> dict[str, float]:
        """Return what goes on record of a step."""
        scores = _means(outcomes)
        metrics = {_METRIC: scores.get(self._refit_metric, next(iter(scores.values())))}
        for split, one in enumerate(outcomes):
            numbers = {"fit_time": one["fit_time"], "score_time": one["score_time"]}
            for kind in ("test", "train"):
                if one["fit_error"] is None and one[f"{kind}_scores"] is not None:
                    named = one[f"{kind}_scores"]
                    named = named if isinstance(named, dict) else {_METRIC: named}
                    numbers |= {f"{kind}_{name}": score for name, score in named.items()}
            metrics |= {f"split{split}_{name}": number for name, number in numbers.items()}
        return metrics

    def _outcomes(self, report: Report) -> list[dict[str, Any]]:
        """Return the outcomes of the splits of which `_report` put on record what they measured."""
        return [
            self._outcome(report, split)
            for split in range(self._data.n_splits)
            if f"split{split}_fit_time" in report.metrics
        ]

    def _outcome(self, report: Report, split: int) -> dict[str, Any]:
        prefix = f"split{split}_"
        own = {name.removeprefix(prefix): value for name, value in report.metrics.items() if name.startswith(prefix)}
        found = _outcome(own.pop("fit_time"), None)
        found["score_time"] = own.pop("score_time")
        for kind in ("test", "train"):
            named = {name.removeprefix(f"{kind}_"): value for name, value in own.items() if name.startswith(f"{kind}_")}
            if named:
                found[f"{kind}_scores"] = named[_METRIC] if named.keys() == {_METRIC} else named
        if not own:
            error = self._errors.get((report.trial, split), "it failed in an earlier process")
            found = _outcome(found["fit_time"], error, self._search.error_score)
        return found


def _places(rows: Any) -> Any:
    """Return the numbers of a split's rows, which may be given as a mask."""
    numbers = np.asarray(rows)
    return np.flatnonzero(numbers) if numbers.dtype == bool else numbers


def _outcome(fit_time: float, error: str | None, score: Any = None) -> dict[str, Any]:
    return {"fit_time": fit_time, "score_time": 0.0, "fit_error": error, "test_scores": score, "train_scores": score}


def _means(outcomes: list[dict[str, Any]]) -> dict[str, float]:
    """Return the mean of each score over the splits; one whose fit has failed has the same of each."""
    scores = [one["test_scores"] for one in outcomes]
    names = next((list(one) for one in scores if isinstance(one, dict)), [_METRIC])
    return {name: float(np.mean([one[name] if isinstance(one, dict) else one for one in scores])) for name in names}


def _fill_missing(outcomes: list[dict[str, Any]], example: Any) -> None:
    """Give each outcome that has no scores, of a failed fit or of a split that was left out, one by each name."""
    if not isinstance(example, dict):
        return
    for one in outcomes:
        for kind in ("test_scores", "train_scores"):
            if not isinstance(one[kind], dict):
                one[kind] = dict.fromkeys(example, one[kind])


def _best_of(found: list[_Candidate], scores: Any, resource: Resource) -> int:
    """Return the place of the best score, of candidates that were trained in full: others are not what is refitted."""
    in_full = np.array([one.step == len(resource.amounts) for one in found])
    return int(np.where(in_full & ~np.isnan(scores), scores, -np.inf).argmax())
