"""The epochs among the lines of JSON that a program prints.

What names the metric and cannot be read is an error: an epoch that is passed over in silence would shift the curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tunewell.errors import ReportError
from tunewell.logs.cutter import Line
from tunewell.logs.json_lines import is_begun, json_objects, numbers_of, plainly, same
from tunewell.training.missed import Missed


class EpochLines:
    """The epochs among the lines of JSON that a program prints.

    If the metric is known, an epoch's line has it, or a name that lines with the metric have (it may be measured at
    some epochs only). Others are no epochs: a configuration, a test in the end, or a second line of the same epoch.
    """

    def __init__(self, metric: str | None, tell: Callable[[str], None] | None = None) -> None:
        """Begin; `tell`: shows the user a line, where a metric that was in each epoch comes no more."""
        self.first_number: float = math.nan
        """What the first epoch's line gave as its number; NaN if it gave none."""
        self.numbers: dict[str, float] = {}
        """Numbers of lines that were no epochs."""
        self.cut_off: str | None = None
        """A report in the middle of which the output ended."""
        self._metric = metric
        self._missed = None if tell is None or metric is None else Missed(metric, tell=tell)
        self._names: set[str] = set()
        """Names in lines that had the metric."""
        self._aside: tuple[object, dict[str, float]] = None, {}
        """The numbers of the last lines that were no epochs, and the epoch that these gave."""
        self._epoch: object = None
        """What the last epoch's line gave as its number."""
        self._last: dict[str, float] = {}

    def hear(self, line: Line, *, is_output: bool) -> list[dict[str, float]]:
        """Implement `Reading.hear`: what stands on standard error is talk."""
        epochs = self.read(line.text) if is_output else []
        if self._missed is not None and is_output:
            n_with = sum(self._metric in epoch for epoch in epochs)
            self._missed.n_with += n_with
            self._missed.hear(line, has_metric=n_with > 0)
        if is_output and line.is_cut_off and not epochs and is_begun(line.text):
            self.cut_off = line.text.decode(errors="replace")
        return epochs

    def poll(self) -> list[dict[str, float]]:
        """Implement `Reading.poll`: nothing is read of files."""
        return []

    def end(self) -> list[dict[str, float]]:
        """Implement `Reading.end`: each epoch is over with its line."""
        return []

    def read(self, line: bytes) -> list[dict[str, float]]:
        """Return the metrics of each epoch that the line reports: of one mostly, or of none.

        Raises:
            ReportError: the line has the metric and cannot be read, or it repeats an epoch with other numbers.
        """
        epochs = []
        for entries in json_objects(line, self._metric):
            numbers = numbers_of(entries, self._metric)
            if numbers and (metrics := self._epoch_of(entries.get("epoch"), numbers)):
                epochs.append(metrics)
        return epochs

    def _epoch_of(self, epoch: object, numbers: dict[str, float]) -> dict[str, float]:
        """Return the metrics of the epoch that these numbers report; {} if they report none."""
        if self._metric in numbers:
            self._names |= numbers.keys()
        elif self._metric is not None and not self._names & numbers.keys():
            before = self._aside[1] if self._aside[0] == epoch else {}
            self._aside = epoch, before | numbers
            self.numbers |= numbers
            return {}
        if epoch is not None and epoch == self._epoch:
            if all(same(self._last[name], numbers[name]) for name in self._last.keys() & numbers.keys()):
                return {}  # a summary
            raise ReportError(
                f"the program printed two lines of JSON for epoch {plainly(epoch)}, with {', '.join(self._last)} "
                f"and with {', '.join(numbers)}; print one line an epoch, with all of its metrics"
            )
        if epoch is not None and epoch == self._aside[0]:
            numbers = self._aside[1] | numbers
        if not self._last and isinstance(epoch, int | float):
            self.first_number = float(epoch)
        self._epoch, self._last = epoch, numbers
        return numbers
