"""`TunedClassifier` and `TunedRegressor` beside what people would take instead, on data sets that packages ship.

    pip install 'tunewell[sklearn,numba]' optuna==5.0.0 mlxtend
    python benchmarks/training/estimators.py [--seeds 3]

A quarter of the rows is kept for the test, anew for each seed. All methods see the same training rows and choose by
themselves; scores are accuracy, or R squared. The methods:

    tunewell         as it comes: a budget of 30 trainings of 50 epochs, one worker
    MLP              scikit-learn's MLPClassifier or MLPRegressor as it comes, on standardized columns
    MLP + Optuna     the same, its learning rate, batch size, width, depth and alpha tuned by Optuna's TPE, judged by a
                     fifth of the training rows, for as many seconds as tunewell took; then trained on all rows
    boosting         HistGradientBoosting as it comes
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from mlxtend.data import autompg_data, boston_housing_data
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tunewell as tw

Data = tuple[np.ndarray, np.ndarray]

CLASSES: dict[str, Callable[[], Data]] = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
}
QUANTITIES: dict[str, Callable[[], Data]] = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "Boston housing": boston_housing_data,
    "auto MPG": lambda: complete(*autompg_data()),
}


def complete(x: np.ndarray, y: np.ndarray) -> Data:
    """The columns of numbers, and the rows without gaps."""
    x = x.astype(float)
    x = x[:, ~np.isnan(x).all(axis=0)]
    whole = ~np.isnan(x).any(axis=1)
    return x[whole], y[whole]


def network(seed: int, *, classes: bool, **settings: Any) -> Any:
    return make_pipeline(StandardScaler(), (MLPClassifier if classes else MLPRegressor)(random_state=seed, **settings))


def tuned_by_optuna(x: np.ndarray, y: np.ndarray, seconds: float, seed: int, *, classes: bool) -> Any:
    """The best setting that is found in the time, trained on all rows."""
    train_x, unseen, train_y, truth = train_test_split(x, y, test_size=0.2, random_state=seed)

    def settings(trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        layers, width = trial.suggest_int("layers", 1, 3), trial.suggest_int("width", 8, 256, log=True)
        return {
            "hidden_layer_sizes": (width,) * layers,
            "learning_rate_init": trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True),
            "batch_size": trial.suggest_int("batch_size", 16, max(17, min(256, len(train_x) // 2)), log=True),
            "alpha": trial.suggest_float("alpha", 1e-6, 1.0, log=True),
        }

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(
        lambda trial: network(seed, classes=classes, **settings(trial)).fit(train_x, train_y).score(unseen, truth),
        timeout=seconds,
    )
    return network(seed, classes=classes, **settings(optuna.trial.FixedTrial(study.best_params))).fit(x, y)


def scores(data: Data, seed: int, *, classes: bool) -> dict[str, float]:
    """Of each method on the test rows, and the seconds that tunewell took."""
    x, y = data
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y if classes else None)
    start = time.perf_counter()
    ours = (tw.TunedClassifier if classes else tw.TunedRegressor)(random_state=seed).fit(x, y)
    seconds = time.perf_counter() - start
    boosting = (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(random_state=seed)
    return {
        "tunewell": ours.score(x_test, y_test),
        "MLP": network(seed, classes=classes).fit(x, y).score(x_test, y_test),
        "MLP + Optuna": tuned_by_optuna(x, y, seconds, seed, classes=classes).score(x_test, y_test),
        "boosting": boosting.fit(x, y).score(x_test, y_test),
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")  # that a network has not converged is its method's affair
    tw.TunedClassifier(budget=1, max_epochs=1).fit(*datasets.load_iris(return_X_y=True))  # compiled before it is timed
    names = ["tunewell", "MLP", "MLP + Optuna", "boosting", "seconds"]
    print("| | rows | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 2) + "|")
    for classes, sets in ((True, CLASSES), (False, QUANTITIES)):
        for name, load in sets.items():
            data = load()
            found = [scores(data, seed, classes=classes) for seed in range(seeds)]
            cells = [
                f"{np.mean([s[n] for s in found]):.3f} ± {np.std([s[n] for s in found]):.3f}"
                if n != "seconds"
                else f"{np.mean([s[n] for s in found]):.1f}"
                for n in names
            ]
            print(f"| {name} | {len(data[0])} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
