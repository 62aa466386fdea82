"""Several metrics and limits on what is reported: what is told of them, and what is refused."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.analysis.front import hypervolume, knee, nondominated
from tunewell.errors import NothingReported, SettingError
from tunewell.study.aims import parse_metrics

SPACE = tw.Space(x=tw.Float(0, 1), y=tw.Float(0, 1))
BOTH = {"val_accuracy": "maximize", "latency_ms": "minimize"}


def train(run):
    for epoch in run.epochs(3):
        x, y = run.params.x, run.params.y
        run.report(val_accuracy=x**0.5 - 0.1 / epoch, latency_ms=10 * x + y, memory_gb=10 * y)


def tuned(**settings):
    return tw.tune(
        train, SPACE, **{"scheduler": "asha", "budget": "18epochs", "store": "memory", "observer": None} | settings
    )


def test_the_front_is_what_no_report_betters_and_best_is_its_knee():
    study = tuned(metrics=BOTH)
    points = study.front()
    reported = [(-one.metrics["val_accuracy"], one.metrics["latency_ms"]) for one in study.reports()]
    for point in points:
        mine = (-point.values["val_accuracy"], point.values["latency_ms"])
        assert not any(a <= mine[0] and b <= mine[1] and (a, b) != mine for a, b in reported)
    (proposed,) = [point for point in points if point.is_knee]
    assert (study.best.trial, study.best.epoch) == (proposed.trial, proposed.epoch)
    assert study.best.value == pytest.approx(proposed.values["val_accuracy"])
    assert study.record.aims == {"metrics": BOTH}
    assert study.hypervolume({"val_accuracy": 0, "latency_ms": 11}) > 0


def test_what_breaks_a_limit_is_never_the_best():
    study = tuned(metric="val_accuracy", constraints={"memory_gb": "<= 3"})
    assert study.best.params.y <= 0.3
    with pytest.raises(NothingReported, match="nothing on record that meets memory_gb <= -1"):
        _ = tuned(metric="val_accuracy", constraints={"memory_gb": "<= -1"}, budget="4epochs").best


def test_a_study_in_a_file_goes_on_as_it_was(tmp_path):
    study = tuned(metrics=BOTH, constraints=["x + y <= 1.5", "memory_gb <= 9"], store=tmp_path / "t.db", name="two")
    again = tw.Study.open(tmp_path / "t.db", "two")
    assert (again.aims, again.space) == (study.aims, study.space)
    assert again.space.constraints == ("x + y <= 1.5",)
    with pytest.raises(SettingError, match="another aims"):
        tuned(metrics={"val_accuracy": "maximize", "memory_gb": "minimize"}, constraints=["x + y <= 1.5"],
              store=tmp_path / "t.db", name="two", resume=True)  # fmt: skip


def test_what_is_never_reported_is_told_in_a_line():
    study = tuned(metrics={"val_accuracy": "maximize", "latency": "minimize"}, constraints={"memory": "<= 3"})
    latency, memory = study.doubts()
    assert latency == "'latency' was never reported, so nothing was searched for in it; did you mean 'latency_ms'?"
    assert memory.startswith("'memory' was never reported, so memory <= 3 was never checked")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metrics": {}}, "metrics are names and directions"),
        ({"metrics": {"val_loss": "down"}}, "direction must be"),
        ({"metric": "val_loss", "metrics": BOTH}, "leave out metric"),
        ({"direction": "minimize", "metrics": BOTH}, "leave out direction"),
        ({"metrics": BOTH, "min_delta": 0.1}, "min_delta is of one metric"),
        ({"metric": "val_loss", "constraints": {"memory_gb": "8"}}, "needs a comparison with a number"),
        ({"metric": "val_loss", "constraints": ["gb <= 1", "gb > 2"]}, "meets both gb > 2 and gb <= 1"),
    ],
)
def test_what_contradicts_itself_is_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        tw.Study(SPACE, **settings)


def test_metrics_in_a_line():
    assert parse_metrics(["a:maximize, b", "c:minimize"]) == {"a": "maximize", "b": None, "c": "minimize"}
    with pytest.raises(SettingError, match="named twice, once to maximize and once to minimize"):
        parse_metrics(["a:maximize,a:minimize"])


def test_hypervolume_is_the_share_of_random_points_that_are_bettered():
    rng = np.random.default_rng(0)
    for k in (1, 2, 3):
        points = rng.random((6, k))
        drawn = rng.random((20_000, k))
        share = (points[:, np.newaxis] <= drawn).all(axis=2).any(axis=0).mean()
        assert hypervolume(points, np.ones(k)) == pytest.approx(share, abs=0.02)


def test_of_equal_points_the_first_is_on_the_front_and_the_bulge_is_the_knee():
    points = np.array([[1.0, 1.0], [0.0, 2.0], [1.0, 1.0], [2.0, 2.0], [3.0, 0.9], [np.nan, 0.0]])
    assert nondominated(points).tolist() == [True, True, False, False, True, False]
    assert knee(np.array([[0.0, 1.0], [0.1, 0.2], [1.0, 0.0]])) == 1
