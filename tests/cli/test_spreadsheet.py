"""Texts in CSV files are never run by a spreadsheet, in whatever country it opens them."""

import csv
import unicodedata

import pytest

from tunewell.display.spreadsheet import harmless

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+cmd",
    "-1+cmd",
    "@SUM(A1)",
    "＝cmd",
    "＋cmd",
    "－cmd",
    "＠cmd",
    "\N{MINUS SIGN}1+cmd",
    "\n=cmd",
    " =cmd",
    "\x00=cmd",
    "\t=cmd",
    "\r\n\t =cmd",
    "\ufeff=cmd",
    "\u200b=cmd",
    "\u00a0＝cmd",
    '"=cmd',
    "a;=cmd",
    "a; =cmd",
    'a;"=cmd"',
    "a\t=cmd",
    "a\n=cmd",
    "a,b;\x00＝cmd",
]


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_begins_as_a_formula_does(tmp_path, text, separator):
    file = tmp_path / "x.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([[harmless(text), 1], [2, harmless(text)]])
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.reader(opened, delimiter=separator):
            for cell in row:
                seen = "".join(c for c in cell if unicodedata.category(c)[0] not in "ZC").lstrip('"')
                assert unicodedata.normalize("NFKC", seen)[:1] not in "=+-@\N{MINUS SIGN}" or not seen


@pytest.mark.parametrize("text", ["", "sgd", "a=b", "x - y", "1e-4", "a;b", "a, -b", "läuft"])
def test_a_plain_text_stays_as_it_is(text):
    assert harmless(text) == text
