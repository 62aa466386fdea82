"""Curves in a CSV file: Keras' CSVLogger, Lightning's (rows with gaps), or a bare `epoch,train_loss,val_loss,...`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewell.diagnosis.readers.names import EPOCH, STEP, curves_of, not_understood
from tunewell.diagnosis.readers.series import by_epoch, by_number
from tunewell.errors import RecordError

_GAPS = ("", "na", "n/a", "none", "null", "-")


def read_csv(path: Path, columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read the record in a CSV file's columns; under `not_understood` are the names that were not.

    columns: the column of a curve whose name is not understood, by the curve.

    Raises:
        RecordError: the file is no CSV with a line of names, or no column is understood.
    """
    names, rows = _table(path)
    curves = curves_of(names, columns)
    epoch = curves.pop("epoch", None) or next((name for name in names if name.strip().lower() in EPOCH), None)
    if not set(curves) - {"lr"}:
        raise RecordError(
            f"{path.name} has no column that is understood as a loss or an accuracy; it has "
            f"{', '.join(map(repr, names[:20]))}: say which is which (--columns train_loss=NAME,val_loss=NAME)"
        )
    step = next((name for name in names if name.strip().lower() in STEP), None)
    wanted = curves | {name: place for name, place in (("epoch", epoch), ("step", step)) if place is not None}
    numbers = [_numbers(path, nth, row, wanted) for nth, row in enumerate(rows, start=1)]
    rest = {"not_understood": not_understood(names, curves | wanted)}
    if epoch is not None:
        return rest | {"epochs": _in_order(by_number([_of_curves(row, "step") for row in numbers if "epoch" in row]))}
    if step is not None:
        placed = [row for row in numbers if "step" in row]
        series = {curve: [(row["step"], row[curve]) for row in placed if curve in row] for curve in curves}
        return rest | {"epochs": by_epoch(series)}
    return rest | {"epochs": [{**row, "epoch": i + 1} for i, row in enumerate(numbers) if row]}


def _of_curves(row: Mapping[str, float], *others: str) -> dict[str, float]:
    return {name: value for name, value in row.items() if name not in others}


def _table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read the names, and the rows that have them all."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}; give a CSV or JSON file") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        has = "no line but the first" if lines else "no lines"
        raise RecordError(f"{path.name} has {has}; a line of names and one for each epoch are needed")
    mark = max(",;\t", key=lines[0].count)
    if mark not in lines[0] and _is_spaced(lines):
        lines, mark = [" ".join(line.split()) for line in lines], " "
    reader = csv.DictReader(lines, delimiter=mark)
    names = [name for name in reader.fieldnames or [] if name]
    if any(_is_number(name) for name in names):
        raise RecordError(f"{path.name} begins with numbers, {lines[0][:60]!r}; its first line must name the columns")
    rows = [{name: str(row.get(name) or "") for name in names} for row in reader]
    return names, rows


def _is_spaced(lines: Sequence[str]) -> bool:
    """Return True if spaces separate columns: all lines have as many words, and the last line only numbers."""
    widths = {len(line.split()) for line in lines}
    return len(widths) == 1 and widths != {1} and all(_is_number(word) for word in lines[-1].split())


def _in_order(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the epochs counted from 1 where a log counts from 0."""
    shift = 1 if rows and rows[0]["epoch"] == 0 else 0
    return [{**row, "epoch": row["epoch"] + shift} for row in rows]


def _numbers(path: Path, nth: int, row: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, float]:
    """Parse a row, by curve: an empty cell and `NA` (Keras) are gaps, `nan` is a number that was not finite.

    Raises:
        RecordError: a cell is no number; to take it for one that was not finite would look like a loss that diverged.
    """
    numbers: dict[str, float] = {}
    for curve, name in wanted.items():
        cell = row[name].strip()
        if cell.lower() in _GAPS:
            continue
        try:
            numbers[curve] = _number(cell)
        except ValueError:
            raise RecordError(
                f"{path.name} has {cell[:40]!r} for {name!r} in row {nth}, which is no number; leave the cell empty, "
                "or write nan for a number that was not finite"
            ) from None
    return numbers


def _number(cell: str) -> float:
    """Parse a number as people and spreadsheets write it: `0.31`, `51 %`, and `0,31` unless commas separate columns."""
    return float(cell.rstrip("%").replace(",", "."))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
