"""Records from text of whatever form: JSON, a table with a line of names, or the lines that a training printed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewell.diagnosis.readers.framework import of_log, of_names, with_framework
from tunewell.diagnosis.readers.json_file import read_json
from tunewell.diagnosis.readers.log import record_of
from tunewell.errors import RecordError
from tunewell.logs.lines import EXAMPLES, read_lines
from tunewell.logs.rows import Log
from tunewell.logs.table import is_table, read_table
from tunewell.logs.text import without_escapes

_JSON = (".json", ".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv")
_MOST_LETTERS = 2000  # of a line of names; a table in a file of that ending may have more
_MOST_LINES_ABOVE = 400  # above a table, such as the summary of a model


def read_text(
    text: str, columns: Mapping[str, str] | None = None, run: int | None = None, *, name: str = "the text"
) -> dict[str, Any]:
    """Read the record of the run in a text; of several runs, the last, or the one of a number from 1.

    name: of its file, whose ending is heeded and which messages name.

    Raises:
        RecordError: nothing in it is understood.
    """
    whole, text = text, without_escapes(text)
    record = _record(text, whole, columns, run, name)
    framework = of_log(text) or of_names(_first_line(text).split(","))
    return with_framework(record, framework)


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


def _record(text: str, whole: str, columns: Mapping[str, str] | None, run: int | None, name: str) -> dict[str, Any]:
    """Return the record in a text without what moves a cursor.

    whole: the text as it was.
    """
    ending = Path(name).suffix.lower()
    if (history := _history(text)) is not None:
        return read_json(name, history, columns, run)
    if ending in _JSON or _is_json(text):
        return read_json(name, text, columns, run)
    if ending in _TABLES and not text.strip():
        read_table(name, text)
    table = _table(name, text, is_sure=ending in _TABLES)
    log = table if table is not None else read_lines(name, text)
    if not log.rows and not log.names:
        raise RecordError(_not_read(name, whole))
    if table is not None and not columns:
        # a table of something else, and lines beside it
        lines = read_lines(name, text)
        if len(lines.rows) > 1 and not _is_understood(table, run):
            log = lines
    return record_of(log, columns, run)


def _is_json(text: str) -> bool:
    """Return True if a text begins as JSON does, which a printed dict of Python does not, nor `[3, 200] loss: 1.2`."""
    begin = text.lstrip()[:200]
    return begin.startswith(('{"', "[{", "[\n")) or (begin.startswith("{") and begin[1:].lstrip().startswith('"'))


def _history(text: str) -> str | None:
    """Return Keras' `history.history` as JSON, where it was printed as Python has it; None if it was not."""
    dict_of_lists = text.strip()
    if not (dict_of_lists.startswith("{") and dict_of_lists.endswith("}") and "': [" in dict_of_lists):
        return None
    document = re.sub(r"\b(?:np\.)?float\d+\(([^()]*)\)", r"\1", dict_of_lists).replace("'", '"')
    document = re.sub(r"\bnan\b", "NaN", re.sub(r"\binf\b", "Infinity", document)).replace("None", "null")
    try:
        json.loads(document)
    except json.JSONDecodeError:
        return None
    return document


def _table(name: str, text: str, *, is_sure: bool) -> Log | None:
    """Return the table in a text, which may begin below other lines; None if there is none."""
    lines = text.splitlines()
    for i in range(min(len(lines), 1 if is_sure else _MOST_LINES_ABOVE)):
        if lines[i].strip() and len(lines[i]) < _MOST_LETTERS and is_table(lines[i : i + 8]):
            return read_table(name, "\n".join(lines[i:]))
    return read_table(name, text) if is_sure else None


def _is_understood(log: Log, run: int | None) -> bool:
    try:
        record_of(log, None, run)
    except RecordError:
        return False
    return True


_BARE = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?", re.IGNORECASE)


def _not_read(name: str, text: str) -> str:
    first = _first_line(text).strip()
    begins = f", which begins with {first[:60]!r}," if first else ", which is empty,"
    if _BARE.fullmatch(first):
        return (
            f"nothing was read from {name}{begins} a number without a name, which may be of anything: write the name "
            "before each, as in `loss 0.69`"
        )
    return (
        f"nothing was read from {name}{begins} where a number beside a loss, an accuracy or another metric was looked "
        f"for; understood are lines such as {_listed(EXAMPLES)}, CSV and other tables with a line of names, and JSON"
    )


def _listed(examples: Sequence[str]) -> str:
    return ", ".join(f"`{example}`" for example in examples)
