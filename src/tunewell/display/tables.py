"""Tables, facts and settings as aligned lines of plain text.

How a line stands out, and how much room there is, is known to whoever prints it: a terminal, a file, a page.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from tunewell.display.formatting import short
from tunewell.space.values import Value

Style = Callable[[str], str]
"""Makes a text stand out, which leaves its width as it is."""

_GAP = "  "


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, width: int = sys.maxsize, heading: Style = str
) -> Iterator[str]:
    """Yield lines of aligned columns, numbers to the right, None as a dash.

    Columns that a `width` has no room for follow below, beside the first column again.
    """
    aligned = [_aligned(name, [row[i] for row in rows]) for i, name in enumerate(columns)]
    for n, block in enumerate(_blocks([len(column[0]) for column in aligned], width)):
        lines = (_GAP.join(cells).rstrip() for cells in zip(*(aligned[i] for i in block), strict=True))
        header, *body = (fitted(line, width) for line in lines)
        if n:
            yield ""
        yield heading(header)
        yield from body


def _aligned(name: str, column: Sequence[object]) -> list[str]:
    """Return a column's cells below its name, all as wide as the widest."""
    cells = [name, *("-" if cell is None else short(cell) for cell in column)]
    width = max(map(len, cells))
    if column and all(map(_is_number, column)):
        return [cell.rjust(width) for cell in cells]
    return [cell.ljust(width) for cell in cells]


def _is_number(cell: object) -> bool:
    if cell is None:
        return True
    try:
        float(str(cell).removesuffix("%"))
    except ValueError:
        return False
    return True


def _blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Return which columns stand side by side; the first is in every block."""
    blocks = [[0]]
    left = room - widths[0]
    for i, width in enumerate(widths[1:], start=1):
        if width + len(_GAP) > left and len(blocks[-1]) > 1:
            blocks.append([0])
            left = room - widths[0]
        blocks[-1].append(i)
        left -= width + len(_GAP)
    return blocks


def fitted(line: str, width: int) -> str:
    """Return the line, cut to a width."""
    return line if len(line) <= width else line[: width - 1] + "…"


def facts(pairs: Mapping[str, object], *, label: Style = str) -> Iterator[str]:
    """Yield a line a fact, the values aligned; a fact that is None is left out."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        if value is not None:
            yield f"{label(name.ljust(width))}{_GAP}{value}"


def setting_lines(params: Mapping[str, Value]) -> Iterator[str]:
    """Yield `learning_rate = 0.0123`, a parameter a line, exact, fit to be pasted into Python."""
    width = max(map(len, params), default=0)
    yield from (f"{name.ljust(width)} = {value!r}" for name, value in params.items())
