"""The rows that a pattern, mostly one of the user's, finds in lines."""

from __future__ import annotations

import math
import re

from tunewell.errors import SettingError
from tunewell.logs.cutter import Line
from tunewell.logs.names import EPOCH, STEP
from tunewell.logs.rows import Row
from tunewell.logs.text import without_escapes

_EXAMPLE = r"--pattern 'epoch (?P<epoch>\d+).*val_acc=(?P<val_acc>[\d.]+)'"

COUNTED = r"^\W*(?i:epoch)\W*(?P<epoch>\d+)(?:\s*/\s*\d+)?\s*[:|,-]\s*(?P<accuracy>\d+ ?/ ?\d{3,})\W*$"
"""Finds an accuracy that has no name: `Epoch 3: 9129 / 10000`."""


class PatternReader:
    """A reader of the lines that a pattern matches; its groups are named as the metrics are."""

    in_percent: frozenset[str] = frozenset()

    def __init__(self, pattern: str, metric: str = "") -> None:
        """Check a pattern; `metric`: the name of its only group, if that has none.

        Raises:
            SettingError: it is no pattern, or does not say which number is which.
        """
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise SettingError(f"--pattern {pattern!r} is no regular expression: {error}; e.g. {_EXAMPLE}") from error
        names = list(self._pattern.groupindex)
        if self._pattern.groups == 0:
            raise SettingError(f"--pattern {pattern!r} has no group around the number; e.g. {_EXAMPLE}")
        if not names and self._pattern.groups > 1:
            raise SettingError(f"--pattern {pattern!r} has several groups and no name for them; e.g. {_EXAMPLE}")
        if not names and not metric:
            raise SettingError(f"--pattern {pattern!r} does not name its number; say --metric too, or {_EXAMPLE}")
        self.names: list[str] = [name for name in names if name not in (*EPOCH, *STEP)] or [metric]
        if not names:
            self._groups = {metric: 1}
        else:
            self._groups = dict(self._pattern.groupindex)
        if metric and metric not in self.names:
            raise SettingError(f"--pattern has {', '.join(self.names)}, and no group {metric!r}, which --metric names")

    def read(self, line: Line) -> Row | None:
        """Return what the pattern finds in a line; None if it does not match."""
        found = self._pattern.search(without_escapes(line.text.decode(errors="replace")))
        if found is None:
            return None
        numbers = {name: _number(found[group]) for name, group in self._groups.items() if found[group] is not None}
        place = [next((numbers[name] for name in names if name in numbers), math.nan) for names in (EPOCH, STEP)]
        return Row({name: numbers[name] for name in self.names if name in numbers}, place[0], place[1])


def _number(text: str) -> float:
    """Return a number, that of `51 %`, or of a share `9129 / 10000`; NaN for what is none."""
    part, bar, whole = text.partition("/")
    if bar:
        return _number(part) / of if (of := _number(whole)) else math.nan
    try:
        return float(text.strip().rstrip("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        return math.nan
