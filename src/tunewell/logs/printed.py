"""The rows in what a program prints: objects of JSON, tables and lines, beside one another.

All names are made one spelling, so that `Val loss` and `val loss` are `val_loss`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from tunewell.errors import ReportError
from tunewell.logs.coco_summary import CocoSummary
from tunewell.logs.cutter import Line
from tunewell.logs.json_lines import json_objects, row_of
from tunewell.logs.languages import in_english
from tunewell.logs.lines import LineReader
from tunewell.logs.names import meaning
from tunewell.logs.report_of_classes import ReportOfClasses
from tunewell.logs.rows import Row
from tunewell.logs.split_columns import SplitColumns
from tunewell.logs.table import TableReader
from tunewell.logs.text import without_escapes

_BAR_BEFORE = re.compile(rb"^[^{]*\d%\|[^{]*(?={)")
"""A progress bar that stands on the line of an object."""
Knows = Callable[[str], bool]
"""Says which names are metrics."""


class PrintedReader:
    """A reader of one line after the other; standard output and error are read as they come."""

    def __init__(self, knows: Knows, *, takes_best: bool = False) -> None:
        self._knows = knows
        self._lines = LineReader(lambda name: knows(spelled(name)), takes_best=takes_best)
        self._table = TableReader()
        self._report = ReportOfClasses()
        self._summary = CocoSummary()
        self._columns = SplitColumns()

    @property
    def in_percent(self) -> set[str]:
        """Names whose numbers had a sign of percent; the numbers are shares already."""
        return {spelled(name) for name in (*self._lines.in_percent, *self._table.in_percent, *self._columns.in_percent)}

    def read(self, line: Line) -> Row | None:
        """Return what a line tells; None if nothing."""
        text = in_english(without_escapes(line.text.decode(errors="replace")))
        printed = self._lines.read(text, is_drawn_over=line.is_overwritten)
        in_table = self._table.read(text)
        for one in (self._summary, self._report):
            if one.takes(text):
                printed = in_table = one.row and self._lines.placed(one.row)
        if (in_columns := self._columns.read(text)) is not None:
            printed = in_table = self._lines.placed(in_columns)
        for row in (self._object(line), in_table, printed):
            if row is not None and (known := self._known(row)).values:
                self._report.heard(known)
                return known
        return printed and replace(printed, values={})

    def _object(self, line: Line) -> Row | None:
        if b"{" not in line.text:
            return None
        try:
            objects = json_objects(_BAR_BEFORE.sub(b"", line.text))
        except ReportError:
            return None
        return row_of(objects[0]) if len(objects) == 1 else None

    def _known(self, row: Row) -> Row:
        values = {spelled(name): value for name, value in row.values.items()}
        return replace(row, values={name: value for name, value in values.items() if self._knows(name)})


@lru_cache(maxsize=1000)
def spelled(name: str) -> str:
    """Return a name as it is reported: one word in small letters, unless it is one already."""
    plain = re.sub(r"['’]s\b", "", name)
    plain = re.sub(r"\s+", "_", re.sub(r"[^\w@/.+-]+", " ", plain).strip()).strip("_.-")
    if plain == name and not name.istitle() and not name.isupper():
        return plain
    lower = plain.lower()
    if meaning(lower) is None and meaning(parted := re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain).lower()):
        return parted  # `eval CrossEntropyLoss`
    return lower
