"""The search over any estimator: as scikit-learn's own, with fewer fits in full."""

import multiprocessing
import os
import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import expon, loguniform, norm, randint, uniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_wine, make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GroupKFold, KFold, RandomizedSearchCV, cross_val_score
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
from tunewell.stores import MemoryStore

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
    assert search.n_fits_ == 3
    assert search.score(X, Y) > 0.5
    in_full = trained == trained.max()
    assert search.best_score_ == search.cv_results_["mean_test_score"][in_full].max()
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
    assert search.best_estimator_[-1].t_ == 1 + len(X) * trained[search.best_index_]
    assert search.best_estimator_[-1].random_state == 0


def test_of_an_estimator_that_is_fitted_whole_poor_candidates_are_fitted_on_few_rows():
    space = {"C": loguniform(1e-3, 1e3), "class_weight": [None, "balanced"]}
    search = tw.TunedSearchCV(SVC(), space, **QUICK).fit(X, Y)
    results, best = search.cv_results_, search.best_index_
    assert results["n_resources"].min() == 80 // 3
    assert results["n_resources"][best] == 80
    assert search.n_fits_ == 3
    assert set(results["param_class_weight"]) <= {None, "balanced"}
    scores = [results[f"split{split}_test_score"][best] for split in range(3)]
    assert np.allclose(cross_val_score(SVC(**search.best_params_), X, Y, cv=3), scores)


def test_or_on_few_folds():
    search = tw.TunedSearchCV(SVC(), {"C": loguniform(1e-3, 1e3)}, resource="folds", **QUICK).fit(X, Y)
    results = search.cv_results_
    scores = np.array([results[f"split{fold}_test_score"] for fold in range(3)])
    assert (np.isfinite(scores).sum(axis=0) == results["n_resources"]).all()
    assert results["n_resources"][search.best_index_] == 3


def test_few_rows_have_all_classes_in_their_shares():
    x, y = make_classification(300, 4, n_informative=3, n_redundant=0, weights=[0.9], random_state=0)
    seen = []

    class Seeing(LogisticRegression):
        def fit(self, x, y):
            seen.append((len(y), np.mean(y)))
            return super().fit(x, y)

    tw.TunedSearchCV(Seeing(), {"C": loguniform(1e-3, 1e3)}, **QUICK).fit(x, y)
    assert {n for n, _ in seen} == {22, 66, 200, 300}
    assert all(abs(share - y.mean()) < 0.05 for _, share in seen)


def test_the_estimators_own_setting_comes_first():
    space = {"C": loguniform(1e-3, 1e3), "gamma": loguniform(1e-3, 10), "class_weight": ["balanced", None]}
    search = tw.TunedSearchCV(SVC(C=7.0), space, **QUICK).fit(X, Y)
    first = search.cv_results_["params"][0]
    assert first["C"] == 7.0
    assert first["class_weight"] is None
    assert first["gamma"] == pytest.approx(0.1)  # 'scale' is none of the range


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
        (sgd(early_stopping=True), ["sgdclassifier__alpha"], "rows"),
        (MLPClassifier(), ["alpha"], "epochs"),
        (MLPClassifier(), ["solver"], "rows"),
        (MLPClassifier(solver="lbfgs"), ["alpha"], "rows"),
        (RandomForestClassifier(), ["max_depth"], "n_estimators"),
        (RandomForestClassifier(), ["n_estimators"], "rows"),
        (HistGradientBoostingClassifier(), ["max_depth"], "max_iter"),
        (HistGradientBoostingClassifier(early_stopping=True), ["max_depth"], "rows"),
        (GradientBoostingRegressor(n_iter_no_change=3), ["max_depth"], "rows"),
        (LogisticRegression(warm_start=True), ["C"], "rows"),
        (
            make_pipeline(RandomForestClassifier()),
            ["randomforestclassifier__max_depth"],
            "randomforestclassifier__n_estimators",
        ),
        (GaussianNB(), ["var_smoothing"], "rows"),
        (Pipeline([("model", SGDClassifier())]), ["model"], "rows"),
        (StandardScaler(), ["with_mean"], "rows"),
    ],
)
def test_what_a_step_adds_is_what_the_estimator_can_be_given_more_of(estimator, names, resource):
    assert Resource.of(estimator, names, "auto", "auto", n_splits=5, n_rows=100).name == resource


