"""`TunedSearchCV` beside other searches at equal cost: the score of what each found on rows that it has not seen.

    pip install 'tunewell[sklearn]' optuna optuna-integration
    export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
    python benchmarks/training/sklearn_search.py [--seeds 5] [--data NAME ...] [--estimator NAME ...] [--record FILE]

Eight data sets, packaged in scikit-learn or generated, by five kinds of estimators. A third of the rows is kept for
the test, anew for each seed; all search the same distributions by three folds. `HalvingRandomSearchCV`, as it comes,
sets the cost, once in rows that are fitted (an epoch, a tree, or a row of a fold counts as its part of a fit in full)
and once in seconds of the processor; the others get as many candidates as cost no more. Methods:

    halving    HalvingRandomSearchCV
    random     RandomizedSearchCV
    optuna     OptunaSearchCV, if it is installed
    tunewell   TunedSearchCV
    large      RandomizedSearchCV with `--large` candidates, which the regret is measured from

With `--large 0` the regret is that to the best of these, seed by seed.
`--record` keeps each result as a line of JSON, and what is there already is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import loguniform, randint
from sklearn import datasets
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge, SGDClassifier, SGDRegressor
from sklearn.model_selection import HalvingRandomSearchCV, RandomizedSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

import tunewell as tw

FOLDS = 3
METHODS = ("halving", "random", "optuna", "tunewell")


def _digits() -> Any:
    x, y = datasets.load_digits(return_X_y=True)
    return x[:450], y[:450]


def _moons() -> Any:
    x, y = datasets.make_moons(400, noise=0.3, random_state=0)
    return np.hstack([x, np.random.default_rng(0).normal(size=(400, 4))]), y


def _noisy() -> Any:
    return datasets.make_classification(500, 20, n_informative=5, flip_y=0.1, random_state=0)


DATA: dict[str, tuple[Callable[[], Any], bool]] = {  # by name: the rows, and whether their targets are classes
    "breast cancer": (lambda: datasets.load_breast_cancer(return_X_y=True), True),
    "wine": (lambda: datasets.load_wine(return_X_y=True), True),
    "digits": (_digits, True),
    "moons": (_moons, True),
    "noisy": (_noisy, True),
    "diabetes": (lambda: datasets.load_diabetes(return_X_y=True), False),
    "friedman": (lambda: datasets.make_friedman1(400, 10, noise=1.0, random_state=0), False),
    "linear": (lambda: datasets.make_regression(300, 50, n_informative=10, noise=50.0, random_state=0), False),
}
MLP = {
    "m__learning_rate_init": loguniform(1e-5, 1),
    "m__alpha": loguniform(1e-6, 10),
    "m__batch_size": [16, 32, 64, 128],
}
SGD = {"m__alpha": loguniform(1e-7, 1), "m__penalty": ["l2", "l1", "elasticnet"]}
BOOSTING = {
    "learning_rate": loguniform(1e-3, 1),
    "max_leaf_nodes": randint(2, 32),
    "min_samples_leaf": randint(1, 40),
    "l2_regularization": loguniform(1e-6, 100),
}
FOREST = {
    "max_features": loguniform(0.05, 1),
    "min_samples_leaf": randint(1, 30),
    "max_depth": [None, 2, 4, 8, 16],
}
KERNEL = {"m__C": loguniform(1e-4, 1e4), "m__gamma": loguniform(1e-6, 10)}
RIDGE = {"m__alpha": loguniform(1e-5, 1e5), "features__degree": [1, 2], "features__interaction_only": [True, False]}


def _scaled(model: Any, **before: Any) -> Any:
    pipeline = make_pipeline(*before.values(), StandardScaler(), model)
    names = [*before, "scale", "m"]
    pipeline.steps = [(name, step) for name, (_, step) in zip(names, pipeline.steps, strict=True)]
    return pipeline


ESTIMATORS: dict[str, dict[bool, tuple[Any, Mapping[str, Any]]]] = {  # of classes, and of numbers
    "mlp": {
        True: (_scaled(MLPClassifier((16,), max_iter=20, random_state=0)), MLP),
        False: (_scaled(MLPRegressor((16,), max_iter=20, random_state=0)), MLP),
    },
    "sgd": {True: (_scaled(SGDClassifier(random_state=0)), SGD), False: (_scaled(SGDRegressor(random_state=0)), SGD)},
    "boosting": {
        True: (HistGradientBoostingClassifier(max_iter=20, random_state=0), BOOSTING),
        False: (HistGradientBoostingRegressor(max_iter=20, random_state=0), BOOSTING),
    },
    "forest": {
        True: (RandomForestClassifier(20, random_state=0), FOREST),
        False: (RandomForestRegressor(20, random_state=0), FOREST),
    },
    "kernel, ridge": {
        True: (_scaled(SVC()), KERNEL),
        False: (_scaled(Ridge(), features=PolynomialFeatures()), RIDGE),
    },
}


def search_of(method: str, estimator: Any, space: Mapping[str, Any], seed: int, n: float) -> Any:
    """Return a search by name; n: its candidates in full, which need be no whole number of `tunewell`."""
    common = {"cv": FOLDS, "random_state": seed}
    estimator = clone(estimator)
    if method == "halving":
        return HalvingRandomSearchCV(estimator, space, **common)
    if method == "tunewell":
        return tw.TunedSearchCV(estimator, space, n_iter=n, **common)
    if method == "optuna":
        return _optuna(estimator, space, n, common)
    return RandomizedSearchCV(estimator, space, n_iter=n, **common)


def _optuna(estimator: Any, space: Mapping[str, Any], n: int, common: Mapping[str, Any]) -> Any:
    import optuna  # noqa: PLC0415
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: PLC0415
    from optuna_integration.sklearn import OptunaSearchCV  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def translated(given: Any) -> Any:
        if isinstance(given, list):
            return CategoricalDistribution(given)
        low, high = given.support()
        if hasattr(given.dist, "pmf"):
            return IntDistribution(int(low), int(high))
        return FloatDistribution(low, high, log=True)

    return OptunaSearchCV(estimator, {name: translated(one) for name, one in space.items()}, n_trials=n, **common)


def fits_of(search: Any, n_rows: int, seconds: float) -> tuple[float, float]:
    """Return how many candidates in full a search has cost, in rows, and its seconds."""
    if isinstance(search, tw.TunedSearchCV):
        return search.n_fits_, seconds
    if isinstance(search, HalvingRandomSearchCV):
        # its rows are those of all folds' training and test parts together
        return float(np.sum(search.cv_results_["n_resources"])) / n_rows, seconds
    trials = getattr(search, "trials_", None)
    return float(len(trials if trials is not None else search.cv_results_["params"])), seconds


class Records:
    """What was measured, in a file if there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.exists() else []
        self.known = {tuple(one["key"]): one for one in map(json.loads, lines)}

    def measured(self, data: str, kind: str, seed: int, method: str, n: float) -> dict[str, Any]:
        """Return the test score and the cost of a search."""
        key = (data, kind, seed, method, n)
        if key not in self.known:
            load, of_classes = DATA[data]
            x, y = load()
            x, x_test, y, y_test = train_test_split(
                x, y, test_size=1 / 3, random_state=seed, stratify=y if of_classes else None
            )
            estimator, space = ESTIMATORS[kind][of_classes]
            search = search_of("random" if method == "large" else method, estimator, space, seed, n)
            begin = time.process_time()
            search.fit(x, y)
            fits, seconds = fits_of(search, len(x), time.process_time() - begin)
            score = float(search.score(x_test, y_test))
            self.known[key] = {"key": key, "score": score, "fits": fits, "seconds": seconds}
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(self.known[key]) + "\n")
        return self.known[key]


