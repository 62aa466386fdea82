"""scikit-learn estimators that find their own hyperparameters: `fit` tunes a network within a budget."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    check_random_state,
    column_or_1d,
    validate_data,
)

from tunewell.arrays import Floats
from tunewell.errors import NothingReported, SpaceError
from tunewell.estimators.columns import Columns
from tunewell.estimators.rows import Rows, checked_validation, checked_weights, finite_targets, parted
from tunewell.estimators.saved import SavedModel
from tunewell.estimators.scoring import KnownClassifier, KnownRegressor, Scoring
from tunewell.near_names import did_you_mean
from tunewell.nn import AdamW, Cosine, Network, Trainer
from tunewell.runners.base import NullObserver
from tunewell.runners.tune import tune
from tunewell.space import ready_made
from tunewell.space.params import Choice
from tunewell.space.space import Space, SpaceLike, as_space

if TYPE_CHECKING:
    from tunewell.runners import Observer
    from tunewell.space.values import Params, Value
    from tunewell.stores import Store
    from tunewell.study import Study
    from tunewell.training.run import Run


def default_space(n_train: int) -> Space:
    """Return the space that is tuned by default: the usual hyperparameters of a dense network, for so many rows."""
    most = max(4, min(256, n_train // 2))
    return Space(
        learning_rate=ready_made.learning_rate(optimizer="adamw"),
        batch_size=ready_made.batch_size(low=min(16, most // 2), high=most, default=min(64, most)),
        hidden_units=ready_made.hidden_units(low=8, high=256, default=64),
        layers=ready_made.layers(low=1, high=3, default=2),
        dropout=ready_made.dropout(),
        weight_decay=ready_made.weight_decay(),
        norm=Choice(["none", "before"], tier=3, default="before"),
    )


def _check_space(space: SpaceLike | None) -> None:
    """Check that what is tuned is something that the network has.

    Raises:
        SpaceError: it is no space, or one with another name.
    """
    if space is None:
        return
    known = default_space(2).names
    for name in as_space(space).names:
        if name not in known:
            raise SpaceError(f"the network has no parameter {name!r}; {did_you_mean(name, known)}")


class _TunedNetwork(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The settings and methods that classifier and regressor share."""

    def __init__(
        self,
        *,
        budget: str | float = 30,
        max_epochs: int = 50,
        validation_fraction: float = 0.2,
        scoring: str | Callable[..., float] | None = None,
        refit: bool = False,
        space: SpaceLike | None = None,
        scheduler: str = "auto",
        workers: int = 1,
        store: str | Path | Store | None = None,
        name: str | None = None,
        random_state: int | np.random.RandomState | None = 0,
        observer: Observer | None = None,
    ) -> None:
        self.budget = budget
        self.max_epochs = max_epochs
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.refit = refit
        self.space = space
        self.scheduler = scheduler
        self.workers = workers
        self.store = store
        self.name = name
        self.random_state = random_state
        self.observer = observer

    def _fit(self, rows: Rows, own: Rows | None, groups: ArrayLike | None, outputs: int, loss: str) -> Self:
        """Tune on a part of the rows, judged by the others, or by rows of their own; then train the best setting.

        groups: of the rows, (m,).
        """
        _check_space(self.space)
        scoring = Scoring.of(self.scoring, of_numbers=loss == "squared")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        rows, unseen = self._parts(rows, own, groups, seed)
        self.columns_: Columns = Columns.learn(rows.table)
        x, x_unseen = self.columns_.numbers(rows.table), self.columns_.numbers(unseen.table)
        counts, unseen_counts = self._counts(rows), self._counts(unseen)
        best = _BestWeights(lower_is_better=scoring is None or scoring.lower_is_better)
        if scoring is not None:
            network, _ = build({}, x, rows.targets, outputs, loss, seed, self.max_epochs)
            scoring.check(*self._scored(scoring, network, x_unseen, unseen), unseen.weights)

        def train(run: Run) -> None:
            network, trainer = build(run.params, x, rows.targets, outputs, loss, run.seed, self.max_epochs, counts)
            run.track(network=network, trainer=trainer)
            for epoch in run.epochs(self.max_epochs):
                train_loss = trainer.epoch()
                measured = self._judged(network, x_unseen, unseen, unseen_counts, scoring)
                best.look(run, epoch, measured[scoring.name if scoring else "loss"], network)
                run.report(train_loss=train_loss, **{f"val_{name}": value for name, value in measured.items()})

        self.study_: Study = tune(
            train,
            default_space(len(rows)) if self.space is None else self.space,
            metric=f"val_{scoring.name}" if scoring else "val_loss",
            direction=scoring.direction if scoring else "minimize",
            max_epochs=self.max_epochs,
            budget=self.budget,
            scheduler=self.scheduler,
            workers=self.workers,
            threads=True,
            seed=seed,
            store="memory" if self.store is None else self.store,
            name=self.name or "fit",
            observer=NullObserver() if self.observer is None else self.observer,
        )
        if best.network is None:
            raise NothingReported(
                "no trial reached a finite loss; look at study_.trials, and give a space with lower rates"
            )
        self.best_params_: dict[str, Value] = dict(best.params)
        self.best_epoch_: int = best.epoch
        self.network_: Network = best.network
        if self.refit and unseen is not rows and best.epoch:
            y = np.concatenate([rows.targets, unseen.targets])
            counts = _together((rows, counts), (unseen, unseen_counts))
            x = np.concatenate([x, x_unseen])
            network, trainer = build(best.params, x, y, outputs, loss, best.seed, self.max_epochs, counts)
            if all(np.isfinite(trainer.epoch()) for _ in range(best.epoch)):  # else it diverged on these rows
                self.network_ = network
        return self

    def _judged(
        self, network: Network, x: Floats, rows: Rows, counts: Floats | None, scoring: Scoring | None
    ) -> dict[str, float]:
        """Return what a network reaches on rows that it was not trained on, by name.

        x: (m, n), of the rows; counts: what each counts in the loss, (m,).
        """
        measured = network.evaluate(x, rows.targets, counts)
        if counts is not rows.weights and "accuracy" in measured:
            measured["accuracy"] = network.evaluate(x, rows.targets, rows.weights)["accuracy"]
        measured |= self._in_own_units(measured["loss"], rows)
        if scoring is not None:
            is_sound = np.isfinite(measured["loss"])
            scored = (*self._scored(scoring, network, x, rows), rows.weights)
            measured[scoring.name] = scoring.score(*scored) if is_sound else np.nan
        return measured

    def _counts(self, rows: Rows) -> Floats | None:
        """Return what each row counts in the loss, (m,); None for all the same."""
        return rows.weights

    def _in_own_units(self, loss: float, rows: Rows) -> dict[str, float]:  # noqa: ARG002  a regressor's
        """Return what the loss means to whoever knows the target, by name."""
        return {}

    def _scored(self, scoring: Scoring, network: Network, x: Floats, rows: Rows) -> tuple[Any, Any, NDArray[Any]]:
        """Return a model of the network, and the rows and targets on which it is scored; `x` is what the rows become.

        One of the user's own functions is given the estimator itself, as if it were fitted, and the table.
        """
        if scoring.is_named:
            known: tuple[Any, Any, NDArray[Any]] = self._known(network, x, rows)
            return known
        model = copy(self)
        model.network_ = network
        return model, rows.table, self._own_targets(rows)

    def _parts(self, rows: Rows, own: Rows | None, groups: ArrayLike | None, seed: int) -> tuple[Rows, Rows]:
        """Return rows to train on and rows to judge by, all of which count."""
        members = None if groups is None else column_or_1d(groups)
        if members is not None:
            check_consistent_length(rows.table, members)
            members = members[rows.counted]
        if own is None:
            return parted(rows.part(rows.counted), self.validation_fraction, members, seed)
        if members is not None:
            raise ValueError("groups part the rows that are drawn to judge by, and validation_data gives these")
        return rows.part(rows.counted), own.part(own.counted)

    def _table(self, x: Any, *, reset: bool) -> pd.DataFrame:
        """Return a DataFrame as it is, anything else as one of numbers, after scikit-learn's checks."""
        if isinstance(x, pd.DataFrame):
            validate_data(self, x, reset=reset, skip_check_array=True)
            return x.set_axis(x.columns.astype(str), axis=1)
        array = validate_data(self, x, reset=reset, dtype=np.float64, ensure_all_finite=False)
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            word = "NaN" if np.isnan(array[row, column]) else "infinity"
            raise ValueError(
                f"Input X contains {word}: in column {column}, first in row {row}; fill it in, "
                f"or give a DataFrame, whose gaps are filled"
            )
        return pd.DataFrame(array, columns=[str(i) for i in range(array.shape[1])])

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the study, which belongs to its store."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("study_", "observer")} | {"observer": None}