def test_a_look_costs_a_part_of_a_fit_in_full():
    of = partial(Resource.of, n_splits=3)
    of_rows = (30, 30, 30, *[90] * 9, 270)
    assert of(SVC(), [], "rows", "auto", n_rows=270) == Resource("rows", of_rows, 9)
    assert of(SVC(), [], "rows", "auto", n_rows=100) == Resource("rows", (33, 33, 33, 100), 3)
    assert of(SVC(), [], "rows", "auto", n_rows=30) == Resource("rows", (30,), 1)
    assert of(SVC(), [], "auto", "auto", n_rows=30) == Resource("folds", (1, 2, 3), 3)
    of_epochs = (10, 10, 30, *[30] * 5, 90)
    assert of(MLPClassifier(max_iter=90), [], "epochs", 90, n_rows=9) == Resource("epochs", of_epochs, 9)
    assert of(MLPClassifier(), [], "epochs", 4, n_rows=9) == Resource("epochs", (1, 1, 4), 3)


@pytest.mark.parametrize("epochs", [5, 30])
def test_a_candidate_in_full_has_all_its_epochs(epochs):
    search = tw.TunedSearchCV(sgd(), {"sgdclassifier__alpha": [1e-3]}, max_resources=epochs, **QUICK).fit(X, Y)
    assert search.cv_results_["n_resources"].max() == epochs
    assert search.best_estimator_[-1].t_ == 1 + epochs * len(X)


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


def test_the_same_seed_finds_the_same_however_many_jobs_there_are():
    one, two = (tw.TunedSearchCV(sgd(), ALPHA, max_resources=3, n_jobs=n, **QUICK).fit(X, Y) for n in (None, 2))
    assert one.cv_results_["params"] == two.cv_results_["params"]
    assert (one.cv_results_["mean_test_score"] == two.cv_results_["mean_test_score"]).all()


class Dying(SGDClassifier):
    """Kills its process after so many epochs."""

    left = 10**9

    def partial_fit(self, x, y, classes=None, sample_weight=None):
        Dying.left -= 1
        if Dying.left < 0:
            os._exit(9)
        return super().partial_fit(x, y, classes, sample_weight)


@pytest.mark.parametrize("scheduler", ["asha", "auto"])
def test_a_search_that_was_killed_goes_on_in_another_process_as_if_it_had_not_been(tmp_path, scheduler):
    space = {"alpha": loguniform(1e-6, 1)}
    settings = {**QUICK, "scheduler": scheduler, "max_resources": 6, "scoring": ["accuracy", "f1_macro"]}
    settings |= {"refit": "f1_macro", "return_train_score": True}
    whole = tw.TunedSearchCV(Dying(random_state=0), space, **settings).fit(X, Y)
    resumed = tw.TunedSearchCV(Dying(random_state=0), space, store=tmp_path / "a.db", resume=True, **settings)
    for left in (20, 9):
        assert _dies_after(left, resumed) == 9
    resumed.fit(X, Y)
    assert tw.Study.open(tmp_path / "a.db").others() == []
    assert resumed.best_params_ == whole.best_params_
    for name, column in whole.cv_results_.items():
        if "_time" not in name:
            assert np.array_equal(np.ma.filled(column), np.ma.filled(resumed.cv_results_[name])), name
    assert (resumed.best_estimator_.coef_ == whole.best_estimator_.coef_).all()


def test_a_table_and_no_refit_and_a_record(tmp_path):
    x, y = load_wine(as_frame=True, return_X_y=True)
    search = tw.TunedSearchCV(sgd(), ALPHA, max_resources=3, refit=False, store=tmp_path / "a.db", **QUICK).fit(x, y)
    assert not hasattr(search, "best_estimator_")
    assert tw.Study.open(tmp_path / "a.db").best.value == pytest.approx(search.best_score_)
    refitted = clone(search).set_params(refit=True, store=MemoryStore()).fit(x, y)
    assert len(refitted.store.studies()) == 1
    assert list(refitted.feature_names_in_) == list(x.columns)
    assert isinstance(pd.DataFrame(refitted.cv_results_), pd.DataFrame)


