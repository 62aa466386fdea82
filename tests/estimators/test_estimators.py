"""The estimators: scikit-learn's own checks, tables as they come, and models in files."""

import pickle
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import tunewell as tw
from tunewell.errors import SettingError, SpaceError
from tunewell.estimators import SavedModel
from tunewell.estimators.columns import Columns
from tunewell.estimators.rows import Rows, parted

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
QUICK = {"budget": 4, "max_epochs": 20}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", [tw.TunedClassifier, tw.TunedRegressor])
def test_all_checks_of_scikit_learn_pass(cls):
    """But one: batches and the rows that judge are drawn, so that a row of weight 2 is not one that is there twice."""
    not_claimed = {"check_sample_weight_equivalence_on_dense_data": "batches and validation rows are drawn by row"}
    check_estimator(cls(budget=4, max_epochs=15), expected_failed_checks=not_claimed)


@pytest.fixture
def wine():
    return train_test_split(*load_wine(return_X_y=True), random_state=0)


def mixed(n=240, seed=0):
    """Numbers with gaps, a category that decides, one with an unknown word in the last rows."""
    rng = np.random.default_rng(seed)
    kind, size = rng.choice(["a", "b", "c"], n), rng.normal(50, 10, n)
    table = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.2, np.nan, size),
            "kind": pd.Series(kind, dtype="category"),
            "flag": rng.random(n) < 0.5,
            "place": rng.choice(["x", "y", None], n),
        }
    )
    answer = np.where(kind == "a", "yes", np.where(table["flag"] & (kind == "b"), "yes", "no"))
    return table, answer


@pytest.fixture(scope="module")
def tuned():
    """A model of the table, fitted to its first 180 rows; nobody changes it."""
    table, answer = mixed()
    return tw.TunedClassifier(**QUICK).fit(table[:180], answer[:180])


def test_a_classifier_learns_and_keeps_its_study(wine):
    x_train, x_test, y_train, y_test = wine
    model = tw.TunedClassifier(**QUICK).fit(x_train, y_train)
    assert model.score(x_test, y_test) > 0.9
    assert model.study_.spent.epochs == 4 * 20
    assert set(model.best_params_) == set(model.study_.space.names)
    assert model.predict_proba(x_test).sum(axis=1) == pytest.approx(1.0)


def test_a_regressor_learns():
    x_train, x_test, y_train, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
    assert tw.TunedRegressor(**QUICK).fit(x_train, y_train).score(x_test, y_test) > 0.15


def test_the_same_random_state_gives_the_same_model(wine):
    x_train, x_test, y_train, _ = wine
    one, same, other = (
        tw.TunedClassifier(budget=2, max_epochs=10, random_state=seed).fit(x_train, y_train).predict_proba(x_test)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_it_works_where_estimators_do(wine):
    x_train, _, y_train, _ = wine
    scores = cross_val_score(make_pipeline(tw.TunedClassifier(budget=2, max_epochs=15)), x_train, y_train, cv=2)
    assert scores.min() > 0.7


def test_it_can_be_pickled(tuned):
    table, _ = mixed()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tuned)).predict(table), tuned.predict(table))


def test_a_table_with_gaps_and_categories_needs_no_preparation(tuned):
    table, answer = mixed()
    assert tuned.score(table[180:], answer[180:]) > 0.9
    unseen = table[180:].assign(kind="never seen", place=None, size=np.nan)
    assert set(tuned.predict(unseen)) <= {"yes", "no"}


def test_categories_count(wine):
    """Without the column that decides nothing can be told."""
    table, answer = mixed()
    blind = tw.TunedClassifier(**QUICK).fit(table[["size", "place"]][:180], answer[:180])
    assert blind.score(table[["size", "place"]][180:], answer[180:]) < 0.8


def test_a_gap_counts_as_the_median_which_outliers_do_not_move():
    column = Columns.learn(pd.DataFrame({"size": [1.0, 2.0, 3.0, np.nan, 1000.0, np.nan]})).columns[0]
    gap, median = column.numbers(np.array([np.nan, 2.5]))
    assert gap[0] == median[0]
    assert (gap[1], median[1]) == (1.0, 0.0)  # and is told apart from it


