"""Lines of JSON with numbers.

A line is read as leniently as its meaning stays clear: other languages write `nan`, `-inf` or `null` for what is not
finite, and a progress bar, a log's prefix or colors may stand on the line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tunewell.errors import ReportError
from tunewell.logs.names import EPOCH, STEP, says_split
from tunewell.logs.rows import Row

_MOST_OBJECTS = 16
"""Of a line; where more braces open than that, it is no report."""
_MOST_REWRITTEN = 1 << 16
"""Characters of a line that is no JSON, and might be in what another language writes."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()].|[@-Z\\^_])|[\ufeff\0]")
"""Colors and other sequences for a terminal, and byte order marks."""
_TOKEN = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[-+.\w](?:[-+.\w#]|\(\w+\))*""")
_WORDS = {
    **dict.fromkeys(("null", "none", "nil", "na", "undefined"), "null"),
    **dict.fromkeys(("nan(ind)", "-nan(ind)", "nan(snan)", "-nan(snan)", "1.#ind", "-1.#ind", "1.#qnan"), "NaN"),
    "1.#inf": "Infinity",
    "-1.#inf": "-Infinity",
    "true": "true",
    "false": "false",
}
"""How languages write what JSON writes otherwise, or cannot."""
_OF_SPLIT = ("split", "phase", "mode", "stage", "set", "subset", "dataset", "partition", "type", "kind", "event")
"""Names of what says on which rows the numbers beside it were measured."""
_DECODER = json.JSONDecoder(parse_int=float)  # a whole number may be longer than a float can hold: that is infinity


def json_objects(line: bytes, metric: str | None = None) -> list[Mapping[str, object]]:
    """Return the JSON objects with which a line begins or ends; [] if those are but a part of what it says.

    Raises:
        ReportError: the line is to be an object with the metric, and cannot be read.
    """
    text = rest = _ESCAPES.sub("", line.decode(errors="replace")).strip()
    found: list[Mapping[str, object]] = []
    begins = ends = False
    for _ in range(_MOST_OBJECTS):
        begin = rest.find("{")
        if begin < 0:
            break
        entries, rest = _first_object(rest[begin:])
        if entries is not None:
            begins = begins or (not found and begin == 0)
            found.append(entries)
            ends = not rest.strip()
        elif (
            metric is not None
            and begin == 0
            and not found
            and re.match(rf"""\{{.*["']{re.escape(metric)}["'].*\}}$""", text)
        ):
            # the line is quoted first: errors that end with the same line are one error
            raise ReportError(
                f"the program printed {text[:200]}\n"
                f'which has {metric!r} and is no JSON; print an epoch as {{"{metric}": 0.31}}'
            )
    # where no metric is known, what a sentence ends with may be anything
    return found if begins or (ends and metric is not None) else []


def numbers_of(entries: Mapping[str, object], metric: str | None = None) -> dict[str, float]:
    """Return the numbers of an object. An epoch is counted, not believed.

    Raises:
        ReportError: the metric is no number.
    """
    numbers = {}
    for name, value in entries.items():
        if name == "epoch" or "\ufffd" in name:  # the latter is no text
            continue
        number = _number(value, of_metric=name == metric)
        if number is not None:
            numbers[name] = number
        elif name == metric:
            got = f"a {type(value).__name__}" if isinstance(value, list | dict) else repr(value)
            raise ReportError(f"metric {name!r} must be a number, got {got}; reduce it first (mean, item)")
    return numbers


def row_of(document: object) -> Row:
    """Return the numbers of an object, of those within it as well, with the epoch and the step that it says.

    An entry that is a word for a split, such as `{"split": "val"}`, says it of all numbers.
    """
    entries = flat(document)
    split = split_in(entries)
    values = {
        f"{split}_{name}" if split and not says_split(name) and name.lower() not in (*EPOCH, *STEP) else name: number
        for name, value in entries.items()
        if (number := number_of(value)) is not None
    }
    place = first_of(values, EPOCH), first_of(values, STEP)
    return Row({name: value for name, value in values.items() if name.lower() not in (*EPOCH, *STEP)}, *place)


def split_in(entries: Mapping[str, object]) -> str:
    """Return the split that an entry of a record names; "" if none does."""
    return next(
        (
            value
            for name, value in entries.items()
            if name.lower() in _OF_SPLIT and isinstance(value, str) and says_split(value)
        ),
        "",
    )


def flat(document: object, prefix: str = "") -> dict[str, Any]:
    """Return `{"train": {"loss": 2.3}}` as `{"train/loss": 2.3}`; {} of what is no object."""
    if not isinstance(document, Mapping):
        return {}
    found: dict[str, Any] = {}
    for key, value in document.items():
        found |= flat(value, f"{prefix}{key}/") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def number_of(value: object) -> float | None:
    """Return a number; NaN for null, which is one that was not finite; None for what is none."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def first_of(values: Mapping[str, float], names: Sequence[str]) -> float:
    """Return the number under any of the names; NaN if there is none."""
    return next((value for name, value in values.items() if name.lower() in names), math.nan)


def is_begun(line: bytes) -> bool:
    """Return True if a line that was cut off would have become a report."""
    text = line.decode(errors="replace")
    return text.rfind("{") > text.rfind("}") and re.search(r"""\{\s*["']|^\{$""", text) is not None


def _first_object(text: str) -> tuple[Mapping[str, object] | None, str]:
    """Return the object that a text begins with, None if there is none, and what is left to look at."""
    try:
        with suppress(ValueError):
            entries, end = _DECODER.raw_decode(text)
            return entries, text[end:]
        if len(text) < _MOST_REWRITTEN:
            text = _TOKEN.sub(_as_json, text)
            entries, end = _DECODER.raw_decode(text)
            return entries, text[end:]
    except ValueError:
        pass
    except RecursionError:
        return None, ""
    return None, text[1:]


def _as_json(found: re.Match[str]) -> str:
    """Return a string, number or word of another language as JSON writes it."""
    token = found[0]
    if token.startswith('"'):
        return token
    if token.startswith("'"):
        return json.dumps(token[1:-1].replace("\\'", "'"))
    with suppress(ValueError):
        return json.dumps(float(token))
    return _WORDS.get(token.lower(), token)


def _number(value: object, *, of_metric: bool) -> float | None:
    """Return what a value is as a number; None if it is none."""
    if isinstance(value, float):
        return value
    if value is None:
        return math.nan
    if not isinstance(value, str):
        return None
    if of_metric and value.lower() in _WORDS:
        value = _WORDS[value.lower()].replace("null", "nan")
    try:
        number = float(value)
    except ValueError:
        return None
    # of other names, "7" may be a label
    return number if of_metric or not math.isfinite(number) else None


def same(one: float, other: float) -> bool:
    """Return True for equal numbers, and for two that are none."""
    return one == other or (math.isnan(one) and math.isnan(other))


def plainly(value: object) -> str:
    """Return a value as text, a whole number without its point."""
    return f"{value:g}" if isinstance(value, float) else str(value)
