"""The epochs of a program that prints or writes its metrics in a way of its own."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

from tunewell.logs.cutter import Line
from tunewell.logs.epochs import Epoch, Epochs
from tunewell.logs.files import WrittenLogs
from tunewell.logs.look import FILE, PATTERN, FoundMetrics
from tunewell.logs.pattern import PatternReader
from tunewell.logs.printed import PrintedReader
from tunewell.logs.rows import Row
from tunewell.logs.text import without_escapes
from tunewell.training.metric_choice import is_metric

_LONGEST_LINE = 120  # letters that are shown
_TIMES_LONGER, _LINES_MORE = 3, 4
"""So many times the most lines of an epoch so far, and a few more, are too many without the metric."""


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class LogReading:
    """Reads what a first look has found: `Reading` of a program whose lines are no reports."""

    def __init__(
        self, found: FoundMetrics, metric: str, *, file: Path | None = None, tell: Callable[[str], None] = _say
    ) -> None:
        """Begin; `file`: the log that the program writes, if the user has named it; `tell`: shows the user a line."""
        self.first_number = math.nan
        """What the log gave its first epoch as its number; NaN if it gave none."""
        self._found = found
        self._tell = tell
        self._is_reported = False
        self._n_lines = self._longest = 0
        """Lines since the metric came last, and the most there were before it came again."""
        self._metric = metric
        self._n_with = self._n_without = 0
        """Epochs with the metric, and without it."""
        self._was_in_each = True
        self._epochs = Epochs(found.rule)
        self._printed = (
            PatternReader(found.pattern, metric)
            if found.where == PATTERN
            else PrintedReader(self._knows, takes_best=found.takes_best)
        )
        self._written: WrittenLogs | None = None
        if found.where == FILE:
            self._written = WrittenLogs(
                Path.cwd(), self._knows, name="" if file else found.file, is_new=found.is_new, path=file
            )

    def hear(self, line: Line, *, is_output: bool) -> list[dict[str, float]]:  # noqa: ARG002  as Reading has it
        """Implement `Reading.hear`: progress bars and loggers write to standard error."""
        if self._written is not None:
            return []
        row = self._printed.read(line)
        epochs = [] if row is None else self._fed(row)
        if any(self._metric in metrics for metrics in epochs):
            self._longest, self._n_lines = max(self._longest, self._n_lines), 0
        elif line.text and not line.is_overwritten:
            self._n_lines += 1
            if self._n_with > 1 and self._n_lines > _TIMES_LONGER * self._longest + _LINES_MORE:
                self._miss(line.text)
        return epochs

    def poll(self) -> list[dict[str, float]]:
        """Implement `Reading.poll`."""
        if self._written is None:
            return []
        epochs = [metrics for _, row in self._written.poll() for metrics in self._fed(row)]
        self._written.takes_more = self._written.takes_more and not epochs
        return epochs

    def end(self) -> list[dict[str, float]]:
        """Implement `Reading.end`."""
        return self._reported(self._epochs.end())

    def _knows(self, name: str) -> bool:
        return name in self._found.names or is_metric(name)

    def _fed(self, row: Row) -> list[dict[str, float]]:
        return self._reported(self._epochs.feed(row))

    @property
    def missing(self) -> str:
        """The advice for a program that has not shown the metric at all."""
        what = f"write {self._found.path or self._found.file}" if self._written is not None else "print"
        like = f", as in {self._found.examples[-1]!r}" if self._found.examples else ""
        return f"it is to {what} {self._metric}{like}; see why it does not"

    def _miss(self, line: bytes) -> None:
        """Show once, while it trains, that a metric which was in each epoch does not come any more."""
        if self._is_reported or self._found.is_once or not self._was_in_each:
            return
        self._is_reported = True
        like = f", as in {self._found.examples[-1]!r}" if self._found.examples else ""
        now = f"; now it prints {without_escapes(line.decode(errors='replace'))[-_LONGEST_LINE:]!r}" if line else ""
        self._tell(
            f"the program has shown {self._metric} up to epoch {self._n_with}{like}, and not since{now}; print all "
            "epochs alike, or say with --pattern where it is"
        )

    def _reported(self, epochs: list[Epoch]) -> list[dict[str, float]]:
        found: list[dict[str, float]] = []
        for epoch in epochs:
            if metrics := self._found.reported(epoch):
                self.first_number = self.first_number if self._n_with + self._n_without + len(found) else epoch.number
                found.append(metrics)
        for metrics in found:
            if self._metric in metrics:
                self._was_in_each = self._was_in_each and not self._n_without
                self._n_with += 1
            else:
                self._n_without += 1
                if self._n_with and self._n_without > 1:
                    self._miss(b"")
        return found