def test_on_record_are_the_rows_too_and_none_goes_on_with_others(tmp_path):
    search = tw.TunedSearchCV(sgd(), ALPHA, max_resources=2, store=tmp_path / "a.db", resume=True, **QUICK).fit(X, Y)
    again = clone(search).fit(X, Y)  # nothing is left to be done
    assert again.study_.spent.epochs == search.study_.spent.epochs
    assert (again.cv_results_["mean_test_score"] == search.cv_results_["mean_test_score"]).all()
    for rows, cv in [((X[:-1], Y[:-1]), 3), ((X, Y), KFold(3, shuffle=True, random_state=1))]:
        with pytest.raises(SettingError, match="other rows or splits"):
            clone(search).set_params(cv=cv).fit(*rows)
    clone(search).set_params(resume=False, n_iter=1).fit(X[:-1], Y[:-1])
    assert [one.name for one in tw.Study.open(tmp_path / "a.db", "search").others()] == ["search-2"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_iter": 0}, "n_iter must be a number of at least 1"),
        ({"n_iter": "ten"}, "n_iter must be"),
        ({"cv": []}, "cv has no splits"),
        ({"error_score": "ignore"}, "The 'error_score' parameter"),
        ({"scoring": "acuracy"}, "The 'scoring' parameter"),
    ],
)
def test_what_cannot_be_used_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        tw.TunedSearchCV(sgd(), ALPHA, **{**QUICK, **settings}).fit(X, Y)


def test_splits_may_be_masks_and_a_search_may_be_pickled():
    rows = np.arange(len(X))
    masks = [(rows % 3 != number, rows % 3 == number) for number in range(3)]
    numbers = [(np.flatnonzero(train), np.flatnonzero(test)) for train, test in masks]
    one, other = (
        tw.TunedSearchCV(LogisticRegression(), {"C": loguniform(1e-3, 1e3)}, **{**QUICK, "cv": cv}).fit(X, Y)
        for cv in (masks, numbers)
    )
    assert one.best_score_ == other.best_score_
    copied = pickle.loads(pickle.dumps(one))
    assert (copied.predict(X) == one.predict(X)).all()
    assert clone(copied).get_params().keys() == one.get_params().keys()


def test_routed_metadata_go_to_the_fits_the_score_and_the_splitter():
    with config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        search = tw.TunedSearchCV(
            model,
            {"C": loguniform(1e-3, 1e3)},
            scoring=make_scorer(accuracy_score).set_score_request(sample_weight=True),
            **{**QUICK, "cv": GroupKFold(3)},
        )
        weights, groups = np.linspace(0.1, 1, len(X)), np.arange(len(X)) % 6
        search.fit(X, Y, sample_weight=weights, groups=groups)
        scores = cross_val_score(
            clone(model).set_params(**search.best_params_), X, Y,
            params={"sample_weight": weights, "groups": groups}, cv=GroupKFold(3), scoring=search.scoring,
        )  # fmt: skip
    assert search.best_score_ == pytest.approx(scores.mean())


def _dies_after(epochs, search):
    """Return how another process ended."""

    def fit():
        Dying.left = epochs
        search.fit(X, Y)

    process = multiprocessing.get_context("fork").Process(target=fit)
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_all_checks_of_scikit_learn_pass():
    settings = {**QUICK, "cv": 2, "n_iter": 2, "error_score": "raise"}
    check_estimator(tw.TunedSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, **settings))


@pytest.mark.parametrize("n_iter", [1.5, 2.2])
def test_a_small_budget_has_enough_for_the_best_candidate_to_be_trained_in_full(n_iter):
    x, y = load_wine(return_X_y=True)
    search = tw.TunedSearchCV(
        SGDClassifier(random_state=0),
        {"alpha": loguniform(1e-6, 1)},
        n_iter=n_iter,
        max_resources=9,
        cv=3,
        random_state=0,
    )
    search.fit(x, y)
    assert search.n_fits_ <= np.ceil(9 * n_iter) / 9
    assert search.cv_results_["n_resources"][search.best_index_] == 9
