"""The epochs of a training, put together of its rows as they come.

An epoch is over when the next one begins, or as soon as all is there that is measured once an epoch, where that is
known. It is reported once: what is printed of it later, as in a summary, changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tunewell.logs.json_lines import same
from tunewell.logs.names import meaning
from tunewell.logs.rows import Row

NUMBER, TRAILER, BAR, METRIC = "number", "trailer", "bar", "metric"
"""What an epoch is recognised by: its number, a line that names its number when it is over, the count of a progress
bar over epochs, or the metric, which is measured once in each."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The metrics of an epoch."""

    metrics: Mapping[str, float]
    number: float = math.nan
    """As the log counts; NaN if it does not."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule by which the epochs of a log are recognised."""

    by: str = NUMBER
    metric: str = ""
    """The name that every epoch has, where they are recognised by that."""
    once: frozenset[str] = frozenset()
    """Names that come once an epoch."""
    is_over_with_these: bool = False
    """True if an epoch is over as soon as all of these are there."""
    has_step: bool = False
    """True if the metric stands on lines that say their step, so that one that says none is of a summary."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "by": self.by,
            "metric": self.metric,
            "once": sorted(self.once),
            "is_over_with_these": self.is_over_with_these,
            "has_step": self.has_step,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Rule:
        """Return the rule that `as_dict` has written."""
        return cls(**{**record, "once": frozenset(record["once"])})


@dataclass(slots=True)
class _Open:
    """An epoch that is not over."""

    number: float = math.nan
    by_step: dict[str, list[float]] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    whole: dict[str, list[float]] = field(default_factory=dict)
    """Numbers with no step beside them, which are those of the epoch."""
    of_all: dict[str, float] = field(default_factory=dict)
    """Numbers that sum up others of the same name."""

    def add(self, row: Row) -> None:
        for name, value in row.values.items():
            if row.is_of_all:
                self.of_all[name] = value
            if row.is_running:
                self.running[name] = value
            else:
                (self.by_step if not math.isnan(row.step) else self.whole).setdefault(name, []).append(value)

    def metrics(self) -> dict[str, float]:
        """Return one number a name: that of the epoch, else the last of a bar, else what the steps amount to."""
        found = {name: _of_several(name, values) for name, values in self.by_step.items()}
        found |= self.running
        return found | {name: _of_several(name, values) for name, values in self.whole.items()} | self.of_all


def _of_several(name: str, values: list[float]) -> float:
    """Return the mean of what was logged several times in an epoch; of validation, and of a rate, the last."""
    known = meaning(name)
    is_mean = known is not None and known.split in ("", "train") and known.quantity != "lr"
    return sum(values) / len(values) if is_mean else values[-1]


class Epochs:
    """The epochs of rows that come one after the other."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._open = _Open()
        self._reported: dict[float, Mapping[str, float]] = {}
        self._first = math.nan
        """The number that the first epoch had."""
        self._is_over = False
        """True if the epoch of the last row has been reported."""

    def feed(self, row: Row) -> list[Epoch]:
        """Take a row in; return the epochs that are over with it."""
        match self._rule.by:
            case "bar":
                return self._by_bar(row)
            case "metric":
                return self._by_metric(row)
            case "trailer":
                return self._by_trailer(row)
        return self._by_number(row)

    def end(self) -> list[Epoch]:
        """Return the epoch that is over with the log, if one is."""
        if self._rule.by == TRAILER:
            return []
        return self._close()

    def _by_number(self, row: Row) -> list[Epoch]:
        number = whole_epoch(row.epoch)
        done: list[Epoch] = []
        if row.begins_run and number == self._open.number:
            done += self._close()
            self._reported, self._is_over = {}, False
            self._open = _Open(number)
        elif not math.isnan(number) and number != self._open.number:
            done += self._close()
            self._open, self._is_over = _Open(number), False
        if math.isnan(self._open.number) or self._is_over:
            return done  # of no epoch, or of one that is reported
        self._open.add(row)
        return done + self._close_if_over(row)

    def _by_trailer(self, row: Row) -> list[Epoch]:
        self._open.add(row)
        if not row.ends_epoch:
            return []
        self._open.number = whole_epoch(row.epoch)
        return self._close()

    def _by_metric(self, row: Row) -> list[Epoch]:
        done: list[Epoch] = []
        if self._rule.has_step and math.isnan(row.step) and self._rule.metric in row.values:
            return done
        if row.is_running:  # what is drawn again is of the epoch whose line comes
            row = replace(row, values={name: row.values[name] for name in row.values.keys() - self._rule.once})
        else:
            again = self._rule.once & row.values.keys() & (self._open.whole.keys() | self._open.by_step.keys())
            done = self._close() if again else []
        self._open.add(row)
        return done + self._close_if_over(row)

    def _by_bar(self, row: Row) -> list[Epoch]:
        if row.bar is None:
            return []
        count, done = float(row.bar.count), list[Epoch]()
        if math.isnan(self._first):
            self._first = count
        if count != self._open.number:
            done = self._close()
            self._open = _Open(count)
        # a bar that counts from 0 is drawn once more when all is over
        if self._first > 0 or count < row.bar.total:
            self._open.add(row)
        return done

    def _close_if_over(self, row: Row) -> list[Epoch]:
        if not self._rule.is_over_with_these or row.is_running:
            return []
        return self._close() if self._rule.once <= {*self._open.whole, *self._open.by_step} else []

    def _close(self) -> list[Epoch]:
        """Return the epoch that is open, unless it has nothing, or nothing new."""
        number, metrics = self._open.number, self._open.metrics()
        self._open, self._is_over = _Open(number if self._rule.by == NUMBER else math.nan), True
        if not metrics or (self._rule.by == METRIC and self._rule.metric not in metrics):
            return []
        if not math.isnan(number):
            if self._is_known(number, metrics):
                return []
            if math.isnan(self._first):
                self._first = number
            self._reported[number] = metrics
        return [Epoch(metrics, number)]

    def _is_known(self, number: float, metrics: Mapping[str, float]) -> bool:
        """Return True for an epoch that was reported, unless the numbers begin anew, as with another training."""
        before = self._reported.get(number)
        if before is None:
            return False
        both = before.keys() & metrics.keys()
        if number <= self._first and both and not all(same(before[name], metrics[name]) for name in both):
            self._reported = {}
            return False
        return True


def epochs_of(rows: Iterable[Row], rule: Rule) -> list[Epoch]:
    """Return the epochs of a whole log."""
    epochs = Epochs(rule)
    found = [epoch for row in rows for epoch in epochs.feed(row)]
    return found + epochs.end()


def whole_epoch(number: float) -> float:
    """Return the epoch that a number lies in: 0.5 in the first, 1.0 at its end."""
    return number if math.isnan(number) or math.isinf(number) else float(math.ceil(number - 1e-6))
