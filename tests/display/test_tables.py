"""Aligned lines."""

from tunewell.display.tables import facts, setting_lines, table


def test_numbers_stand_to_the_right_and_words_to_the_left():
    rows = [(1, "sgd", 0.5), (10, "adam", None)]
    assert list(table(("trial", "optimizer", "loss"), rows)) == [
        "trial  optimizer  loss",
        "    1  sgd         0.5",
        "   10  adam          -",
    ]


def test_a_table_without_rows_is_its_header():
    assert list(table(("trial", "loss"), [])) == ["trial  loss"]


def test_columns_that_there_is_no_room_for_follow_below_beside_the_first():
    assert list(table(("trial", "optimizer", "loss"), [(1, "sgd", 0.5)], width=20)) == [
        "trial  optimizer",
        "    1  sgd",
        "",
        "trial  loss",
        "    1   0.5",
    ]


def test_a_column_that_is_wider_than_the_room_is_cut():
    assert max(map(len, table(("trial", "reason"), [(1, "x" * 100)], width=20))) == 20


def test_a_style_is_of_headers_and_labels_alone():
    assert list(table(("trial", "loss"), [(1, 0.5)], heading=str.upper)) == ["TRIAL  LOSS", "    1   0.5"]
    assert list(facts({"spent": "a lot"}, label=str.upper)) == ["SPENT  a lot"]


def test_a_setting_is_exact_and_aligned():
    assert list(setting_lines({"rate": 0.1 + 0.2, "kind": "a"})) == ["rate = 0.30000000000000004", "kind = 'a'"]


def test_facts_that_are_not_known_are_left_out():
    assert list(facts({"a": 1, "b": None})) == ["a  1"]
