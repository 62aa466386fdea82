"""How commands print: aligned tables, settings to copy, curves, JSON."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime

import click
import numpy as np

from tunewell.cli.echo import echo
from tunewell.display.formatting import duration, measured, short
from tunewell.space.values import Value

_GAP = "  "


def print_json(data: object) -> None:
    """One JSON document."""
    echo(json_text(data))


def json_text(data: object) -> str:
    """A JSON document; what JSON has no number for is a string: "nan", "inf", "-inf"."""
    return json.dumps(_json_ready(data), indent=2, allow_nan=False)


def _json_ready(data: object) -> object:
    match data:
        case float() if not math.isfinite(data):
            return str(data)
        case np.generic():
            return _json_ready(data.item())
        case Mapping():
            return {str(key): _json_ready(value) for key, value in data.items()}
        case list() | tuple():
            return [_json_ready(value) for value in data]
        case _:
            return data


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Lines of aligned columns, numbers to the right, None as a dash.

    Columns that a terminal has no room for follow below, beside the first column again.
    """
    aligned = [_aligned(name, [row[i] for row in rows]) for i, name in enumerate(columns)]
    for n, block in enumerate(_blocks([len(column[0]) for column in aligned])):
        header, *lines = (fitted(_GAP.join(cells).rstrip()) for cells in zip(*(aligned[i] for i in block), strict=True))
        if n:
            yield ""
        yield click.style(header, bold=True)
        yield from lines


def _aligned(name: str, column: Sequence[object]) -> list[str]:
    """A column's cells below its name, all as wide as the widest."""
    cells = [name, *("-" if cell is None else short(cell) for cell in column)]
    width = max(map(len, cells))
    if column and all(map(_is_figure, column)):
        return [cell.rjust(width) for cell in cells]
    return [cell.ljust(width) for cell in cells]


def _is_figure(cell: object) -> bool:
    if cell is None:
        return True
    try:
        float(str(cell).removesuffix("%"))
    except ValueError:
        return False
    return True


def _blocks(widths: Sequence[int]) -> list[list[int]]:
    """Which columns stand side by side; the first is in every block."""
    room = _room()
    blocks = [[0]]
    left = room - widths[0]
    for i, width in enumerate(widths[1:], start=1):
        if width + len(_GAP) > left and len(blocks[-1]) > 1:
            blocks.append([0])
            left = room - widths[0]
        blocks[-1].append(i)
        left -= width + len(_GAP)
    return blocks


def fitted(line: str) -> str:
    """The line, cut to the terminal's width; whole if it goes to a file or another program."""
    room = _room()
    return line if len(line) <= room else line[: room - 1] + "…"


def _room() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def setting_lines(params: Mapping[str, Value]) -> Iterator[str]:
    """`learning_rate = 0.0123`, a parameter a line, exact, fit to be pasted into Python."""
    width = max(map(len, params), default=0)
    yield from (f"{name.ljust(width)} = {value!r}" for name, value in params.items())


def facts(pairs: Mapping[str, object]) -> Iterator[str]:
    """Names and what they stand for, aligned; None is left out."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        if value is not None:
            yield f"{click.style(name.ljust(width), dim=True)}{_GAP}{value}"


def age(since: float) -> str:
    """`5 min 3 s ago`, for a time in seconds since 1970."""
    return f"{duration(max(0.0, time.time() - since))} ago"


def moment(at: float | None) -> str | None:
    """`2026-11-23 06:45:00`, in local time."""
    return None if at is None else datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def curve(values: Sequence[float], *, width: int = 60, height: int = 10) -> Iterator[str]:
    """A plot of the values by epoch, from 1; epochs without a finite value are left blank."""
    points = np.asarray(values, dtype=float)
    columns = [_mean(part) for part in np.array_split(points, min(width, len(points)))]
    known = [value for value in columns if not math.isnan(value)]
    if not known:
        return
    low, high = min(known), max(known)
    step = (high - low) / (height - 1) or 1.0
    rows = [None if math.isnan(value) else round((value - low) / step) for value in columns]
    labels = {height - 1: measured(high), 0: measured(low)} if high > low else {0: measured(low)}
    margin = max(map(len, labels.values()))
    for row in reversed(range(height if high > low else 1)):
        marks = "".join("•" if at == row else " " for at in rows)
        yield f"{labels.get(row, '').rjust(margin)} ┤{marks}".rstrip()
    yield f"{'':{margin}} └{'─' * len(columns)}"
    yield f"{'':{margin}}  1{str(len(points)).rjust(len(columns) - 1)}" if len(columns) > 1 else f"{'':{margin}}  1"


def _mean(part: np.ndarray) -> float:
    finite = part[np.isfinite(part)]
    return float(finite.mean()) if finite.size else math.nan


@contextmanager
def talk_on_stderr() -> Iterator[None]:
    """Inside, what the user's code prints goes to standard error: in this process, in workers and in programs."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