class TunedClassifier(ClassifierMixin, _TunedNetwork):  # type: ignore[misc]
    """A dense network for classes, whose hyperparameters are tuned when it is fitted.

    Args:
        budget: what the tuning may spend: `30` full trainings' worth of epochs, `"900epochs"`, `"2h"`.
        max_epochs: epochs of a full training.
        validation_fraction: share of the rows that settings are judged by.
        scoring: what is tuned, and by which weights are kept: a score of scikit-learn's, such as `"f1"`, `"roc_auc"` or
            `"neg_log_loss"`, also without `neg_`; or a function `(model, X, y)` of which more is better. The validation
            loss if None.
        refit: train the best setting again on all rows in the end, rather than keep the weights that were found; it was
            no better on five small data sets, and worse on two.
        space: what is tuned, by the names in `default_space`; those it lacks stay at their defaults.
        scheduler: which run gets the next epochs.
        workers: networks that train at a time, each in a thread.
        store: where the study is recorded; in memory if None.
        name: of the study.
        random_state: seed of all that is random.
        observer: is notified of what happens; None for no observer.
        class_weight: what rows of each class count in the loss: `"balanced"` for as much as those of any other class,
            or a weight by class, 1 where none is given. A score counts rows without it.
        pos_label: of two classes, the one that `f1`, `precision`, `recall` and others are of; if None, the class 1, or
            else the last of `classes_`.

    After `fit`: `study_`, `best_params_`, `best_epoch_`, `network_`, `columns_` (how the columns become numbers),
    `classes_`, `pos_label_`, `n_features_in_`, and `feature_names_in_` for a DataFrame.

    Example:
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).normal(size=(200, 4))
        >>> model = tw.TunedClassifier(budget=2, max_epochs=9).fit(rows, rows[:, 0] > 0)
        >>> model.score(rows, rows[:, 0] > 0) > 0.8
        True
    """

    def __init__(
        self,
        *,
        budget: str | float = 30,
        max_epochs: int = 50,
        validation_fraction: float = 0.2,
        scoring: str | Callable[..., float] | None = None,
        refit: bool = False,
        space: Space | None = None,
        scheduler: str = "auto",
        workers: int = 1,
        store: str | Path | Store | None = None,
        name: str | None = None,
        random_state: int | np.random.RandomState | None = 0,
        observer: Observer | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        pos_label: Any = None,
    ) -> None:
        super().__init__(
            budget=budget,
            max_epochs=max_epochs,
            validation_fraction=validation_fraction,
            scoring=scoring,
            refit=refit,
            space=space,
            scheduler=scheduler,
            workers=workers,
            store=store,
            name=name,
            random_state=random_state,
            observer=observer,
        )
        self.class_weight = class_weight
        self.pos_label = pos_label

    def fit(
        self,
        X: Any,  # noqa: N803  as scikit-learn calls it
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        validation_data: tuple[Any, ...] | None = None,
    ) -> Self:
        """Tune and train on rows (m, columns), an array of numbers or any DataFrame, and their classes (m,).

        Args:
            X: rows.
            y: their classes.
            sample_weight: (m,), what each row counts, in the loss and in what is measured of validation rows.
            groups: (m,), rows of one group are never on both sides: trained on, and judged by.
            validation_data: rows to judge by in place of a part of X: (X, y) or (X, y, sample_weight).

        Raises:
            ValueError: there is only one class, an array has NaN, or weights, groups or rows do not fit.
        """
        table, labels = self._table(X, reset=True), column_or_1d(y, warn=True)
        _check_rows(table, labels)
        check_classification_targets(labels)
        weights = checked_weights(sample_weight, table)
        self.classes_: NDArray[Any] = np.unique(labels if weights is None else labels[weights > 0])
        if len(self.classes_) < 2:
            raise ValueError(f"Classifier can't train when only one class is present: {self.classes_.tolist()[0]!r}")
        is_known = np.isin(labels, self.classes_)  # others are of weight zero
        rows = Rows(table, np.where(is_known, np.searchsorted(self.classes_, labels), 0), weights)
        own = None if validation_data is None else self._validation_rows(*checked_validation(validation_data))
        self._class_weights = self._weights_of_classes(rows)
        self.pos_label_: Any = self.classes_[self._place_of_positive()]
        return self._fit(rows, own, groups, len(self.classes_), "softmax")

    def _validation_rows(self, x: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Rows:
        table, labels = self._table(x, reset=False), column_or_1d(y, warn=True)
        check_consistent_length(table, labels)
        unknown = labels[~np.isin(labels, self.classes_)].tolist()
        if unknown:
            raise ValueError(f"validation_data has the class {unknown[0]!r}, which y has not; leave these rows out")
        return Rows(table, np.searchsorted(self.classes_, labels), checked_weights(sample_weight, table))

    def _weights_of_classes(self, rows: Rows) -> Floats | None:
        """Return what each class counts in the loss, (classes,); None for all the same."""
        given, n = self.class_weight, len(self.classes_)
        if given is None:
            return None
        if isinstance(given, str) and given == "balanced":
            totals = np.bincount(rows.targets, rows.weights, minlength=n)
            balanced: Floats = totals.sum() / (n * totals)
            return balanced
        if not isinstance(given, Mapping):
            raise TypeError(f"class_weight must be 'balanced', a dict of weights by class, or None, got {given!r}")
        names = self.classes_.tolist()
        if wrong := [name for name in given if name not in names]:
            meant = did_you_mean(str(wrong[0]), map(str, names))
            raise ValueError(f"class_weight names the class {wrong[0]!r}, which y has not; {meant}")
        weights = np.array([given.get(name, 1.0) for name in names], dtype=np.float64)
        if not (np.isfinite(weights) & (weights > 0)).all():
            raise ValueError(f"weights of classes must be finite and above 0, got {given!r}")
        return weights

    def _place_of_positive(self) -> int:
        names = self.classes_.tolist()
        if self.pos_label is None:
            return names.index(1) if 1 in names else len(names) - 1
        if self.pos_label not in names:
            meant = did_you_mean(str(self.pos_label), map(str, names))
            raise ValueError(f"pos_label {self.pos_label!r} is no class of y; {meant}")
        place: int = names.index(self.pos_label)
        return place

    def _counts(self, rows: Rows) -> Floats | None:
        if self._class_weights is None:
            return rows.weights
        by_class: Floats = self._class_weights[rows.targets]
        return by_class if rows.weights is None else by_class * rows.weights

    def _known(self, network: Network, x: Floats, rows: Rows) -> tuple[Any, Any, NDArray[Any]]:
        probabilities = network.predict_proba(x).astype(np.float64)
        if len(self.classes_) > 2:
            return KnownClassifier(self.classes_, probabilities), x, self._own_targets(rows)
        # scorers take 1 for the positive class, whatever its name
        yes = int(np.flatnonzero(self.classes_ == self.pos_label_)[0])
        known = KnownClassifier(np.array([0, 1]), probabilities[:, [1 - yes, yes]])
        return known, x, (rows.targets == yes).astype(np.int64)

    def _own_targets(self, rows: Rows) -> NDArray[Any]:
        return np.asarray(self.classes_[rows.targets])

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the class of each row, (m,)."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return probabilities, (m, classes), in the order of `classes_`."""
        check_is_fitted(self)
        return self.network_.predict_proba(self.columns_.numbers(self._table(X, reset=False))).astype(np.float64)

    def to_model(self, target: str) -> SavedModel:
        """Return a model that can be saved, to predict a column of that name."""
        check_is_fitted(self)
        return SavedModel(target, self.columns_, self.network_, tuple(self.classes_.tolist()))


class TunedRegressor(RegressorMixin, _TunedNetwork):  # type: ignore[misc]
    """A dense network for a number, tuned when it is fitted; settings as of `TunedClassifier`.

    Example:
        >>> import numpy as np
        >>> rows = np.random.default_rng(0).normal(size=(200, 4))
        >>> model = tw.TunedRegressor(budget=2, max_epochs=20).fit(rows, rows[:, 0])
        >>> model.score(rows, rows[:, 0]) > 0.5
        True
    """

    def fit(
        self,
        X: Any,  # noqa: N803
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        validation_data: tuple[Any, ...] | None = None,
    ) -> Self:
        """Tune and train on rows (m, columns), an array of numbers or any DataFrame, and a number of each (m,).

        `sample_weight`, `groups` and `validation_data` are as of `TunedClassifier.fit`.

        Raises:
            ValueError: an array has NaN, a target is not finite, or weights, groups or rows do not fit.
        """
        table = self._table(X, reset=True)
        numbers = finite_targets(y)
        _check_rows(table, numbers)
        weights = checked_weights(sample_weight, table)
        counted = numbers if weights is None else numbers[weights > 0]
        self.mean_: float = float(counted.mean())
        self.scale_: float = float(counted.std()) or 1.0
        rows = Rows(table, self._standardized(numbers), weights)
        own = None if validation_data is None else self._validation_rows(*checked_validation(validation_data))
        return self._fit(rows, own, groups, 1, "squared")

    def _validation_rows(self, x: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Rows:
        table, numbers = self._table(x, reset=False), finite_targets(y)
        check_consistent_length(table, numbers)
        return Rows(table, self._standardized(numbers), checked_weights(sample_weight, table))

    def _standardized(self, numbers: Floats) -> Floats:
        return ((numbers - self.mean_) / self.scale_)[:, np.newaxis]

    def _in_own_units(self, loss: float, rows: Rows) -> dict[str, float]:
        """Return the root of the mean squared error in the target's units, and R² if the targets differ."""
        mean = np.average(rows.targets[:, 0], weights=rows.weights)
        squared, spread = 2 * loss, float(np.average((rows.targets[:, 0] - mean) ** 2, weights=rows.weights))
        return {"rmse": np.sqrt(squared) * self.scale_} | ({"r2": 1 - squared / spread} if spread else {})

    def _known(self, network: Network, x: Floats, rows: Rows) -> tuple[Any, Any, NDArray[Any]]:
        return KnownRegressor(self._in_units(network.predict(x))), x, self._own_targets(rows)

    def _own_targets(self, rows: Rows) -> NDArray[Any]:
        return self._in_units(rows.targets[:, 0])

    def _in_units(self, numbers: NDArray[Any]) -> Floats:
        own: Floats = numbers.astype(np.float64) * self.scale_ + self.mean_
        return own

    def predict(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return a number for each row, (m,)."""
        check_is_fitted(self)
        return self._in_units(self.network_.predict(self.columns_.numbers(self._table(X, reset=False))))

    def to_model(self, target: str) -> SavedModel:
        """Return a model that can be saved, to predict a column of that name."""
        check_is_fitted(self)
        return SavedModel(target, self.columns_, self.network_, None, self.mean_, self.scale_)


def _together(*parts: tuple[Rows, Floats | None]) -> Floats | None:
    """Return what the rows of all parts count, one after another; None for all the same."""
    if all(counts is None for _, counts in parts):
        return None
    return np.concatenate([np.ones(len(rows)) if counts is None else counts for rows, counts in parts])


class _BestWeights:
    """The network that validation rows judged best, as it was then; any thread may look."""

    def __init__(self, *, lower_is_better: bool) -> None:
        self._sign = 1 if lower_is_better else -1
        self.network: Network | None = None
        self.params: Params | dict[str, Any] = {}
        self.epoch = 0
        self.seed = 0
        self._key = (np.inf, 0, 0)
        self._lock = threading.Lock()

    def look(self, run: Run, epoch: int, value: float, network: Network) -> None:
        """Keep these weights if they are the best yet; of equals, those of the older trial."""
        key = (self._sign * value, run.trial, epoch)
        with self._lock:
            if np.isfinite(value) and key < self._key:
                self._key = key
                self.network, self.params, self.epoch, self.seed = network.copy(), run.params, epoch, run.seed


def build(
    params: Params | dict[str, Any],
    x: NDArray[np.float64],
    y: NDArray[Any],
    outputs: int,
    loss: str,
    seed: int,
    max_epochs: int,
    counts: Floats | None = None,
) -> tuple[Network, Trainer]:
    """Return the network of a setting, fresh, and its trainer; what the setting lacks is at its default.

    counts: what each row counts in the loss.
    """
    setting = {**default_space(len(x)).defaults(), **params}
    norm = None if setting["norm"] == "none" else str(setting["norm"])
    hidden = [int(setting["hidden_units"])] * int(setting["layers"])
    # float64, so that a row is predicted alone as it is among many
    network = Network(
        [x.shape[1], *hidden, outputs],
        norm=norm,
        dropout=float(setting["dropout"]),
        loss=loss,
        dtype="float64",
        seed=seed,
    )
    optimizer = AdamW(float(setting["learning_rate"]), weight_decay=float(setting["weight_decay"]))
    size = max(int(setting["batch_size"]), 2)
    schedule = Cosine(max_epochs)
    trainer = Trainer(
        network, x, y, batch_size=size, optimizer=optimizer, schedule=schedule, sample_weights=counts, seed=seed
    )
    return network, trainer


def _check_rows(table: pd.DataFrame, y: NDArray[Any]) -> None:
    if len(table) != len(y):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: X has {len(table)}, y {len(y)}")
    if len(table) < 2:
        raise ValueError(f"Found array with n_samples={len(table)}: at least 2 rows are needed to train on")
