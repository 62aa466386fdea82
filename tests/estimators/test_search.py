"""The search over any estimator: as scikit-learn's own, with fewer fits in full."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import expon, loguniform, norm, randint, uniform
from sklearn.base import clone
from sklearn.datasets import load_wine, make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GroupKFold, RandomizedSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

import tunewell as tw
from tunewell.errors import SettingError, SpaceError
from tunewell.estimators.distributions import Distributions
from tunewell.estimators.learners import Resource

QUICK = {"n_iter": 3, "cv": 3, "random_state": 0, "scheduler": "asha"}
X, Y = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)


def sgd(**settings):
    return make_pipeline(StandardScaler(), SGDClassifier(random_state=0, **settings))


ALPHA = {"sgdclassifier__alpha": loguniform(1e-6, 1)}


def test_poor_candidates_of_a_pipeline_are_stopped_early_and_the_best_is_trained_on_all_rows():
    search = tw.TunedSearchCV(sgd(), ALPHA, max_resources=8, **QUICK).fit(X, Y)
    trained = search.cv_results_["n_resources"]
    assert len(trained) > 3
    assert trained.max() <= 8
    assert search.study_.spent.epochs == 3 * 8
    assert search.score(X, Y) > 0.5
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
    assert search.best_estimator_[-1].t_ == 1 + len(X) * trained[search.best_index_]
    assert search.best_estimator_[-1].random_state == 0


def test_of_an_estimator_that_is_fitted_whole_poor_candidates_are_fitted_on_few_folds():
    search = tw.TunedSearchCV(SVC(), {"C": loguniform(1e-3, 1e3), "class_weight": [None, "balanced"]}, **QUICK).fit(
        X, Y
    )
    results = search.cv_results_
    scores = np.array([results[f"split{fold}_test_score"] for fold in range(3)])
    assert (np.isfinite(scores).sum(axis=0) == results["n_resources"]).all()
    assert results["n_resources"][search.best_index_] == 3
    assert set(results["param_class_weight"]) <= {None, "balanced"}
    same = cross_val_score(SVC(**search.best_params_), X, Y, cv=3)
    assert np.allclose(same, scores[:, search.best_index_])


def test_trees_are_added_to_those_that_there_are():
    x, y = make_regression(80, 4, noise=1.0, random_state=0)
    booster = GradientBoostingRegressor(n_estimators=20, random_state=0)
    search = tw.TunedSearchCV(booster, {"learning_rate": loguniform(1e-3, 1)}, **QUICK).fit(x, y)
    best = search.cv_results_["n_resources"][search.best_index_]
    assert len(search.best_estimator_.estimators_) == best
    scores = [search.cv_results_[f"split{fold}_test_score"][search.best_index_] for fold in range(3)]
    whole = clone(booster).set_params(n_estimators=int(best), **search.best_params_)
    assert np.allclose(cross_val_score(whole, x, y, cv=3), scores)


@pytest.mark.parametrize(
    ("estimator", "names", "resource"),
    [
        (sgd(), ["sgdclassifier__alpha"], "epochs"),
        (sgd(early_stopping=True), ["sgdclassifier__alpha"], "folds"),
        (MLPClassifier(), ["alpha"], "epochs"),
        (MLPClassifier(), ["solver"], "folds"),
        (MLPClassifier(solver="lbfgs"), ["alpha"], "folds"),
        (RandomForestClassifier(), ["max_depth"], "n_estimators"),
        (RandomForestClassifier(), ["n_estimators"], "folds"),
        (
            make_pipeline(RandomForestClassifier()),
            ["randomforestclassifier__max_depth"],
            "randomforestclassifier__n_estimators",
        ),
        (GaussianNB(), ["var_smoothing"], "folds"),
        (Pipeline([("model", SGDClassifier())]), ["model"], "folds"),
        (StandardScaler(), ["with_mean"], "folds"),
    ],
)
def test_what_a_step_adds_is_what_the_estimator_can_be_given_more_of(estimator, names, resource):
    assert Resource.of(estimator, names, "auto", "auto", 5).name == resource


def test_several_scores_are_kept_and_the_one_named_is_optimized():
    search = tw.TunedSearchCV(
        LogisticRegression(),
        {"C": loguniform(1e-3, 1e3)},
        scoring=["accuracy", "roc_auc_ovr"],
        refit="roc_auc_ovr",
        return_train_score=True,
        **QUICK,
    ).fit(X, Y)
    assert search.multimetric_
    assert search.best_score_ == search.cv_results_["mean_test_roc_auc_ovr"][search.best_index_]
    assert {"mean_test_accuracy", "mean_train_accuracy", "rank_test_roc_auc_ovr"} <= search.cv_results_.keys()
    assert set(search.scorer_) == {"accuracy", "roc_auc_ovr"}


def test_its_attributes_and_columns_are_those_of_a_randomized_search():
    ours = tw.TunedSearchCV(LogisticRegression(), {"C": loguniform(1e-3, 1e3)}, **QUICK).fit(X, Y)
    theirs = RandomizedSearchCV(LogisticRegression(), {"C": loguniform(1e-3, 1e3)}, n_iter=3, cv=3).fit(X, Y)
    assert set(theirs.cv_results_) <= set(ours.cv_results_)
    own = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert own <= set(vars(ours))
    assert (ours.classes_ == theirs.classes_).all()
    assert ours.n_features_in_ == theirs.n_features_in_


def test_groups_go_to_the_splitter_and_weights_to_the_folds_and_the_score():
    groups = np.arange(len(X)) % 6
    search = tw.TunedSearchCV(sgd(), ALPHA, max_resources=3, **{**QUICK, "cv": GroupKFold(3)})
    search.fit(X, Y, groups=groups, sgdclassifier__sample_weight=np.ones(len(X)))
    assert search.n_splits_ == 3
    plain = tw.TunedSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, **QUICK)
    plain.fit(X, Y, sample_weight=np.linspace(0.1, 1, len(X)))
    assert plain.best_score_ != tw.TunedSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, **QUICK).fit(X, Y).best_score_


def test_a_fit_that_fails_has_the_error_score_and_the_search_goes_on():
    search = tw.TunedSearchCV(SVC(), {"C": [-1.0, 1.0], "gamma": ["scale", "auto"]}, **QUICK)
    with pytest.warns(FitFailedWarning, match="C"):
        search.fit(X, Y)
    assert search.best_params_["C"] == 1.0
    with pytest.raises(ValueError, match="'C' parameter of SVC"):
        tw.TunedSearchCV(SVC(), {"C": [-1.0]}, error_score="raise", **QUICK).fit(X, Y)
    with pytest.raises(ValueError, match="fits failed"):
        tw.TunedSearchCV(SVC(), {"C": [-1.0]}, **QUICK).fit(X, Y)


def test_of_several_dictionaries_each_candidate_follows_one():
    grids = [
        {"kernel": ["linear"], "C": loguniform(0.1, 10)},
        {"kernel": ["rbf"], "C": [1, 2], "gamma": uniform(0.1, 1)},
    ]
    search = tw.TunedSearchCV(SVC(), grids, **QUICK).fit(X, Y)
    for setting in search.cv_results_["params"]:
        assert ("gamma" in setting) == (setting["kernel"] == "rbf")
        assert setting["kernel"] == "linear" or setting["C"] in (1, 2)


def test_values_may_be_any_objects_and_steps_of_a_pipeline_too():
    models = Pipeline([("scale", StandardScaler()), ("model", SVC())])
    choices = {
        "model": [SVC(C=0.1), LogisticRegression(), DummyClassifier()],
        "scale": ["passthrough", StandardScaler()],
    }
    search = tw.TunedSearchCV(models, choices, **QUICK).fit(X, Y)
    assert search.best_params_["model"] in choices["model"]
    layers = tw.TunedSearchCV(
        MLPClassifier(random_state=0), {"hidden_layer_sizes": [(4,), (8, 4)]}, max_resources=3, **QUICK
    )
    assert layers.fit(X, Y).best_params_["hidden_layer_sizes"] in [(4,), (8, 4)]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (loguniform(1e-4, 1), tw.Float(1e-4, 1, scale="log")),
        (uniform(0, 2), tw.Float(0, 2)),
        (uniform(0.001, 10), tw.Float(0.001, 10.001)),
        (randint(1, 9), tw.Int(1, 8)),
        (randint(3, 4), tw.Choice([3])),
        (np.array([1, 2, 4]), tw.Choice([1, 2, 4], ordered=True)),
        (range(3), tw.Choice([0, 1, 2], ordered=True)),
        (["a", "b"], tw.Choice(["a", "b"])),
        ([True, False], tw.Choice([True, False])),
        (tw.learning_rate(), tw.learning_rate()),
        ([None, "a", None], tw.Choice(["None", "a"])),
        ([1, "1"], tw.Choice(["1", "1 #2"])),
    ],
)
def test_distributions_are_ranges_on_their_scale(given, param):
    known = Distributions.of({"alpha": given}).space.params["alpha"]
    assert known == param


def test_of_an_infinite_distribution_its_tail_is_left_out():
    space = Distributions.of({"a": expon(scale=10), "b": norm(0, 1), "keys": [1]}).space
    assert space.params["a"].scale == "log"
    assert 60 < space.params["a"].high < 80
    assert space.params["b"].scale == "linear"
    assert "keys_" in space.names


def test_what_is_no_distribution_is_named():
    with pytest.raises(SpaceError, match="alpha: a distribution is"):
        Distributions.of({"alpha": 3})
    with pytest.raises(SpaceError, match="must be a dict"):
        Distributions.of("alpha")
    for settings, words in [
        ({"resource": "n_tree"}, "did you mean|there"),
        ({"resource": "max_depth"}, "is tuned itself"),
        ({"resource": "epochs"}, "has no partial_fit"),
        ({"resource": "n_estimators", "max_resources": 0}, "at least 1"),
    ]:
        with pytest.raises(SettingError, match=words):
            tw.TunedSearchCV(RandomForestClassifier(), {"max_depth": randint(1, 3)}, **settings, **QUICK).fit(X, Y)


def test_the_same_seed_finds_the_same_and_two_jobs_find_something():
    one, other = (tw.TunedSearchCV(sgd(), ALPHA, max_resources=3, **QUICK).fit(X, Y) for _ in range(2))
    assert one.best_params_ == other.best_params_
    assert tw.TunedSearchCV(sgd(), ALPHA, max_resources=3, n_jobs=2, **QUICK).fit(X, Y).best_score_ > 0.4


def test_a_table_and_no_refit_and_a_record(tmp_path):
    x, y = load_wine(as_frame=True, return_X_y=True)
    search = tw.TunedSearchCV(sgd(), ALPHA, max_resources=3, refit=False, store=tmp_path / "a.db", **QUICK).fit(x, y)
    assert not hasattr(search, "best_estimator_")
    assert tw.Study.open(tmp_path / "a.db").best.value == pytest.approx(search.best_score_)
    refitted = clone(search).set_params(refit=True, store=None).fit(x, y)
    assert list(refitted.feature_names_in_) == list(x.columns)
    assert isinstance(pd.DataFrame(refitted.cv_results_), pd.DataFrame)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_all_checks_of_scikit_learn_pass():
    settings = {**QUICK, "cv": 2, "n_iter": 2, "error_score": "raise"}
    check_estimator(tw.TunedSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, **settings))
