"""What the user sets by np.seterr is for the training: the search computes as ever."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.diagnosis import diagnose

SPACE = tw.Space(
    learning_rate=tw.learning_rate(optimizer="sgd"),
    hidden=tw.Int(4, 256, scale="log", default=32),
    momentum=tw.Float(0.5, 0.999, scale="log1m", default=0.9),
    keep=tw.Float(0.01, 0.99, scale="logit", default=0.5),
    opt=tw.Choice(["sgd", "adam", "rms"]),
)


@pytest.fixture(autouse=True)
def _all_raise():
    with np.errstate(all="raise"):
        yield


@pytest.mark.parametrize("scheduler", ["freeze_thaw", "asha"])
@pytest.mark.parametrize("size", [1e4, 1e-300, 1e300])
def test_a_search_ends_whatever_is_to_raise(scheduler, size):
    study = tw.Study(
        SPACE, metric="perplexity", max_epochs=9, budget="12trials", seed=2, scheduler=scheduler, direction="minimize"
    )
    while (step := study.ask()) is not None:
        for epoch in step.epochs:
            decay = float(np.exp(-min(600.0, epoch * step.params["learning_rate"] * 10)))
            study.report(step.trial, epoch, perplexity=size * (decay + step.trial / 8))
        study.tell(step.trial)
    assert len(study.trials) == 12
    assert study.trial_rows()
    study.outlook()
    study.at_bounds()


def test_a_diagnosis_ends_whatever_is_to_raise():
    losses = [{"epoch": epoch, "train_loss": 1e-300, "val_loss": 1e-300} for epoch in range(1, 7)]
    assert isinstance(diagnose({"epochs": losses}), list)
