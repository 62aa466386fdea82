"""A figure as a page of its own: HTML with everything in it, which reads no other file."""

from __future__ import annotations

import base64
import html

from tunewell.errors import MissingExtra
from tunewell.figures.drawing import drawn
from tunewell.figures.figure import Figure
from tunewell.markup import rows_table

_MOST_ROWS = 200


def figure_page(figure: Figure) -> str:
    """Return the page of a figure: its drawing, or its table where matplotlib is not installed.

    Path("history.html").write_text(figure_page(study.figures.history()), encoding="utf-8")
    """
    title = html.escape(figure.title)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body>{figure_html(figure)}</body></html>"
    )


def figure_html(figure: Figure) -> str:
    """Return a figure as it stands in a page: its drawing, or its table where matplotlib is not installed."""
    try:
        data = base64.b64encode(drawn(figure)).decode()
    except MissingExtra:
        return f"<p><b>{html.escape(figure.title)}</b></p><p>{html.escape(figure.caption)}</p>{_table(figure)}"
    label = html.escape(f"{figure.title}. {figure.caption}")
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{label}">'


def _table(figure: Figure) -> str:
    rows = figure.records()
    columns = list(figure.table.columns)
    more = f"<p>{len(rows) - _MOST_ROWS:,} more rows</p>" if len(rows) > _MOST_ROWS else ""
    return rows_table(columns, [[row[name] for name in columns] for row in rows[:_MOST_ROWS]]) + more
