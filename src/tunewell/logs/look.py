"""A first look at what a training prints or writes: which metrics are in it, and how its epochs are recognised."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tunewell.logs.epochs import BAR, METRIC, NUMBER, TRAILER, Epoch, Epochs, Rule, epochs_of, whole_epoch
from tunewell.logs.json_lines import same
from tunewell.logs.names import meaning, says_split, split_of
from tunewell.logs.rows import Row
from tunewell.logs.scores import MAX_SHARE, SHARES

OBJECTS, PRINTED, PATTERN, FILE = "objects", "printed", "pattern", "file"
"""Where the metrics are: in reports (a line of JSON an epoch, or the socket), in what is printed, in what a pattern
finds there, or in a file."""

_SURE = 2
"""So many lines show whether all of a kind say their step."""


@dataclass(frozen=True, slots=True)
class FoundMetrics:
    """The metrics that were found, as plain data: with it the same log is read in the same way again."""

    where: str = OBJECTS
    names: tuple[str, ...] = ()
    rule: Rule = field(default_factory=Rule)
    in_percent: frozenset[str] = frozenset()
    """Names that are printed in percent without its sign; they are reported as shares."""
    file: str = ""
    """A pattern for the name of the file that has them."""
    is_new: bool = False
    """True if each training has a new file, so that one which was there before is another's."""
    path: str = ""
    """The file as the user has named it, which may have placeholders."""
    pattern: str = ""
    takes_best: bool = False
    """True if nothing else is printed than what is called the best or the final number."""
    is_once: bool = False
    """True if the metric comes once, at the end of the training."""
    examples: tuple[str, ...] = ()
    """Lines that have them."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "where": self.where,
            "names": list(self.names),
            "rule": self.rule.as_dict(),
            "in_percent": sorted(self.in_percent),
            "file": self.file,
            "is_new": self.is_new,
            "path": self.path,
            "pattern": self.pattern,
            "takes_best": self.takes_best,
            "is_once": self.is_once,
            "examples": list(self.examples),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> FoundMetrics:
        """Return what `as_dict` has written."""
        lists = {name: tuple(record[name]) for name in ("names", "examples")}
        return cls(
            **{
                **record,
                **lists,
                "rule": Rule.from_dict(record["rule"]),
                "in_percent": frozenset(record["in_percent"]),
            }
        )

    def reported(self, epoch: Epoch) -> dict[str, float]:
        """Return the metrics of an epoch as they are reported."""
        return {
            name: round(value / 100, 12) if name in self.in_percent else value
            for name, value in epoch.metrics.items()
            if name in self.names
        }


def rule_of(rows: Sequence[Row], metric: str, *, is_whole: bool) -> Rule:
    """Return the rule by which the epochs of a metric are recognised.

    is_whole: the rows are those of a whole training, and not only of its beginning.
    """
    by = _recognised_by(rows, metric, is_whole=is_whole)
    if by in (BAR, TRAILER):
        return Rule(by)
    if by == METRIC:
        places = [row for row in rows if metric in row.values]
        has_step = not any(math.isnan(row.step) for row in places[:_SURE])
        rule = Rule(METRIC, metric, _as_often_as(rows, metric), has_step=has_step)
        return _with_end(rows, rule, metric, is_whole=is_whole)
    lazy = Rule(NUMBER)
    groups = _by_epoch(rows)
    counted = [Counter(name for row in group for name in row.values) for group in (groups if is_whole else groups[:-1])]
    once = {name for name in set().union(*counted) if all(counts[name] == 1 for counts in counted)}
    return _with_end(rows, replace(lazy, once=frozenset(once)), metric, is_whole=is_whole)


def _with_end(rows: Sequence[Row], rule: Rule, metric: str, *, is_whole: bool) -> Rule:
    """Return a rule that ends an epoch as soon as all is there, if that comes to the same on these rows."""
    if metric not in rule.once or any(row.is_running for row in rows if row.values):
        return rule
    eager, lazy = replace(rule, is_over_with_these=True), epochs_of(rows, rule)
    found = epochs_of(rows, eager)
    if not is_whole:
        lazy = lazy[:-1]
    is_same = len(found) >= len(lazy) and all(
        all(
            name in one.metrics and same(one.metrics[name], other.metrics[name])
            for name in rule.once & other.metrics.keys()
        )
        for one, other in zip(found, lazy, strict=False)
    )
    return eager if is_same and len(found) <= len(lazy) + 1 else rule


def _recognised_by(rows: Sequence[Row], metric: str, *, is_whole: bool) -> str:
    """Return what tells the epochs apart."""
    if any(row.bar is not None and metric in row.values for row in rows) and _is_bar_of_epochs(rows, is_whole=is_whole):
        return BAR
    numbered = [row for row in rows if not math.isnan(row.epoch)]
    if not numbered:
        return METRIC
    first = rows.index(numbered[0])
    if (
        numbered[0].ends_epoch
        and metric not in numbered[0].values
        and any(metric in row.values for row in rows[:first])
    ):
        return TRAILER
    places = [row for row in rows if metric in row.values and not row.is_running]
    if len({row.epoch for row in places}) == 1 and len(places) > 2 and len({row.epoch for row in numbered}) == 1:
        return METRIC  # one number for all, as of one long epoch, or of a setting called `epochs`
    fractions = {row.epoch for row in places}
    if is_whole and len(fractions) > 1 and len({whole_epoch(row.epoch) for row in numbered}) == 1:
        return METRIC  # a training that ends within its first epoch
    for group in _by_epoch(rows)[:1]:
        numbers = {row.epoch for row in group if metric in row.values and not math.isnan(row.epoch)}
        within = {number for number in numbers if number != whole_epoch(number)}
        if len(within) > 1 and says_split(metric):
            return METRIC  # is measured several times an epoch
    return NUMBER


def _is_bar_of_epochs(rows: Sequence[Row], *, is_whole: bool) -> bool:
    """Return True if a progress bar with metrics counts epochs, and not steps within one."""
    on_bar = [row for row in rows if row.bar is not None and row.values]
    if not on_bar:
        return False
    if any(row.bar is not None and row.bar.is_of_epochs for row in on_bar):
        return True
    is_sure = is_whole and not any(row.bar is not None and says_split(row.bar.title) for row in on_bar)
    counts = [row.bar.count for row in on_bar if row.bar is not None]
    goes_through_once = counts == sorted(counts) and len({row.epoch for row in on_bar}) == 1
    if not goes_through_once or any(not row.values and not math.isnan(row.epoch) for row in rows):
        return False
    if is_sure:
        return max(counts) > 1
    by_count: dict[str, set[float]] = {}
    for row in on_bar:
        for name, value in row.values.items():
            if (known := meaning(name)) and known.split in ("val", "test"):
                by_count.setdefault(name, set()).add(value)
    return any(len(values) > 1 for values in by_count.values())


def _by_epoch(rows: Iterable[Row]) -> list[list[Row]]:
    """Return the rows of each epoch that the log numbers, with those that lie between."""
    groups: list[list[Row]] = []
    now = math.nan
    for row in rows:
        number = whole_epoch(row.epoch)
        if not math.isnan(number) and number != now:
            groups.append([])
            now = number
        if groups:
            groups[-1].append(row)
    return groups


def _as_often_as(rows: Sequence[Row], metric: str) -> frozenset[str]:
    """Return the names that come as often as the metric, give or take one."""
    counts = Counter(name for row in rows if not row.is_running for name in row.values)
    return frozenset(name for name, count in counts.items() if abs(count - counts[metric]) <= (counts[metric] > 1))


def in_percent(rows: Sequence[Row], names: Iterable[str]) -> frozenset[str]:
    """Return the names whose numbers can only be percentages."""
    found = set()
    for name in names:
        known = meaning(name)
        values = [row.values[name] for row in rows if name in row.values and math.isfinite(row.values[name])]
        if known and known.quantity in SHARES and max(values, default=0.0) > MAX_SHARE:
            found.add(name)
    return frozenset(found)


class Sight:
    """The rows of a training so far, to say when they are enough."""

    def __init__(self, *, is_enough: int = 2, most: int = 5) -> None:
        """Begin; `is_enough`: epochs with a metric of validation, `most`: epochs of whatever."""
        self.rows: list[Row] = []
        self.examples: list[str] = []
        self._enough, self._most = is_enough, most
        self._numbered = Epochs(Rule())
        self._epochs: list[Epoch] = []
        self._times: Counter[str] = Counter()
        self._running: set[str] = set()
        self._bars: list[Row] = []
        self._now = math.nan
        self._had: Counter[str] = Counter()
        self._has_now: Counter[str] = Counter()
        """What the epoch that has begun last has, and the one before had, progress bars apart."""

    def add(self, row: Row, example: str = "") -> None:
        """Take a row in."""
        self.rows.append(row)
        if row.values and example and len(self.examples) < self._most:
            self.examples.append(example)
        self._epochs += self._numbered.feed(row)
        if not math.isnan(row.epoch) and whole_epoch(row.epoch) != self._now:
            self._now = whole_epoch(row.epoch)
            self._had, self._has_now = self._has_now, Counter()
        if row.bar is not None and row.values:
            self._bars.append(row)
        if row.is_running:
            self._running |= row.values.keys()
        else:
            self._times.update(row.values.keys())
            self._has_now.update(row.values.keys())

    def has_seen(self, wants: Callable[[str], bool] | None = None) -> bool:
        """Return True if enough was seen of the epochs of a wanted metric, or of one of validation."""
        if self._bars and len(self._bars) % 10 == 0 and _is_bar_of_epochs(self.rows, is_whole=False):
            return len({row.bar.count for row in self._bars if row.bar is not None}) > self._enough
        names = [name for name in {*self._times, *self._running} if (wants or _is_of_validation)(name)]
        if not math.isnan(self._now):
            seen = [epoch for epoch in self._epochs if any(name in epoch.metrics for name in names)]
            if len(seen) >= self._enough or (wants and len(self._epochs) >= self._most * 4):
                return True
            once = {name for name, count in self._had.items() if count == 1}
            is_second = len(seen) == self._enough - 1 and seen[-1:] == self._epochs[-1:]
            return is_second and once <= self._has_now.keys() and not once.isdisjoint(names)
        most = max((self._times[name] for name in names), default=0)
        return most > self._enough or (most == self._enough and min(self._times.values()) == most)

    @property
    def has_seen_much(self) -> bool:
        """True if several epochs were seen, or many lines, whatever they have."""
        return len(self._epochs) >= self._most or max(self._times.values(), default=0) > 10 * self._most


def _is_of_validation(name: str) -> bool:
    return split_of(name) in ("val", "test")
