"""Values and times as text."""

import pytest

from tunewell.display.formatting import duration, shortened


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (65, "1 min 5 s"), (7380, "2 h 03 min"), (86400 * 3 + 14400, "3 d 4 h")],
)
def test_durations_are_told_as_people_tell_them(seconds, words):
    assert duration(seconds) == words


def test_of_a_very_long_text_the_middle_is_left_out():
    text = shortened("a" * 1_000_000 + "the end", most=100)
    assert len(text) < 200
    assert text.endswith("the end")
    assert "999,907 characters left out" in text
    assert shortened("short") == "short"
