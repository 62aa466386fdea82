"""Checkpoints of scikit-learn's estimators: trained on from one, they are those that were not interrupted."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_wine
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import Perceptron, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tunewell as tw
from tunewell import checkpoint
from tunewell.checkpoint.sklearn_estimators import put, take
from tunewell.errors import CheckpointError

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)


def grown(model, epoch):
    """Train a model for one more epoch, or by one more tree."""
    if hasattr(model, "partial_fit"):
        classes = {} if isinstance(model, MiniBatchKMeans) else {"classes": np.unique(Y)}
        model.partial_fit(X, Y, **classes)
    else:
        name = "n_estimators" if hasattr(model, "n_estimators") else "max_iter"
        model.set_params(**{name: epoch}).fit(X, Y)


@pytest.mark.parametrize(
    "model",
    [
        SGDClassifier(random_state=0),
        SGDClassifier(loss="log_loss", average=True, random_state=0),
        Perceptron(random_state=0),
        MLPClassifier((8,), random_state=0),
        GaussianNB(),
        MiniBatchKMeans(3, random_state=0, n_init=1),
        RandomForestClassifier(warm_start=True, random_state=0, max_depth=3),
        GradientBoostingClassifier(warm_start=True, random_state=0, subsample=0.7),
        HistGradientBoostingClassifier(warm_start=True, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_an_estimator_goes_on_from_its_checkpoint_as_if_nothing_had_been(model, tmp_path):
    curves = []
    for restored in (False, True):
        own, run = clone(model), tw.Run({})
        run.track(model=own)
        for epoch in range(1, 5):
            if restored and epoch == 3:
                own, other = clone(model), tw.Run({})
                other.track(model=own)
                other.restore(tmp_path / "model.npz")
            grown(own, epoch)
            if epoch == 2:
                run.checkpoint(tmp_path / "model.npz")
        curves.append(own.transform(X) if isinstance(own, MiniBatchKMeans) else own.predict(X))
        if hasattr(own, "predict_proba"):
            curves[-1] = own.predict_proba(X)
    assert np.array_equal(*curves)


def test_a_pipeline_is_filled_part_by_part():
    trained = make_pipeline(StandardScaler(), SGDClassifier(random_state=0)).fit(X, Y)
    fresh = make_pipeline(StandardScaler(), SGDClassifier(random_state=0, alpha=1.0))
    checkpoint.refill({"model": fresh}, checkpoint.capture({"model": trained}))
    assert np.array_equal(fresh.predict(X), trained.predict(X))
    assert fresh[-1].alpha == 1.0
    with pytest.raises(CheckpointError, match="make it as it was made then"):
        put(SGDClassifier(), take(trained))


def test_what_is_not_learned_any_more_is_forgotten():
    model = SGDClassifier(random_state=0)
    fresh = take(model)
    put(model.fit(X, Y), fresh)
    assert not hasattr(model, "coef_")


def test_what_is_not_of_scikit_learn_is_neither_saved_nor_made():
    class Own(BaseEstimator):
        def fit(self):
            self.file_ = open
            return self

    with pytest.raises(CheckpointError, match="file_"):
        take(Own().fit())
    for name in ("os:system", "sklearn.utils:os", "sklearn.nothing:System", "builtins:list"):
        with pytest.raises((CheckpointError, ImportError)):
            put(SGDClassifier(), {"": {"coef_": {"object": [name, True, ["true"], None]}}})
    with pytest.raises(CheckpointError, match="no class"):
        put(SGDClassifier(), {"": {"coef_": {"object": ["sklearn.pipeline:Pipeline", True, [[]], None]}}})