def at_equal_cost(records: Records, data: str, kind: str, seed: int, method: str, unit: str) -> float:
    """Return the score of a method for as much as halving costs, in `fits` or in `seconds`."""
    halving = records.measured(data, kind, seed, "halving", 0)
    if method == "halving":
        return float(halving["score"])
    n = halving["fits"] if method == "tunewell" else max(2, int(halving["fits"]))
    found = records.measured(data, kind, seed, method, n)
    if unit == "seconds":
        # on a ladder, so that few searches serve
        scaled = n * halving["seconds"] / found["seconds"]
        n = max((step for step in (3, 5, 8, 12, 18, 25) if step <= scaled), default=2)
        found = records.measured(data, kind, seed, method, n)
    return float(found["score"])


def main() -> None:
    """Print a table for each unit of the cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", nargs="*", choices=DATA, default=[*DATA])
    parser.add_argument("--estimator", nargs="*", choices=ESTIMATORS, default=[*ESTIMATORS])
    parser.add_argument("--method", nargs="*", choices=METHODS, default=[*METHODS])
    parser.add_argument("--unit", nargs="*", choices=("fits", "seconds"), default=["fits", "seconds"])
    parser.add_argument("--large", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--record", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    records = Records(given.record)
    for unit in given.unit:
        print(f"\nregret in points, of 100 x the test score, at halving's cost in {unit}; (halving's cost)")
        print(f"{'':29}" + "".join(f"{method:>10}" for method in given.method))
        all_regrets: dict[str, list[float]] = {method: [] for method in given.method}
        for data in given.data:
            for kind in given.estimator:
                regrets: dict[str, list[float]] = {method: [] for method in given.method}
                cost = []
                for seed in range(given.first_seed, given.first_seed + given.seeds):
                    cost.append(records.measured(data, kind, seed, "halving", 0)[unit])
                    scores = {method: at_equal_cost(records, data, kind, seed, method, unit) for method in given.method}
                    best = (
                        records.measured(data, kind, seed, "large", given.large)["score"]
                        if given.large
                        else max(scores.values())
                    )
                    for method, score in scores.items():
                        regrets[method].append(100 * (best - score))
                for method, values in regrets.items():
                    all_regrets[method].append(float(np.mean(values)))
                means = "".join(f"{np.mean(values):10.2f}" for values in regrets.values())
                print(f"{data:14}{kind:15}{means}  ({np.mean(cost):.1f})", flush=True)
        print(f"{'mean':29}" + "".join(f"{np.mean(values):10.2f}" for values in all_regrets.values()))
        print(f"{'median':29}" + "".join(f"{np.median(values):10.2f}" for values in all_regrets.values()))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
