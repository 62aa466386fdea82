"""Curves as text: a branch a color and a shape, open for validation, filled for training; commands as letters below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tunewell.arrays import Floats
from tunewell.babysit.snapshot import Branch
from tunewell.display.formatting import measured
from tunewell.display.safe_text import SafeText

SEVERAL = "*"
_WIDE = 10.0
COLORS = ("cyan", "yellow", "magenta", "green", "red", "blue")

_SHAPES = (("•", "○"), ("■", "□"), ("▲", "△"), ("◆", "◇"), ("▼", "▽"), ("+", "×"))
"""By branch, of training and of validation: they tell branches apart where there is no color."""


def marks_of(place: int) -> tuple[str, str]:
    """Return the marks of training and of validation of the branch at a place."""
    return _SHAPES[place % len(_SHAPES)]


def color_of(place: int) -> str:
    """Return the color of the branch at a place."""
    return COLORS[place % len(COLORS)]


def chart(
    branches: Sequence[Branch],
    names: Sequence[str],
    width: int,
    height: int,
    marked: Mapping[int, str],
    until: int,
    *,
    ratios: bool = False,
) -> SafeText:
    """Draw the curves of these names, of all branches, over epochs 1 to `until`.

    width, height: in characters.
    marked: by epoch, a letter for what was done.
    ratios: a curve that falls to a tenth is drawn by its logarithm, or all that comes after its first epochs would
        lie flat.
    """
    drawn = [
        (place, name, branch.curves[name], branch.begins)
        for place, branch in enumerate(branches)
        for name in names
        if name in branch.curves
    ]
    finite = [curve[np.isfinite(curve)] for _, _, curve, _ in drawn]
    known = np.concatenate(finite) if finite else np.empty(0)
    if not known.size:
        there = dict.fromkeys(name for branch in branches for name in branch.curves if name != "lr")
        reported = f"; reported so far: {', '.join(there)}" if there else ""
        return SafeText(f"no {' or '.join(names)} yet{reported}", style="dim")
    is_log = ratios and known.min() > 0 and known.max() >= _WIDE * known.min()
    low, high = float(known.min()), float(known.max()) if is_log else _top(known)
    margin = max(len(measured(low)), len(measured(high)))
    columns, rows = max(8, width - margin - 3), max(3, height - 3)
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    for place, name, curve, begins in drawn:
        mark = marks_of(place)[name.startswith("val")]
        for epoch in range(begins + 1, len(curve) + 1):
            value = curve[epoch - 1]
            if math.isfinite(value):
                share = _share(min(value, high), low, high, is_log=is_log)
                cells[_column(epoch, until, columns), rows - 1 - round(share * (rows - 1))] = (mark, color_of(place))
    shown = {name for _, name, curve, _ in drawn if np.isfinite(curve).any()}
    title = "  ".join(f"{'○' if name.startswith('val') else '•'} {name}" for name in names if name in shown)
    text = SafeText(f"{title}{'  (log)' if is_log else ''}\n", style="bold")
    for row in range(rows):
        label = measured(high) if row == 0 else measured(low) if row == rows - 1 else ""
        text.append(f"{label:>{margin}} ┤", style="dim")
        for column in range(columns):
            mark, color = cells.get((column, row), (" ", ""))
            text.append(mark, style=color)
        text.append("\n")
    ticks: dict[int, str] = {}
    for epoch, letter in marked.items():
        if epoch <= until:
            column = _column(max(epoch, 1), until, columns)
            ticks[column] = letter if ticks.get(column, letter) == letter else SEVERAL
    line = "".join(ticks.get(column, "─") for column in range(columns))
    text.append(f"{'':>{margin}} └{line}\n", style="dim")
    text.append(f"{'':>{margin}}  1{str(until).rjust(columns - 1)}", style="dim")
    return text


def _share(value: float, low: float, high: float, *, is_log: bool) -> float:
    """Scale a value from 0, the lowest, to 1."""
    if is_log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / ((high - low) or 1.0)


def _column(epoch: int, until: int, columns: int) -> int:
    return round((epoch - 1) / max(1, until - 1) * (columns - 1))


def _top(known: Floats) -> float:
    """Return the top of the chart: an exploding curve would press all else flat, so what is beyond lies on the edge."""
    top, usual = float(known.max()), float(np.median(known))
    return top if top <= 20 * max(abs(usual), 1e-9) else 20 * abs(usual)
