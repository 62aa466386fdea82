"""HTML of records, for notebooks: plain tables and a curve, in whatever colors the page has.

Every text that comes in is a text in the page: none of it is markup.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

_LEFT = 'style="text-align: left"'
_WIDTH, _HEIGHT, _MARGIN = 360, 90, 4
_LABELS = 60  # beside the drawing


def heading(text: str) -> str:
    """Return a line that stands out."""
    return f"<p><b>{html.escape(text)}</b></p>"


def facts_table(facts: Mapping[str, object]) -> str:
    """Return a table of a row a fact; a fact that is None is left out."""
    rows = "".join(
        f"<tr><th {_LEFT}>{html.escape(name)}</th><td {_LEFT}>{_cell(value)}</td></tr>"
        for name, value in facts.items()
        if value is not None
    )
    return f"<table>{rows}</table>"


def rows_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table with a line of names; None is a dash."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def curve_svg(values: Sequence[float], label: str) -> str:
    """Return a drawing of values in their order, the finite ones; nothing if fewer than two are.

    label: what it shows, for those who hear a page.
    """
    points = [(i, value) for i, value in enumerate(values) if math.isfinite(value)]
    if len(points) < 2:
        return ""
    low, high = min(value for _, value in points), max(value for _, value in points)
    across = (_WIDTH - 2 * _MARGIN) / max(1, len(values) - 1)
    up = (_HEIGHT - 2 * _MARGIN) / ((high - low) or 1.0)
    line = " ".join(f"{_MARGIN + i * across:.1f},{_HEIGHT - _MARGIN - (value - low) * up:.1f}" for i, value in points)
    return (
        f'<svg role="img" aria-label="{html.escape(label)}" width="{_WIDTH + _LABELS}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH + _LABELS} {_HEIGHT}"><title>{html.escape(label)}</title>'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f"{_text(high, 10)}{_text(low, _HEIGHT - 2) if high > low else ''}</svg>"
    )


def _text(value: float, y: int) -> str:
    return f'<text x="{_WIDTH + 4}" y="{y}" font-size="11" fill="currentColor">{value:.4g}</text>'


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return html.escape(f"{value:.4g}" if isinstance(value, float) else str(value))
