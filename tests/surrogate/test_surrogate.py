"""What models see of a setting, and what past studies have to say."""

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewell as tw
from tunewell.errors import SettingError
from tunewell.surrogate import Coordinates, CurveModel, Past, trust
from tunewell.surrogate.curves import matern, matern_of, squared_differences, squared_distances

SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log"),
    batch_size=tw.Int(16, 512, scale="log"),
    momentum=tw.Float(0.5, 0.99, scale="log1m"),
    weight_decay=tw.Float(1e-6, 1e-1, scale="log"),
)


def products(**setting):
    """The coordinates that a setting has beside its own."""
    return Coordinates(SPACE).of(SPACE.encode(setting)[np.newaxis])[0, len(SPACE.params) :]


def test_a_larger_batch_with_a_rate_as_much_larger_makes_as_much_noise():
    one = products(learning_rate=0.01, batch_size=32, momentum=0.9, weight_decay=1e-4)
    other = products(learning_rate=0.04, batch_size=128, momentum=0.9, weight_decay=1e-4)
    assert one[0] == pytest.approx(other[0])
    assert one[1] < other[1]


def test_momentum_of_99_hundredths_moves_weights_as_far_as_a_rate_ten_times_that_of_9_tenths():
    one = products(learning_rate=0.1, batch_size=32, momentum=0.9, weight_decay=1e-4)
    other = products(learning_rate=0.01, batch_size=32, momentum=0.99, weight_decay=1e-4)
    assert one == pytest.approx(other)


def test_products_stay_in_the_unit_cube():
    points = np.random.default_rng(0).random((200, 4))
    coordinates = Coordinates(SPACE).of(SPACE.rounded(points))
    assert coordinates.shape == (200, 7)
    assert coordinates.min() >= 0
    assert coordinates.max() <= 1 + 1e-9


@pytest.mark.parametrize(
    "space",
    [
        tw.Space(x=tw.Float(0, 1), y=tw.Float(0, 1)),
        tw.Space(learning_rate=tw.Float(1e-4, 1.0, scale="log"), width=tw.Int(1, 9)),
        tw.Space(learning_rate=tw.Choice([0.1, 0.01]), batch_size=tw.Int(16, 512)),
        tw.Space(learning_rate=tw.Float(0.0, 1.0), batch_size=tw.Int(16, 512)),
    ],
)
def test_where_nothing_is_known_of_the_parameters_there_are_no_products(space):
    assert Coordinates(space).of(np.full((1, 2), 0.5)).shape == (1, 2)


