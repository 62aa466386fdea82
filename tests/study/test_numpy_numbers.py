"""A whole number of NumPy's is taken wherever one of Python's is."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.commands import Rewind, Set
from tunewell.errors import SettingError
from tunewell.samplers.construction import check_whole

SPACE = tw.Space(x=tw.Float(0, 1, live=True))


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "s.db"


def test_a_trial_may_be_named_by_a_numpy_integer(store):
    study = tw.Study(
        SPACE,
        metric="loss",
        max_epochs=np.int64(2),
        budget=np.int32(3),
        seed=np.uint8(1),
        store=store,
        scheduler="full",
    )
    step = study.ask()
    number = np.int64(step.trial)
    study.report(number, np.int64(1), loss=0.1)
    assert len(study.reports(number)) == 1
    assert study.best_of(number) == (1, 0.1)
    study.steer(number, Set("x", 0.5))
    assert len(study.commands(number)) == 1
    assert study.schedule(number)
    assert study.values(number)
    study.report(number, 2, loss=0.1)
    study.tell(number, error="no")
    assert study.retry(number) == 1
    assert study.events(number)
    assert study.run_record(number)
    with pytest.raises(SettingError, match="needs an epoch"):
        study.steer(study.ask().trial, Rewind(epoch=np.bool_(True)))


@pytest.mark.parametrize("value", [True, np.bool_(True), 1.0, "1", None, np.float64(1)])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(SettingError, match="whole number"):
        check_whole("it", value, at_least=0)
    with pytest.raises(SettingError, match="whole number"):
        tw.Study(SPACE, metric="loss").tell(value)


def test_as_many_workers_as_numpy_says():
    def train(run):
        run.report(loss=run.params.x)

    study = tw.tune(
        train, SPACE, metric="loss", store="memory", budget="2trials", workers=np.int64(1), keep=np.int64(2),
        checkpoint_every=np.int64(1), retries=np.int64(1), max_tier=np.int64(3), confirm=np.int64(0),
        sampler="sobol", scheduler="asha", gpus=(),
    )  # fmt: skip
    assert len(study.trials) == 2
