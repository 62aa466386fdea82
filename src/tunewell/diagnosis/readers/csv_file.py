"""Curves in a CSV file: Keras' CSVLogger, Lightning's (rows with gaps), or a bare `epoch,train_loss,val_loss,...`."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewell.diagnosis.readers.names import EPOCH, STEP, curves_of
from tunewell.diagnosis.readers.series import by_epoch, by_number
from tunewell.errors import RecordError


def read_csv(path: Path, columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The record that a CSV file's columns amount to.

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
    numbers = [{curve: _number(row[name]) for curve, name in curves.items() if _told(row.get(name))} for row in rows]
    if epoch is not None:
        told = [
            {**row, "epoch": _number(at)}
            for row, at in zip(numbers, (r[epoch] for r in rows), strict=True)
            if _told(at)
        ]
        return {"epochs": _in_order(by_number(told))}
    step = next((name for name in names if name.strip().lower() in STEP), None)
    if step is not None:
        places = [_number(row[step]) for row in rows]
        series = {
            curve: [(at, row[curve]) for at, row in zip(places, numbers, strict=True) if curve in row]
            for curve in curves
        }
        return {"epochs": by_epoch(series)}
    return {"epochs": [{**row, "epoch": i + 1} for i, row in enumerate(numbers) if row]}


def _table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The names, and rows that have them all."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}; give a CSV or JSON file") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        raise RecordError(f"{path.name} has {len(lines)} lines; a line of names and one line an epoch are needed")
    mark = max(",;\t", key=lines[0].count)
    reader = csv.DictReader(lines, delimiter=mark)
    names = [name for name in reader.fieldnames or [] if name]
    if any(_is_number(name) for name in names):
        raise RecordError(f"{path.name} begins with numbers, {lines[0][:60]!r}; its first line must name the columns")
    rows = [{name: str(row.get(name) or "") for name in names} for row in reader]
    return names, rows


def _in_order(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Epochs from 1 where a log counts from 0."""
    shift = 1 if rows and rows[0]["epoch"] == 0 else 0
    return [{**row, "epoch": row["epoch"] + shift} for row in rows]


def _told(cell: str | None) -> bool:
    """An empty cell is a gap, `nan` is a number that was not finite."""
    return bool(cell and cell.strip())


def _number(cell: str) -> float:
    text = cell.strip().rstrip("%")
    try:
        return float(text)
    except ValueError:
        return math.nan


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
