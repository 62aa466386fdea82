"""A figure as plain data: what it shows, in places on its axes. Nothing of a browser or of a drawing library is in it.

Whatever draws a figure draws the same numbers: `drawing.py` as PNG and SVG, `<tw-figure>` in a browser. `as_dict()` is
all that a renderer gets, as JSON without NaN or Infinity:

    figure  {"version": 1, "kind": str, "title": str, "caption": str, "panels": [panel, ...], "table": table}
    panel   {"title": str, "x": axis | null, "y": axis | null, "color": axis | null, "axes": [axis, ...],
             "layers": [layer, ...]}
            Small multiples, for a renderer to lay out in a grid. `color` is the axis of layers whose color is "value".
            `axes` are those of a panel of kind "parallel", which has no x and y; else it is empty.
    axis    {"title": str, "scale": str, "low": number, "high": number, "ticks": [[place, label], ...],
             "best": "low" | "high" | null}
            `scale` is the name of one of `tunewell.space.scales` ("linear", "log", "log1m", "logit"), "category"
            (places 0, 1, 2, ...) or "time" (seconds since the study began). All numbers are places on it, as
            `Scale.place` has them: a renderer draws a linear axis from `low` to `high` with these ticks, and needs to
            know no scale. `best` is the end at which the better values are; in a ramp it is the dark one on light
            ground, the light one on dark ground.
    layer   {"mark": str, "label": str | null, "color": str, "symbol": str | null, "dash": str | null,
             "x": numbers | null, "y": ..., "x2": ..., "y2": ..., "low": ..., "high": ..., "value": ...,
             "hover": [str, ...] | null, "rows": numbers | null}
            `rows` has the table's row of each item, counted from 0; `hover` its text, made of the row where it is null.
            `label` is for the legend; null: the layer is not in it.
    table   {"columns": [{"name": str, "values": numbers | words}, ...], "rows": int}
    numbers [number | null, ...] or, where there are more than 1,000,
            {"u16": base64 of little-endian uint16, "low": number, "high": number, "scale": "linear" | "log"}: k stands
            for the place low + (high - low) * k / 65534, which is the number itself or, on "log", its logarithm;
            65535 is null
    words   [str | number | true | false | null, ...] or, where there are more than 1,000,
            {"u16": base64, "words": [...]}: k stands for words[k], 65535 is null

What the arrays of a mark are, n being how many items it has:

    line       x, y (n,): a line through the points; a null in both is a gap, so that one layer may have many lines
    step       x, y (n,): the same in steps: y holds from its x to the next
    points     x, y (n,): a symbol each; `value` (n,) where the color is "value"
    bars       x, y, x2, y2 (n,): rectangles between two corners, in whichever order they are; `value` as above
    segments   x, y, x2, y2 (n,): a line from the one to the other; `value` as above
    band       x, low, high (n,): the area between low and high; a null is a gap
    heat       x (c,), y (r,), value (c * r,): cells around these middles, evenly apart, row after row from the first y
               on; null is a cell that is left blank
    density    the same: how many curves pass through a cell, in shares of the most; 0 is left blank
    parallel   value (n,), y (n * axes,): a line for each n through its places on the panel's axes, one n after another
    rule       x (n,) or y (n,): lines across the whole panel, vertical or horizontal
    text       x, y (n,): the texts of `hover`, written there

Layers are drawn in their order, the last on top. Color is a role, never a colour: "best", "some", "ended", "failed",
"paused", "running", "forecast", "range", "value" (by `value`, a sequential ramp), "signed" (by `value`, a ramp to both
sides of 0), "series-0" ... "series-7". Symbols: "circle", "ring", "cross", "square", "diamond", "triangle-up",
"triangle-down"; null is a circle. Dashes: "dash", "dot"; null is a solid line. `static/theme.json` has the colours of
all roles on light and on dark ground.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewell.arrays import Floats
from tunewell.space.values import Value

Mark = Literal["line", "step", "points", "bars", "segments", "band", "heat", "density", "parallel", "rule", "text"]
Word = Value | None
Ticks = tuple[tuple[float, str], ...]

_VERSION = 1
_LISTED = 1000
"""Arrays of so many numbers are listed; longer ones are packed."""
_CODES = 65535  # of u16; the last one is null
_DIGITS = 5
_WIDE = 100.0  # times the least number: packed by their logarithms, so that each keeps its digits


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of a scale, in places on it."""

    title: str
    low: float
    high: float
    ticks: Ticks = ()
    """Places, and what is written there."""
    scale: str = "linear"
    best: Literal["low", "high"] | None = None
    """The end at which the better values are."""

    def as_dict(self) -> dict[str, Any]:
        """Return the axis as plain JSON data."""
        return {
            "title": self.title,
            "scale": self.scale,
            "low": _exact(self.low),
            "high": _exact(self.high),
            "ticks": [[_exact(place), label] for place, label in self.ticks],
            "best": self.best,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Marks of one kind and one role; the module says which arrays each mark has."""

    mark: Mark
    color: str = "some"
    x: Floats | None = None
    y: Floats | None = None
    x2: Floats | None = None
    y2: Floats | None = None
    low: Floats | None = None
    high: Floats | None = None
    value: Floats | None = None
    label: str | None = None
    """What it is, for the legend; None: it is not in it."""
    symbol: str | None = None
    dash: str | None = None
    hover: tuple[str, ...] | None = None
    rows: NDArray[np.int64] | None = None
    """The table's row of each item."""

    def as_dict(self) -> dict[str, Any]:
        """Return the layer as plain JSON data."""
        # of trials by number, x and rows are alike: beside each other they are sent as one
        arrays = ("x", "rows", "y", "x2", "y2", "low", "high", "value")
        return {
            "mark": self.mark,
            "label": self.label,
            "color": self.color,
            "symbol": self.symbol,
            "dash": self.dash,
            **{name: None if (array := getattr(self, name)) is None else numbers(array) for name in arrays},
            "hover": None if self.hover is None else list(self.hover),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One of the pictures of a figure."""

    x: Axis | None = None
    y: Axis | None = None
    layers: tuple[Layer, ...] = ()
    title: str = ""
    color: Axis | None = None
    """The axis of layers whose color is "value"."""
    axes: tuple[Axis, ...] = ()
    """Those of parallel coordinates, which have no x and y."""

    def as_dict(self) -> dict[str, Any]:
        """Return the panel as plain JSON data."""
        found = {name: getattr(self, name) for name in ("x", "y", "color")}
        return {
            "title": self.title,
            **{name: None if axis is None else axis.as_dict() for name, axis in found.items()},
            "axes": [axis.as_dict() for axis in self.axes],
            "layers": [layer.as_dict() for layer in self.layers],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The data of a figure, as columns of plain values: numbers as an array (NaN is none), all else as a list."""

    columns: dict[str, Floats | Sequence[Word]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def records(self) -> list[dict[str, Word]]:
        """Return a dictionary a row."""
        values = [_plain(column) for column in self.columns.values()]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*values, strict=True)]

    def as_dict(self) -> dict[str, Any]:
        """Return the table as plain JSON data."""
        columns = [
            {"name": name, "values": numbers(column) if isinstance(column, np.ndarray) else _words(column)}
            for name, column in self.columns.items()
        ]
        return {"columns": columns, "rows": len(self)}


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A figure of a study: what it shows, how to read it, and the numbers.

        figure = study.figures.history()
        figure.save("history.png")
        figure.records()[0]

    In a notebook it shows itself.
    """

    kind: str
    """The name of the function that makes it: `history`, `curves`, ..."""
    title: str
    caption: str
    """How to read it, and what was left out."""
    panels: tuple[Panel, ...] = ()
    table: Table = field(default_factory=Table)

    def records(self) -> list[dict[str, Word]]:
        """Return the data of the figure, a dictionary a row: `pandas.DataFrame(figure.records())` is a table."""
        return self.table.records()

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as plain JSON data, all that a renderer needs; the module's text has the format."""
        return {
            "version": _VERSION,
            "kind": self.kind,
            "title": self.title,
            "caption": self.caption,
            "panels": [panel.as_dict() for panel in self.panels],
            "table": self.table.as_dict(),
        }

    def save(self, path: str | Path, theme: Literal["light", "dark"] = "light") -> Path:
        """Draw the figure into a file, HTML, PNG, SVG or PDF as its name ends, and return the path.

            study.figures.curves().save("curves.svg", theme="dark")

        A page, `.html`, draws itself in a browser, without a network, on the ground that its reader prefers.

        Raises:
            MissingExtra: matplotlib is not installed, and it is no page.
            SettingError: the name ends otherwise, the folder is not there, or there is no such theme.
        """
        from tunewell.figures.drawing import save  # noqa: PLC0415  it draws figures

        return save(self, path, theme)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return it as a notebook shows it: its page in a frame."""
        from tunewell.figures.page import figure_html  # noqa: PLC0415  it draws figures

        return {"text/html": figure_html(self), "text/plain": f"{self.title}\n{self.caption}"}


def numbers(values: ArrayLike) -> Any:
    """Return numbers as JSON has them: a list, or packed where there are many; None for those that are not finite."""
    array = np.asarray(values, dtype=np.float64)
    if len(array) > _LISTED:
        return _packed(array)
    digits = _digits(array)
    return [_rounded(value, digits) if math.isfinite(value) else None for value in array.tolist()]


def unpacked(data: Any) -> list[Any]:
    """Return the numbers or words of a column or array of `as_dict()`: what a renderer does to read them."""
    if isinstance(data, list):
        return data
    codes = np.frombuffer(base64.b64decode(data["u16"]), dtype="<u2")
    if "words" in data:
        return [None if code == _CODES else data["words"][code] for code in codes.tolist()]
    places = data["low"] + (data["high"] - data["low"]) * (codes / (_CODES - 1))
    values = np.exp(places) if data["scale"] == "log" else places
    return [None if code == _CODES else value for code, value in zip(codes.tolist(), values.tolist(), strict=True)]


def _packed(array: Floats) -> dict[str, Any]:
    finite = np.isfinite(array)
    known = array[finite]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    scale = "linear"
    if known.size and (known == np.rint(known)).all() and high - low < _CODES:
        high = low + _CODES - 1  # whole numbers stay what they are
    elif low > 0 and high / low > _WIDE:
        array, scale = np.log(np.where(finite, array, 1.0)), "log"
        low, high = math.log(low), math.log(high)
    half = high / 2 - low / 2 or 0.5  # halves, since the whole may be more than a float holds
    codes = np.full(len(array), _CODES, dtype="<u2")
    codes[finite] = np.rint(np.clip((array[finite] / 2 - low / 2) / half, 0.0, 1.0) * (_CODES - 1)).astype("<u2")
    return {"u16": base64.b64encode(codes.tobytes()).decode(), "low": low, "high": high, "scale": scale}


def _words(values: Sequence[Word]) -> Any:
    kinds = set(map(type, values)) - {type(None)}
    plain = list(_plain(values)) if float in kinds else values if isinstance(values, list) else list(values)
    # 1, 1.0 and True are equal, and not the same
    keys: Sequence[Any] = plain if len(kinds) < 2 else [(type(value), value) for value in plain]
    distinct = {key: code for code, key in enumerate(dict.fromkeys(keys))}
    if len(plain) <= _LISTED or len(distinct) >= _CODES:
        return plain
    nothing = None if len(kinds) < 2 else (type(None), None)
    if nothing in distinct:
        del distinct[nothing]
        distinct = {key: code for code, key in enumerate(distinct)}
    words = list(distinct) if len(kinds) < 2 else [value for _, value in distinct]
    distinct[nothing] = _CODES
    codes = np.fromiter(map(distinct.__getitem__, keys), dtype="<u2", count=len(plain))
    return {"u16": base64.b64encode(codes.tobytes()).decode(), "words": words}


def _plain(column: Floats | Sequence[Word]) -> Iterator[Word]:
    """Yield the values of a column as JSON may have them."""
    whole = isinstance(column, np.ndarray) and bool((column == np.rint(column))[np.isfinite(column)].all())
    for value in column.tolist() if isinstance(column, np.ndarray) else column:
        if isinstance(value, float) and not math.isfinite(value):
            yield None
        else:
            yield int(value) if whole and isinstance(value, float) and abs(value) < 2**53 else value


def _digits(array: Floats) -> int:
    """Return how many significant digits tell the values apart as well as 5 of their spread."""
    known = np.abs(array[np.isfinite(array)])
    if not known.size or not known.max():
        return _DIGITS
    spread = 2.0 * float(np.ptp(array[np.isfinite(array)] / 2))  # Python's product may be infinite without a warning
    if not spread or math.isinf(spread):
        return 2 * _DIGITS
    return min(17, _DIGITS + max(0, math.ceil(math.log10(float(known.max())) - math.log10(spread))))


def _rounded(value: float, digits: int) -> float | int:
    if value == int(value) and abs(value) < 2**53:
        return int(value)
    return float(f"{value:.{digits}g}")


def _exact(value: float) -> float | int:
    return _rounded(float(value), 12)
