"""The summary of a detector that pycocotools prints after each evaluation, as it is or among lines of a log."""

from __future__ import annotations

import re

from tunewell.logs.rows import Row

_KIND = re.compile(r"\bIoU metric: (\w+)|Evaluate annotation type \*(\w+)\*")
_LINE = re.compile(
    r"Average (?P<what>Precision|Recall)\s+\(A[PR]\) @\[ IoU=(?P<iou>[\d.:]+)\s*\| area=\s*(?P<area>\w+) "
    r"\| maxDets=\s*(?P<most>\d+) \] = (?P<value>-?\d+\.\d+)"
)
_ALL_OVERLAPS = "0.50:0.95"


class CocoSummary:
    """A reader of its lines: the mean average precision of all areas, and at one overlap each; and the recall."""

    def __init__(self) -> None:
        self.row: Row | None = None
        """What the line that was taken tells."""
        self._kind = ""

    def takes(self, line: str) -> bool:
        """Return True if a line is one of a summary; what it tells is `row`."""
        self.row = None
        if kind := _KIND.search(line):
            self._kind = f"{kind[1] or kind[2]}_"
            return True
        found = _LINE.search(line) if "Average " in line else None
        if found is None:
            return False
        if found["area"] == "all" and (found["what"] == "Precision" or found["most"] != "1"):
            name = "map" if found["what"] == "Precision" else "recall"
            at = "" if found["iou"] == _ALL_OVERLAPS else f"_{found['iou'].replace('0.', '')}"
            most = f"@{found['most']}" if name == "recall" else ""
            self.row = Row({f"{self._kind}{name}{at}{most}": float(found["value"])})
        return True
