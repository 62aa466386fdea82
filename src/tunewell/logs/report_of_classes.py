"""The report of scikit-learn on each class, as many programs print it in the end."""

from __future__ import annotations

import re

from tunewell.logs.names import meaning
from tunewell.logs.rows import Row

_HEAD = re.compile(r"\s*precision\s+recall\s+f1-score\s+support\s*")
_LINE = re.compile(r"\s*(\S.*?)((?:\s+\d+(?:\.\d+)?){2,4})\s*")
_LAST = "weighted avg"


class ReportOfClasses:
    """A reader of its lines, which tell the accuracy, or the mean F1 where there is none, unless they stood before."""

    def __init__(self) -> None:
        self.row: Row | None = None
        """What the line that was taken tells."""
        self._is_open = False
        self._has_accuracy = False
        """True if an accuracy was printed since the report before."""

    def heard(self, row: Row) -> None:
        """Take notice of numbers that were printed."""
        known = (meaning(name) for name in row.values)
        self._has_accuracy |= any(
            one is not None and one.quantity == "accuracy" and one.split != "train" for one in known
        )

    def takes(self, line: str) -> bool:
        """Return True if a line is one of a report; what it tells is `row`."""
        self.row = None
        if not self._is_open and "precision" not in line:
            return False
        if _HEAD.fullmatch(line):
            self._is_open = True
            return True
        if not self._is_open:
            return False
        found = _LINE.fullmatch(line)
        if found is None:
            self._is_open = not line.strip()
            return self._is_open
        name, numbers = found[1], found[2].split()
        if name == "accuracy" and not self._has_accuracy:
            self.row = Row({"accuracy": float(numbers[0])})
        elif name == "macro avg" and not self._has_accuracy and len(numbers) == 4:
            self.row = Row({"macro f1": float(numbers[2])})
        if name == _LAST:
            self._is_open = self._has_accuracy = False
        return True
