"""Results that are short enough for a language model: compact JSON, cut by rules, long lists in parts.

Tokens are counted as characters / 4, rounded up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.errors import SettingError

MOST_TOKENS = 1500
"""Of an answer."""
_CHARACTERS_A_TOKEN = 4
_ROOM = 1000  # characters that are left to what stands around a list
_DIGITS = 5
_CUTS = ((200, 40, 200), (120, 25, 60), (60, 12, 25), (40, 6, 10), (20, 3, 4))  # text, mapping, list: ever shorter


def tokens(text: str) -> int:
    """Return how many tokens a text is counted as."""
    return math.ceil(len(text) / _CHARACTERS_A_TOKEN)


def answer(data: Mapping[str, Any]) -> str:
    """Return data as JSON of at most `MOST_TOKENS`: what is too long is cut, and says so."""
    for cut in _CUTS:
        text = _json(_cut(data, *cut))
        if tokens(text) <= MOST_TOKENS:
            break
        data = {**data, "cut": "too long, and shortened; ask for less at a time"}
    return text


def part(rows: Sequence[Mapping[str, Any]], cursor: str | None, most: int) -> dict[str, Any]:
    """Return the rows from a cursor on that fit into an answer, and the cursor of the next.

    Raises:
        SettingError: the cursor is none.
    """
    begin = _offset(cursor)
    found: list[Mapping[str, Any]] = []
    room = MOST_TOKENS * _CHARACTERS_A_TOKEN - _ROOM
    for row in rows[begin : begin + most]:
        cut = _cut(row, *_CUTS[1])
        room -= len(_json(cut)) + 1
        if found and room < 0:
            break
        found.append(cut)
    end = begin + len(found)
    return {"rows": found, "of": len(rows), "next_cursor": str(end) if found and end < len(rows) else None}


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 9):
        raise SettingError("cursor must be the next_cursor of an answer; leave it out to begin anew")
    return int(cursor)


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=True, separators=(",", ":"), default=str)


def _cut(value: Any, text: int, names: int, items: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= text else value[: text - 3] + "..."
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        kept = {str(name)[:text]: _cut(one, text, names, items) for name, one in list(value.items())[:names]}
        return kept | ({"...": f"{len(value) - names} more"} if len(value) > names else {})
    if isinstance(value, list | tuple):
        found = [_cut(one, text, names, items) for one in value[:items]]
        return [*found, f"... {len(value) - items} more"] if len(value) > items else found
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**18:
        return "a very large number"
    return value
