"""A small histogram of what each parameter of a space will draw, so that a wrong scale is seen before any training.

The axis of a histogram is chosen by the parameter's range and not by its declared scale, which is what it is to check:
decades of the value where the range spans many, decades of 1 - value where it nears 1. A scale that fits its range
looks flat; a linear scale from 0.0001 to 1 has all its draws in the last decade. Where the range calls for no scale,
as from 16 to 256, the declared one is as good as another and is its own axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import own_numerics
from tunewell.space.params import Choice, Float, Int, Param, span
from tunewell.space.scales import DEFAULT, SCALES, Axis, Scale, Span
from tunewell.space.space import Space
from tunewell.space.values import Value

_WIDTH = 32  # columns of a histogram, and so its bins
_NAME, _VALUE = 17, 12  # columns that a name and a default may take
_DECADES = 1.5  # a range that spans as many is looked at by factors
_MOST_BARS = 10  # whole numbers up to which each has a bar of its own
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Histogram:
    """The draws of one parameter, from the points where it is active."""

    name: str
    kind: str
    """`float`, `int` or `choice`."""
    scale: str | None
    """As declared; None for choices."""
    tier: int
    default: Value | None
    live: bool
    active: float
    """In which share of all points it is active."""
    axis: str | None
    """The scale that its bins are even on; None where each value has a bar of its own."""
    bars: tuple[Value, ...]
    """The values of the bars; empty where there are bins."""
    edges: tuple[float, ...]
    """Of the bins, one more than there are bins; empty where there are bars."""
    shares: tuple[float, ...]
    """Of its draws, by bar or bin; together 1."""
    quantiles: tuple[float, ...]
    """Below which 5 %, 50 % and 95 % of its draws lie; empty for choices."""


@own_numerics
def preview(space: Space, rng: np.random.Generator, n: int = 10_000) -> list[Histogram]:
    """Return a histogram a parameter, of n points drawn evenly from the space."""
    # a Latin hypercube: one draw in each n-th of each scale, so that what is even looks even
    strata = rng.permuted(np.tile(np.arange(n), (len(space.params), 1)), axis=1).T
    drawn = space.decode_many((strata + rng.random(strata.shape)) / n)
    return [_histogram(space, name, [params[name] for params in drawn if name in params], n) for name in space.names]


def lines(histograms: Iterable[Histogram]) -> list[str]:
    """Return the histograms as text, two lines each, at most 100 columns wide."""
    histograms = list(histograms)
    margin = min(max((len(item.name) for item in histograms), default=0), _NAME) + 2
    return [line for item in histograms for line in _two_lines(item, margin)]


def _histogram(space: Space, name: str, draws: list[Value], n: int) -> Histogram:
    param = space.params[name]
    bars, axis, edges = _bins(param)
    if bars:
        counts = [draws.count(value) for value in bars]
    else:
        counts = np.histogram(np.array(draws, dtype=np.float64), edges)[0].tolist()
    numeric = not isinstance(param, Choice) and bool(draws)
    return Histogram(
        name=name,
        kind=type(param).__name__.lower(),
        scale=None if isinstance(param, Choice) else param.scale,
        tier=space.tier(name),
        default=param.default,
        live=param.live,
        active=len(draws) / n,
        axis=axis,
        bars=bars,
        edges=tuple(edges.tolist()),
        shares=tuple(count / max(1, len(draws)) for count in counts),
        quantiles=tuple(np.quantile(np.array(draws), (0.05, 0.5, 0.95)).tolist()) if numeric else (),
    )


def _bins(param: Param) -> tuple[tuple[Value, ...], str | None, NDArray[np.float64]]:
    """Return the bars, or the axis and the edges of the bins on it."""
    if isinstance(param, Choice):
        return tuple(param.values), None, np.empty(0)
    if isinstance(param, Int) and param.high - param.low < _MOST_BARS:
        return tuple(range(param.low, param.high + 1)), None, np.empty(0)
    scale = _shown_on(param)
    edges = scale.axis(span(param)).from_unit(np.linspace(0, 1, _WIDTH + 1))
    if isinstance(param, Float):
        edges[[0, -1]] = param.low, param.high
        return (), scale.name, np.unique(edges)
    # between whole numbers, so that no bin has one more by chance
    return (), scale.name, np.unique(np.rint(edges - 0.5) + 0.5)


def _shown_on(param: Float | Int) -> Scale:
    """Return the scale that the range calls for, whatever is declared; what no range calls for is shown as declared."""
    found = {name: scale.decades(span(param)) for name, scale in SCALES.items()}
    decades = {name: n for name, n in found.items() if n is not None}
    most = max(decades, key=decades.__getitem__)
    return SCALES[most if param.scale in decades and decades[most] >= _DECADES else param.scale]


def _two_lines(item: Histogram, margin: int) -> tuple[str, str]:
    picture, labels = _bar_chart(item) if item.bars else _bin_chart(item)
    return (
        f"{_cut(item.name, margin - 2):{margin}}{picture:{_WIDTH}}  {', '.join(_facts(item))}",
        f"{'':{margin}}{labels:{_WIDTH}}  {', '.join(_figures(item))}".rstrip(),
    )


def _facts(item: Histogram) -> list[str]:
    """Return what the user has declared."""
    if len(item.bars) == 1:
        return [f"held at {_cut(_short(item.bars[0]), _VALUE)}", f"tier {item.tier}"]
    facts = [f"{item.scale} {item.kind}" if item.scale else item.kind, f"tier {item.tier}"]
    facts += [] if item.default is None else [f"default {_cut(_short(item.default), _VALUE)}"]
    return facts + (["live"] if item.live else [])


def _figures(item: Histogram) -> list[str]:
    """Return what comes of it."""
    figures = []
    if len(item.bars) > _MOST_BARS:
        figures.append(f"{len(item.bars)} choices")
    if item.quantiles:
        median = SCALES[item.axis or DEFAULT].rounded(item.quantiles[1], 3)
        figures.append(f"half below {_short(median)}")
    if item.active < 1:
        figures.append(f"active in {item.active:.0%}")
    return figures


def _bin_chart(item: Histogram) -> tuple[str, str]:
    edges = np.array(item.edges)
    axis = SCALES[str(item.axis)].axis(Span(item.edges[0], item.edges[-1]))
    heights = np.array(item.shares) / np.diff(axis.to_unit(edges))
    middles = axis.from_unit((np.arange(_WIDTH) + 0.5) / _WIDTH)
    columns = heights[np.searchsorted(edges, middles, side="right") - 1]
    return _blocks(columns.tolist()), _ruler(item, axis)


def _bar_chart(item: Histogram) -> tuple[str, str]:
    """Return bars side by side with a gap between them, as wide as there is room for, each with its value below."""
    n = min(len(item.bars), (_WIDTH + 1) // 2)
    width = (_WIDTH + 1) // n - 1
    picture = " ".join(block * width for block in _blocks(item.shares[:n]))
    return picture, " ".join(f"{_cut(_short(value), width):{width}}" for value in item.bars[:n])


def _blocks(heights: Sequence[float]) -> str:
    """Return one block character a height, the highest being full; a space where nothing was drawn."""
    top = max(heights) or 1.0
    # a little under the next eighth counts as it: rounding alone should not make flat look rough
    eighths = [math.ceil(8 * height / top - 0.25) for height in heights]
    return "".join(
        " " if height == 0 else _BLOCKS[max(eighth, 1) - 1] for height, eighth in zip(heights, eighths, strict=True)
    )


def _ruler(item: Histogram, axis: Axis) -> str:
    """Return the ends of the axis, and marks between them where there is room."""
    low, high = item.edges[0], item.edges[-1]
    if item.kind == "int":
        low, high = low + 0.5, high - 0.5
    ruler = list(_short(low) + " " * _WIDTH)[:_WIDTH]
    ruler[_WIDTH - len(_short(high)) :] = _short(high)
    for mark in axis.scale.marks(Span(low, high)):
        if not low < mark < high:
            continue
        text = _short(mark)
        start = round(float(axis.to_unit(mark)) * _WIDTH - len(text) / 2)
        if start > 0 and all(cell == " " for cell in ruler[start - 1 : start + len(text) + 1]):
            ruler[start : start + len(text)] = text
    return "".join(ruler)


def _short(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
