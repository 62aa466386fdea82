"""Schedules are those of PyTorch, from epoch to epoch and from step to step, and refuse settings that make no sense."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tunewell.errors import SettingError
from tunewell.nn import schedules
from tunewell.nn.schedules import Constant, Cosine, Exponential, Step, Warmup

REFERENCE = np.load(Path(__file__).parent / "references" / "schedules.npz")

shares = st.floats(0.01, 1)
lengths = st.floats(0.5, 100)
lasting = (
    st.just(Constant())
    | st.builds(Step, st.integers(1, 50), shares)
    | st.builds(Exponential, shares)
    | st.builds(Cosine, lengths, st.floats(0, 1))
)
every = lasting | st.builds(Warmup, lengths, lasting, shares)
times = hnp.arrays(float, hnp.array_shapes(min_dims=0, max_dims=2, min_side=0), elements=st.floats(0, 1000))


def built(settings):
    """The schedule of a record, and the one within it."""
    settings = {key: built(value) if isinstance(value, dict) else value for key, value in settings.items()}
    return getattr(schedules, settings.pop("name"))(**settings)


@pytest.mark.parametrize("steps", REFERENCE["steps_per_epoch"])
@pytest.mark.parametrize("name", REFERENCE["names"])
def test_factors_are_those_of_pytorch(name, steps):
    schedule = built(json.loads(str(REFERENCE[f"{name}/settings"])))
    expected = REFERENCE[f"{name}/{steps}"]
    np.testing.assert_allclose(schedule.factor(np.arange(len(expected)) / steps), expected, rtol=1e-10, atol=1e-14)


@given(every, times)
def test_factors_are_shares_and_as_many_as_the_times(schedule, epoch):
    factor = schedule.factor(epoch)
    assert np.shape(factor) == epoch.shape
    assert np.all((np.asarray(factor) >= 0) & (np.asarray(factor) <= 1))


@given(lasting)
def test_training_starts_with_the_whole_learning_rate(schedule):
    assert schedule.factor(np.zeros(1))[0] == 1


@given(lasting, times)
def test_only_a_warmup_rises(schedule, epoch):
    assert np.all(np.diff(schedule.factor(np.sort(epoch.ravel()))) <= 1e-15)


@given(every, times)
def test_a_time_means_the_same_alone_and_among_others(schedule, epoch):
    together = np.ravel(schedule.factor(epoch))
    alone = [schedule.factor(np.array([time]))[0] for time in epoch.ravel()]
    np.testing.assert_allclose(together, alone, rtol=1e-13, atol=1e-300)


@given(lengths, st.floats(0, 1), st.floats(1, 100))
def test_a_cosine_that_has_ended_stays_at_its_floor(epochs, floor, longer):
    assert Cosine(epochs, floor).factor(np.array([epochs * longer]))[0] == pytest.approx(floor, abs=1e-15)


def test_a_cosine_is_halfway_down_at_half_time():
    assert Cosine(10, floor=0.2).factor(np.array([5.0]))[0] == pytest.approx(0.6)


@given(lengths, lasting, shares, times)
def test_a_warmup_goes_on_with_the_other_schedule_from_its_start(epochs, then, start, epoch):
    warmup = Warmup(epochs, then, start)
    np.testing.assert_array_equal(warmup.factor(epochs + epoch), then.factor((epochs + epoch) - epochs))


def test_a_warmup_is_a_line_that_starts_above_zero():
    np.testing.assert_allclose(
        Warmup(2, start=0.2).factor(np.array([0, 0.5, 1, 1.5, 2, 3])), [0.2, 0.4, 0.6, 0.8, 1, 1]
    )
    assert Warmup(5).factor(np.zeros(1))[0] > 0


def test_a_step_down_comes_exactly_at_the_end_of_an_epoch():
    for steps_per_epoch in range(1, 100):
        epoch = np.array([3 * steps_per_epoch - 1, 3 * steps_per_epoch]) / steps_per_epoch
        np.testing.assert_array_equal(Step(3, 0.5).factor(epoch), [1, 0.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step(0), "every must be a whole number of at least 1, got 0"),
        (lambda: Step(1.5), "every must be a whole number of at least 1, got 1.5"),
        (lambda: Step(True), "every must be a whole number of at least 1, got True"),
        (lambda: Step(3, 0), "rate must be a finite number above 0 and of at most 1, got 0"),
        (lambda: Exponential(1.1), "rate must be a finite number above 0 and of at most 1, got 1.1"),
        (lambda: Exponential(math.nan), "rate must be a finite number above 0 and of at most 1, got nan"),
        (lambda: Cosine(0), "epochs must be a finite number above 0, got 0"),
        (lambda: Cosine(5, floor=-0.1), "floor must be a finite number of at least 0 and of at most 1, got -0.1"),
        (lambda: Warmup("5"), "epochs must be a finite number above 0, got '5'"),
        (lambda: Warmup(5, start=0), "start must be a finite number above 0 and of at most 1, got 0"),
        (lambda: Warmup(5, "cosine"), "then must be a schedule, got 'cosine'; give one such as Cosine(epochs=20)"),
        (lambda: Warmup(5, Cosine), f"then must be a schedule, got {Cosine!r}; give one such as Cosine(epochs=20)"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(make, message):
    with pytest.raises(SettingError) as error:
        make()
    assert str(error.value) == message
