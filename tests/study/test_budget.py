"""Budgets: every way to write one, and what each is in epochs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewell.errors import SettingError
from tunewell.study.budget import Budget

AMOUNTS = st.floats(0.001, 1e9) | st.integers(1, 10**9)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        (30, 30, "trainings"),
        ("30", 30, "trainings"),
        (2.5, 2.5, "trainings"),
        ("1 training", 1, "trainings"),
        ("900epochs", 900, "epochs"),
        ("1e3 Epochs", 1000, "epochs"),
        ("10_000 epochs", 10_000, "epochs"),
        ("100trials", 100, "trials"),
        ("2h", 7200, "seconds"),
        ("1h30m", 5400, "seconds"),
        ("90min", 5400, "seconds"),
        (".5h 10s", 1810, "seconds"),
    ],
)
def test_a_budget_may_be_written_as_people_do(text, amount, unit):
    assert Budget.parse(text) == Budget(amount, unit)


@given(AMOUNTS, st.sampled_from(["trainings", "epochs", "trials", "seconds"]))
def test_what_is_written_is_read_again(amount, unit):
    budget = Budget(float(amount), unit)
    assert Budget.parse(str(budget)) == budget


@pytest.mark.parametrize("text", [0, "0", "0epochs", "0h", -3, "-1epochs", "-0.5", math.inf, math.nan, "1e999"])
def test_a_budget_is_above_zero(text):
    with pytest.raises(SettingError, match=r"30 \(full trainings\), 900epochs, 100trials or 2h"):
        Budget.parse(text)


@pytest.mark.parametrize("text", ["", "much", "3x", "epochs", "2 h 3 trials", "1h2h", "h", None, True, "1,000", "0x10"])
def test_nonsense_is_named_with_what_would_do(text):
    with pytest.raises(SettingError) as raised:
        Budget.parse(text)
    assert repr(text) in str(raised.value)
    assert "900epochs" in str(raised.value)


@given(AMOUNTS, st.integers(1, 10_000))
def test_trainings_are_as_many_epochs_as_they_have_and_never_fewer(amount, max_epochs):
    epochs = Budget(float(amount), "trainings").epochs(max_epochs)
    assert amount * max_epochs <= epochs < amount * max_epochs + 1
    assert Budget(float(amount), "epochs").epochs(max_epochs) == math.ceil(amount)


@pytest.mark.parametrize("unit", ["trials", "seconds"])
def test_trials_and_seconds_are_no_number_of_epochs(unit):
    assert Budget(3.0, unit).epochs(10) is None
