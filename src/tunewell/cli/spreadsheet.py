"""Cells of CSV files that are opened in a spreadsheet, where a text that begins as a formula does would be run."""

from __future__ import annotations

import re
import unicodedata

_FORMULA = frozenset("=+-@\N{MINUS SIGN}")
_SEPARATOR = re.compile(r"([;\t\r\n\v\f\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\x85])")
"""What may part cells or rows where the file is opened; a comma is not among it, which CSV puts into quotes."""


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
