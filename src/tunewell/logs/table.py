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
from tunewell.logs.names import EPOCH, STEP, meaning
from tunewell.logs.rows import Log, Row

_GAPS = ("", "na", "n/a", "none", "null", "-", "--", "—", "no log")
_RULE = re.compile(r"[\s|+:=_\-─━═│┃┼╇╪╞╡├┤┡┩┏┓┗┛┌┐└┘┬┴┳┻]*")
"""A line that is drawn between the lines of a table."""
_BARS = "|│┃║"
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
    if len(names) < 2 or any(name and not _is_name(name) for name in names):
        return False
    known = any(name.lower() in (*EPOCH, *STEP) or meaning(name) for name in names)
    if not known:
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
        values = {}
        for i, cell in enumerate(cells):
            number = _parsed(cell)
            if number is None and i in wanted and cell.lower() not in _GAPS:
                raise RecordError(
                    f"{name} has {cell[:40]!r} for {table.names[i]!r} in row {nth + 1}, which is no number; leave the "
                    "cell empty, or write nan for a number that was not finite"
                )
            if number is not None and table.names[i]:
                values[table.names[i]] = number
                if cell.endswith("%"):
                    in_percent.add(table.names[i])
        place = {
            what: values[table.names[i]]
            for what, i in (("epoch", epoch), ("step", step))
            if i is not None and table.names[i] in values
        }
        rows.append(Row(values, place.get("epoch", math.nan), place.get("step", math.nan), False, nth in table.begins))
    if epoch is not None:
        rows = [row for row in rows if not math.isnan(row.epoch)]
    return Log(name, rows, frozenset(in_percent), [column for column in table.names if column])


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
        number = float(cell.rstrip("%").replace(",", "."))
    except ValueError:
        return None
    return number / 100 if cell.endswith("%") else number


def _is_name(cell: str) -> bool:
    return any(letter.isalpha() for letter in cell) and not _is_number(cell) and ":" not in cell and len(cell) <= 60


def _is_number(cell: str) -> bool:
    return _parsed(cell) is not None
