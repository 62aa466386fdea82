"""CSV files that are opened in a spreadsheet, where a text that begins as a formula does would be run."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime

from tunewell.display.formatting import utc
from tunewell.study import ReadableStudy

_FORMULA = frozenset("=+-@\N{MINUS SIGN}")
_SEPARATOR = re.compile(r"([;\t\r\n\v\f\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\x85])")
"""What may part cells or rows where the file is opened; a comma is not among it, which CSV puts into quotes."""


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows that have the same columns as CSV, with a line for their names; nothing for no row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if rows:
        writer.writerow(map(_cell, rows[0]))
    writer.writerows(map(_cell, row.values()) for row in rows)
    return text.getvalue()


def trial_rows(study: ReadableStudy) -> list[dict[str, object]]:
    """Return a flat row a trial."""
    return [
        row | {name: without_zone(row[name]) for name in ("started_at", "ended_at") if isinstance(row[name], float)}
        for row in study.trial_rows()
    ]


def without_zone(seconds: object) -> datetime | None:
    """Return a time in UTC that does not name its zone, which is how spreadsheets have dates."""
    assert isinstance(seconds, float)
    known = utc(seconds)
    return None if known is None else known.replace(tzinfo=None)


def _cell(value: object) -> object:
    """Return the value as CSV has it; no text of it is run as a formula by a spreadsheet."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    return harmless(value) if isinstance(value, str) else value


def harmless(text: str) -> str:
    """Return a text with an apostrophe before what a spreadsheet would run as a formula.

    That is before the text, whatever blanks, quotes or invisible characters come first, and after each character in it
    at which a spreadsheet of another country may part it in two.
    """
    first, *others = _SEPARATOR.split(text)
    parts = [first, *(f"'{part}" if _runs(part) else part for part in others)]
    starts = _runs(text) or text.startswith(("\t", "\r"))
    return ("'" if starts else "") + "".join(parts)


def _runs(text: str) -> bool:
    """Return True if the first character that can be seen, of whatever width, is one of a formula."""
    seen = next((character for character in text if not _is_passed_over(character)), "")
    return unicodedata.normalize("NFKC", seen)[:1] in _FORMULA


def _is_passed_over(character: str) -> bool:
    return character in "\"'" or unicodedata.category(character)[0] in "ZC"
