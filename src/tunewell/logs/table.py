"""Curves in a table with a line of names.

CSV of Keras' CSVLogger, Lightning (rows with gaps), YOLO or one's own; tables of Markdown, and those that fastai,
Hugging Face and others print, with columns apart by tabs, bars or spaces.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunewell.errors import RecordError
from tunewell.logs.json_lines import split_in
from tunewell.logs.names import EPOCH, STEP, meaning, says_split, words_of
from tunewell.logs.rows import Log, Row

_GAPS = ("", "na", "n/a", "none", "null", "-", "--", "—", "no log")
_RULE = re.compile(r"[\s|+:=_\-─━═│┃┼╇╪╞╡├┤┡┩┏┓┗┛┌┐└┘┬┴┳┻]*")
"""A line that is drawn between the lines of a table."""
_BARS = "|│┃║"
_BAR_BEHIND = re.compile(r":?\s+\d+%\|.*$")
"""A progress bar that stands on the line of a table, as YOLO has it."""
_KNOWN = {"loss", "score"}
"""Words of a column of numbers that are measured, whatever else its name has."""
_EPOCHS, _STEPS = (*EPOCH, "e", "gen", "generation"), (*STEP, "#")
_EVOLUTION = {"gen", "nevals"}
"""Columns of a table of generations, whose other columns are statistics of the fitness."""
_OF_FITNESS = {"avg", "mean", "median", "min", "max"}
_NO_NAMES = re.compile(r":|(?<![\w.@])\d+\.\d")
"""What no line of names has, which is seen at a glance."""
_CLASSES = ("class", "category", "label")
_ALL = {"all", "overall", "average", "avg", "mean", "total"}
"""The row of a table of classes that is of all of them."""
_MOST_LETTERS = 2000  # of a line that may be one of a table among others
_SPLIT_OF_TWO = re.compile(r"(?i)\b(training|validation|train|valid|val|test|eval|learning|grad)\s+(?=[a-z])")


@dataclass(frozen=True, slots=True)
class _Table:
    """The cells of a table, by line."""

    names: list[str]
    rows: list[list[str]]
    begins: list[int]
    """The rows before which the line of names stands again, as where a file was appended to."""


def is_table(lines: Sequence[str]) -> bool:
    """Return True if the first line names columns: cells of words, of which one is an epoch, a step or understood.

    Bare spaces tell columns apart only if the lines below have as many words.
    """
    kept = _kept(lines)
    if not kept:
        return False
    mark = _mark(kept[0])
    names = _cells(kept[0], mark) if mark else _spaced(kept)
    if len(names) < 2 or _NO_NAMES.search(kept[0]) or any(name and not _is_name(name) for name in names):
        return False
    known = any(name.lower() in (*EPOCH, *STEP) or meaning(name) or words_of(name) & _KNOWN for name in names)
    if not known and not _EVOLUTION.issubset(names):
        return False
    return (mark in (",", ";", "\t") and len(kept) < 2) or any(_fits(line, mark, len(names)) for line in kept[1:4])


def read_table(name: str, text: str) -> Log:
    """Read the rows of a table.

    Raises:
        RecordError: there is no line of names, or no line below; or a cell of a curve is no number.
    """
    table = _table(name, text.splitlines())
    epoch, step = _place(table.names, EPOCH), _place(table.names, STEP)
    wanted = [i for i, column in enumerate(table.names) if i in (epoch, step) or meaning(column)]
    rows, in_percent = [], set()
    for nth, cells in enumerate(table.rows):
        for i in wanted:
            if _parsed(cells[i]) is None and cells[i].lower() not in _GAPS:
                raise RecordError(
                    f"{name} has {cells[i][:40]!r} for {table.names[i]!r} in row {nth + 1}, which is no number; leave "
                    "the cell empty, or write nan for a number that was not finite"
                )
        in_percent |= {column for column, cell in zip(table.names, cells, strict=True) if cell.endswith("%")}
        rows.append(_row(table.names, cells, epoch, step, begins_run=nth in table.begins))
    if epoch is not None:
        rows = [row for row in rows if not math.isnan(row.epoch)]
    return Log(name, rows, frozenset(in_percent), [column for column in table.names if column])


class TableReader:
    """A reader of one line after the other, some of which are those of a table with a line of names."""

    def __init__(self) -> None:
        self.in_percent: set[str] = set()
        """Names whose cells had a sign of percent; the numbers are shares already."""
        self._names: list[str] = []
        self._mark = ""
        self._is_wrapped = False
        """True if the columns repeat, as where a long list of classes is set in several columns."""
        self._before = ""
        """The last line, which may be that of the names."""

    def read(self, line: str) -> Row | None:
        """Return the row of a table; None if the line is none."""
        if len(line) > _MOST_LETTERS or not _kept([line]):
            return None
        if "%|" in line:
            line = _BAR_BEHIND.sub("", line)
        before, self._before = self._before, line
        if before and not _NO_NAMES.search(before) and is_table([before, line]):
            self._mark = _mark(before)
            names = _cells(before, self._mark) if self._mark else _spaced([before, line])
            self._is_wrapped = len(names) > 2 and len(names) >= 2 * len({*names})
            self._names = [f"{name}_fitness" if name in _OF_FITNESS and "gen" in names else name for name in names]
        if len(self._names) < 2 or not _fits(line, self._mark, len(self._names)):
            return None
        cells = _cells(line, self._mark) if self._mark else _words(line)
        if self._names[0].lower() in _CLASSES and cells[0].lower() not in _ALL:
            return self._of_name(cells)
        if self._is_wrapped:
            return None
        epoch, step = _place(self._names, _EPOCHS), _place(self._names, _STEPS)
        row = _row(self._names, cells, epoch, step)
        if epoch is not None and math.isnan(row.epoch) and cells[epoch].lower() not in _GAPS:
            return None  # of another table
        self.in_percent |= {name for name, cell in zip(self._names, cells, strict=True) if cell.endswith("%")}
        return row

    def _of_name(self, cells: Sequence[str]) -> Row | None:
        """Return the row of a line that names what its only number is: `mAP | | | 0.61`."""
        numbers = [number for cell in cells[1:] if (number := _parsed(cell)) is not None]
        return Row({cells[0]: numbers[0]}) if len(numbers) == 1 and meaning(cells[0]) else None


def _row(
    names: Sequence[str], cells: Sequence[str], epoch: int | None, step: int | None, *, begins_run: bool = False
) -> Row:
    """Return the numbers of a line of a table; `epoch` and `step` are where these stand."""
    numbers = [_parsed(cell.partition("/")[0] if i == epoch else cell) for i, cell in enumerate(cells)]
    split = split_in(dict(zip(names, cells, strict=True)))
    values = {
        f"{split}_{name}" if split and i not in (epoch, step) and not says_split(name) else name: number
        for i, (name, number) in enumerate(zip(names, numbers, strict=True))
        if name and number is not None
    }
    return Row(values, _at(numbers, epoch), _at(numbers, step), begins_run=begins_run)


def _at(numbers: Sequence[float | None], i: int | None) -> float:
    number = None if i is None else numbers[i]
    return math.nan if number is None else number


def _kept(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip() and not line.startswith("#") and not _RULE.fullmatch(line)]


def _mark(line: str) -> str:
    """Return what separates the columns of a line; "" for spaces."""
    if any(bar in line for bar in _BARS) and line.strip()[0] in _BARS:
        return "|"
    mark = max(",;\t|", key=line.count)
    return mark if mark in line else ""


def _cells(line: str, mark: str) -> list[str]:
    if mark == "|":
        return [cell.strip() for cell in re.split(f"[{_BARS}]", line.strip().strip(_BARS))]
    (cells,) = csv.reader([line.strip("\n")], delimiter=mark, skipinitialspace=mark != "\t")
    return [cell.strip() for cell in cells]


def _spaced(lines: Sequence[str]) -> list[str]:
    """Return the names of columns that only spaces separate; none if the lines below have other columns.

    `Training Loss` is one name where the lines below have as many columns as there are names then.
    """
    if len(lines) < 2:
        return []
    width = len(_words(lines[1]))
    for names in (
        lines[0].split(),
        re.split(r"\s{2,}", lines[0].strip()),
        _SPLIT_OF_TWO.sub(lambda found: found[1] + "\N{NO-BREAK SPACE}", lines[0]).split(" "),
    ):
        found = [name.replace("\N{NO-BREAK SPACE}", " ") for name in names if name]
        if len(found) == width > 1:
            return found
    names = lines[0].split()
    if len(names) == width - 1 > 1 and _words(lines[1])[0].isdigit() and "support" not in names:
        return ["", *names]  # pandas numbers its rows, and has no name for that
    return []


def _words(line: str) -> list[str]:
    return re.sub(r"(?i)\bno log\b", "-", line).split()


def _fits(line: str, mark: str, width: int) -> bool:
    """Return True if a line has as many cells, and most of them are numbers or gaps."""
    cells = _cells(line, mark) if mark else _words(line)
    numbers = sum(_parsed(cell) is not None or cell.lower() in _GAPS for cell in cells)
    return len(cells) == width and 2 * numbers >= width and any(_parsed(cell) is not None for cell in cells)


def _table(name: str, lines: Sequence[str]) -> _Table:
    """Return the names, and the rows below that have as many cells; other lines are no part of the table."""
    kept = _kept(lines)
    if len(kept) < 2:
        has = "no line but the first" if kept else "no lines"
        raise RecordError(f"{name} has {has}; a line of names and one for each epoch are needed")
    mark = _mark(kept[0])
    names = _cells(kept[0], mark) if mark else _spaced(kept) or kept[0].split()
    if any(_is_number(one) for one in names):
        raise RecordError(f"{name} begins with numbers, {kept[0][:60]!r}; its first line must name the columns")
    rows: list[list[str]] = []
    begins = []
    for line, cells in _lines_of_cells(kept[1:], mark):
        if cells == names or (not mark and line.split() == kept[0].split()):
            begins.append(len(rows))
        elif mark in (",", ";", "\t") or _fits(line, mark, len(names)):
            rows.append([*cells[: len(names)], *[""] * (len(names) - len(cells))])
    return _Table(names, rows, begins)


def _lines_of_cells(lines: Sequence[str], mark: str) -> Iterator[tuple[str, list[str]]]:
    for line in lines:
        yield line, _cells(line, mark) if mark else _words(line)


def _place(names: Sequence[str], words: Sequence[str]) -> int | None:
    return next((i for i, name in enumerate(names) if name.strip().lower() in words), None)


def _parsed(cell: str) -> float | None:
    """Parse a number as people and spreadsheets write it: `0.31`, `51 %`, and `0,31` unless commas separate columns."""
    try:
        number = float(cell.strip("[]").rstrip("%").replace(",", "."))
    except ValueError:
        return None
    return number / 100 if cell.endswith("%") else number


def _is_name(cell: str) -> bool:
    return (
        (cell == "#" or any(letter.isalpha() for letter in cell))
        and not _is_number(cell)
        and ":" not in cell
        and len(cell) <= 60
    )


def _is_number(cell: str) -> bool:
    return _parsed(cell) is not None
