"""`TunedSearchCV` beside scikit-learn's searches: the score of what each found, against the fits that it took.

    pip install 'tunewell[sklearn]'
    python benchmarks/training/sklearn_search.py [--seeds 3]

A third of the rows is kept for the test, anew for each seed. All search the same distributions by three folds. The cost
counts full trainings of a fold: an epoch, a tree, or (of scikit-learn's halving) a row of a fold counts as its part of
one. Methods:

    random     RandomizedSearchCV, 24 candidates
    halving    HalvingRandomSearchCV, of rows, as it comes
    tunewell   TunedSearchCV at a budget of 6 and of 24 candidates
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import loguniform, randint
from sklearn import datasets
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, RandomizedSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import tunewell as tw

FOLDS = 3
N_RANDOM, N_FEW = 24, 6
TASKS: dict[str, tuple[Callable[[], Any], Any, dict[str, Any]]] = {
    "breast cancer, SVC, folds": (
        lambda: datasets.load_breast_cancer(return_X_y=True),
        make_pipeline(StandardScaler(), SVC()),
        {"svc__C": loguniform(1e-4, 1e4), "svc__gamma": loguniform(1e-6, 10)},
    ),
    "wine, MLP, epochs": (
        lambda: datasets.load_wine(return_X_y=True),
        make_pipeline(StandardScaler(), MLPClassifier(max_iter=20, random_state=0)),
        {
            "mlpclassifier__learning_rate_init": loguniform(1e-5, 1),
            "mlpclassifier__alpha": loguniform(1e-6, 10),
            "mlpclassifier__batch_size": [16, 32, 64, 128, 256],
        },
    ),
    "diabetes, boosting, trees": (
        lambda: datasets.load_diabetes(return_X_y=True),
        GradientBoostingRegressor(random_state=0),
        {"learning_rate": loguniform(1e-3, 1), "max_depth": randint(1, 6), "subsample": [0.5, 0.7, 1.0]},
    ),
}


def searches(estimator: Any, space: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the searches by name."""
    common = {"cv": FOLDS, "random_state": seed}
    return {
        "random": RandomizedSearchCV(estimator, space, n_iter=N_RANDOM, **common),
        "halving": HalvingRandomSearchCV(estimator, space, **common),
        f"tunewell {N_FEW}": tw.TunedSearchCV(estimator, space, n_iter=N_FEW, **common),
        f"tunewell {N_RANDOM}": tw.TunedSearchCV(estimator, space, n_iter=N_RANDOM, **common),
    }


def cost(search: Any, n_rows: int) -> float:
    """Return how many full trainings of a fold a search took."""
    if isinstance(search, tw.TunedSearchCV):
        return FOLDS * search.study_.spent.epochs / search.study_.max_epochs
    if isinstance(search, HalvingRandomSearchCV):
        return FOLDS * float(np.sum(search.cv_results_["n_resources"])) / n_rows
    return FOLDS * len(search.cv_results_["params"])


def main() -> None:
    """Print a table for each task."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--task", help="a task by its name; all of them if not given")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for task, (load, estimator, space) in TASKS.items():
        if arguments.task not in (None, task):
            continue
        x, y = load()
        rows: dict[str, list[tuple[float, float]]] = {}
        for seed in range(arguments.seeds):
            x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=1 / 3, random_state=seed)
            for name, search in searches(estimator, space, seed).items():
                search.fit(x_train, y_train)
                rows.setdefault(name, []).append((search.score(x_test, y_test), cost(search, len(x_train))))
        print(f"\n{task}\n{'':12} test score  fits of a fold")
        for name, found in rows.items():
            score, fits = np.mean(found, axis=0)
            print(f"{name:12} {score:10.4f} {fits:14.0f}", flush=True)


if __name__ == "__main__":
    main()
