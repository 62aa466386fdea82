"""A table whose columns are the splits, and whose lines are metrics.

          Training |  Validation
accuracy    0.812  |     0.742
loss        0.412  |     0.611
"""

from __future__ import annotations

import re

from tunewell.logs.names import is_bare
from tunewell.logs.rows import Row

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?%?|nan|n/a|-", re.IGNORECASE)
_APART = re.compile(r"[\s|│┃,;]+")
_BEFORE = re.compile(r"^.*\s-\s+|^.*[│┃|]\s*(?=[A-Za-z_][\w/@. ]*[│┃|])")
"""The stamp of a logger."""
_CORNER = {"metric", "metrics", "name", "set", "split", "quantity", "#", "value"}
_LEAST_SPLITS = 2


class SplitColumns:
    """A reader of one line after the other."""

    def __init__(self) -> None:
        self.in_percent: set[str] = set()
        """Names whose cells had a sign of percent; the numbers are shares already."""
        self._splits: list[str] = []

    def read(self, line: str) -> Row | None:
        """Return the numbers of a line of the table by their names; None if it is none."""
        if not (self._splits or "rain" in line or "al" in line):
            return None
        words = [word for word in _APART.split(_BEFORE.sub("", line.strip()).strip(" |│┃")) if word]
        splits = [word for word in words if is_bare(word)]
        if len(splits) >= _LEAST_SPLITS and all(word in splits or word.lower() in _CORNER for word in words):
            self._splits = splits
            return None
        if not self._splits or not words:
            return None
        if not any(letter.isalnum() for letter in line):
            return None  # a rule
        n = len(self._splits)
        name, numbers = " ".join(words[:-n]), words[-n:]
        if not name or not re.match(r"[A-Za-z]", name) or not all(_NUMBER.fullmatch(one) for one in numbers):
            self._splits = []
            return None
        values = {}
        for split, cell in zip(self._splits, numbers, strict=True):
            label = f"{split} {name.strip(' :=')}"
            try:
                values[label] = float(cell.rstrip("%")) / (100 if cell.endswith("%") else 1)
            except ValueError:
                continue  # a gap
            if cell.endswith("%"):
                self.in_percent.add(label)
        return Row(values)
