"""The estimators: scikit-learn's own checks, tables as they come, and models in files."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import tunewell as tw
from tunewell.errors import SettingError, SpaceError
from tunewell.estimators import SavedModel
from tunewell.estimators.columns import Columns

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
QUICK = {"budget": 4, "max_epochs": 20}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", [tw.TunedClassifier, tw.TunedRegressor])
def test_all_checks_of_scikit_learn_pass(cls):
    check_estimator(cls(budget=4, max_epochs=15))


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
