"""A metric that was in each epoch, and comes no more: a program that prints something else midway."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tunewell.logs.cutter import Line
from tunewell.logs.text import without_escapes

_LONGEST_LINE = 120  # letters that are shown
_TIMES_LONGER, _LINES_MORE = 3, 4
"""So many times the most lines of an epoch so far, and a few more, are too many without the metric."""


def say(line: str) -> None:
    """Show the user a line."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Missed:
    """Counts the lines since a metric came last, and tells once that there are too many."""

    def __init__(self, metric: str, example: str = "", tell: Callable[[str], None] = say) -> None:
        """Begin; `example`: a line that has the metric."""
        self.n_with = 0
        """So many epochs had it."""
        self.is_expected = True
        """False where it need not be in each epoch."""
        self._metric, self._example, self._tell = metric, example, tell
        self._is_reported = False
        self._n_lines = self._longest = 0
        """Lines since the metric came last, and the most there were before it came again."""

    def hear(self, line: Line, *, has_metric: bool) -> None:
        """Take a line in, and whether an epoch with the metric was over with it."""
        if has_metric:
            self._longest, self._n_lines = max(self._longest, self._n_lines), 0
            if not self._example:
                self._example = _shown(line.text)
        elif line.text and not line.is_overwritten:
            self._n_lines += 1
            if self.n_with > 1 and self._n_lines > _TIMES_LONGER * self._longest + _LINES_MORE:
                self.tell(line.text)

    def tell(self, line: bytes = b"") -> None:
        """Show, once, that it does not come any more; `line`: what came in its place."""
        if self._is_reported or not self.is_expected:
            return
        self._is_reported = True
        like = f", as in {self._example!r}" if self._example else ""
        now = f"; now it prints {_shown(line)!r}" if line else ""
        self._tell(
            f"the program has shown {self._metric} up to epoch {self.n_with}{like}, and not since{now}; print all "
            "epochs alike, or say with --pattern where it is"
        )


def _shown(line: bytes) -> str:
    return without_escapes(line.decode(errors="replace"))[-_LONGEST_LINE:]