def test_a_product_with_an_inactive_parameter_is_inactive():
    space = tw.Space(
        optimizer=tw.Choice(["sgd", "adam"]),
        learning_rate=tw.Float(1e-4, 1.0, scale="log"),
        momentum=tw.Float(0.5, 0.99, scale="log1m", when={"optimizer": "sgd"}),
    )
    points = space.encode_many(
        [{"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9}, {"optimizer": "adam", "learning_rate": 0.1}]
    )
    assert np.isnan(Coordinates(space).of(points)[:, -1]).tolist() == [False, True]


def searched(*, best, space=SPACE, trainings=5, **settings):
    """A study of a network whose best learning rate is given."""
    study = tw.Study(space, metric="val_loss", max_epochs=9, budget=trainings, **settings)
    while (step := study.ask()) is not None:
        gap = np.log10(step.params["learning_rate"] / best)
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=0.1 + gap**2 + 1 / epoch)
        study.tell(step.trial)
    return study


known = cache(searched)
"""The same, of which several tests learn; nobody goes on with it."""


def test_past_studies_agree_on_where_to_begin():
    past = [known(best=best) for best in (0.02, 0.03, 0.04)]
    study = tw.Study(SPACE, metric="val_loss", max_epochs=9, budget=8, warm_start=past)
    step = study.ask()
    assert 0.01 < step.params["learning_rate"] < 0.1
    assert step.epochs == range(1, 10)  # in full: that is what they are sure of


def test_the_default_is_among_the_first_looks_whatever_past_studies_say():
    past = [known(best=best) for best in (1e-4, 2e-4, 3e-4)]
    study = searched(best=0.3, trainings=3, warm_start=past)
    assert study.trials[1].params == SPACE.defaults()


@pytest.mark.parametrize("misled", [False, True])
def test_trust_is_in_a_past_that_is_right_among_the_good(misled):
    rng = np.random.default_rng(1)
    points = rng.random((30, 2))
    good = np.exp(-20 * ((points - 0.7) ** 2).sum(axis=1))
    y = 2 * points[:, 0] * (points[:, 0] < 0.4) - 3 * good
    y = (y - y.mean()) / y.std()
    # both know the bulk; one has the good the other way round
    expected = np.where(misled & (y < np.median(y)), 2 * np.median(y) - y, y) + 0.1 * rng.normal(size=30)
    time = np.ones(30)
    models = [
        CurveModel(points, np.zeros(2, dtype=bool), np.arange(30), time, y, past=past)
        for past in (expected[:, np.newaxis], None)
    ]
    assert (trust(*models, time, y) > 0.9) is not misled


def test_what_is_left_out_is_predicted_as_by_a_model_that_never_saw_it():
    rng = np.random.default_rng(2)
    points, owner = rng.random((8, 2)), np.r_[np.arange(8), 2, 2, 5]
    time = np.r_[np.full(8, 0.2), 0.6, 1.0, 0.6]
    y, past = rng.normal(size=11), rng.normal(size=(11, 3))
    unordered = np.zeros(2, dtype=bool)
    model = CurveModel(points, unordered, owner, time, y, past=past)
    last, mean, deviation = model.left_out()
    for trial in (0, 2, 5):
        seen = owner != trial
        number = np.cumsum(np.isin(np.arange(8), owner[seen])) - 1
        others = np.arange(8) != trial
        without = CurveModel(
            points[others], unordered, number[owner[seen]], time[seen], y[seen], past=past[seen], fitted=model.fitted
        )
        at = int(last[trial])
        expected, spread = without.predict(points[[trial]], np.array([-1]), past[[at]], time=float(time[at]))
        noise = np.exp(model.fitted[5]) ** 2
        assert mean[trial] == pytest.approx(expected[0], abs=1e-6)
        assert deviation[trial] ** 2 == pytest.approx(spread[0] ** 2 + noise, abs=1e-5)


def test_a_past_that_misleads_costs_little():
    past = [known(best=best) for best in (1e-4, 2e-4, 3e-4)]

    for seed in range(3):
        found = searched(best=0.3, trainings=6, seed=seed, warm_start=past).best.params["learning_rate"]
        assert 0.2 < found < 0.45


def test_what_a_past_is_worth_is_on_record():
    past = [known(best=best) for best in (1e-4, 2e-4, 3e-4)]
    study = searched(best=0.3, trainings=6, warm_start=past)
    assert 0 <= study.trust() < 0.5
    assert study.why(len(study.trials) - 1)[-1].trust is not None
    assert searched(best=0.3, trainings=3).trust() is None


def test_past_studies_of_other_parameters_count_as_far_as_they_share_them():
    narrow = tw.Space(learning_rate=tw.Float(1e-3, 0.1, scale="log"), layers=tw.Int(1, 3))
    past = [known(best=0.03, space=narrow, seed=seed) for seed in range(2)]
    step = tw.Study(SPACE, metric="val_loss", max_epochs=9, budget=8, warm_start=past).ask()
    assert 0.005 < step.params["learning_rate"] < 0.2


def test_past_studies_that_mislead_are_overcome():
    past = [known(best=best) for best in (1e-4, 2e-4, 3e-4)]
    study = searched(best=0.5, trainings=10, warm_start=past)
    assert 0.2 < study.best.params["learning_rate"] <= 1.0


def test_what_past_studies_say_is_plain_json_and_on_record():
    past = [known(best=best) for best in (0.02, 0.04)]
    told = Past.learned([(study.space, study.history) for study in past], SPACE, 4, 3)
    again = Past(json.loads(json.dumps(told)), SPACE)
    points = np.random.default_rng(0).random((5, 4))
    assert again.at(points) == pytest.approx(Past(told, SPACE).at(points))
    study = tw.Study(SPACE, metric="val_loss", max_epochs=9, warm_start=past)
    assert study.record.scheduler["past"] == told


def test_a_study_that_was_warm_started_is_resumed_without_its_past(tmp_path):
    past = [known(best=best) for best in (0.02, 0.04)]
    file = tmp_path / "tunewell.db"
    begun = tw.Study(SPACE, metric="val_loss", max_epochs=9, warm_start=past, store=file)
    begun.close()
    resumed = tw.Study(SPACE, metric="val_loss", max_epochs=9, store=file, resume=True)
    assert resumed.scheduler.past == begun.scheduler.past


def test_settings_that_are_given_come_before_those_of_past_studies():
    past = [known(best=best) for best in (0.02, 0.04)]
    mine = {"learning_rate": 0.7, "batch_size": 64, "momentum": 0.9, "weight_decay": 1e-4}
    study = tw.Study(SPACE, metric="val_loss", max_epochs=9, warm_start=past, first=[mine])
    assert dict(study.ask().params) == mine


def test_a_warm_start_from_what_says_nothing_is_refused():
    empty = tw.Study(SPACE, metric="val_loss", max_epochs=9)
    other = known(best=0.1, space=tw.Space(learning_rate=tw.Float(0.01, 1.0)))
    with pytest.raises(SettingError, match="nothing to say of this space"):
        tw.Study(SPACE, metric="val_loss", warm_start=[empty])
    with pytest.raises(SettingError, match="nothing to say of this space"):
        tw.Study(tw.Space(x=tw.Float(0, 1)), metric="val_loss", warm_start=[other])
    with pytest.raises(SettingError, match="warm_start needs the scheduler auto or freeze_thaw"):
        tw.Study(SPACE, metric="val_loss", warm_start=[other], scheduler="asha")


@given(seed=st.integers(0, 10**6), inactive=st.floats(0, 0.9), outside=st.booleans())
def test_the_covariance_is_one_also_of_inactive_parameters_and_of_what_lies_outside(seed, inactive, outside):
    rng = np.random.default_rng(seed)
    points = rng.random((40, 4)) * (2 if outside else 1)
    points[:, 3] = np.floor(points[:, 3] * 3) / 3
    points[rng.random(points.shape) < inactive] = np.nan
    unordered = np.array([False, False, False, True])
    lengthscales = rng.uniform(0.1, 2, 4)
    covariance, _, _ = matern(squared_differences(points, points, unordered), lengthscales)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9
    # by one product of matrices it is the same
    few = squared_distances(points[:7], points, unordered, lengthscales)
    assert matern_of(few) == pytest.approx(covariance[:7], abs=1e-6)


def test_a_momentum_counts_by_what_is_left_to_one_on_any_scale():
    def product(scale):
        space = tw.Space(lr=tw.Float(1e-3, 1.0, scale="log"), momentum=tw.Float(0.5, 0.99, scale=scale))
        points = space.encode_many([{"lr": 0.1, "momentum": value} for value in (0.5, 0.9, 0.99)])
        return Coordinates(space).of(points)[:, -1]

    assert product("linear") == pytest.approx(product("log1m"))


def test_a_past_is_not_given_to_a_study_that_had_none(tmp_path):
    past = [known(best=0.03)]
    asked = {"metric": "val_loss", "max_epochs": 9, "budget": 2, "store": tmp_path / "t.db", "resume": True}
    tw.Study(SPACE, **asked).close()
    with pytest.raises(SettingError, match="begun with no past studies"):
        tw.Study(SPACE, **asked, warm_start=past)
    with pytest.raises(SettingError, match="in brackets"):
        tw.Study(SPACE, metric="val_loss", warm_start=past[0])


def test_past_studies_count_also_with_a_sampler_that_is_named():
    study = tw.Study(SPACE, metric="val_loss", max_epochs=9, sampler="sobol", warm_start=[known(best=0.03)])
    assert study.record.scheduler["past"]


def test_an_error_about_a_scheduler_does_not_print_what_past_studies_said(tmp_path):
    asked = {"metric": "val_loss", "max_epochs": 9, "budget": 2, "store": tmp_path / "t.db", "resume": True}
    tw.Study(SPACE, **asked, warm_start=[known(best=0.03)]).close()
    with pytest.raises(SettingError, match="another scheduler") as caught:
        tw.Study(SPACE, **asked, scheduler="asha")
    assert len(str(caught.value)) < 700
