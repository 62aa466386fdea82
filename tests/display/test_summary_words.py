"""One of a thing is counted as one."""

import pytest

from tunewell.display.formatting import counted
from tunewell.display.summary import in_words
from tunewell.study.budget import Budget


@pytest.mark.parametrize(
    ("amount", "unit", "words"),
    [(1, "trainings", "1 full training"), (30, "trainings", "30 full trainings"), (1, "epochs", "1 epoch"),
     (0.5, "trainings", "0.5 full trainings"), (2, "trials", "2 trials")],
)  # fmt: skip
def test_a_budget_of_one_is_one(amount, unit, words):
    assert in_words(Budget(amount, unit)) == words


def test_rows_are_counted():
    assert [counted(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


def test_a_plural_is_spelled_as_it_is():
    assert [counted(2, what) for what in ("study", "day", "branch row")] == ["2 studies", "2 days", "2 branch rows"]
