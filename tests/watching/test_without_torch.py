"""`tunewell.watch` where PyTorch is not installed; what it measures where it is, is in tests/watching."""

import math

import pytest

import tunewell
from tunewell.errors import SettingError
from tunewell.nn.noise_scale import noise_scale
from tunewell.training.run import Run


def test_what_is_of_no_framework_is_refused():
    with pytest.raises(SettingError, match="got list"):
        tunewell.watch([1.0])


def test_a_report_is_complemented_by_what_else_was_measured():
    run = Run({})
    asked = []
    run.on_report = lambda epoch, given: asked.append((epoch, dict(given))) or {"val_loss": 9.0, "grad_norm": 2.0}
    for _ in run.epochs(2):
        run.report(val_loss=1.0)
    assert run.reports[1] == {"epoch": 2, "val_loss": 1.0, "grad_norm": 2.0}
    assert asked == [(1, {"val_loss": 1.0}), (2, {"val_loss": 1.0})]


def test_a_report_may_be_left_to_what_is_measured():
    run = Run({})
    run.on_report = lambda epoch, _: {"val_loss": float(epoch)}
    run.report()
    assert run.reports == [{"epoch": 1, "val_loss": 1.0}]


def test_equal_gradients_have_no_noise():
    assert noise_scale([1.0, 1.0], 4.0, [8, 8], 2) == 0.0


@pytest.mark.parametrize(
    "settings", [([1.0, 1.0], 0.0, [8, 8], 10), ([1.0], 1.0, [8], 4), ([1.0, 1.0], 4.0, [8, 0], 4)]
)
def test_a_noise_scale_that_cannot_be_told_is_not_a_number(settings):
    assert math.isnan(noise_scale(*settings))
