"""A preview of a space: what would be drawn from it."""

from __future__ import annotations

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import names_axis, share_axis, ticks
from tunewell.figures.figure import Axis, Figure, Layer, Panel, Table
from tunewell.figures.source import StudySource
from tunewell.figures.words import counted, name_of
from tunewell.space.preview import Histogram, preview
from tunewell.space.scales import SCALES
from tunewell.space.space import Space

_MOST = 24
_DRAWS = 1000


@own_numerics
def space(source: StudySource | Space, most: int = _MOST) -> Figure:
    """Return what would be drawn from a space, or that of a study: a histogram a parameter.

        tw.figures.space(tw.Space(rate=tw.Float(1e-4, 1.0, scale="log"))).save("space.png")

    Each is on the scale that its range calls for, so that a scale that does not fit looks as uneven as it is.

    Args:
        source: a space, or a study that has one.
        most: so many parameters, in their order.
    """
    declared = source if isinstance(source, Space) else source.space
    shown = dict(list(declared.params.items())[:most])
    # conditions may name any other, so all are drawn
    found = [one for one in preview(declared, np.random.default_rng(0), _DRAWS) if one.name in shown]
    panels = tuple(map(_panel, found))
    table: dict[str, list[object]] = {
        "parameter": [one.name for one in found],
        "kind": [one.kind for one in found],
        "scale": [one.scale for one in found],
        "active": [one.active for one in found],
        "median": [one.quantiles[1] if one.quantiles else None for one in found],
        "default": [one.default for one in found],
    }
    caption = (
        f"{_DRAWS:,} draws of {counted(len(declared.params), 'parameter')}: the share of a value, or of a stretch."
    )
    if len(found) < len(declared.params):
        caption += f" The first {len(found)} are shown."
    some = [one for one in found if one.active < 1]
    if some:
        caption += f" {counted(len(some), 'parameter')} {'is' if len(some) == 1 else 'are'} not always active."
    if not panels:
        panels = (Panel(Axis("no parameter", 0.0, 1.0), Axis("", 0.0, 1.0)),)
    return Figure("space", "what would be drawn", caption, panels, Table(dict(table.items())))  # type: ignore[arg-type]


def _panel(one: Histogram) -> Panel:
    shares = np.array(one.shares)
    if one.bars:
        at = np.arange(float(len(shares)))
        x = names_axis(name_of(one.name), [str(value) for value in one.bars])
        left, right = at - 0.4, at + 0.4
    else:
        scale = SCALES[str(one.axis)]
        edges = np.asarray(scale.place(np.array(one.edges)), dtype=np.float64)
        length = float(edges[-1] - edges[0])
        left, right = edges[:-1], edges[1:]
        shares = shares * (length / len(shares)) / np.where(right > left, right - left, 1.0)
        marks = ticks(scale.name, float(edges[0]), float(edges[-1]), whole=one.kind == "int")
        x = Axis(
            name_of(one.name), float(edges[0]) - 0.02 * length, float(edges[-1]) + 0.02 * length, marks, scale.name
        )
    y = share_axis("", max(float(shares.max(initial=0.0)), 0.01))
    zero = np.zeros(len(shares))
    title = "" if one.active >= 1 else f"active in {one.active:.0%}"
    return Panel(x, y, (Layer("bars", "range", left, zero, right, shares),), title)
