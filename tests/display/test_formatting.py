"""Values and times as text."""

import pytest

from tunewell.display.formatting import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (65, "1 min 5 s"), (7380, "2 h 03 min"), (86400 * 3 + 14400, "3 d 4 h")],
)
def test_durations_are_told_as_people_tell_them(seconds, words):
    assert duration(seconds) == words
