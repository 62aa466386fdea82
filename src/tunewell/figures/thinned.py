"""A figure of very many trials as a browser can draw it in time: of their marks one in so many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tunewell.figures.figure import Figure, Layer

_THINNED = frozenset({"points", "parallel", "bars"})
_ARRAYS = ("x", "y", "x2", "y2", "low", "high", "value")


def thinned(figure: Figure, most: int) -> Figure:
    """Return a figure with the marks of at most so many trials, every k-th of all; it says so in its caption.

    The best is always there. A figure of fewer trials is returned as it is.
    """
    one = -(-len(figure.table) // most)
    if one < 2:
        return figure
    panels = tuple(
        replace(panel, layers=tuple(_every(one, layer) for layer in panel.layers)) for panel in figure.panels
    )
    return replace(figure, panels=panels, caption=f"{figure.caption} One in {one} trials is drawn, and brushed.")


def _every(one: int, layer: Layer) -> Layer:
    rows = layer.rows
    if rows is None or layer.mark not in _THINNED or layer.color == "best":
        return layer
    kept = np.flatnonzero(rows % one == 0)
    arrays = {}
    for name in _ARRAYS:
        values = getattr(layer, name)
        if values is not None and len(rows):  # parallel lines have a place on each axis
            arrays[name] = values.reshape(len(rows), -1)[kept].ravel()
    hover = None if layer.hover is None else tuple(layer.hover[i] for i in kept.tolist())
    return replace(layer, rows=rows[kept], hover=hover, **arrays)
