"""How commands print."""

import io
import json
import math
import sys

import numpy as np
import pytest

from tunewell.cli.echo import shown
from tunewell.cli.printing import curve, facts, json_text, setting_lines, table


class Terminal(io.StringIO):
    def isatty(self):
        return True


def narrow_terminal(monkeypatch):
    # in the test itself, since pytest puts its own standard output in place after the fixtures
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "10")


def plain(lines):
    return [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in lines]


def test_numbers_stand_to_the_right_and_words_to_the_left():
    rows = [(1, "sgd", 0.5), (10, "adam", None)]
    assert plain(table(("trial", "optimizer", "loss"), rows)) == [
        "trial  optimizer  loss",
        "    1  sgd         0.5",
        "   10  adam          -",
    ]


def test_a_table_without_rows_is_its_header():
    assert plain(table(("trial", "loss"), [])) == ["trial  loss"]


def test_columns_that_a_terminal_has_no_room_for_follow_below_beside_the_first(monkeypatch):
    narrow_terminal(monkeypatch)
    assert plain(table(("trial", "optimizer", "loss"), [(1, "sgd", 0.5)])) == [
        "trial  optimizer",
        "    1  sgd",
        "",
        "trial  loss",
        "    1   0.5",
    ]


def test_a_column_that_is_wider_than_the_terminal_is_cut(monkeypatch):
    narrow_terminal(monkeypatch)
    assert max(map(len, plain(table(("trial", "reason"), [(1, "x" * 100)])))) == 20


def test_a_setting_is_exact_and_aligned():
    assert list(setting_lines({"rate": 0.1 + 0.2, "kind": "a"})) == ["rate = 0.30000000000000004", "kind = 'a'"]


def test_facts_that_are_not_known_are_left_out():
    assert plain(facts({"a": 1, "b": None}))[0].endswith("1")
    assert len(list(facts({"a": 1, "b": None}))) == 1


def test_json_has_strings_where_it_has_no_numbers():
    data = {"a": [math.nan, math.inf, -math.inf, np.float64(0.5), np.int64(3)], 1: (True, None)}
    assert json.loads(json_text(data)) == {"a": ["nan", "inf", "-inf", 0.5, 3], "1": [True, None]}


def test_a_curve_has_its_lowest_value_at_the_bottom_and_its_epochs_below():
    lines = list(curve([3.0, 2.0, 1.0], height=3))
    assert lines == ["3.000 ┤•", "      ┤ •", "1.000 ┤  •", "      └───", "       1 3"]


def test_a_curve_leaves_out_what_is_not_finite_and_may_be_flat_or_empty():
    assert list(curve([math.nan, math.inf])) == []
    assert list(curve([2.0, math.nan, 2.0])) == ["2.000 ┤• •", "      └───", "       1 3"]


def test_a_long_curve_is_as_wide_as_it_may_be():
    lines = list(curve(list(range(1000)), width=40))
    assert max(map(len, lines)) <= 40 + len("999.0 ┤")
    assert lines[-1].split() == ["1", "1000"]


@pytest.mark.parametrize("code", ["0", "1", "2", "22", "31", "1;36", "39", "97"])
def test_what_is_bold_or_colored_stays_so(code):
    assert shown(f"\x1b[{code}mtrial\x1b[0m") == f"\x1b[{code}mtrial\x1b[0m"


@pytest.mark.parametrize("code", ["8", "5", "7", "1;8", "38;5;0", "40", ";;8", ""])
def test_a_name_cannot_hide_what_stands_beside_it(code):
    assert shown(f"\x1b[{code}mtrial") == f"\\x1b[{code}mtrial"
