"""scikit-learn estimators that find their own hyperparameters: `fit` tunes a network within a budget."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, column_or_1d, validate_data

from tunewell.errors import NothingReported, SpaceError
from tunewell.estimators.columns import Columns
from tunewell.estimators.saved import SavedModel
from tunewell.near_names import did_you_mean
from tunewell.nn import AdamW, Cosine, Network, Trainer
from tunewell.runners.base import NullObserver
from tunewell.runners.tune import tune
from tunewell.space import ready_made
from tunewell.space.params import Choice
from tunewell.space.space import Space, SpaceLike, as_space

if TYPE_CHECKING:
    from tunewell.runners import Observer
    from tunewell.space.values import Params
    from tunewell.stores import Store
    from tunewell.study import Study
    from tunewell.training.run import Run

_FEWEST_FOR_VALIDATION = 10
"""With fewer rows, settings are judged by the training rows."""


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
        self.refit = refit
        self.space = space
        self.scheduler = scheduler
        self.workers = workers
        self.store = store
        self.name = name
        self.random_state = random_state
        self.observer = observer

    def _fit(self, table: pd.DataFrame, targets: NDArray[Any], outputs: int, loss: str) -> Self:
        """Tune on a part of the rows, judged by the others; then train the best setting."""
        _check_space(self.space)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        rows, unseen = self._parts(targets, seed)
        self.columns_ = Columns.learn(table.iloc[rows])
        x, x_unseen = self.columns_.numbers(table.iloc[rows]), self.columns_.numbers(table.iloc[unseen])
        best = _BestWeights()

        def train(run: Run) -> None:
            network, trainer = build(run.params, x, targets[rows], outputs, loss, run.seed, self.max_epochs)
            run.track(network=network, trainer=trainer)
            for epoch in run.epochs(self.max_epochs):
                train_loss = trainer.epoch()
                measured = network.evaluate(x_unseen, targets[unseen])
                best.look(run, epoch, measured["loss"], network)
                measured |= self._in_own_units(measured["loss"], targets[unseen])
                run.report(train_loss=train_loss, **{f"val_{name}": value for name, value in measured.items()})

        self.study_: Study = tune(
            train,
            default_space(len(rows)) if self.space is None else self.space,
            metric="val_loss",
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
        self.best_params_ = dict(best.params)
        self.best_epoch_ = best.epoch
        self.network_ = best.network
        if self.refit and len(unseen) and best.epoch:
            self.network_ = self._refitted(table, targets, outputs, loss, best)
        return self

    def _in_own_units(self, loss: float, targets: NDArray[Any]) -> dict[str, float]:  # noqa: ARG002  a regressor's
        """Return what the loss means to whoever knows the target, by name."""
        return {}

    def _refitted(
        self, table: pd.DataFrame, targets: NDArray[Any], outputs: int, loss: str, best: _BestWeights
    ) -> Network:
        """Train the best setting on all rows, for as many epochs as it was best after."""
        everything = self.columns_.numbers(table)
        network, trainer = build(best.params, everything, targets, outputs, loss, best.seed, self.max_epochs)
        for _ in range(best.epoch):
            if not np.isfinite(trainer.epoch()):
                return best.network or network  # it diverged on these rows
        return network

    def _parts(self, targets: NDArray[Any], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows to train on, and rows to judge by."""
        rows = np.arange(len(targets))
        if len(rows) < _FEWEST_FOR_VALIDATION:
            return rows, rows
        counts = np.unique(targets, return_counts=True)[1] if targets.ndim == 1 else np.array([0])
        n_unseen = max(1, round(self.validation_fraction * len(rows)))
        stratify = targets if counts.min() > 1 and len(counts) <= min(n_unseen, len(rows) - n_unseen) else None
        train, unseen = train_test_split(rows, test_size=n_unseen, random_state=seed % 2**32, stratify=stratify)
        return train, unseen

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
        refit: train the best setting again on all rows in the end, rather than keep the weights that were found; it was
            no better on five small data sets, and worse on two.
        space: what is tuned, by the names in `default_space`; those it lacks stay at their defaults.
        scheduler: which run gets the next epochs.
        workers: networks that train at a time, each in a thread.
        store: where the study is recorded; in memory if None.
        name: of the study.
        random_state: seed of all that is random.
        observer: is notified of what happens; None for no observer.

    After `fit`: `study_`, `best_params_`, `best_epoch_`, `network_`, `columns_` (how the columns become numbers),
    `classes_`, `n_features_in_`, and `feature_names_in_` for a DataFrame.
    """

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803  as scikit-learn calls it
        """Tune and train on rows (m, columns), an array of numbers or any DataFrame, and their classes (m,).

        Raises:
            ValueError: there is only one class, or an array has NaN.
        """
        table, labels = self._table(X, reset=True), column_or_1d(y, warn=True)
        _check_rows(table, labels)
        check_classification_targets(labels)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"Classifier can't train when only one class is present: {self.classes_[0]!r}")
        return self._fit(table, targets, len(self.classes_), "softmax")

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
    """A dense network for a number, tuned when it is fitted; settings as of `TunedClassifier`."""

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803
        """Tune and train on rows (m, columns), an array of numbers or any DataFrame, and a number of each (m,).

        Raises:
            ValueError: an array has NaN, or a target is not finite.
        """
        table = self._table(X, reset=True)
        numbers = column_or_1d(y, dtype=np.float64, warn=True)
        _check_rows(table, numbers)
        if not np.isfinite(numbers).all():
            row = np.flatnonzero(~np.isfinite(numbers))[0]
            raise ValueError(f"Input y contains NaN or infinity, first in row {row}; leave the row out")
        self.mean_, self.scale_ = float(numbers.mean()), float(numbers.std()) or 1.0
        targets = ((numbers - self.mean_) / self.scale_)[:, np.newaxis]
        return self._fit(table, targets, 1, "squared")

    def _in_own_units(self, loss: float, targets: NDArray[Any]) -> dict[str, float]:
        """Return the root of the mean squared error in the target's units, and R² if the targets differ."""
        squared, spread = 2 * loss, float(targets.var())  # the loss is half of it
        return {"rmse": np.sqrt(squared) * self.scale_} | ({"r2": 1 - squared / spread} if spread else {})

    def predict(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return a number for each row, (m,)."""
        check_is_fitted(self)
        predicted = self.network_.predict(self.columns_.numbers(self._table(X, reset=False)))
        return predicted.astype(np.float64) * self.scale_ + self.mean_

    def to_model(self, target: str) -> SavedModel:
        """Return a model that can be saved, to predict a column of that name."""
        check_is_fitted(self)
        return SavedModel(target, self.columns_, self.network_, None, self.mean_, self.scale_)


class _BestWeights:
    """The network of the lowest validation loss, as it was then; any thread may look."""

    def __init__(self) -> None:
        self.network: Network | None = None
        self.params: Params | dict[str, Any] = {}
        self.epoch = 0
        self.seed = 0
        self._key = (np.inf, 0, 0)
        self._lock = threading.Lock()

    def look(self, run: Run, epoch: int, loss: float, network: Network) -> None:
        """Keep these weights if they are the best yet; of equals, those of the older trial."""
        with self._lock:
            if np.isfinite(loss) and (loss, run.trial, epoch) < self._key:
                self._key = (loss, run.trial, epoch)
                self.network, self.params, self.epoch, self.seed = network.copy(), run.params, epoch, run.seed


def build(
    params: Params | dict[str, Any],
    x: NDArray[np.float64],
    y: NDArray[Any],
    outputs: int,
    loss: str,
    seed: int,
    max_epochs: int,
) -> tuple[Network, Trainer]:
    """Return the network of a setting, fresh, and its trainer; what the setting lacks is at its default."""
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
    trainer = Trainer(network, x, y, batch_size=size, optimizer=optimizer, schedule=Cosine(max_epochs), seed=seed)
    return network, trainer


def _check_rows(table: pd.DataFrame, y: NDArray[Any]) -> None:
    if len(table) != len(y):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: X has {len(table)}, y {len(y)}")
    if len(table) < 2:
        raise ValueError(f"Found array with n_samples={len(table)}: at least 2 rows are needed to train on")