def test_the_validation_rows_teach_nothing_to_the_columns():
    table = pd.DataFrame({"x": np.arange(100.0)})
    model = tw.TunedRegressor(budget=1, max_epochs=2, refit=False).fit(table, np.arange(100.0))
    rows = len(table) - 20
    assert model.columns_.columns[0].mean != pytest.approx(table["x"].mean(), abs=1e-9)
    assert rows == 80


def test_a_saved_model_answers_the_same(tuned, tmp_path):
    table, _ = mixed()
    tuned.to_model("answer").save(tmp_path / "a.model")
    saved = SavedModel.load(tmp_path / "a.model")
    np.testing.assert_array_equal(saved.predict(table), tuned.predict(table))
    np.testing.assert_allclose(saved.predict_proba(table), tuned.predict_proba(table))
    numbers = table["size"].fillna(50.0)
    regressor = tw.TunedRegressor(budget=2, max_epochs=5).fit(table, numbers)
    regressor.to_model("size").save(tmp_path / "b.model")
    np.testing.assert_allclose(SavedModel.load(tmp_path / "b.model").predict(table), regressor.predict(table))


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_file_that_holds_no_model_is_named(tmp_path, content):
    (tmp_path / "x.model").write_bytes(content)
    with pytest.raises(SettingError, match=r"x.model holds no model.*tunewell fit"):
        SavedModel.load(tmp_path / "x.model")


def test_bad_input_is_named():
    x, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 2
    holed = x.copy()
    holed[7, 2] = np.nan
    with pytest.raises(ValueError, match="NaN: in column 2, first in row 7"):
        tw.TunedClassifier().fit(holed, y)
    with pytest.raises(ValueError, match="only one class is present"):
        tw.TunedClassifier().fit(x, np.zeros(30, int))
    with pytest.raises(ValueError, match=r"n_samples=1|minimum of 2"):
        tw.TunedRegressor().fit(x[:1], y[:1])
    with pytest.raises(ValueError, match="NaN or infinity, first in row 3"):
        tw.TunedRegressor().fit(x, np.where(np.arange(30) == 3, np.nan, 1.0))
    table, answer = mixed(60)
    model = tw.TunedClassifier(budget=1, max_epochs=2).fit(table, answer)
    with pytest.raises(ValueError, match="kind"):
        model.predict(table.drop(columns="kind"))
    with pytest.raises(SettingError, match="column 'size' is infinite in row 0"):
        model.predict(table.assign(size=np.inf))


