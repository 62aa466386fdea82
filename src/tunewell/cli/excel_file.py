"""A study as an Excel file: its trials, their curves, their reports, and what it is, with a chart of the best curves.

Numbers are numbers and times are dates; a text is a text, whatever it begins with. What a sheet has no room for is
refused, or cut with a warning.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from tunewell.errors import MissingExtra, SettingError
from tunewell.study import Study

MOST_ROWS = 2**20
"""The rows of an Excel sheet, its header among them."""
MOST_COLUMNS = 2**14
_LONGEST_TEXT = 32_767
"""The characters of a cell, as Excel counts them: in UTF-16."""
_LARGEST_NUMBER = 10**15
"""Whole numbers from here on have more digits than Excel keeps."""
_NO_CHARACTERS = re.compile("[\ud800-\udfff\ufffe\uffff]")
"""Those that no XML has, besides those that openpyxl knows of."""
_DATE = "yyyy-mm-dd hh:mm:ss"
_WIDEST, _NARROWEST = 40, 9
"""Characters of a column."""
_IN_CHART = 10
_MOST_CURVES = 1000
"""Best first; more columns nobody looks at, and the reports have all."""


def excel_file(
    study: Study,
    trials: Sequence[Mapping[str, object]],
    reports: Sequence[Mapping[str, object]],
    about: Sequence[Mapping[str, object]],
) -> tuple[bytes, int]:
    """Return the file, and how many texts were too long for a cell and are cut.

    Args:
        study: whose curves are in it.
        trials: a row a trial.
        reports: a row a report.
        about: a row a fact.

    Raises:
        MissingExtra: openpyxl is not installed.
        SettingError: there are more rows or columns than a sheet has.
    """
    try:
        from openpyxl import Workbook  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtra("openpyxl", "excel", "an Excel file") from None
    best = study.best_so_far
    curves = _curves(study)
    sheets: dict[str, Sequence[Mapping[str, object]]] = {
        "trials": trials,
        "curves": curves,
        "reports": reports,
        "study": about,
    }
    book = Workbook(write_only=True)
    n_cut = 0
    for title, rows in sheets.items():
        _check_room(title, rows)
        sheet = book.create_sheet(title)
        _lay_out(sheet, rows)
        lines: list[list[object]] = [list(row) for row in rows[:1]]
        lines += [list(row.values()) for row in rows]
        for number, line in enumerate(lines):
            n_cut += sum(isinstance(value, str) and _size(value) > _LONGEST_TEXT for value in line)
            is_best = title == "trials" and best is not None and number - 1 == best.trial
            sheet.append([_cell(sheet, value, is_bold=not number, is_best=is_best) for value in line])
        if title == "curves" and curves:
            _draw(book, sheet, curves, study.metric)
    content = io.BytesIO()  # on a full disk the zip file would complain once more when it is forgotten
    book.save(content)
    return content.getvalue(), n_cut


def _curves(study: Study) -> list[dict[str, object]]:
    """Return a row an epoch, and a column a trial: the metric as reported, the best trial first."""
    history = study.history
    finite = np.where(np.isfinite(history.curves), history.curves, np.nan)
    lowest = np.where(history.broken, np.inf, history.lowest)
    order = [int(trial) for trial in np.argsort(lowest, kind="stable") if np.isfinite(finite[trial]).any()]
    values = (-finite if study.maximize else finite)[order[:_MOST_CURVES]]
    if not len(values):
        return []
    last = int(np.flatnonzero(np.isfinite(values).any(axis=0)).max()) + 1
    names = [f"trial {trial}" for trial in order[:_MOST_CURVES]]
    return [
        {"epoch": epoch + 1}
        | {
            name: None if math.isnan(value) else value
            for name, value in zip(names, values[:, epoch].tolist(), strict=True)
        }
        for epoch in range(last)
    ]


def _check_room(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    if len(rows) >= MOST_ROWS:
        raise SettingError(f"an Excel sheet has no room for {len(rows):,} {title}; export them as csv")
    if rows and len(rows[0]) > MOST_COLUMNS:
        raise SettingError(f"an Excel sheet has no room for {len(rows[0]):,} columns of {title}; export them as csv")


def _lay_out(sheet: Any, rows: Sequence[Mapping[str, object]]) -> None:
    """Set what stands before the rows: the header stays in sight and filters, columns are as wide as what they hold."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415  an extra

    sheet.freeze_panes = "B2"
    if not rows:
        return
    for number, name in enumerate(rows[0], 1):
        shown = [len(str(name)), *(_shown(row[name]) for row in rows[:100])]
        wide = min(max(max(shown) + 2, _NARROWEST), _WIDEST)
        sheet.column_dimensions[get_column_letter(number)].width = wide
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(rows[0]))}{len(rows) + 1}"


def _shown(value: object) -> int:
    """Return how many characters of a value are seen."""
    if isinstance(value, datetime):
        return len(_DATE)
    return len(f"{value:.6g}") if isinstance(value, float) else len(str(value))


def _draw(book: Any, curves: Any, rows: Sequence[Mapping[str, object]], metric: str) -> None:
    """Add a sheet with a chart of the best curves."""
    from openpyxl.chart import Reference, ScatterChart, Series  # noqa: PLC0415  an extra

    chart = ScatterChart()
    n = min(_IN_CHART, len(rows[0]) - 1)
    chart.title = f"the best {n} of the trials" if n > 1 else "the trial"
    chart.x_axis.title, chart.y_axis.title = "epoch", _plain(metric)
    chart.x_axis.delete = chart.y_axis.delete = False  # or they are hidden where others open it
    chart.width, chart.height, chart.style = 26, 14, 2
    epochs = Reference(curves, min_col=1, min_row=2, max_row=len(rows) + 1)
    for column in range(2, n + 2):
        values = Reference(curves, min_col=column, min_row=1, max_row=len(rows) + 1)
        series = Series(values, epochs, title_from_data=True)
        series.marker.symbol, series.smooth = "none", False
        chart.series.append(series)
    sheet = book.create_sheet("chart")
    sheet.add_chart(chart, "A1")


def _cell(sheet: Any, value: Any, *, is_bold: bool, is_best: bool) -> Any:
    """Make a cell: a text stays a text whatever it begins with, and is never run as a formula."""
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415  an extra
    from openpyxl.styles import Font, PatternFill  # noqa: PLC0415

    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:
        value = str(value)
    is_text = isinstance(value, str)
    if not (is_text or is_bold or is_best or isinstance(value, datetime)):
        return value  # as most are, and a cell of its own takes four times as long
    cell = WriteOnlyCell(sheet, _cut(_plain(value)) if is_text else value)
    if is_text:
        cell.data_type = "s"
    if isinstance(value, datetime):
        cell.number_format = _DATE
    if is_bold or is_best:
        cell.font = Font(bold=True)
    if is_best:
        cell.fill = PatternFill("solid", fgColor="FFE8F0D8")
    return cell


def _plain(text: str) -> str:
    """Return a text without what no XML has."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415  an extra

    return _NO_CHARACTERS.sub("", ILLEGAL_CHARACTERS_RE.sub("", text))


def _cut(text: str) -> str:
    """Return a text that fits into a cell: of one that is too long the beginning, and a word on the rest."""
    if _size(text) <= _LONGEST_TEXT:
        return text
    mark = f"... ({len(text):,} characters; the rest is left out)"
    kept = text.encode("utf-16-le")[: 2 * (_LONGEST_TEXT - len(mark))]
    return kept.decode("utf-16-le", errors="ignore") + mark


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", errors="surrogatepass")) // 2
