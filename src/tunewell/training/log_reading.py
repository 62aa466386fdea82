"""The epochs of a program that prints or writes its metrics in a way of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from tunewell.logs.cutter import Line
from tunewell.logs.epochs import Epoch, Epochs, whole_epoch
from tunewell.logs.files import WrittenLogs
from tunewell.logs.look import FILE, PATTERN, FoundMetrics
from tunewell.logs.pattern import PatternReader
from tunewell.logs.printed import PrintedReader
from tunewell.logs.rows import Row
from tunewell.training.metric_choice import is_metric
from tunewell.training.missed import Missed, say


class LogReading:
    """Reads what a first look has found: `Reading` of a program whose lines are no reports."""

    def __init__(
        self, found: FoundMetrics, metric: str, *, file: Path | None = None, tell: Callable[[str], None] = say
    ) -> None:
        """Begin; `file`: the log that the program writes, if the user has named it; `tell`: shows the user a line."""
        self.first_number: float = math.nan
        """What the log gave its first epoch as its number; NaN if it gave none."""
        self._found = found
        self._metric = metric
        self._missed = Missed(metric, found.examples[-1] if found.examples else "", tell)
        self._missed.is_expected = not found.is_once
        self._n_without = 0
        """Epochs without the metric."""
        self._number_with = self._longest_gap = math.nan
        """The number of the last epoch that had it, and by how much two of those differed at most."""
        self._now = math.nan
        """The number that was shown last, of an epoch that may have nothing else."""
        self._last_line = b""
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
        self._last_line = line.text or self._last_line
        if row is not None and not math.isnan(row.epoch):
            self._now = whole_epoch(row.epoch)
        epochs = [] if row is None else self._fed(row)
        self._missed.hear(line, has_metric=any(self._metric in metrics for metrics in epochs))
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
        found = self._reported(self._epochs.end())
        if self._now > self._number_with + self._longest_gap:
            self._missed.tell(self._last_line)
        return found

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

    def _reported(self, epochs: list[Epoch]) -> list[dict[str, float]]:
        found: list[dict[str, float]] = []
        for epoch in epochs:
            if metrics := self._found.reported(epoch):
                self._note_number(epoch.number, has_metric=self._metric in metrics)
                self.first_number = (
                    self.first_number if self._missed.n_with + self._n_without + len(found) else epoch.number
                )
                found.append(metrics)
        for metrics in found:
            if self._metric in metrics:
                self._missed.is_expected &= not self._n_without
                self._missed.n_with += 1
            else:
                self._n_without += 1
                if self._missed.n_with and self._n_without > 1:
                    self._missed.tell()
        return found

    def _note_number(self, number: float, *, has_metric: bool) -> None:
        """Take note of how many epochs lie between two that have the metric."""
        if not has_metric or math.isnan(number):
            return
        gap = number - self._number_with
        self._longest_gap = gap if math.isnan(self._longest_gap) else max(gap, self._longest_gap)
        self._number_with = number