@pytest.fixture(scope="module")
def rare():
    """Rows of which a tenth are of the class to find."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    return x, np.where(x[:, 0] + rng.normal(size=300) * 0.4 > 1.3, "fraud", "legit")


@pytest.mark.parametrize(
    ("scoring", "metric", "direction"),
    [
        (None, "val_loss", "minimize"),
        ("f1", "val_f1", "maximize"),
        ("auc", "val_roc_auc", "maximize"),
        ("average_precision", "val_average_precision", "maximize"),
        ("balanced_accuracy", "val_balanced_accuracy", "maximize"),
        ("log_loss", "val_log_loss", "minimize"),
        ("neg_log_loss", "val_neg_log_loss", "maximize"),
    ],
)
def test_what_is_tuned_is_the_score_that_is_wanted(rare, scoring, metric, direction):
    x, y = rare
    model = tw.TunedClassifier(budget=1, max_epochs=8, scoring=scoring, pos_label="fraud").fit(
        x[:200], y[:200], validation_data=(x[200:], y[200:])
    )
    assert (model.study_.metric, model.study_.record.direction) == (metric, direction)
    best = model.study_.best
    assert (dict(best.params), best.epoch) == (model.best_params_, model.best_epoch_)
    measured = {
        "val_f1": lambda: f1_score(y[200:], model.predict(x[200:]), pos_label="fraud"),
        "val_roc_auc": lambda: roc_auc_score(y[200:] == "fraud", model.predict_proba(x[200:])[:, 0]),
        "val_log_loss": lambda: log_loss(y[200:], model.predict_proba(x[200:])),
    }.get(metric)
    assert measured is None or best.value == pytest.approx(measured())


def test_a_function_may_score():
    x = np.random.default_rng(0).normal(size=(60, 2))
    table = pd.DataFrame(x, columns=["a", "b"])

    def nearness(model, table, y):
        assert list(table.columns) == ["a", "b"]
        return -float(np.abs(model.predict(table) - y).max())

    model = tw.TunedRegressor(budget=1, max_epochs=4, scoring=nearness).fit(
        table, x[:, 0], validation_data=(table, x[:, 0])
    )
    assert model.study_.best.value == pytest.approx(nearness(model, table, x[:, 0]))


@pytest.mark.parametrize("cls", [tw.TunedClassifier, tw.TunedRegressor])
def test_rows_count_by_their_weights(cls):
    """Half of the rows say the opposite, and count little in training and in what is measured."""
    x = np.random.default_rng(0).normal(size=(240, 2))
    is_wrong = np.arange(240) % 2 == 0
    y = np.where(is_wrong, x[:, 0] < 0, x[:, 0] > 0).astype(int)
    weights = np.where(is_wrong, 0.01, 1.0)
    model = cls(budget=2, max_epochs=15).fit(x, y, sample_weight=weights)
    right = (model.predict(x) > 0.5) == (x[:, 0] > 0)
    assert right.mean() > 0.9
    assert model.study_.best.value < 0.3  # the loss of the rows that judge, of which half say the opposite
    none = cls(budget=1, max_epochs=3).fit(x, y, sample_weight=~is_wrong)
    without = cls(budget=1, max_epochs=3).fit(x[~is_wrong], y[~is_wrong], sample_weight=np.ones(120))
    np.testing.assert_array_equal(none.predict(x), without.predict(x))


def test_classes_count_by_their_weights(rare):
    x, y = rare
    one_setting = tw.Space(learning_rate=tw.Float(0.01, 0.011))
    quick = {"budget": 1, "max_epochs": 15, "space": one_setting, "scheduler": "full"}
    plain, balanced, strong = (
        tw.TunedClassifier(**quick, class_weight=weight).fit(x, y) for weight in (None, "balanced", {"fraud": 50.0})
    )
    found = [model.predict_proba(x)[:, 0].mean() for model in (plain, balanced, strong)]
    assert found[0] < found[1] < found[2]
    weights = np.where(y == "fraud", len(y) / 2 / (y == "fraud").sum(), len(y) / 2 / (y == "legit").sum())
    same = tw.TunedClassifier(**quick).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(balanced.predict_proba(x), same.predict_proba(x))


def test_no_group_is_on_both_sides():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 12, 150)
    rows = Rows(pd.DataFrame({"group": groups}), groups % 3, None)
    train, judge = parted(rows, 0.25, groups, seed=1)
    assert not set(train.table["group"]) & set(judge.table["group"])
    assert len(train) + len(judge) == 150
    assert 15 < len(judge) < 60
    assert set(train.targets) == {0, 1, 2}


def test_own_rows_judge_and_train_nothing():
    x = np.random.default_rng(0).normal(size=(60, 2))
    model = tw.TunedRegressor(budget=1, max_epochs=2).fit(x, x[:, 0], validation_data=(x[:7] + 100, x[:7, 0]))
    assert model.columns_.columns[0].mean == pytest.approx(x[:, 0].mean())
    refitted = tw.TunedRegressor(budget=1, max_epochs=2, refit=True).fit(
        x, x[:, 0], validation_data=(x[:7], x[:7, 0], np.ones(7))
    )
    assert refitted.best_epoch_ >= 1


def test_weights_and_scores_work_where_estimators_do(rare):
    x, y = rare
    quick = {"budget": 1, "max_epochs": 3}
    pipeline = make_pipeline(StandardScaler(), tw.TunedClassifier(**quick))
    pipeline.fit(x, y, tunedclassifier__sample_weight=np.ones(len(y)), tunedclassifier__groups=np.arange(len(y)) // 9)
    search = GridSearchCV(
        tw.TunedClassifier(**quick, scoring="f1"), {"class_weight": [None, "balanced", {"legit": 0.5}]}, cv=2
    )
    search.fit(x, y, sample_weight=np.ones(len(y)))
    assert set(clone(search.best_estimator_).get_params()) >= {"scoring", "class_weight", "pos_label"}
    assert search.best_estimator_.study_.metric == "val_f1"


@pytest.mark.parametrize(
    ("settings", "given", "named"),
    [
        ({"scoring": "f11"}, {}, "no scoring 'f11' of classes; did you mean 'f1'?"),
        ({"scoring": "r2"}, {}, "no scoring 'r2' of classes"),
        ({"scoring": 3}, {}, "scoring must be a name such as 'f1'"),
        ({"scoring": "roc_auc"}, {"validation_data": (np.eye(20)[:3], ["a"] * 3)}, "'roc_auc'"),
        ({"scoring": lambda model, x, y: 1.0}, {"sample_weight": np.ones(20)}, "takes no weights"),
        ({"class_weight": {"c": 2.0}}, {}, "class_weight names the class 'c', which y has not"),
        ({"class_weight": {"a": 0.0}}, {}, "weights of classes must be finite and above 0"),
        ({"pos_label": "A"}, {}, "pos_label 'A' is no class of y; did you mean 'a'?"),
        ({"validation_fraction": 1.5}, {}, "validation_fraction must be above 0 and below 1"),
        ({}, {"sample_weight": -np.ones(20)}, "Negative values"),
        ({}, {"sample_weight": np.zeros(20)}, "non-zero"),
        ({}, {"sample_weight": np.ones(3)}, "sample_weight.shape"),
        ({}, {"groups": np.ones(20)}, "groups has one group alone"),
        ({}, {"groups": np.ones(3)}, "inconsistent numbers of samples"),
        ({}, {"validation_data": np.eye(20)}, "validation_data must be"),
        ({}, {"validation_data": (np.eye(20), ["c"] * 20)}, "validation_data has the class 'c', which y has not"),
        ({}, {"validation_data": (np.eye(3), ["a"] * 3)}, "X has 3 features"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_what_cannot_be_weighed_or_scored_is_refused_before_the_training(settings, given, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        tw.TunedClassifier(budget=1, **settings).fit(np.eye(20), np.array(["a", "b"])[np.arange(20) % 2], **given)


def test_a_linear_task_is_learned_as_well_as_a_linear_model_does():
    x = np.random.default_rng(0).normal(size=(2300, 10))  # most of them to score with: 100 would say little
    y = x @ np.arange(10) + np.random.default_rng(1).normal(size=2300) * 5 > 0
    linear = LogisticRegression().fit(x[:300], y[:300]).score(x[300:], y[300:])
    assert tw.TunedClassifier(**QUICK).fit(x[:300], y[:300]).score(x[300:], y[300:]) > linear - 0.1


def test_without_scikit_learn_the_extra_is_named():
    code = "import sys; sys.modules['sklearn'] = None; import tunewell; tunewell.TunedClassifier"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'tunewell[sklearn]'" in done.stderr


def test_a_rate_that_is_far_too_high_costs_its_trial_alone(wine):
    x_train, _, y_train, _ = wine
    space = tw.Space(learning_rate=tw.Float(1e-3, 1e200, scale="log", default=1e180))
    model = tw.TunedClassifier(budget=6, max_epochs=10, space=space).fit(x_train, y_train)
    assert {str(trial.state) for trial in model.study_.trials} >= {"stopped", "complete"}
    assert np.isfinite(model.predict_proba(x_train)).all()


@pytest.mark.parametrize(
    ("space", "named"),
    [
        (tw.Space(hiden=tw.Int(8, 64)), "the network has no parameter 'hiden'; did you mean 'hidden_units'?"),
        (tw.Space(lr=tw.learning_rate(), momentum=tw.momentum()), "no parameter 'lr'; did you mean 'learning_rate'?"),
        ({"hiden": tw.Int(8, 64)}, "the network has no parameter 'hiden'; did you mean 'hidden_units'?"),
        ([tw.dropout()], "space must be a tw.Space"),
    ],
)
@pytest.mark.parametrize("cls", [tw.TunedClassifier, tw.TunedRegressor])
def test_what_the_network_does_not_have_is_not_tuned(cls, space, named):
    with pytest.raises(SpaceError) as raised:
        cls(budget=1, space=space).fit(np.eye(20), np.arange(20) % 2)
    assert named in str(raised.value)
